"""The simulated robot against arithmetic on paper."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from envs.model import GANTRY_SENSOR, RobotModel, robot_model
from motion.errors import RobotError, UnknownNameError
from robots import load_robot
from robots.kinematics import Kinematics
from robots.robot import Robot

URDF = """<robot name="pendulum"><mujoco><compiler meshdir="nowhere"/></mujoco>
  <link name="base"/>
  <link name="rod"><inertial><origin xyz="0 0 -0.5"/><mass value="2"/>
    <inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision name="same"><origin xyz="0 0 -0.5"/><geometry><sphere radius="0.05"/></geometry></collision></link>
  <link name="tip"><inertial><mass value="0.1"/><inertia ixx="1e-3" iyy="1e-3" izz="1e-3" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision name="same"><geometry><sphere radius="0.05"/></geometry></collision></link>
  <joint name="swing" type="continuous"><parent link="base"/><child link="rod"/><axis xyz="0 1 0"/>
    <dynamics damping="50" friction="50"/></joint>
  <joint name="twist" type="revolute"><parent link="rod"/><child link="tip"/><origin xyz="0 0 -1"/><axis xyz="0 0 1"/>
    <limit lower="-1" upper="1" velocity="3" effort="5"/></joint>
</robot>"""


@pytest.fixture
def pendulum(tmp_path: Path) -> Robot:
    (tmp_path / "p.urdf").write_text(URDF)
    (tmp_path / "robot.yaml").write_text("urdf: p.urdf\nmotors: [{joints: swing, kp: 100, kd: 10}, {joints: twist, kp: 5, kd: 0.5}]\n")
    return load_robot(tmp_path)


def settled(model: RobotModel, target: np.ndarray, steps: int = 3000) -> mujoco.MjData:
    data = mujoco.MjData(model.model)
    data.qpos[:] = model.qpos(target, model.fixed_pose())[0]
    data.ctrl[:] = target
    mujoco.mj_step(model.model, data, nstep=steps)
    return data


def test_a_pendulum_sags_by_its_weight_over_its_gain(pendulum: Robot) -> None:
    """At pi/2 the rod lies level: torque = 2 kg * 9.81 * 0.5 m + 0.1 kg * 9.81 * 1 m = 10.791 Nm, over 100 Nm/rad."""
    data = settled(robot_model(pendulum, "fixed"), np.array([np.pi / 2, 0.0]))
    sag = np.pi / 2 - data.qpos[0]
    assert sag == pytest.approx(10.791 * np.cos(sag) / 100, rel=1e-4)


def test_every_joint_of_a_robot_sags_by_its_gravity_torque_over_its_gain(g1: Robot) -> None:
    model = robot_model(g1, "fixed")
    target = g1.rest_rad.copy()
    target[g1.joint_index(["left_shoulder_roll_joint", "right_shoulder_roll_joint"])] += [0.5, -0.5]
    q = settled(model, target).qpos[model.joint_qpos]
    still = np.zeros((1, len(q)))
    gravity = Kinematics(g1).inverse_dynamics(q, still, still)[0]
    np.testing.assert_allclose(g1.kp * (target - q), gravity, atol=2e-3)
    assert np.abs(gravity).max() > 3


def test_the_gantry_carries_the_weight_and_says_so(g1: Robot) -> None:
    """33.34 kg hang in the air: 33.34 * 9.81 = 327.1 N, straight up."""
    model = robot_model(g1, "gantry", floor=False)
    force = settled(model, g1.rest_rad).sensor(GANTRY_SENSOR).data
    assert Kinematics(g1).mass_kg * 9.81 == pytest.approx(327.08, abs=0.01)
    assert np.linalg.norm(force) == pytest.approx(327.08, rel=1e-3)
    assert abs(force[2]) == pytest.approx(327.08, rel=1e-3)


def test_the_floor_takes_what_the_gantry_does_not(g1: Robot) -> None:
    model = robot_model(g1, "gantry")
    data = settled(model, g1.rest_rad)
    floor = np.zeros(3)
    for index, contact in enumerate(data.contact):
        wrench = np.zeros(6)
        mujoco.mj_contactForce(model.model, data, index, wrench)
        floor += contact.frame.reshape(3, 3).T @ wrench[:3]
    gantry = data.sensor(GANTRY_SENSOR).data[2]
    assert floor[2] > 20
    assert abs(gantry) + floor[2] == pytest.approx(327.08, rel=1e-3)


def test_robots_with_quirks_load(pendulum: Robot) -> None:
    """Vendor's compiler settings, passive dynamics, shapes of one name, a massless root, a joint without limits."""
    for base in ("fixed", "gantry"):
        model = robot_model(pendulum, base).model  # type: ignore[arg-type]
        assert (model.dof_damping == 0).all()
        assert (model.dof_frictionloss == 0).all()
        assert list(model.actuator_ctrllimited) == [0, 1]
        assert list(model.actuator_forcelimited) == [0, 1]


def test_a_model_is_made_once_and_named_modes_only(g1: Robot) -> None:
    assert robot_model(g1, "fixed") is robot_model(load_robot("g1"), "fixed")
    with pytest.raises(UnknownNameError, match="fixed, gantry"):
        robot_model(g1, "flying")  # type: ignore[arg-type]


def test_what_mujoco_refuses_is_said_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "p.urdf").write_text(URDF.replace('<sphere radius="0.05"/>', '<sphere radius="-1"/>'))
    (tmp_path / "robot.yaml").write_text("urdf: p.urdf\n")
    with pytest.raises(RobotError, match=r"p\.urdf: MuJoCo cannot"):
        robot_model(load_robot(tmp_path), "fixed")
