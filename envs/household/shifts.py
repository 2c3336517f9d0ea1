"""Shifts of a hand: (6,) arrays of how far it is moved (m) and turned (rad), as rotation vectors."""

from __future__ import annotations

import numpy as np

from envs.reference import PERIOD_S
from motion.transform import Array, Transform, quaternion_product, rotate, so3_log


def difference(wanted: Transform, actual: Transform) -> Array:
    """(6,) from a wanted pose to the actual one: shift (m), and the turn (rad) that takes one's vertical to the other's.

    Turning about the thing's own vertical is left out: round things are what hands mostly hold, and a hand that has
    turned one about its axis has done no harm.
    """
    turn = so3_log(quaternion_product(actual.wxyz, wanted.wxyz * np.array([1.0, -1, -1, -1])))
    axis = rotate(wanted.wxyz, np.array([0.0, 0.0, 1.0]))
    return np.concatenate([actual.position_m - wanted.position_m, turn - (turn @ axis) * axis])


def toward(now: Array, wanted: Array, speed: tuple[float, float], bound: tuple[float, float]) -> Array:
    """A shift (6,) one period later.

    Args:
        now, wanted: (6,) shift (m) and turn (rad).
        speed: at most, m/s and rad/s.
        bound: farthest, m and rad.
    """
    step = wanted - now
    out = now.copy()
    for part, fastest, farthest in zip((slice(0, 3), slice(3, 6)), speed, bound, strict=True):
        length = float(np.linalg.norm(step[part]))
        out[part] = now[part] + step[part] * min(1.0, fastest * PERIOD_S / max(length, 1e-12))
        size = float(np.linalg.norm(out[part]))
        out[part] *= min(1.0, farthest / max(size, 1e-12))
    return out


def between(wanted: Transform, actual: Transform) -> Array:
    """(n, 6) shifts that take actual poses (n,) to the wanted ones."""
    turn = so3_log(quaternion_product(wanted.wxyz, actual.wxyz * np.array([1.0, -1, -1, -1])))
    return np.concatenate([wanted.position_m - actual.position_m, turn], axis=-1)
