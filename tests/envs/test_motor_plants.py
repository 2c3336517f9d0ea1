"""Motors in plants: what speed costs and what a rotor weighs, as the simulation computes it."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from envs.model import RobotModel, robot_model
from envs.plant_draws import draw
from envs.plants import Change, Plant
from envs.simulation import Simulation
from motion.transform import Array
from robots.robot import Robot

SPEED_RADPS, STEP_RAD = 0.5, 0.1


@pytest.fixture(scope="module")
def model(g1: Robot) -> RobotModel:
    return robot_model(g1, "fixed")


def turning(model: RobotModel, *changes: Change) -> tuple[Array, Array, Array]:
    """Motor torque (J,), friction (J,) and inertia (J, J) of all joints, each asked to go 0.1 rad on and turning at 0.5 rad/s."""
    simulation, slot, robot = Simulation(model, 1), np.array([0]), model.robot
    simulation.set_models(slot, [draw(Plant("own", changes), model, np.random.default_rng(0))])
    own = simulation.model_of(0)
    data = mujoco.MjData(own)
    data.qpos[:] = model.qpos(robot.rest_rad, model.fixed_pose())
    data.qvel[model.joint_dof] = SPEED_RADPS
    data.ctrl[: len(robot.rest_rad)] = robot.rest_rad + STEP_RAD
    mujoco.mj_forward(own, data)
    inertia = np.zeros((own.nv, own.nv))
    for row, one in zip(inertia, np.eye(own.nv), strict=True):
        mujoco.mj_mulM(own, data, row, one)
    dof = model.joint_dof
    return data.qfrc_actuator[dof].copy(), data.qfrc_passive[dof].copy(), inertia[np.ix_(dof, dof)]


def test_gains_are_what_the_motors_pull_with(model: RobotModel) -> None:
    """Torque = kp * 0.1 - kd * 0.5 within the limits; half of kp and twice of kd in the plant."""
    robot = model.robot
    for kp, kd in ((1.0, 1.0), (0.5, 2.0)):
        torque, _, _ = turning(model, Change("kp", ranges=(kp, kp)), Change("kd", ranges=(kd, kd)))
        wanted = kp * robot.kp * STEP_RAD - kd * robot.kd * SPEED_RADPS
        np.testing.assert_allclose(torque, np.clip(wanted, -robot.effort_nm, robot.effort_nm), rtol=1e-6)


def test_viscous_friction_is_a_share_of_kd(model: RobotModel) -> None:
    _, plain, _ = turning(model)
    _, sticky, _ = turning(model, Change("joint_damping", ranges=(0.3, 0.3), operation="set"))
    np.testing.assert_allclose(sticky - plain, -0.3 * model.robot.kd * SPEED_RADPS, rtol=1e-6)


def test_a_rotors_inertia_stands_on_the_diagonal(model: RobotModel) -> None:
    (_, _, plain), (_, _, heavy) = turning(model), turning(model, Change("armature", ranges=(3.0, 3.0)))
    assert (model.robot.armature > 0).all()
    np.testing.assert_allclose(heavy - plain, np.diag(2.0 * model.robot.armature), atol=1e-9)
