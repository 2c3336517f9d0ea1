"""Differences of a simulated run from a real one are what was put in."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from envs.model import RobotModel, robot_model
from envs.plant_draws import nominal_draw
from gap.differences import HORIZONS_S, RunGap, rmse_over_runs, run_gap
from gap.joint_differences import command_lags_s
from gap.log_report import gap_json
from gap.log_tables import gap_tables
from gap.logs import RobotLog
from gap.measured import measured
from gap.metrics import joint_lags_s
from gap.replay import Conditions, Replayed, recorded, replayed
from motion.errors import MotionError
from robots.kinematics import Kinematics
from tests.gap.test_replay import log_of
from tests.robots.made_arm import made_arm


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RobotModel:
    return robot_model(made_arm(tmp_path_factory.mktemp("arm")), "fixed")


@pytest.fixture(scope="module")
def same(model: RobotModel) -> RunGap:
    return run_gap(model, recorded(log_of(model, nominal_draw(model)), model), Conditions(nominal_draw(model)))


@pytest.fixture(scope="module")
def late(model: RobotModel) -> RunGap:
    return run_gap(model, recorded(log_of(model, nominal_draw(model), 0.06), model), Conditions(nominal_draw(model)))


@pytest.fixture(scope="module")
def long(model: RobotModel) -> RunGap:
    """A run of 16 s, 60 ms late."""
    return run_gap(model, recorded(log_of(model, nominal_draw(model), 0.06, duration_s=16.0), model), Conditions(nominal_draw(model)))


def test_nothing_differs_from_itself(same: RunGap) -> None:
    assert same.rmse_rad < 2e-3  # the start's speed is read off positions
    assert same.dtw_rad < 2e-3
    for own in same.joints:
        assert own.lag_real_s == pytest.approx(own.lag_sim_s, abs=5e-4)
        assert own.spectral < 0.02
        assert own.position_w1_rad < 2e-3
        assert own.velocity_w1_radps < 0.02
        assert math.isnan(own.torque_rmse_nm)
        assert math.isnan(own.energy_real_j)
    assert max(same.horizon_rmse_rad.values()) < 3e-3
    assert same.sparc_real == pytest.approx(same.sparc_sim, abs=0.1)


def test_numbers_have_intervals_about_them(long: RunGap) -> None:
    """Of what cannot be known there is none."""
    for own in long.joints:
        for name, (low, high) in own.ends.items():
            value = getattr(own, name)
            assert math.isnan(value) or math.isnan(low) or low <= value <= high, name
        for name in ("rmse_rad", "lag_real_s", "lag_sim_s", "velocity_rmse_radps"):
            assert math.isfinite(own.ends[name][0]), name
        assert math.isnan(own.ends["torque_rmse_nm"][0])
    for name, (low, high) in long.ends.items():
        assert low <= getattr(long, name) <= high, name
    for horizon_s, (low, high) in long.horizon_rmse_ends.items():
        assert low < long.horizon_rmse_rad[horizon_s] < high
    assert set(long.horizon_mpjpe_ends) == set(long.horizon_mpjpe_mm)


def test_runs_count_where_there_are_many_and_blocks_where_there_are_few(long: RunGap, model: RobotModel) -> None:
    few, many = rmse_over_runs([long, long]), rmse_over_runs([long] * 7)
    assert [few.value, many.value] == pytest.approx([long.rmse_rad] * 2)
    assert (few.n, many.n) == (12, 7)
    assert few.low < long.rmse_rad < few.high
    assert many.low == pytest.approx(many.high)  # seven runs that are the same
    short = recorded(log_of(model, nominal_draw(model), 0.06), model)
    one = run_gap(model, short, Conditions(nominal_draw(model)))
    assert all(math.isnan(own.ends["rmse_rad"][0]) for own in one.joints)
    assert not rmse_over_runs([one, long]).has_ends


def test_a_run_of_which_little_is_known_has_short_horizons(model: RobotModel) -> None:
    """Motors were on for less than the longest horizon."""
    log = log_of(model, nominal_draw(model))
    found = run_gap(model, recorded(replace(log, driven=log.time_s < 1.5), model), Conditions(nominal_draw(model)))
    assert max(found.horizon_rmse_rad) == 1.0


def test_a_delay_is_a_lag_and_little_else(same: RunGap, late: RunGap) -> None:
    for own in late.joints:
        assert own.lag_real_s - own.lag_sim_s == pytest.approx(0.06, abs=2e-3)
        assert own.rmse_rad > 0.03
        assert own.late_rmse_rad < 0.2 * own.rmse_rad
        assert own.spectral < 0.1
        assert own.position_w1_rad < 0.3 * own.rmse_rad
    assert late.dtw_rad < 0.3 * late.rmse_rad
    assert late.worst.rmse_rad == max(own.rmse_rad for own in late.joints)
    assert late.rmse_rad == pytest.approx(float(np.sqrt(np.mean((late.sim_rad - late.real_rad) ** 2))))


def test_horizons_begin_where_the_robot_was(model: RobotModel) -> None:
    """Softer gains show after a while; landmarks move as the kinematics say."""
    log = log_of(model, replace(nominal_draw(model), kp=0.4 * nominal_draw(model).kp))
    found = run_gap(model, recorded(log, model), Conditions(nominal_draw(model)))
    assert tuple(found.horizon_rmse_rad) == HORIZONS_S
    errors = list(found.horizon_rmse_rad.values())
    assert errors[0] < 0.2 * errors[-1]
    assert list(found.horizon_mpjpe_mm) == list(found.horizon_rmse_rad)
    kinematics = Kinematics(model.robot)
    pair = [kinematics.landmark_positions(track) for track in (found.real_rad, found.sim_rad)]
    whole_mm = 1000 * np.linalg.norm(pair[0] - pair[1], axis=-1).mean()
    assert found.horizon_mpjpe_mm[3.0] == pytest.approx(whole_mm, rel=0.5)


def test_horizons_are_told_as_long_as_they_are(model: RobotModel) -> None:
    """Moments of a log at 30 Hz are 34 ms apart in whole physics steps, at 5 Hz 200: then three horizons are one."""
    log = log_of(model, nominal_draw(model))
    for period_s, told in ((1 / 30, ["34 ms", "102 ms", "306 ms", "986 ms", "2992 ms"]), (0.2, ["200 ms", "1000 ms", "3000 ms"])):
        found = run_gap(model, recorded(log, model, period_s), Conditions(nominal_draw(model)))
        table = next(table for table in gap_tables([found]) if table.title == "After so long on its own")
        assert list(table.header[2:]) == told
        assert [f"{1000 * horizon_s:g} ms" for horizon_s in gap_json([found], None)["runs"][0]["horizon_rmse_rad"]] == told


def test_torques_and_energy(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    own = recorded(log, model)
    assert log.velocity_radps is not None
    torque = np.full_like(log.position_rad, 0.5) * np.sign(log.velocity_radps + 1e-12)
    for signed in (True, False):
        told = replace(log, torque_nm=torque if signed else np.abs(torque))
        found = run_gap(model, recorded(told, model), Conditions(nominal_draw(model)))
        assert found.unsigned_torque != signed
        work = np.abs(0.5 * own.speed_radps[1:]).sum(0) * own.period_s
        np.testing.assert_allclose([one.energy_real_j for one in found.joints], work, rtol=0.05)
        assert all(one.energy_sim_j > 0 and one.torque_rmse_nm > 0 for one in found.joints)


def test_torque_that_is_the_simulations_differs_by_nothing(model: RobotModel, same: RunGap) -> None:
    """A log of torques, made by the gains themselves, is met."""
    log = log_of(model, nominal_draw(model))
    assert log.command_rad is not None
    assert log.velocity_radps is not None
    robot = model.robot
    before = np.vstack([log.command_rad[:1], log.command_rad[:-1]])
    torque = robot.kp * (before - log.position_rad) - robot.kd * log.velocity_radps
    found = run_gap(model, recorded(replace(log, torque_nm=torque), model), Conditions(nominal_draw(model)))
    for own in found.joints:
        assert own.torque_rmse_nm < 0.25
    assert same.unsigned_torque is False


def test_a_lag_of_a_wave_is_not_known() -> None:
    """Which wave belongs to which, nobody can tell; and no joint comes long before its commands."""
    time_s = np.arange(0, 16, 0.01)

    def told(lag_s: float) -> np.ndarray:
        at = time_s - lag_s
        return np.stack([np.sin(2 * np.pi * at / 0.25), np.sin(2 * np.pi * at / 3), np.sin(3 * at) + np.sin(4.1 * at)], axis=1)

    lags = command_lags_s(told(0.06), told(0.0), 0.01)
    assert math.isnan(lags[0])
    np.testing.assert_allclose(lags[1:], 0.06, atol=1e-3)
    np.testing.assert_array_equal(lags[1:], joint_lags_s(told(0.06), told(0.0), 0.01)[1:])
    assert np.isnan(command_lags_s(told(-0.1), told(0.0), 0.01)[1:]).all()
    early = RobotLog("early", ("a", "b", "c"), time_s, told(-0.1), told(0.0))
    assert math.isnan(measured(early).nearest_lag_s)


def test_a_wave_that_comes_after_is_looked_for_where_one_before_is_as_near() -> None:
    """A wave of half a second that is 300 ms late is 200 ms early, too."""
    time_s = np.arange(0, 16, 0.01)
    told, done = (np.sin(4 * np.pi * (time_s - late_s))[:, None] for late_s in (0.0, 0.3))
    assert joint_lags_s(done, told, 0.01)[0] == pytest.approx(-0.2, abs=1e-3)
    assert command_lags_s(done, told, 0.01)[0] == pytest.approx(0.3, abs=1e-3)


def test_a_reading_that_drops_out_costs_what_lies_beyond_it(model: RobotModel) -> None:
    """The longest piece is told of, and how much was left out."""
    log = log_of(model, replace(nominal_draw(model), kp=0.4 * nominal_draw(model).kp))
    dropped = log.position_rad.copy()
    dropped[100:120, 0] = np.nan
    found = run_gap(model, recorded(replace(log, position_rad=dropped), model), Conditions(nominal_draw(model)))
    assert found.left_out == pytest.approx(120 / 299)
    kept = ~np.isnan(dropped).any(axis=1)  # the same where the rows are not there at all
    parts = {name: track[kept] for name, track in log.tracks().items()}
    gone = run_gap(model, recorded(replace(log, time_s=log.time_s[kept], **parts), model), Conditions(nominal_draw(model)))  # type: ignore[arg-type]
    assert (gone.left_out, gone.rmse_rad) == (found.left_out, pytest.approx(found.rmse_rad, rel=1e-3))
    assert found.duration_s == pytest.approx(179 * 0.02)
    assert found.lost == found.unsaid == 0
    assert 0.01 < found.rmse_rad < 1
    assert all(math.isfinite(value) for value in found.horizon_rmse_rad.values())


def broken(*given: object) -> Replayed:
    """A simulation that breaks down 4 s after the beginning of the log."""
    found = replayed(*given)  # type: ignore[arg-type]
    gone = np.array([np.arange(own.begin, own.end + 1) >= 200 for own in found.stretches])[None, :, :, None]
    position, velocity = (np.where(gone, np.nan, track) for track in (found.simulated, found.velocity_radps))
    return replace(found, simulated=position, velocity_radps=velocity, torque_nm=np.where(gone[:, :, 1:], np.nan, found.torque_nm))


def test_a_simulation_that_broke_down_is_not_near(model: RobotModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it did before it broke down is no difference from the robot; what the robot did is still told."""
    log = log_of(model, nominal_draw(model), duration_s=16.0)
    own = recorded(replace(log, torque_nm=np.ones_like(log.position_rad)), model)
    monkeypatch.setattr("gap.differences.replayed", broken)
    found = run_gap(model, own, Conditions(nominal_draw(model)))
    assert found.lost == 0.75
    assert math.isnan(found.rmse_rad)
    assert math.isnan(found.dtw_rad)
    assert math.isnan(found.sparc_sim)
    assert math.isfinite(found.sparc_real)
    assert all(math.isnan(value) for value in (*found.horizon_rmse_rad.values(), *found.horizon_mpjpe_mm.values()))
    for joint in found.joints:
        told = {name for name in ("worst_rad", *joint.ends) if math.isfinite(getattr(joint, name))}
        assert told <= {"lag_real_s", "energy_real_j"}
        assert "energy_real_j" in told
    assert math.isnan(rmse_over_runs([found, found]).value)


def test_a_run_of_which_nothing_is_known(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    off = recorded(replace(log, driven=np.zeros(len(log), bool)), model)
    with pytest.raises(MotionError, match="nowhere were motors on"):
        run_gap(model, off, Conditions(nominal_draw(model)))
    still = replace(log, command_rad=np.zeros_like(log.position_rad), position_rad=np.zeros_like(log.position_rad))
    found = run_gap(model, recorded(still, model), Conditions(nominal_draw(model)))
    assert all(math.isnan(own.lag_real_s) for own in found.joints)
    assert np.isnan(joint_lags_s(found.real_rad, found.real_rad, 0.02)).all()
