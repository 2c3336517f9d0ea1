"""Lines and turns: the small geometry that finding a body rests on."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from motion.segments import frame_from_axes
from motion.transform import Array, matrix_from_wxyz, so3_exp

_PULL = 1e-2


def xyz(values: Array) -> tuple[float, float, float]:
    """An offset (3,) as a frame's point states it."""
    x, y, z = (float(value) for value in values)
    return x, y, z


def unit(vector: ArrayLike) -> Array:
    """A direction (3,); zeros for a vector without length, which then carries no vote."""
    v = np.asarray(vector, float)
    return np.asarray(v / (np.linalg.norm(v) + 1e-12))


def across(vector: Array, axis: Array) -> Array:
    """The part of a vector across an axis."""
    return np.asarray(vector - (vector @ axis) * axis)


def turned(vector: Array, axis: Array, angle_rad: float) -> Array:
    """A vector turned about an axis."""
    return np.asarray(matrix_from_wxyz(so3_exp(axis * angle_rad)) @ vector)


def distance_to_line(point: Array, on_line: Array, axis: Array) -> float:
    """Distance in m of a point from a line."""
    return float(np.linalg.norm(across(point - on_line, axis)))


def meeting_point(points: Array, axes: Array) -> tuple[Array, float]:
    """The point nearest to lines through `points` (N, 3) along `axes` (N, 3), weakly pulled to the mean of the points.

    Returns:
        the point (3,), and its distance in m from the farthest of the lines.
    """
    projectors = np.eye(3) - axes[:, :, None] * axes[:, None]
    matrix = projectors.sum(0) + _PULL * np.eye(3)
    right = (projectors @ points[..., None]).sum(0)[:, 0] + _PULL * points.mean(0)
    place = np.linalg.solve(matrix, right)
    return place, max(distance_to_line(place, p, a) for p, a in zip(points, axes, strict=True))


def nearest_on_line(on_line: Array, axis: Array, points: Array, axes: Array) -> Array:
    """The point of a line that lies nearest to other lines; the line's own point where all are parallel to it."""
    along = np.array([axis - (axis @ a) * a for a in axes])
    gaps = np.array([across(p - on_line, a) for p, a in zip(points, axes, strict=True)])
    weight = float((along**2).sum())
    return np.asarray(on_line + axis * (float((along * gaps).sum()) / weight if weight > 1e-3 else 0.0))


def frame(primary: str, along: Array, secondary: str, near: Array) -> Array:
    """(3, 3) right-handed rotation with one axis along a vector and a second one near another (NaN where undefined)."""
    return frame_from_axes(primary, along[None], secondary, near[None])[0][0]
