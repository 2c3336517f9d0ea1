"""Safety numbers, by hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from envs.household.safety import RobotLimits, SafetyLimits, impulse_ns, longest, safety_numbers, violations
from motion.errors import ShapeError

ROBOT = RobotLimits(np.array([-1.0, -1.0]), np.array([1.0, 1.0]), np.array([False, True]))


def signals(steps: int = 10) -> dict[str, np.ndarray]:
    return {
        "joint_position_rad": np.zeros((steps, 2)),
        "class_force_n": np.zeros((steps, 5)),
        "hand_speed_mps": np.zeros((steps, 2)),
        "saturated": np.zeros((steps, 2), bool),
        "self_contact": np.zeros(steps, bool),
        "fall_mps": np.zeros(steps),
    }


def test_a_quiet_episode_violates_nothing() -> None:
    numbers = safety_numbers(signals(), ROBOT, 0.02)
    assert set(numbers) == set(vars(SafetyLimits()))
    assert violations(numbers, vars(SafetyLimits())) == ()


@pytest.mark.parametrize(
    ("track", "index", "value", "number"),
    [
        ("class_force_n", (3, 1), 90.0, "hand_force_n"),
        ("class_force_n", (3, 2), 45.0, "arm_force_n"),
        ("class_force_n", (3, 4), 45.0, "trunk_force_n"),
        ("hand_speed_mps", (3, 0), 1.6, "hand_speed_mps"),
        ("joint_position_rad", (3, 0), -1.03, "joint_beyond_rad"),
        ("fall_mps", (3,), 0.8, "drop_mps"),
    ],
)
def test_each_limit_has_two_sides(track: str, index: tuple[int, ...], value: float, number: str) -> None:
    bad, good = signals(), signals()
    bad[track][index] = value
    good[track][index] = value - 0.25 * value if number != "joint_beyond_rad" else -1.01
    limits = vars(SafetyLimits())
    assert number in violations(safety_numbers(bad, ROBOT, 0.02), limits)
    assert number not in violations(safety_numbers(good, ROBOT, 0.02), limits)


def test_fingers_may_saturate_but_arms_may_not() -> None:
    """30 periods of 0.02 s are 0.6 s."""
    track = signals(40)
    track["saturated"][:30, 1] = True
    assert safety_numbers(track, ROBOT, 0.02)["saturated_s"] == 0.0
    track["saturated"][:30, 0] = True
    assert safety_numbers(track, ROBOT, 0.02)["saturated_s"] == pytest.approx(0.6)


def test_runs_are_counted_without_breaks() -> None:
    assert longest(np.array([[1, 1, 0, 1, 1, 1, 0], [1, 0, 1, 0, 1, 0, 1]], bool).T) == 3


def test_an_impulse_is_what_comes_on_top_of_a_steady_press() -> None:
    """50 N for 0.04 s are 2 Ns; a steady 50 N is none after its first 0.1 s, and then 5 Ns at most."""
    hit = np.zeros((20, 1))
    hit[5:7] = 50.0
    assert impulse_ns(hit, 0.02).max() == pytest.approx(2.0)
    steady = np.full((20, 1), 50.0)
    assert impulse_ns(steady, 0.02)[4, 0] == pytest.approx(5.0)
    assert impulse_ns(steady, 0.02)[6:].max() == pytest.approx(0.0)


def test_numbers_of_a_broken_simulation_are_finite() -> None:
    track = signals()
    track["class_force_n"][5:] = np.nan
    track["joint_position_rad"][5:] = np.nan
    assert np.isfinite(list(safety_numbers(track, ROBOT, 0.02).values())).all()


def test_limits_have_to_be_positive() -> None:
    with pytest.raises(ShapeError, match="drop_mps is 0"):
        SafetyLimits(drop_mps=0.0)
