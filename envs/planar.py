"""A recording of a whole body on a planar base: what the base can do of it, and what it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from motion.errors import RobotError, require
from motion.transform import Array, Transform, so3_exp
from robots.hands import RobotKey
from robots.robot import Robot
from robots.upper_body import LEG_ENDS, upper_body
from robots.urdf import read_urdf

FASTEST_FOLLOWING = (2.5, 1.5, 4.0)
"""Speeds ahead and to the left (m/s) and of turning (rad/s) up to which a base follows a body: walking briskly, the sway of
each step, and turning on the spot. Running and spinning are faster."""


def driven_robot(robot: Robot) -> Robot:
    """The robot as it is driven: legs locked, and no landmarks on them; one and the same for the same robot.

    Raises:
        RobotError: its base is bolted down, or it has nothing but legs.
    """
    require(robot.floating, RobotError, f"{robot.name}: its base is bolted down (floating: false in robot.yaml) and cannot be driven.")
    return _driven(RobotKey(robot))


@lru_cache(maxsize=16)
def _driven(key: RobotKey) -> Robot:
    robot = upper_body(key.robot)
    landmarks = {name: point for name, point in robot.landmarks.items() if name not in LEG_ENDS}
    require(bool(robot.joint_names and landmarks), RobotError, f"{robot.name}: nothing is left to be followed once its legs are locked.")
    return replace(robot, landmarks=landmarks)


def acting_robot(robot: Robot, joint_names: Sequence[str]) -> Robot:
    """The robot that moved `joint_names` in an episode: itself, or as it is driven where its legs are not among them."""
    return robot if set(robot.joint_names) <= set(joint_names) else driven_robot(robot)


def locked_joints(robot: Robot) -> frozenset[str]:
    """Joints that its URDF fixes: among them those of locked legs, which recordings of the whole robot may still move."""
    return frozenset(joint.name for joint in read_urdf(robot.urdf).fixed)


def driven_base(T_world_base: Transform, height_m: float) -> Transform:
    """The base (T,) on wheels: over the same spot at one height, level, and turned as little as makes it level.

    The nearest level rotation takes no side of the base for its front, so it suits robots whose root link looks elsewhere, and
    holds however far the body leans, short of upside down. Frames without a pose stay without.
    """
    position, wxyz = T_world_base.position_m.copy(), T_world_base.wxyz
    position[..., 2] = np.where(np.isfinite(position[..., 2]), height_m, np.nan)
    yaw = 2 * np.arctan2(wxyz[..., 3], wxyz[..., 0])
    return Transform(position, so3_exp(yaw[..., None] * [0.0, 0.0, 1.0]))


def lost_on_wheels(T_world_base: Transform, height_m: float) -> tuple[Array, Array]:
    """What such a base leaves out: (T,) how far it is too high (m), negative where too low, and (T,) the angle of the lean (rad)."""
    upright = np.clip(1 - 2 * (T_world_base.wxyz[..., 1:3] ** 2).sum(-1), -1.0, 1.0)
    return height_m - T_world_base.position_m[..., 2], np.arccos(upright)


def seen_from(place: Array, other: Array) -> Array:
    """Places (n, ..., 3) as x, y (m) and yaw (rad), seen from places (n, 3): x ahead of these, y to their left."""
    here = place.reshape(len(place), *[1] * (other.ndim - 2), 3)
    off = other - here
    cosine, sine = np.cos(here[..., 2]), np.sin(here[..., 2])
    turn = (off[..., 2] + np.pi) % (2 * np.pi) - np.pi
    return np.stack([cosine * off[..., 0] + sine * off[..., 1], cosine * off[..., 1] - sine * off[..., 0], turn], axis=-1)


def speed_of_base(path: Array, period_s: float) -> Array:
    """(T - 1, 3) speeds ahead, to the left (m/s) and of turning (rad/s) along a path (T, 3) whose yaw does not jump."""
    step = np.diff(path, axis=0) / period_s
    middle = (path[1:, 2] + path[:-1, 2]) / 2
    cosine, sine = np.cos(middle), np.sin(middle)
    return np.column_stack([cosine * step[:, 0] + sine * step[:, 1], cosine * step[:, 1] - sine * step[:, 0], step[:, 2]])
