"""Ways that a body goes on foot: smooth curves at a walking pace, the body turned to where it goes. Pure functions over arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.handling import stand_at
from motion.transform import Array, Transform
from workers.minimum_jerk import PEAK_OVER_MEAN_SPEED, progress

BEHIND_STAND_M = 0.20
"""How far behind the stand's origin a body turns about its own axis: a counter's edge is as far before the hips."""
SPACING_M = 0.02
"""Between the points of a way."""
ROUND_M, LOOK_M = 0.12, 0.30
"""Deviations of the Gaussians along the way that round its corners, and that turn the body before and after them."""
TURN_RADPS = 0.8
"""Fastest turning, on the spot and on the way; people who walk slowly turn so."""
ACCELERATION_MPS2 = 0.45
"""How quickly a walk sets off, slows down for corners and stops."""
EASE_S = 0.2
"""Deviation of the Gaussian over time that takes the edges off the speed."""
SET_OFF_RAD = 0.35
"""A way that sets off, or ends, turned by more than this from the body is begun, or ended, by turning on the spot."""
BLEND_M = 0.5
"""Over so much of a way the body turns from how it stood, and to how it shall stand."""
LEAST_S = 0.6
"""Shortest turn or side step."""


def walk(start: Array, points_m: Sequence[Sequence[float]] | Array, yaw_rad: float, peak_mps: float, period_s: float) -> Array:
    """A body's way past points: it turns to where it goes, walks ahead past rounded corners, and turns as it shall stand.

    Args:
        start: (3,) x, y (m) and yaw (rad) where it stands.
        points_m: (K, 2) what it passes; it stops at the last.
        yaw_rad: how it stands there.
        peak_mps: fastest on straight parts.
        period_s: of the samples.

    Returns:
        (n, 3) at 1, 2 .. n periods after the start, at rest at both ends; yaw without jumps.
    """
    place = rounded(np.vstack([start[:2], np.asarray(points_m, float).reshape(-1, 2)]))
    heading = headings(place)
    heading += 2 * np.pi * np.round((start[2] - heading[0]) / (2 * np.pi))
    first, last = float(_wrapped(start[2] - heading[0])), float(_wrapped(yaw_rad - heading[-1]))
    gone = SPACING_M * np.arange(len(place))
    if abs(first) < SET_OFF_RAD:
        heading = heading + first * (1 - progress(np.clip(gone / BLEND_M, 0, 1)))
    if abs(last) < SET_OFF_RAD:
        heading = heading + last * progress(np.clip(1 - (gone[-1] - gone) / BLEND_M, 0, 1))
    share = _along(heading, peak_mps, period_s)
    way = np.column_stack([np.interp(share, gone, column) for column in (*place.T, heading)])
    end = np.array([*place[-1], heading[-1] + float(_wrapped(yaw_rad - heading[-1]))])
    return np.vstack([step(start, np.array([*start[:2], heading[0]]), peak_mps, period_s), way, step(way[-1], end, peak_mps, period_s)])


def step(start: Array, end: Array, peak_mps: float, period_s: float) -> Array:
    """(n, 3) straight from one stand to another, facing nowhere in particular, with minimum jerk; nothing where there is no way."""
    off = end - start
    if np.abs(off).max() < 1e-6:
        return np.zeros((0, 3))
    fastest_s = max(float(np.linalg.norm(off[:2])) / peak_mps, abs(float(off[2])) / TURN_RADPS)
    count = int(np.ceil(max(PEAK_OVER_MEAN_SPEED * fastest_s, LEAST_S) / period_s))
    return np.asarray(start + progress(np.arange(1, count + 1) / count)[:, None] * off)


def rounded(points_m: Array) -> Array:
    """(n, 2) evenly along a line past points (K, 2), its corners rounded to their inside; its ends stay where they are."""
    lengths = np.linalg.norm(np.diff(points_m, axis=0), axis=1)
    gone = np.concatenate([[0.0], np.cumsum(lengths)])
    count = max(round(gone[-1] / SPACING_M), 2) + 1
    line = np.column_stack([np.interp(np.linspace(0, gone[-1], count), gone, column) for column in points_m.T])
    pad = round(4 * ROUND_M / SPACING_M)
    before, after = (2 * end - line[np.clip(index, 0, count - 1)] for end, index in _mirrored(line, pad))
    smooth = gaussian_filter1d(np.vstack([before, line, after]), ROUND_M / SPACING_M, axis=0)[pad : pad + count]
    return _evenly(np.vstack([line[0], smooth[1:-1], line[-1]]))


def headings(place_m: Array) -> Array:
    """(n,) where a way (n, 2) leads, rad, turned smoothly and without jumps."""
    ahead = np.gradient(place_m, axis=0)
    return np.asarray(gaussian_filter1d(np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0])), LOOK_M / SPACING_M, mode="nearest"))


def stand_of(body: Array) -> Transform:
    """`T_counter_stand`, batch (n,), of bodies (n, 3) at x, y and yaw."""
    ahead = BEHIND_STAND_M * np.column_stack([np.cos(body[:, 2]), np.sin(body[:, 2])])
    return stand_at(np.column_stack([body[:, :2] + ahead, body[:, 2]]))


def body_of(stand: Transform) -> Array:
    """(3,) x, y and yaw of the body behind a stand (): the inverse of `stand_of`."""
    yaw = 2 * float(np.arctan2(stand.wxyz[3], stand.wxyz[0]))
    x, y = stand.apply(np.array([-BEHIND_STAND_M, 0.0, 0.0]))[:2]
    return np.array([x, y, float(_wrapped(yaw))])


def _along(heading: Array, peak_mps: float, period_s: float) -> Array:
    """(n,) metres gone along a way at each period: as fast as turning and setting off allow."""
    bend = np.abs(np.gradient(heading, SPACING_M))
    fastest = np.minimum(peak_mps, TURN_RADPS / np.maximum(bend, 1e-9))
    square = fastest**2
    square[[0, -1]] = 2 * ACCELERATION_MPS2 * SPACING_M
    for order in (range(1, len(square)), range(len(square) - 2, -1, -1)):
        for index in order:
            behind = index - 1 if order.step > 0 else index + 1
            square[index] = min(square[index], square[behind] + 2 * ACCELERATION_MPS2 * SPACING_M)
    speed = np.sqrt(square)
    at_s = np.concatenate([[0.0], np.cumsum(2 * SPACING_M / (speed[1:] + speed[:-1]))])
    times = period_s * np.arange(1, int(np.ceil((at_s[-1] + 8 * EASE_S) / period_s)) + 1)
    gone = np.interp(times - 4 * EASE_S, at_s, SPACING_M * np.arange(len(at_s)))
    eased = gaussian_filter1d(gone, EASE_S / period_s, mode="nearest", truncate=4.0)
    return np.asarray(np.clip(eased, 0.0, SPACING_M * (len(at_s) - 1)))


def _mirrored(line: Array, pad: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The ends of a line, and which of its points come to lie beyond them when it is turned about them."""
    last = len(line) - 1
    return (line[0], np.arange(pad, 0, -1)), (line[last], last - np.arange(1, pad + 1))


def _evenly(line: Array) -> Array:
    """The same line (n, 2) with its points `SPACING_M` apart, nearly: exactly where its length is a multiple of that."""
    gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    count = max(round(gone[-1] / SPACING_M), 2) + 1
    return np.column_stack([np.interp(np.linspace(0, gone[-1], count), gone, column) for column in line.T])


def _wrapped(angle_rad: Array | float) -> Array:
    return (np.asarray(angle_rad) + np.pi) % (2 * np.pi) - np.pi
