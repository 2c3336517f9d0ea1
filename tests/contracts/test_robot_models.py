"""The contract of every robot, simulated: MuJoCo and Pinocchio mean the same machine."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from envs.model import BASE_JOINT, BASE_MODES, FLOOR, robot_model
from motion.transform import Array, Transform, so3_exp
from robots import catalogue, load_robot
from robots.kinematics import Kinematics
from robots.robot import Robot

ROBOTS = tuple(catalogue())
POSTURES = 5


def postures(robot: Robot, rng: np.random.Generator) -> Array:
    low, high = (np.where(np.isfinite(limit), limit, end) for limit, end in ((robot.lower_rad, -3.0), (robot.upper_rad, 3.0)))
    return rng.uniform(low, high, (POSTURES, len(low)))


def bases(rng: np.random.Generator) -> Transform:
    return Transform(rng.normal(size=(POSTURES, 3)), so3_exp(rng.normal(size=(POSTURES, 3))))


@pytest.mark.parametrize("name", ROBOTS)
def test_masses_agree(name: str) -> None:
    robot = load_robot(name)
    mass_kg = Kinematics(robot).mass_kg
    for base in BASE_MODES:
        assert robot_model(robot, base).model.body_mass.sum() == pytest.approx(mass_kg, rel=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ROBOTS)
def test_joints_and_controls_are_in_the_robots_order(name: str) -> None:
    robot = load_robot(name)
    model = robot_model(robot).model
    moving = [model.joint(index).name for index in range(model.njnt)]
    assert [joint for joint in moving if joint not in {BASE_JOINT, *robot.mimic}] == list(robot.joint_names)
    assert [model.actuator(index).name for index in range(model.nu)] == list(robot.joint_names)
    np.testing.assert_allclose(model.actuator_forcerange[:, 1], robot.effort_nm)
    limited = model.actuator_ctrllimited.astype(bool)
    np.testing.assert_allclose(model.actuator_ctrlrange[limited], np.stack([robot.lower_rad, robot.upper_rad], 1)[limited])


@pytest.mark.parametrize("name", ROBOTS)
def test_every_link_and_landmark_is_where_pinocchio_says(name: str) -> None:
    """Random postures, mimic joints among them, on a base anywhere."""
    robot, rng = load_robot(name), np.random.default_rng(1)
    kinematics, model = Kinematics(robot), robot_model(robot)
    q, pose = postures(robot, rng), bases(rng)
    links = [link for link in kinematics.frames if mujoco.mj_name2id(model.model, mujoco.mjtObj.mjOBJ_BODY, link) > 0]
    assert len(links) > len(robot.joint_names)
    wanted, marks = kinematics.frame_poses(links, q, pose), kinematics.landmark_positions(q, pose)
    data = mujoco.MjData(model.model)
    for row, qpos in enumerate(model.qpos(q, pose)):
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model.model, data)
        bodies = [model.model.body(link).id for link in links]
        np.testing.assert_allclose(data.xpos[bodies], wanted.position_m[row], atol=1e-6)
        np.testing.assert_allclose(data.xmat[bodies].reshape(-1, 3, 3), wanted.rotation()[row], atol=1e-6)
        np.testing.assert_allclose(data.site_xpos[model.landmark_sites], marks[row], atol=1e-6)


@pytest.mark.parametrize("name", ROBOTS)
def test_gravity_torques_agree(name: str) -> None:
    robot, rng = load_robot(name), np.random.default_rng(2)
    model, q, still = robot_model(robot, "fixed"), postures(robot, rng), np.zeros((POSTURES, len(robot.joint_names)))
    wanted = Kinematics(robot).inverse_dynamics(q, still, still)
    data = mujoco.MjData(model.model)
    lift = np.array([model.qvel(unit)[0] for unit in np.eye(len(robot.joint_names))])
    for row, qpos in enumerate(model.qpos(q, model.fixed_pose())):
        data.qpos[:] = qpos
        mujoco.mj_forward(model.model, data)
        np.testing.assert_allclose(lift @ data.qfrc_bias, wanted[row], atol=1e-6 * np.abs(wanted).max() + 1e-9)


@pytest.mark.parametrize("name", ROBOTS)
def test_standing_at_ease_touches_the_floor_with_the_soles_and_nothing_else(name: str) -> None:
    robot = load_robot(name)
    model = robot_model(robot)
    data = mujoco.MjData(model.model)
    data.qpos[:] = model.qpos(robot.rest_rad, model.fixed_pose())[0]
    mujoco.mj_forward(model.model, data)
    floor, soles = model.model.geom(FLOOR).id, {sole.frame for sole in robot.soles.values()}
    for contact in data.contact:
        assert floor in contact.geom, [model.model.body(model.model.geom_bodyid[geom]).name for geom in contact.geom]
        foot = model.model.geom_bodyid[max(contact.geom)]
        assert any(model.model.body_weldid[foot] == model.model.body_weldid[model.model.body(sole).id] for sole in soles)
        assert contact.dist > -0.002
    assert data.sensordata[model.model.sensor("self_contact").adr[0]] == 0
    if soles:
        data.qpos[2] -= 0.004
        mujoco.mj_forward(model.model, data)
        assert data.ncon > 0, "the soles are more than 4 mm above the floor"


@pytest.mark.parametrize("name", ROBOTS)
def test_it_holds_its_rest_posture_for_a_second(name: str) -> None:
    """Nothing blows up, sags away, or is pushed apart by shapes that overlap."""
    robot = load_robot(name)
    model = robot_model(robot, "fixed")
    data = mujoco.MjData(model.model)
    data.qpos[:] = model.qpos(robot.rest_rad, model.fixed_pose())[0]
    data.ctrl[:] = robot.rest_rad
    mujoco.mj_step(model.model, data, nstep=500)
    sag = np.abs(data.qpos[model.joint_qpos] - robot.rest_rad)
    assert sag.max() < 0.25, robot.joint_names[int(sag.argmax())]
    assert np.abs(data.qvel).max() < 0.05
    follow = [
        data.joint(joint).qpos[0] - rule.multiplier * data.joint(rule.of).qpos[0] - rule.offset for joint, rule in robot.mimic.items()
    ]
    assert np.abs(follow).max(initial=0.0) < 0.005
