"""Minimum-jerk movement.

Source: Flash & Hogan 1985, J. Neurosci. 5(7): people move the hand so that the integral of squared jerk is least.
From rest to rest that is x(s) = x0 + d (10 s^3 - 15 s^4 + 6 s^5), with peak speed 1.875 d / T. Through via points at
given times the minimiser is the quintic spline with four continuous derivatives, at rest at both ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_interp_spline

from motion.errors import MotionError, require
from motion.transform import Array

PEAK_OVER_MEAN_SPEED = 1.875
_GRID = np.linspace(0.0, 1.0, 2001)


def progress(s: Array) -> Array:
    """Share of the way covered at share `s` of the time, rest to rest."""
    return s**3 * (10 - 15 * s + 6 * s**2)


def time_of(share: Array) -> Array:
    """Share of the time at which a share of the way is covered: the inverse of `progress`."""
    return np.interp(share, progress(_GRID), _GRID)


@dataclass(frozen=True)
class Stroke:
    """One smooth movement, at rest before and after.

    Attributes:
        time_s: (K,) when each point is passed; rising, K >= 2.
        points: (K, C) values of C channels.
    """

    time_s: Array
    points: Array

    def __post_init__(self) -> None:
        require(len(self.time_s) == len(self.points) >= 2, MotionError, "a stroke wants as many times as points, two or more.")
        require(bool((np.diff(self.time_s) > 0).all()), MotionError, "the times of a stroke do not rise.")

    def at(self, time_s: Array) -> Array:
        """Channels (T, C); before the start and after the end the stroke rests at its first and last point."""
        rest = np.zeros(self.points.shape[1])
        still = [(1, rest), (2, rest)]
        spline = make_interp_spline(self.time_s, self.points, k=5, bc_type=(still, still))
        return spline(np.clip(time_s, self.time_s[0], self.time_s[-1]))


@dataclass(frozen=True)
class Path:
    """Strokes one after the other, resting in between. Each begins where the last one ended."""

    strokes: tuple[Stroke, ...]

    @property
    def end_s(self) -> float:
        """When the last stroke ends."""
        return float(self.strokes[-1].time_s[-1])

    @property
    def end(self) -> Array:
        """Channels (C,) after the last stroke."""
        return self.strokes[-1].points[-1]

    def at(self, time_s: Array) -> Array:
        """Channels (T, C)."""
        out = self.strokes[0].at(time_s)
        for stroke in self.strokes[1:]:
            late = time_s >= stroke.time_s[0]
            out[late] = stroke.at(time_s[late])
        return out


def _steps_m(points: Array) -> Array:
    """Lengths of the steps between via points; never quite nothing, so that a hand may turn without moving."""
    return np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1) + 1e-3


def reach_time_s(points: Array, peak_mps: float, least_s: float = 0.35) -> float:
    """Duration of a reach through points (K, C), the first three channels in m, at a peak speed of the hand.

    `least_s` is the shortest duration, for the channels that change while the hand hardly moves.
    """
    return max(PEAK_OVER_MEAN_SPEED * float(_steps_m(points).sum()) / peak_mps, least_s)


def reach(start_s: float, points: Array, length_s: float) -> Stroke:
    """A reach past via points (K, C): the hand slows down only at the ends.

    Via points are passed when a straight movement of the same length would be as far, so points on a straight line
    change nothing.
    """
    steps = _steps_m(points)
    share = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
    return Stroke(start_s + time_of(share) * length_s, points)


def rhythm(start_s: float, points: Array, step_s: float) -> Stroke:
    """A rhythmic movement: every point `step_s` after the last, the first and last steps slower, to set off and stop."""
    steps = np.full(len(points) - 1, step_s)
    steps[[0, -1]] *= 1.5
    return Stroke(start_s + np.concatenate([[0.0], np.cumsum(steps)]), points)
