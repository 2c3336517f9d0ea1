"""The lowest level that is held, and a tilt only where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from retarget.ground import ground_up, lowest_level

STRAIGHT = [0.0, 0.0, 1.0]


def test_the_lowest_level_is_neither_a_glitch_nor_a_box() -> None:
    floor = 0.02 + np.linspace(-0.01, 0.01, 101)
    heights = np.concatenate([floor, np.full(300, 0.45), np.full(10, -0.3)])
    level, scatter = lowest_level(heights)
    assert level == pytest.approx(0.02)
    assert scatter == pytest.approx(0.8 * 0.02 / 2.56)  # first to last decile of an even spread of 2 cm
    assert lowest_level(np.array([0.1]))[0] == 0.1


def stances(slope: tuple[float, float], noise_m: float = 0.005, count: int = 30, width_m: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    place = np.c_[rng.uniform(0, 4, count), rng.uniform(0, width_m, count), rng.normal(0, noise_m, count)]
    place[:, 2] += place[:, :2] @ slope + 0.3
    return place


def test_a_tilt_is_found_despite_stances_that_lie_elsewhere() -> None:
    place = stances((0.05, -0.08))
    place[:5, 2] += [0.3, 0.5, 0.4, -0.3, 0.2]
    wanted = np.array([-0.05, 0.08, 1.0]) / np.linalg.norm([0.05, 0.08, 1.0])
    assert np.degrees(np.arccos(ground_up(place) @ wanted)) < 0.3


@pytest.mark.parametrize(
    "place",
    [
        stances((0.0, 0.0)),
        stances((0.01, 0.0)),  # 0.6 degrees: nobody knows their floor better
        stances((0.0, 0.06), width_m=0.02),  # across a walk in a straight line
        stances((0.05, 0.0), noise_m=0.1),
        stances((0.3, 0.0)),  # stairs
        stances((0.05, 0.0), count=5),
        np.tile([1.0, 2.0, 0.1], (20, 1)),  # somebody who stands still
        np.zeros((0, 3)),
    ],
    ids=["level", "small", "narrow", "noisy", "stairs", "few", "still", "none"],
)
def test_without_a_clear_tilt_up_is_straight_up(place: np.ndarray) -> None:
    np.testing.assert_array_equal(ground_up(place), STRAIGHT)
