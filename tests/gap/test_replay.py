"""A log is carried out again: nothing differs in the plant that it came from, and what differs elsewhere is what was changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.model import RobotModel, robot_model
from envs.open_loop import Orders, carry_out
from envs.plant_draws import PlantDraw, nominal_draw
from envs.table import TableTop
from gap.diagnosis import together
from gap.logs import RobotLog
from gap.replay import Conditions, held, recorded, replayed, smoothed_speed, stretches
from motion.errors import MotionError, UnknownNameError
from motion.transform import Array
from robots.kinematics import Kinematics
from tests.robots.made_arm import made_arm

STEP_S, PERIOD_S, DURATION_S = 0.002, 0.02, 6.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RobotModel:
    return robot_model(made_arm(tmp_path_factory.mktemp("arm")), "fixed")


def commands(time_s: Array) -> Array:
    return np.column_stack([0.5 * np.sin(1.7 * time_s), 0.4 + 0.4 * np.sin(2.3 * time_s)])


def log_of(
    model: RobotModel,
    plant: PlantDraw,
    delay_s: float = 0.0,
    name: str = "made",
    duration_s: float = DURATION_S,
    table: TableTop | None = None,
) -> RobotLog:
    """What the arm would record in a plant, with commands at 50 Hz that stand until the next."""
    time_s = np.arange(0, duration_s, PERIOD_S)
    edges_s = STEP_S * np.arange(len(time_s) * 10 + 1)
    command = held(time_s, commands(time_s), edges_s - delay_s)
    orders = Orders(commands(time_s[:1]), np.zeros((1, 2)), command[None])
    carried = carry_out(model, [plant], orders, 10, tables=[table])
    position, velocity = (track[0, 0, :-1] for track in (carried.position_rad, carried.velocity_radps))
    return RobotLog(name, model.robot.joint_names, time_s, position, commands(time_s), velocity)


def test_nothing_differs_in_the_plant_that_it_came_from(model: RobotModel) -> None:
    plant = replace(nominal_draw(model), kp=np.array([15.0, 9.0]), friction_nm=np.array([0.2, 0.1]))
    for delay_s in (0.0, 0.0137, 0.06):
        own = recorded(log_of(model, plant, delay_s), model)
        found = replayed(model, [Conditions(made, delay_s) for made in (plant, nominal_draw(model))], stretches([own]))
        assert np.abs(found.error_rad[0]).max() < 0.004  # the start's speed is read off positions
        assert np.abs(found.error_rad[0, 0, 50:]).max() < 1e-3
        assert np.abs(found.error_rad[1]).max() > 0.05
        late = replayed(model, [Conditions(plant, delay_s + 0.02)], stretches([own]))
        assert np.abs(late.error_rad[0, 0, 50:]).max() > 0.008


def test_a_plants_own_delay_counts_where_none_is_given(model: RobotModel) -> None:
    plant = replace(nominal_draw(model), delay_steps=15)
    own = recorded(log_of(model, plant, 0.03), model)
    assert np.abs(replayed(model, [Conditions(plant)], stretches([own])).error_rad[0, 0, 50:]).max() < 1e-3


def test_stretches_begin_where_the_robot_was(model: RobotModel) -> None:
    own = recorded(log_of(model, nominal_draw(model)), model)
    chosen = stretches([own], 1.0, 0.5)
    assert [(one.begin, one.end) for one in chosen] == [(begin, begin + 50) for begin in range(0, 250, 25)]
    found = replayed(model, [Conditions(nominal_draw(model))], chosen)
    assert found.simulated.shape == (1, 10, 51, 2)
    assert found.torque_nm.shape == (1, 10, 50, 2)
    np.testing.assert_array_equal(found.measured[3], own.even.position_rad[75:126])
    np.testing.assert_array_equal(found.simulated[0, :, 0], found.measured[:, 0])


def test_only_where_motors_were_on_and_positions_known(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    driven, position = np.arange(len(log)) >= 100, log.position_rad.copy()
    position[220:225, 1] = np.nan
    own = recorded(replace(log, driven=driven, position_rad=position), model)
    assert [(one.begin, one.end) for one in stretches([own], 1.0)] == [(100, 150), (134, 184), (169, 219), (225, 275), (249, 299)]
    assert [(one.begin, one.end) for one in stretches([own])] == [(100, 219)]
    assert [(one.begin, one.end) for one in stretches([own], 5.0, 0.2)] == [(100, 219)]
    off = recorded(replace(log, driven=np.zeros(len(log), bool)), model)
    with pytest.raises(MotionError, match="nowhere were motors on and positions and commands known in made"):
        stretches([off], 1.0)


def test_a_command_that_came_late_costs_the_moments_before_it(model: RobotModel) -> None:
    """Nothing of them is compared; what follows is as if it had begun there."""
    log = log_of(model, replace(nominal_draw(model), kp=np.array([15.0, 9.0])))
    assert log.command_rad is not None
    late = log.command_rad.copy()
    late[:25] = np.nan
    late[25:40, 0] = np.nan
    own = recorded(replace(log, command_rad=late), model)
    assert own.known.tolist() == [False] * 40 + [True] * 260
    found = replayed(model, [Conditions(nominal_draw(model), 0.1)], stretches([own]))
    assert np.isfinite(found.simulated).all()
    assert np.abs(found.error_rad).max() > 0.05
    before = held(own.log.time_s, late, np.array([0.0, 0.1]))[0]
    np.testing.assert_allclose(before, log.command_rad[[40, 25], [0, 1]])


def test_a_command_that_is_missing_stands_as_the_last_one(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    assert log.command_rad is not None
    stands, missing = log.command_rad.copy(), log.command_rad.copy()
    stands[100:110, 1], missing[100:110, 1] = stands[99, 1], np.nan
    own = recorded(replace(log, command_rad=missing), model)
    assert own.unsaid == pytest.approx(10 / 600)
    assert own.known.all()
    both = [recorded(replace(log, command_rad=stands), model), own]
    one, other = (replayed(model, [Conditions(nominal_draw(model))], stretches([each])).simulated for each in both)
    np.testing.assert_array_equal(one, other)


def test_rows_that_are_missing_are_cut_out(model: RobotModel) -> None:
    """Neither what was measured nor what was asked for is known there; one row that is missing is bridged."""
    log = log_of(model, nominal_draw(model))
    gone = np.isin(np.arange(len(log)), [30, *range(100, 150)])
    parts = {name: track[~gone] for name, track in log.tracks().items()}
    own = recorded(replace(log, time_s=log.time_s[~gone], **parts), model)  # type: ignore[arg-type]
    inside = (np.arange(300) >= 100) & (np.arange(300) < 150)
    np.testing.assert_array_equal(own.known, ~inside)
    assert own.even.command_rad is not None
    np.testing.assert_array_equal(np.isnan(own.even.command_rad), np.tile(inside[:, None], 2))
    assert [(one.begin, one.end) for one in stretches([own])] == [(150, 299)]


def test_joints_of_other_rates_are_compared(model: RobotModel) -> None:
    """The elbow is read half as often as the shoulder, at moments of its own: what differs is what lines between its readings leave."""
    log = log_of(model, nominal_draw(model))
    time_s = np.sort(np.r_[log.time_s, log.time_s[:-1:2] + 0.007])
    own_s = np.isin(time_s, log.time_s)
    dense = log.at(time_s)
    track = np.where(np.column_stack([own_s, ~own_s]), dense.position_rad, np.nan)
    mixed = replace(dense, position_rad=track, velocity_radps=None)
    assert mixed.period_s == pytest.approx(PERIOD_S)
    own = recorded(mixed, model)
    assert own.known.tolist() == [False] + [True] * (own.moments - 2) + [False]  # the elbow is read first and last
    found = replayed(model, [Conditions(nominal_draw(model))], stretches([own]))
    assert np.abs(found.error_rad).max() < 0.005


def test_a_joint_that_nobody_commanded_stays_where_it_was_and_is_not_compared(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    assert log.command_rad is not None
    told, there = log.command_rad.copy(), log.position_rad.copy()
    told[:, 1], there[:, 1] = np.nan, 1.2
    own = recorded(replace(log, command_rad=told, position_rad=there), model)
    assert own.still is not None
    assert own.still.joint_names == ("elbow",)
    found = replayed(model, [Conditions(nominal_draw(model))], stretches([own]))
    assert found.joint_names == ("shoulder",)
    assert np.isfinite(found.simulated).all()
    np.testing.assert_array_equal(own.postures(model, np.array([7])), [there[7]])
    alone = replayed(model, [Conditions(nominal_draw(model))], stretches([recorded(log.of_joints(["shoulder"]), model)]))
    assert np.abs(found.simulated - alone.simulated).max() > 0.01  # there the elbow hangs at rest
    with pytest.raises(MotionError, match="'made' holds no commands"):
        recorded(replace(log, command_rad=np.full_like(told, np.nan)), model)


def test_speeds_are_known_wherever_positions_are(model: RobotModel) -> None:
    """A reading that drops out spoils neither what comes before it nor what comes after."""
    position = commands(np.arange(0, 4, PERIOD_S))
    position[[3, 60, 61, 62, 80, 82], 1] = np.nan
    speed = smoothed_speed(position, PERIOD_S)
    lone = np.zeros(position.shape, bool)
    lone[81, 1] = True  # between two that are missing
    np.testing.assert_array_equal(np.isfinite(speed), np.isfinite(position) & ~lone)
    np.testing.assert_allclose(speed[63:80], np.gradient(commands(np.arange(0, 4, PERIOD_S)), PERIOD_S, axis=0)[63:80], atol=0.01)


def torque_log(model: RobotModel, by_torque: np.ndarray) -> RobotLog:
    """What the arm would record in thick oil whose joints `by_torque` (2,) are told torques alone, the others positions as before."""
    time_s = np.arange(0, DURATION_S, PERIOD_S)
    edges_s = STEP_S * np.arange(len(time_s) * 10 + 1)
    torque = np.where(by_torque, np.column_stack([2 * np.sin(1.3 * time_s), np.cos(2.1 * time_s)]), np.nan)
    told = np.where(by_torque, np.nan, commands(time_s))
    plant = replace(in_oil(model), kp=np.where(by_torque, 0.0, model.robot.kp), kd=np.where(by_torque, 0.0, model.robot.kd))
    heard = [held(time_s, np.nan_to_num(track), edges_s)[None] for track in (told, torque)]
    carried = carry_out(model, [plant], Orders(np.zeros((1, 2)), np.zeros((1, 2)), *heard), 10)
    position = carried.position_rad[0, 0, :-1]
    return RobotLog("pushed", model.robot.joint_names, time_s, position, told, command_torque_nm=torque)


def in_oil(model: RobotModel) -> PlantDraw:
    """The nominal plant with so much viscous friction that open loops do not run away."""
    return replace(nominal_draw(model), damping=np.full(2, 0.5))


@pytest.mark.parametrize("by_torque", [[True, True], [False, True]])
def test_joints_that_are_told_a_torque_alone_have_no_gains(model: RobotModel, by_torque: list[bool]) -> None:
    log = torque_log(model, np.array(by_torque))
    log = replace(log, command_rad=None) if all(by_torque) else log
    assert log.by_torque.tolist() == by_torque
    own = recorded(log, model)
    found = replayed(model, [Conditions(in_oil(model))], stretches([own]))
    assert np.abs(found.error_rad).max() < 0.03  # the start's speed is read off positions
    assert np.abs(found.error_rad[0, 0, 150:]).max() < 1e-3  # what is off there fades slowly where nothing holds the joint
    assert np.ptp(found.measured[..., 1]) > 0.3
    assert log.command_torque_nm is not None
    np.testing.assert_allclose(found.torque_nm[0, 0, :, 1], log.command_torque_nm[:-1, 1])


def test_logs_that_are_driven_in_other_ways_are_not_replayed_together(model: RobotModel) -> None:
    one, other = (recorded(torque_log(model, np.array(which)), model) for which in ([True, True], [False, True]))
    with pytest.raises(MotionError, match="other joints, or another period, or others of them are told a torque alone"):
        replayed(model, [Conditions(in_oil(model))], [*stretches([one]), *stretches([other])])
    chosen, others = together([one, other], 2.0)
    assert {stretch.recorded.log.name for stretch in chosen} == {"pushed"}
    assert others == (("pushed", "other joints are told a torque alone"),)


def test_velocities_alone_are_not_carried_out(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    log = replace(log, command_rad=None, command_velocity_radps=log.velocity_radps)
    assert log.by_velocity.all()
    with pytest.raises(MotionError, match="'made' holds velocities as its only commands, and these alone are not carried out"):
        recorded(log, model)


def test_joints_that_were_not_recorded_stay_at_rest(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model)).of_joints(["elbow"])
    found = replayed(model, [Conditions(nominal_draw(model))], stretches([recorded(log, model)]))
    assert found.joint_names == ("elbow",)
    assert found.simulated.shape[-1] == 1


def test_longer_stretches_are_cut_to_the_shortest(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    both = [recorded(log, model), recorded(replace(log.between(0, 3), name="half"), model)]
    found = replayed(model, [Conditions(nominal_draw(model))], stretches(both))
    assert [one.end for one in found.stretches] == [149, 149]


def test_what_cannot_be_carried_out_again(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    with pytest.raises(MotionError, match="'made' holds no commands"):
        recorded(replace(log, command_rad=None), model)
    with pytest.raises(UnknownNameError, match="unknown joint 'knee' in log 'made'; say which is which with read.joints="):
        recorded(replace(log, joint_names=("shoulder", "knee")), model)
    slow, fast = recorded(log, model, 0.04), recorded(replace(log, name="fast"), model)
    with pytest.raises(MotionError, match="'fast' cannot be carried out beside 'made': other joints, or another period"):
        replayed(model, [Conditions(nominal_draw(model))], [*stretches([slow]), *stretches([fast])])
    with pytest.raises(MotionError, match="not a multiple of the time step, 0.003 s"):
        replayed(model, [Conditions(replace(nominal_draw(model), timestep_s=0.003))], stretches([fast]))


def test_degrees_that_nobody_declares_are_far_beyond_the_joints(model: RobotModel) -> None:
    """Also small ones; whoever says that they are radians is believed."""
    log = log_of(model, nominal_draw(model))
    assert log.command_rad is not None
    degrees = replace(log, command_rad=np.degrees(0.2 * log.command_rad))
    said = r"the command of joint elbow reaches 9.* rad, beyond its limits of -3 to 3 rad. Which unit is it.*read.units=\{position: deg\}"
    with pytest.raises(MotionError, match=said):
        recorded(replace(degrees, guessed=frozenset({"position", "command"})), model)
    with pytest.raises(MotionError, match="units: rad, mrad, deg, turn. They may be shares."):
        recorded(replace(degrees, guessed=frozenset({"command"}), unit_hint="They may be shares."), model)
    assert recorded(replace(degrees, guessed=frozenset({"position"})), model).period_s == PERIOD_S


def test_commands_stand_until_the_next() -> None:
    time_s, track = np.array([0.0, 1.0, 3.0]), np.array([[1.0], [2.0], [5.0]])
    edges = np.array([-1.0, 0.0, 0.5, 1.5, 3.0, 4.0])
    np.testing.assert_allclose(held(time_s, track, edges)[:, 0], [1.0, 1.0, 1.5, 2.0, 5.0])


def test_velocity_targets_and_torques_are_carried_out_too(model: RobotModel) -> None:
    """A motor that damps the difference to a wanted speed, and is told a torque beside, follows with neither lag nor sag."""
    nominal = nominal_draw(model)
    time_s = np.arange(0, DURATION_S, PERIOD_S)
    wanted, speed = commands(time_s), np.gradient(commands(time_s), PERIOD_S, axis=0)
    push = np.gradient(speed, PERIOD_S, axis=0)
    robot = model.robot
    torque = Kinematics(robot).inverse_dynamics(wanted, speed, push) + robot.armature * push
    log = RobotLog("fed", robot.joint_names, time_s, wanted, wanted, command_velocity_radps=speed, command_torque_nm=torque)
    for plant in (nominal, replace(nominal, kp=0.3 * nominal.kp)):
        fed = replayed(model, [Conditions(plant)], stretches([recorded(log, model)])).error_rad[0, 0, 50:]
        bare = replace(log, command_velocity_radps=None, command_torque_nm=None)
        alone = replayed(model, [Conditions(plant)], stretches([recorded(bare, model)])).error_rad[0, 0, 50:]
        assert np.sqrt((fed**2).mean()) < 0.25 * np.sqrt((alone**2).mean())
