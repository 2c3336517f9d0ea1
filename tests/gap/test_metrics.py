"""Metrics of signals whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gap import metrics
from motion.errors import ShapeError
from motion.transform import Transform

PERIOD_S = 0.02
TIME_S = np.arange(200) * PERIOD_S


def motion(time_s: np.ndarray) -> np.ndarray:
    """(T, 3): a sine, a sum of two sines, one reach."""
    two = 0.3 * np.sin(2 * np.pi * 1.3 * time_s + 1) + 0.2 * np.sin(2 * np.pi * 2.9 * time_s)
    return np.stack([np.sin(2 * np.pi * 0.7 * time_s), two, np.tanh(3 * (time_s - 2))], axis=1)


def test_joint_rmse_by_hand() -> None:
    attempt = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert metrics.joint_rmse_rad(attempt, np.zeros((2, 2))) == pytest.approx(math.sqrt(2 / 4))
    assert metrics.joint_error_over_time_rad([[3.0, 4.0]], [[0.0, 0.0]]) == pytest.approx([math.sqrt(12.5)])


def test_mpjpe_by_hand() -> None:
    attempt = np.zeros((2, 2, 3))
    attempt[0, 0] = [0.003, 0.004, 0]  # 5 mm on one of four points
    assert metrics.mpjpe_mm(attempt, np.zeros((2, 2, 3))) == pytest.approx(1.25)


def test_root_relative_forgets_where_the_base_is() -> None:
    rng = np.random.default_rng(0)
    local = rng.normal(size=(5, 7, 3))
    base = Transform.exp(rng.normal(size=(5, 6)))
    world = base[:, None].apply(local)
    assert metrics.root_relative_m(world, base) == pytest.approx(local)


@pytest.mark.parametrize("delay_s", [0.0, 0.04, 0.013, 0.0271, -0.03, 0.137, 0.3])
def test_lag_finds_an_injected_delay_within_1_ms(delay_s: float) -> None:
    attempt, reference = motion(TIME_S - delay_s), motion(TIME_S)
    assert metrics.joint_lags_s(attempt, reference, PERIOD_S) == pytest.approx(np.full(3, delay_s), abs=1e-3)
    assert metrics.lag_s(attempt, reference, PERIOD_S) == pytest.approx(delay_s, abs=1e-3)


def test_lag_of_a_sine_delayed_by_40_ms() -> None:
    sine = [np.sin(2 * np.pi * 0.5 * (TIME_S - delay))[:, None] for delay in (0.04, 0.0)]
    assert metrics.lag_s(*sine, PERIOD_S) == pytest.approx(0.040, abs=1e-3)


def test_lag_does_not_mind_gain_offset_or_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 0.002, (200, 3))
    attempt = 0.6 * motion(TIME_S - 0.05) + [0.2, -0.1, 0.05] + noise
    assert metrics.lag_s(attempt, motion(TIME_S), PERIOD_S) == pytest.approx(0.05, abs=3e-3)


@pytest.mark.parametrize("delay_s", [-0.06, -0.04, 0.0, 0.04, 0.06, 0.08])
def test_lag_takes_the_nearest_of_equal_peaks(delay_s: float) -> None:
    fast = [np.sin(2 * np.pi * 5 * (TIME_S - delay))[:, None] for delay in (delay_s, 0.0)]  # repeats every 200 ms
    assert metrics.lag_s(*fast, PERIOD_S) == pytest.approx(delay_s, abs=1e-3)


def test_lag_of_one_robot_is_that_of_its_moving_joints() -> None:
    attempt, reference = motion(TIME_S - 0.04), motion(TIME_S)
    still = np.zeros((200, 4)) + 1e-4 * np.random.default_rng(0).normal(size=(200, 4))
    lags = metrics.joint_lags_s(np.c_[attempt, still], np.c_[reference, np.zeros((200, 4))], PERIOD_S)
    assert np.isnan(lags[3:]).all()
    assert metrics.lag_s(np.c_[attempt, still], np.c_[reference, np.zeros((200, 4))], PERIOD_S) == pytest.approx(0.04, abs=1e-3)


def test_lag_of_one_robot_weighs_joints_by_how_fast_they_move() -> None:
    wave, late = motion(TIME_S - 0.04)[:, :1], 0.05 * motion(TIME_S - 0.1)[:, :1]
    attempt = np.c_[wave, late, late]
    reference = motion(TIME_S)[:, :1] * [1, 0.05, 0.05]
    assert metrics.joint_lags_s(attempt, reference, PERIOD_S) == pytest.approx([0.04, 0.1, 0.1], abs=1e-3)
    assert metrics.lag_s(attempt, reference, PERIOD_S) == pytest.approx(0.04, abs=1e-3)


@pytest.mark.parametrize("kind", ["still", "noise", "too late", "too short"])
def test_no_lag_is_made_up(kind: str) -> None:
    reference = motion(TIME_S)
    attempt = {
        "still": np.zeros_like(reference),
        "noise": np.random.default_rng(0).normal(0, 0.1, reference.shape),
        "too late": motion(TIME_S - 0.6)[:, 2:],
        "too short": motion(TIME_S[:6] - 0.04),
    }[kind]
    reference = reference[: len(attempt), -attempt.shape[1] :]
    lag = metrics.lag_s(attempt, reference, PERIOD_S)
    assert math.isnan(lag)
    assert math.isnan(metrics.lag_corrected_rmse_rad(attempt, reference, PERIOD_S, lag))


@pytest.mark.parametrize("delay_s", [-0.03, 0.0, 0.013, 0.137, 0.3])
def test_the_lag_that_leaves_least_is_the_delay_that_was_put_in(delay_s: float) -> None:
    attempt, reference = motion(TIME_S - delay_s), motion(TIME_S)
    found = metrics.nearest_lag_s(attempt, reference, PERIOD_S)
    assert found == pytest.approx(delay_s, abs=1e-3)
    assert metrics.lag_corrected_rmse_rad(attempt, reference, PERIOD_S, found) < 3e-3


def test_the_lag_that_leaves_least_counts_what_stops_short() -> None:
    """A joint that stands until it is 0.1 rad off comes later than its movement does."""
    reference = 0.5 * np.sin(2 * TIME_S)[:, None]
    attempt = np.zeros_like(reference)
    for step in range(1, len(reference)):
        off = reference[step] - attempt[step - 1]
        attempt[step] = attempt[step - 1] + np.sign(off) * np.maximum(np.abs(off) - 0.1, 0)
    late = metrics.nearest_lag_s(attempt, reference, PERIOD_S)
    assert 0.05 < late < 0.25
    left = [metrics.lag_corrected_rmse_rad(attempt[20:-20], reference[20:-20], PERIOD_S, lag) for lag in (0.0, late)]
    assert left[1] < 0.7 * left[0]


@pytest.mark.parametrize("kind", ["still", "too short", "missing", "too late"])
def test_no_lag_that_leaves_least_is_made_up(kind: str) -> None:
    attempt, reference = motion(TIME_S - 0.04), motion(TIME_S)
    if kind == "still":
        reference = np.zeros_like(reference)
    if kind == "too short":
        attempt, reference = attempt[:6], reference[:6]
    if kind == "missing":
        attempt[3, 1] = np.nan
    if kind == "too late":
        attempt = motion(TIME_S - 0.6)
    assert math.isnan(metrics.nearest_lag_s(attempt, reference, PERIOD_S))


def test_lag_corrected_rmse_leaves_only_what_is_not_delay() -> None:
    attempt, reference = motion(TIME_S - 0.05), motion(TIME_S)
    assert metrics.joint_rmse_rad(attempt, reference) > 0.1
    assert metrics.lag_corrected_rmse_rad(attempt, reference, PERIOD_S, 0.05) < 1e-4
    assert metrics.lag_corrected_rmse_rad(attempt + 0.03, reference, PERIOD_S, 0.05) == pytest.approx(0.03, abs=1e-4)


def test_energy_of_constant_torque_and_speed_by_hand() -> None:
    torque, speed = np.full((50, 2), 2.0), np.tile([3.0, -3.0], (50, 1))
    assert metrics.energy_j(torque, speed, 0.02) == pytest.approx(2 * 2 * 3 * 1.0)  # two joints, 2 Nm, 3 rad/s, 1 s; braking counts


def test_saturation_share_by_hand() -> None:
    assert metrics.saturation_share(np.array([[True, False], [False, False]])) == 0.25


def test_smoothness_agrees_with_the_authors_published_values() -> None:
    """Values that the authors' own package documents for this profile (github siva82kb/SPARC)."""
    bell = np.exp(-5 * np.arange(-1, 1, 0.01) ** 2)
    assert round(metrics.sparc(bell, 100.0), 5) == -1.41403
    assert round(metrics.ldlj(bell, 100.0), 5) == -5.81636
    assert round(metrics.ldlj(np.stack([bell, bell, bell], axis=1), 100.0), 5) == -5.81636


def test_smoothness_does_not_depend_on_size_and_sees_a_tremor() -> None:
    bell = np.exp(-5 * np.arange(-1, 1, 0.02) ** 2)
    shaking = bell * (1 + 0.2 * np.sin(2 * np.pi * 6 * np.arange(len(bell)) * 0.02))
    assert metrics.sparc(3 * bell, 50.0) == pytest.approx(metrics.sparc(bell, 50.0))
    assert metrics.ldlj(3 * bell, 50.0) == pytest.approx(metrics.ldlj(bell, 50.0))
    assert metrics.sparc(shaking, 50.0) < metrics.sparc(bell, 50.0)
    assert metrics.ldlj(shaking, 50.0) < metrics.ldlj(bell, 50.0)


def test_a_robot_that_stands_has_no_smoothness() -> None:
    assert all(math.isnan(value) for value in metrics.smoothness(np.full((100, 5), 1e-3), 50.0))
    assert math.isnan(metrics.sparc(np.zeros(50), 50.0))
    assert math.isnan(metrics.ldlj(np.zeros(50), 50.0))


def test_shapes_that_do_not_match_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(3, 2\) and \(3, 1\)"):
        metrics.joint_rmse_rad(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(ShapeError):
        metrics.energy_j(np.zeros(3), np.zeros(3), 0.02)
