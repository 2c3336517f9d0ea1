"""What a log says by itself is what was put in, and no more."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from gap.logs import RobotLog
from gap.measured import measured, measured_json, measured_reading, measured_tables
from gap.scorecard import null_for_nan

TIME_S = np.arange(0, 20, 0.02)
WAVE = np.stack([0.5 * np.sin(2 * TIME_S + 0.4 * np.sin(0.9 * TIME_S)), 0.1 * np.sin(3 * TIME_S)], axis=1)
LOG = RobotLog("wave", ("elbow", "wrist"), TIME_S, WAVE)


def test_a_log_without_commands_says_how_it_moved_and_nothing_of_commands() -> None:
    run = measured(LOG)
    elbow, wrist = run.joints
    assert (elbow.least_rad, elbow.most_rad) == pytest.approx((-0.5, 0.5), abs=1e-3)
    assert wrist.speed_peak_radps == pytest.approx(0.3, rel=0.02)
    assert wrist.speed_rms_radps == pytest.approx(0.3 / math.sqrt(2), rel=0.02)
    low, high = wrist.ends["speed_rms_radps"]
    assert low < wrist.speed_rms_radps < high
    assert math.isnan(elbow.lag_s)
    assert math.isnan(elbow.error_rmse_rad)
    assert math.isnan(elbow.torque_rms_nm)
    assert not run.commanded
    first, moves = measured_reading([run], None)
    assert first.startswith("No commands were recorded in wave: nothing can be carried out again")
    assert moves == "elbow moves most: over 57 degrees in wave, at up to 1.2 rad/s."
    joints, whole = measured_tables([run])
    assert joints.header == ("run", "joint", "from deg", "to deg", "peak mrad/s", "speed RMS mrad/s")
    assert whole.rows[0][:6] == ("wave", "19.98", "50", "20", "-", "no")


def test_commands_are_followed_late() -> None:
    late = replace(LOG, position_rad=np.vstack([WAVE[:1]] * 5 + [WAVE[:-5]]), command_rad=WAVE)
    run = measured(late)
    for joint in run.joints:
        assert joint.lag_s == pytest.approx(0.1, abs=2e-3)
        assert joint.ends["lag_s"][0] <= joint.lag_s <= joint.ends["lag_s"][1]
    assert run.joints[1].error_rmse_rad == pytest.approx(2 * 0.1 * math.sin(0.15) / math.sqrt(2), rel=0.03)
    said = measured_reading([run], None)
    assert said[0] == "No robot was named, so nothing was simulated. Say robot=FOLDER for that."
    assert said[2].startswith("Joints come 100 ms after their commands")
    assert run.nearest_lag_s == pytest.approx(0.1, abs=2e-3)
    assert run.late_rmse_rad < 0.1 * run.off_rmse_rad
    assert said[3].startswith("Commands lie nearest to what the joints did when they are taken 100 ms late: ")
    assert measured_tables([run])[1].header[6:9] == ("off command mrad", "nearest if late by ms", "then off mrad")
    assert not any("robot was named" in one for one in measured_reading([run], "arm"))


def test_gaps_are_told() -> None:
    position = WAVE.copy()
    position[100:150, 0] = np.nan
    run = measured(replace(LOG, position_rad=position, command_rad=WAVE))
    assert run.missing == pytest.approx(0.025)
    assert math.isnan(run.joints[0].lag_s)
    assert math.isnan(run.nearest_lag_s)
    assert measured_reading([run], "arm")[-1] == "Readings are missing, or come late, in wave."


def test_a_row_need_not_name_every_joint() -> None:
    """Two publishers, the wrist's at half the rate: what is said is what a log of all readings would say."""
    position = WAVE.copy()
    position[1::2, 1] = np.nan
    asked = np.vstack([np.full((3, 2), np.nan), WAVE[8:], np.tile(WAVE[-1:], (5, 1))])  # five moments ahead; the first is not known
    mixed, whole = (measured(replace(LOG, position_rad=track, command_rad=asked)) for track in (position, WAVE))
    assert (mixed.period_s, mixed.missing) == (whole.period_s, pytest.approx(1 / 2000))  # the last moment has no reading of the wrist
    for one, other in zip(mixed.joints, whole.joints, strict=True):
        assert one.speed_peak_radps == pytest.approx(other.speed_peak_radps, rel=0.02)
        assert one.error_rmse_rad == pytest.approx(other.error_rmse_rad, rel=0.02)
        assert one.lag_s == pytest.approx(other.lag_s, abs=2e-3) == pytest.approx(0.1, abs=2e-3)
    assert mixed.nearest_lag_s == pytest.approx(whole.nearest_lag_s, abs=2e-3)


def test_readings_that_are_far_apart_say_nothing_between() -> None:
    """Of a joint that was read once there is a place and no speed."""
    position = WAVE.copy()
    position[:, 1] = np.where(np.arange(len(WAVE)) == 700, 0.2, np.nan)
    run = measured(replace(LOG, position_rad=position))
    wrist = run.joints[1]
    assert (wrist.least_rad, wrist.most_rad) == (0.2, 0.2)
    assert math.isnan(wrist.speed_peak_radps)
    assert run.missing == pytest.approx(999 / 2000)
    kept = (TIME_S < 5) | (TIME_S >= 10)
    cut = measured(RobotLog("cut", LOG.joint_names, TIME_S[kept], WAVE[kept]))
    assert cut.missing == pytest.approx(0.25)
    assert cut.joints[0].speed_peak_radps == pytest.approx(measured(LOG).joints[0].speed_peak_radps, rel=0.01)


def test_velocities_alone_are_said_not_to_be_carried_out() -> None:
    run = measured(replace(LOG, command_velocity_radps=np.ones_like(WAVE)))
    first, *_ = measured_reading([run], None)
    assert first.startswith("Velocities alone were commanded in wave, which are not carried out: ")
    assert measured_tables([run])[1].rows[0][5] == "velocities"


def test_slow_and_short_logs_say_less() -> None:
    """Ten readings in a second: no smoothness, no intervals; and plain data knows no NaN."""
    slow = RobotLog("step", ("knee",), np.arange(10) * 0.1, np.linspace(0, 1, 10)[:, None], np.ones((10, 1)))
    run = measured(slow)
    assert math.isnan(run.sparc)
    assert math.isnan(run.ldlj)
    minute = RobotLog("crawl", ("knee",), np.arange(120) * 0.5, np.sin(np.arange(120))[:, None], np.cos(np.arange(120))[:, None])
    assert math.isnan(measured(minute).joints[0].lag_s)
    assert math.isfinite(measured(minute).joints[0].ends["error_rmse_rad"][0])
    (told,) = null_for_nan(measured_json([run]))
    assert told["sparc"] is None
    assert told["joints"][0]["ends"]["speed_rms_radps"] == [None, None]
    assert "position_rad" not in told
