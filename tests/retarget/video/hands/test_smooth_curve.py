"""The smoothing spline: its gain, its lack of lag, uneven times, and directions that are known less well."""

from __future__ import annotations

import numpy as np
import pytest

from retarget.video.hands.smooth_curve import smooth_curve


def _gain(hz: float, cutoff_hz: float) -> float:
    time_s = np.arange(0, 20, 1 / 120)
    wave = np.sin(2 * np.pi * hz * time_s)[:, None]
    smoothed = smooth_curve(time_s, wave, np.ones(len(time_s)), cutoff_hz)
    inner = slice(600, -600)
    return float((smoothed[inner] * wave[inner]).sum() / (wave[inner] ** 2).sum())


@pytest.mark.parametrize("hz", [1.0, 3.0, 5.0, 10.0])
def test_gain_is_that_of_the_formula(hz: float) -> None:
    assert _gain(hz, 5.0) == pytest.approx(1 / (1 + (hz / 5.0) ** 4), abs=0.02)


def test_a_straight_line_stays_at_uneven_times() -> None:
    time_s = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.08, 50))
    line = time_s[:, None] * [1.0, -2.0, 0.5] + [3.0, 0.0, 1.0]
    np.testing.assert_allclose(smooth_curve(time_s, line, np.ones(50), 1.0), line, atol=1e-9)


def test_time_has_no_direction() -> None:
    rng = np.random.default_rng(1)
    time_s, values = np.cumsum(rng.uniform(0.01, 0.08, 60)), rng.standard_normal((60, 3))
    weight = rng.uniform(0.1, 1.0, 60)
    forward = smooth_curve(time_s, values, weight, 3.0)
    backward = smooth_curve(-time_s[::-1], values[::-1], weight[::-1], 3.0)[::-1]
    np.testing.assert_allclose(forward, backward, atol=1e-9)


def test_it_minimises_what_it_says() -> None:
    """Against the dense solution of the normal equations, with weights that differ by direction."""
    rng = np.random.default_rng(2)
    time_s, values = np.cumsum(rng.uniform(0.02, 0.05, 12)), rng.standard_normal((12, 2))
    root = rng.standard_normal((12, 2, 2))
    weight = root @ np.swapaxes(root, 1, 2)
    step = np.diff(time_s)
    bend = np.zeros((10, 12))
    for row in range(10):
        before, after = step[row], step[row + 1]
        middle = (before + after) / 2
        bend[row, row : row + 3] = np.array([1 / before, -1 / before - 1 / after, 1 / after]) / middle * np.sqrt(middle)
    span = (np.r_[step[0], step] + np.r_[step, step[-1]]) / 2
    whole = np.kron(bend.T @ bend, np.eye(2)) / (2 * np.pi * 4.0) ** 4
    wanted = np.zeros(24)
    for frame in range(12):
        at = slice(2 * frame, 2 * frame + 2)
        whole[at, at] += span[frame] * weight[frame]
        wanted[at] = span[frame] * weight[frame] @ values[frame]
    np.testing.assert_allclose(smooth_curve(time_s, values, weight, 4.0).ravel(), np.linalg.solve(whole, wanted), atol=1e-8)


def test_a_lower_weight_lowers_the_cutoff_by_its_fourth_root() -> None:
    time_s = np.arange(0, 10, 1 / 60)
    values = np.random.default_rng(3).standard_normal((600, 1))
    np.testing.assert_allclose(
        smooth_curve(time_s, values, np.full(600, 1 / 16), 6.0), smooth_curve(time_s, values, np.ones(600), 3.0), atol=1e-9
    )


def test_two_frames_stay_as_they_are() -> None:
    values = np.array([[1.0], [5.0]])
    np.testing.assert_array_equal(smooth_curve(np.array([0.0, 0.1]), values, np.ones(2), 1.0), values)
