"""The contract of every robot, simulated: MuJoCo and Pinocchio mean the same machine."""

from __future__ import annotations

import mujoco
import numpy as np

from contracts.base import Check, hold
from envs.model import BASE_JOINT, BASE_MODES, FLOOR, robot_model
from motion.transform import Array, Transform, so3_exp
from robots.kinematics import Kinematics
from robots.robot import Robot

POSTURES_N = 5
SUNK_M, LIFTED_M = 0.002, 0.004
SAG_RAD, STILL_RADPS = 0.25, 0.05


def masses_agree(robot: Robot) -> None:
    """Of the whole robot, on every base but its own feet."""
    mass_kg = Kinematics(robot).mass_kg
    for base in (mode for mode in BASE_MODES if mode != "wbc"):  # that one is for robots whose legs were locked
        simulated = float(robot_model(robot, base).model.body_mass.sum())  # type: ignore[arg-type]
        hold(abs(simulated - mass_kg) <= 1e-6 * mass_kg, f"{simulated:.4f} kg in MuJoCo, {mass_kg:.4f} kg in Pinocchio")


def joints_and_controls_are_in_the_robots_order(robot: Robot) -> None:
    """Names, effort limits and ranges of the motors are the robot's own."""
    model = robot_model(robot).model
    moving = [name for index in range(model.njnt) if (name := model.joint(index).name) not in {BASE_JOINT, *robot.mimic}]
    hold(moving == list(robot.joint_names), f"MuJoCo's joints are {moving}")
    motors = [model.actuator(index).name for index in range(model.nu)]
    hold(motors == list(robot.joint_names), f"MuJoCo's motors are {motors}")
    strong = np.isfinite(robot.effort_nm)
    hold(bool(np.allclose(model.actuator_forcerange[strong, 1], robot.effort_nm[strong])), "the motors' effort limits differ")
    limited = model.actuator_ctrllimited.astype(bool)
    wanted = np.stack([robot.lower_rad, robot.upper_rad], 1)[limited]
    hold(bool(np.allclose(model.actuator_ctrlrange[limited], wanted)), "the motors' ranges differ")


def postures(robot: Robot, rng: np.random.Generator) -> Array:
    """(N, J) postures within the limits."""
    low, high = (np.where(np.isfinite(limit), limit, end) for limit, end in ((robot.lower_rad, -3.0), (robot.upper_rad, 3.0)))
    return rng.uniform(low, high, (POSTURES_N, len(low)))


def every_link_and_landmark_is_where_pinocchio_says(robot: Robot) -> None:
    """Random postures, mimic joints among them, on a base anywhere."""
    rng, kinematics, model = np.random.default_rng(1), Kinematics(robot), robot_model(robot)
    q, pose = postures(robot, rng), Transform(rng.normal(size=(POSTURES_N, 3)), so3_exp(rng.normal(size=(POSTURES_N, 3))))
    pose = pose if robot.floating else Transform.identity(POSTURES_N)
    links = [link for link in kinematics.frames if mujoco.mj_name2id(model.model, mujoco.mjtObj.mjOBJ_BODY, link) > 0]
    hold(len(links) > len(robot.joint_names), f"MuJoCo knows {len(links)} links for {len(robot.joint_names)} joints")
    wanted, marks = kinematics.frame_poses(links, q, pose), kinematics.landmark_positions(q, pose)
    data = mujoco.MjData(model.model)
    bodies = [model.model.body(link).id for link in links]
    for row, qpos in enumerate(model.qpos(q, pose)):
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model.model, data)
        off = np.linalg.norm(data.xpos[bodies] - wanted.position_m[row], axis=1)
        hold(bool(off.max() < 1e-6), f"{links[int(off.argmax())]} is {off.max():.2g} m off")
        turned = np.abs(data.xmat[bodies].reshape(-1, 3, 3) - wanted.rotation()[row]).max((1, 2))
        hold(bool(turned.max() < 1e-6), f"{links[int(turned.argmax())]} is turned otherwise")
        hold(bool(np.allclose(data.site_xpos[model.landmark_sites], marks[row], atol=1e-6)), "landmarks differ")


def gravity_torques_agree(robot: Robot) -> None:
    """Of random postures, held still."""
    model, q = robot_model(robot, "fixed"), postures(robot, np.random.default_rng(2))
    still = np.zeros_like(q)
    wanted = Kinematics(robot).inverse_dynamics(q, still, still)
    data = mujoco.MjData(model.model)
    lift = np.array([model.qvel(unit)[0] for unit in np.eye(len(robot.joint_names))])
    for row, qpos in enumerate(model.qpos(q, model.fixed_pose())):
        data.qpos[:] = qpos
        mujoco.mj_forward(model.model, data)
        off = np.abs(lift @ data.qfrc_bias - wanted[row])
        bound = 1e-6 * np.abs(wanted).max() + 1e-9
        hold(bool(off.max() <= bound), f"{robot.joint_names[int(off.argmax())]}: {off.max():.2g} Nm between MuJoCo and Pinocchio")


def standing_at_ease_touches_the_floor_with_the_soles_and_nothing_else(robot: Robot) -> None:
    """The soles, by at most 2 mm; they do once the robot is 4 mm lower; and no link touches another."""
    model = robot_model(robot)
    data = mujoco.MjData(model.model)
    data.qpos[:] = model.qpos(robot.rest_rad, model.fixed_pose())[0]
    mujoco.mj_forward(model.model, data)
    floor, soles = model.model.geom(FLOOR).id, {sole.frame for sole in robot.soles.values()}
    for contact in data.contact:
        names = " and ".join(model.model.body(model.model.geom_bodyid[geom]).name for geom in contact.geom)
        hold(floor in contact.geom, f"{names} touch")
        foot = model.model.geom_bodyid[max(contact.geom)]
        on_sole = any(model.model.body_weldid[foot] == model.model.body_weldid[model.model.body(sole).id] for sole in soles)
        hold(on_sole, f"{names} touch: no sole of robot.yaml is there")
        hold(contact.dist > -SUNK_M, f"{names}: {-1e3 * contact.dist:.1f} mm deep in the floor")
    hold(data.sensordata[model.model.sensor("self_contact").adr[0]] == 0, "links touch each other")
    if soles:
        data.qpos[2] -= LIFTED_M
        mujoco.mj_forward(model.model, data)
        hold(data.ncon > 0, f"the soles are more than {1e3 * LIFTED_M:.0f} mm above the floor")


def it_holds_its_rest_posture_for_a_second(robot: Robot) -> None:
    """Nothing blows up, sags away, or is pushed apart by shapes that overlap."""
    model = robot_model(robot, "fixed")
    data = mujoco.MjData(model.model)
    data.qpos[:] = model.qpos(robot.rest_rad, model.fixed_pose())[0]
    data.ctrl[:] = robot.rest_rad
    mujoco.mj_step(model.model, data, nstep=500)
    sag = np.abs(data.qpos[model.joint_qpos] - robot.rest_rad)
    worst = int(sag.argmax())
    hold(bool(sag.max() < SAG_RAD), f"{robot.joint_names[worst]} sags by {sag[worst]:.2f} rad")
    speed = np.abs(data.qvel)
    hold(bool(speed.max() < STILL_RADPS), f"after a second something still moves at {speed.max():.2f} rad/s")
    for joint, rule in robot.mimic.items():
        off = abs(float(data.joint(joint).qpos[0] - rule.multiplier * data.joint(rule.of).qpos[0] - rule.offset))
        hold(off < 0.005, f"{joint} does not follow {rule.of}: {off:.3f} rad off")


_REPORT, _INERTIA = "please report it, with the URDF", "a link's mass or inertia in the URDF is none that MuJoCo takes"
CHECKS: tuple[Check[Robot], ...] = (
    Check("masses agree", masses_agree, _INERTIA),
    Check("joints and controls are in the robot's order", joints_and_controls_are_in_the_robots_order, _REPORT),
    Check("every link and landmark is where Pinocchio says", every_link_and_landmark_is_where_pinocchio_says, _REPORT),
    Check("gravity torques agree", gravity_torques_agree, _INERTIA),
    Check(
        "the soles touch the floor, and nothing else touches",
        standing_at_ease_touches_the_floor_with_the_soles_and_nothing_else,
        "`soles:` at the height of the collision shapes' lowest points; `rest_rad:`; `no_collision:`",
    ),
    Check(
        "it holds its rest posture for a second",
        it_holds_its_rest_posture_for_a_second,
        "`motors:`, or `effort_nm:` where the URDF states placeholders",
    ),
)
