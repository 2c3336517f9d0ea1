"""What was measured of a film: a number, whose it is, and when; and measures that hands and bodies share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from retarget.spans import runs

Span = tuple[float, float]

_MOST_SPANS = 8
_NOISE_GAIN = math.sqrt(20)
"""Third differences (1, -3, 3, -1) of white noise are so many times larger than the noise."""
_MEDIAN_OF_NORMAL = 0.6745
"""Median size of a normal variable, in standard deviations."""


@dataclass(frozen=True)
class Measured:
    """One number of a film.

    Attributes:
        number: a name of `retarget.video.quality.numbers.NUMBERS`.
        value: NaN where there was nothing to measure.
        spans_s: when, from and to, in the film's time; empty where the number is of the whole film.
        part: "left hand", "right hand", "body", or "" for the film itself.
    """

    number: str
    value: float
    spans_s: tuple[Span, ...] = ()
    part: str = ""

    @property
    def key(self) -> str:
        """Its name in results: "left_hand_seen_pct"."""
        return f"{self.part.replace(' ', '_')}_{self.number}".lstrip("_")


def pct(mask: np.ndarray) -> float:
    """Share of true entries, per cent; NaN of nothing."""
    return 100 * float(np.mean(mask)) if np.size(mask) else math.nan


def spans_of(time_s: Array, mask: np.ndarray, join_s: float = 0.25, most: int = _MOST_SPANS) -> tuple[Span, ...]:
    """When a mask (T,) is true: runs nearer than `join_s` joined, the longest ones, in order of time."""
    joined: list[Span] = []
    for run in runs(mask):
        start, stop = float(time_s[run.start]), float(time_s[run.stop - 1])
        if joined and start - joined[-1][1] <= join_s:
            start = joined.pop()[0]
        joined.append((start, stop))
    longest = sorted(joined, key=lambda span: span[0] - span[1])[:most]
    return tuple(sorted((round(start, 3), round(stop, 3)) for start, stop in longest))


def longest_s(time_s: Array, mask: np.ndarray) -> float:
    """Longest time over which a mask (T,) is true, from the frame before it to the frame after it; 0 where never."""
    last = len(time_s) - 1
    return max((float(time_s[min(run.stop, last)] - time_s[max(run.start - 1, 0)]) for run in runs(mask)), default=0.0)


def noise(time_s: Array, track: Array) -> Array:
    """(T,) standard deviation per axis of what no movement explains, by third differences around each frame.

    A third difference leaves nothing of constant acceleration. Robust: the median over a frame's points and axes. NaN where
    four neighbouring frames at even steps are not all there.

    Args:
        time_s: (T,).
        track: (T, N, D) points; NaN where unseen.
    """
    found = np.full(len(time_s), np.nan)
    if len(time_s) < 4:
        return found
    step = np.diff(time_s)
    even = np.abs(step / np.median(step) - 1) < 0.5
    third = np.diff(track, n=3, axis=0).reshape(len(time_s) - 3, -1)
    whole = np.isfinite(third).all(1) & even[:-2] & even[1:-1] & even[2:]
    found[1:-2][whole] = np.median(np.abs(third[whole]), axis=1) / (_NOISE_GAIN * _MEDIAN_OF_NORMAL)
    return found


def speed_and_push(time_s: Array, point: Array) -> tuple[Array, Array]:
    """(T,) speed from the frame before, m/s, and size of the acceleration around each frame, m/s2; NaN where not to be had.

    Args:
        time_s: (T,).
        point: (T, 3); NaN where unseen.
    """
    speed, push = np.full(len(time_s), np.nan), np.full(len(time_s), np.nan)
    if len(time_s) > 1:
        step_s = np.diff(time_s)
        velocity = np.diff(point, axis=0) / step_s[:, None]
        speed[1:] = np.linalg.norm(velocity, axis=1)
        push[1:-1] = np.linalg.norm(np.diff(velocity, axis=0), axis=1) / ((step_s[1:] + step_s[:-1]) / 2)
    return speed, push


def median(values: Array) -> float:
    """Median of what is there; NaN of nothing."""
    there = values[np.isfinite(values)]
    return float(np.median(there)) if there.size else math.nan


def greatest(values: Array) -> float:
    """The greatest of what is there; NaN of nothing."""
    there = values[np.isfinite(values)]
    return float(there.max()) if there.size else math.nan
