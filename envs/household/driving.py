"""Driving a planar base along a path: what the path says, and what brings the base back to it.

Paths and places are x, y (m) and yaw (rad) of the base in the world; velocities are ahead, to the left and turning, as a planar
base is told them.
"""

from __future__ import annotations

import numpy as np

from envs.chores.base import FASTEST_BASE
from envs.reference import PERIOD_S
from motion.transform import Array, Transform, so3_exp


def place_of(T_world_base: Transform) -> Array:
    """(n, 3) places of level poses, batch (n,), each by itself: the yaw is within a turn."""
    yaw = 2 * np.arctan2(T_world_base.wxyz[:, 3], T_world_base.wxyz[:, 0])
    return np.column_stack([T_world_base.position_m[:, :2], yaw])


def base_path(T_world_base: Transform) -> Array:
    """(T, 3) of level poses, batch (T,); the yaw goes on where it has turned once round."""
    path = place_of(T_world_base)
    path[:, 2] = np.unwrap(path[:, 2])
    return path


def base_poses(place: Array, height_m: float) -> Transform:
    """T_world_base, batch (n,), of places (n, 3) at a height."""
    return Transform(np.column_stack([place[:, :2], np.full(len(place), height_m)]), so3_exp(place[:, 2:] * [[0.0, 0.0, 1.0]]))


def base_velocity(
    wanted: Array, following: Array, seen: Array, back_per_s: float, fastest: tuple[float, float, float] = FASTEST_BASE
) -> Array:
    """Actions (n, 3) of planar bases for one period, within what is asked of such a base at most.

    Args:
        wanted: (n, 3) where they should be now.
        following: (n, 3) where they should be a period later; the same for one that waits.
        seen: (n, 3) where they are.
        back_per_s: how fast they are brought back, as a share of how far they are off.
        fastest: what is asked of them at most.
    """
    off = wanted - seen
    off[:, 2] = (off[:, 2] + np.pi) % (2 * np.pi) - np.pi
    speed = (following - wanted) / PERIOD_S + back_per_s * off
    cosine, sine = np.cos(seen[:, 2]), np.sin(seen[:, 2])
    ahead, left = cosine * speed[:, 0] + sine * speed[:, 1], cosine * speed[:, 1] - sine * speed[:, 0]
    return np.clip(np.column_stack([ahead, left, speed[:, 2]]), -np.array(fastest), fastest)
