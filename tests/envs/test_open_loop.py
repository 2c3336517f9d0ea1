"""Commands that were written down are carried out as the stepped simulation would, in every plant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs import open_loop
from envs.model import RobotModel, robot_model
from envs.open_loop import Carried, Orders, carry_out
from envs.plant_draws import PlantDraw, nominal_draw
from envs.simulation import Drive, Simulation
from motion.errors import ShapeError
from robots import Robot
from robots.kinematics import Kinematics
from tests.robots.made_arm import made_arm

STEPS, EVERY = 200, 10


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RobotModel:
    return robot_model(made_arm(tmp_path_factory.mktemp("arm")), "fixed")


def orders(model: RobotModel, stretches: int = 3) -> Orders:
    """Waves from different starts."""
    time = np.arange(STEPS)[:, None] * model.model.opt.timestep
    starts = np.linspace(-0.5, 0.5, 2 * stretches).reshape(stretches, 2)
    waves = 0.4 * np.sin(4 * time + np.array([0.0, 1.0]))
    return Orders(starts, 0.1 * starts, starts[:, None] + waves)


def plants(model: RobotModel) -> list[PlantDraw]:
    nominal = nominal_draw(model)
    return [nominal, replace(nominal, kp=0.5 * nominal.kp), replace(nominal, friction_nm=np.full(2, 0.3), zero_rad=np.array([0.2, 0.0]))]


def assert_same(one: Carried, other: Carried) -> None:
    for name in Carried.__dataclass_fields__:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=1e-12, err_msg=name)


def test_as_stepped_one_by_one(model: RobotModel) -> None:
    own, told = plants(model), orders(model)
    found = carry_out(model, own, told, EVERY)
    for number, plant in enumerate(own):
        simulation, slots = Simulation(model, len(told.start_rad)), np.arange(len(told.start_rad))
        simulation.set_models(slots, [plant] * len(slots))
        simulation.reset(slots, model.qpos(told.start_rad, model.fixed_pose()), model.qvel(told.start_radps), told.start_rad)
        for moment in range(STEPS // EVERY):
            part = told.command_rad[:, moment * EVERY : (moment + 1) * EVERY]
            effort = simulation.advance(slots, Drive(part, np.zeros_like(told.start_rad), None))
            state = simulation.state(slots)
            np.testing.assert_allclose(found.position_rad[number, :, moment + 1], state.joint_position_rad, atol=1e-9)
            np.testing.assert_allclose(found.velocity_radps[number, :, moment + 1], state.joint_velocity_radps, atol=1e-7)
            np.testing.assert_allclose(found.torque_nm[number, :, moment], effort.torque_nm, atol=1e-6)


def test_side_by_side_as_alone(model: RobotModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the number of threads nor of plants at a time matters; every plant may hear its own commands."""
    own, told = plants(model), orders(model)
    together = carry_out(model, own, told, EVERY, threads=2)
    each = Orders(told.start_rad, told.start_radps, np.stack([told.command_rad] * len(own)), np.zeros((len(own), 3, STEPS, 2)))
    monkeypatch.setattr(open_loop, "_NUMBERS", 1)
    assert_same(carry_out(model, own, each, EVERY), together)
    for number, plant in enumerate(own):
        alone = carry_out(model, [plant], told, EVERY)
        np.testing.assert_array_equal(alone.position_rad[0], together.position_rad[number])


def test_at_rest_motors_carry_the_weight(model: RobotModel) -> None:
    robot, nominal = model.robot, nominal_draw(model)
    posture = np.array([[0.7, 0.4]])
    weight = Kinematics(robot).inverse_dynamics(posture, 0 * posture, 0 * posture)
    told = Orders(posture, 0 * posture, np.tile(posture + weight / nominal.kp, (1, 500, 1)))
    found = carry_out(model, [nominal], told, EVERY)
    np.testing.assert_allclose(found.position_rad[0, 0], np.tile(posture, (51, 1)), atol=1e-6)
    np.testing.assert_allclose(found.torque_nm[0, 0, -1], weight[0], atol=1e-4)
    pushed = carry_out(model, [replace(nominal, kp=np.full(2, 1e-9), kd=np.full(2, 1e-9))], replace_torque(told, weight), EVERY)
    np.testing.assert_allclose(pushed.position_rad[0, 0], np.tile(posture, (51, 1)), atol=1e-4)
    np.testing.assert_allclose(pushed.torque_nm[0, 0, -1], weight[0], atol=1e-6)


def replace_torque(told: Orders, torque: np.ndarray) -> Orders:
    return replace(told, torque_nm=np.broadcast_to(torque, told.command_rad.shape))


def test_what_breaks_down_is_nan_from_then_on(model: RobotModel) -> None:
    nominal, told = nominal_draw(model), orders(model)
    wild = replace_torque(told, np.zeros(2))
    assert wild.torque_nm is not None
    torque = wild.torque_nm.copy()
    torque[1, 100:] = 1e12
    found = carry_out(model, [nominal], replace(told, torque_nm=torque), EVERY)
    assert np.isnan(found.position_rad[0, 1, 12:]).all()
    assert np.isfinite(found.position_rad[0, [0, 2]]).all()
    assert np.isfinite(found.position_rad[0, 1, :10]).all()


def test_what_cannot_be_carried_out(model: RobotModel, g1: Robot) -> None:
    nominal, told = nominal_draw(model), orders(model)
    with pytest.raises(ShapeError, match="plants of one time step"):
        carry_out(model, [nominal, replace(nominal, timestep_s=0.001)], told, EVERY)
    with pytest.raises(ShapeError, match="200 physics steps cannot be told of every 7"):
        carry_out(model, [nominal], told, 7)
    hung = robot_model(g1, "gantry")
    with pytest.raises(ShapeError, match="fixed base, not 'gantry'"):
        carry_out(hung, [nominal_draw(hung)], told, EVERY)
