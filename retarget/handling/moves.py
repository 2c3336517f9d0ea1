"""Level movements of the counter's frame, blends of poses, and how far along a way something is: what transport is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp, so3_log
from retarget.handling.layout import yaw_of

UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Move:
    """A turn about the vertical (rad), then a shift (3,), m."""

    yaw_rad: float
    shift_m: Array

    def __call__(self, pose: Transform) -> Transform:
        """Poses (...,), moved."""
        turn = so3_exp(self.yaw_rad * UP)
        return Transform(rotate(turn, pose.position_m) + self.shift_m, quaternion_product(turn, pose.wxyz))

    def lifted(self, by_m: Array) -> Move:
        """The same, and a shift (3,) after it."""
        return Move(self.yaw_rad, self.shift_m + by_m)


STAY = Move(0.0, np.zeros(3))


def moving(start: Transform, to_m: Array, yaw_rad: float) -> Move:
    """The movement that turns by a yaw and takes a pose's () origin to a place (3,)."""
    return Move(yaw_rad, np.asarray(to_m, float) - rotate(so3_exp(yaw_rad * UP), start.position_m))


def move_between(old: Transform, new: Transform) -> Move:
    """The level movement that takes one pose () to another, as far as a level one can."""
    return moving(old, new.position_m, wrapped(float(yaw_of(quaternion_product(new.wxyz, old.wxyz * [1.0, -1, -1, -1])))))


def wrapped(angle_rad: float) -> float:
    """Within -pi .. pi."""
    return float((angle_rad + np.pi) % (2 * np.pi) - np.pi)


def mixed(a: Transform, b: Transform, share: Array) -> Transform:
    """Poses (S,) that are `a` where share (S,) is 0 and `b` where it is 1."""
    turn = so3_log(quaternion_product(a.wxyz * [1.0, -1, -1, -1], b.wxyz))
    position = a.position_m + share[:, None] * (b.position_m - a.position_m)
    return Transform(position, quaternion_product(a.wxyz, so3_exp(share[:, None] * turn)))


def way_m(*tracks: Transform) -> Array:
    """(T,) how far tracks (T,) have come, in all; never quite standing still, so that it says how far along anything is."""
    steps = sum(np.linalg.norm(np.diff(track.position_m, axis=0), axis=-1) for track in tracks) + 1e-6
    return np.concatenate([[0.0], np.cumsum(steps)])


def share_between(way: Array, start: int, end: int) -> Array:
    """(T,) 0 up to frame `start` of a way (T,), 1 from `end` on, and smoothly rising between."""
    length = way[end] - way[start]
    share = np.clip((way - way[start]) / max(length, 1e-9), 0.0, 1.0)
    return np.asarray(share * share * (3 - 2 * share))
