"""Where a counter stands for a robot: as high and as near as its arms work best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise, product

import numpy as np

from motion.errors import RobotError, require
from motion.transform import Array, Transform, so3_exp
from robots.chain import Chain
from robots.hands import RobotKey, hand_sides
from robots.kinematics import Kinematics
from robots.robot import Robot
from robots.tool_frames import tool_chain
from robots.upper_body import upper_body

_X_M, _Y_M, _Z_M = (0.06, 0.17, 0.28), (0.05, 0.20, 0.35), (0.055, 0.15, 0.25)
"""Where hands work, in the counter's frame; y is away from the middle, to the hand's own side."""
_YAWS_RAD = tuple(np.radians((0.0, 22.5, 45.0)))
"""A hand comes from the front, thumb up, turned inwards."""
_NEAR_M, _NEAR_RAD = 0.005, np.radians(5.0)
"""A tool pose counts as reached within these."""
# In shares of the reach, as for G1, whose workspace was measured with real contact: its shoulders are 0.28 m above the
# counter, and the counter's edge 0.22 m before them; it reaches 0.495 m.
_DROP, _EDGE = 0.566, 0.444
_ENOUGH = 0.95
"""A counter there will do if this share of places is reached; else its place is searched for, around there."""
_DROPS, _EDGES = (-0.2, -0.1, 0.0, 0.1, 0.2), (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
_FINER = (-0.05, 0.0, 0.05)
_STAY = 0.25
"""Share of places that a station further away than that, by once the reach, has to add."""
_ANY_YAW = 2.0
"""What a place counts that is reached in one yaw at least, against the share of yaws in which it is."""
_ROUNDS, _QUICK_ROUNDS = 40, 16
_BENT = 0.25
"""Reaching begins with joints at 0, brought so far to the middle of their range: a straight elbow does not know which way to bend.
It does not begin at rest: where a counter stands may not depend on how a robot waits for work."""


@dataclass(frozen=True)
class Station:
    """A robot's place of work.

    Attributes:
        T_world_counter: the counter's frame (`motion.handling`) in the world, one pose, its axes the world's.
        T_world_base: the base over the origin, one pose; the robot looks along x.
        reach_m: from a shoulder to the tool with the arm stretched.
        places_reached: share (0..1) of the places over the working area that a hand reaches in some yaw.
        poses_reached: share of places and yaws. By kinematics alone: limits are kept, nothing else is looked at.
    """

    T_world_counter: Transform
    T_world_base: Transform
    reach_m: float
    places_reached: float
    poses_reached: float

    @property
    def T_counter_base(self) -> Transform:
        """From a stand (`motion.handling`) to the base of a robot that stands there, one pose."""
        return self.T_world_counter.inverse() @ self.T_world_base

    def lowered(self, by_m: float) -> Station:
        """The same, counter and base nearer to the floor."""
        down = Transform(np.array([0.0, 0.0, -by_m]), np.array([1.0, 0, 0, 0]))
        return replace(self, T_world_counter=down @ self.T_world_counter, T_world_base=down @ self.T_world_base)


def station(robot: Robot) -> Station:
    """The station of a robot with arms; searched for once per robot, in well under a second.

    Raises:
        RobotError: its robot.yaml names no shoulders, elbows or wrists, or no hand is known.
    """
    for name in ("shoulder", "elbow", "wrist"):
        for side in ("left", "right"):
            where = f"{robot.name}: robot.yaml names no {side}_{name}; a counter is placed by the arms."
            require(f"{side}_{name}" in robot.landmarks, RobotError, where)
    require(bool(hand_sides(robot)), RobotError, f"{robot.name}: no hand of it is known; a counter is placed by where hands reach.")
    return _of(RobotKey(robot))


@lru_cache(maxsize=64)
def _of(key: RobotKey) -> Station:
    robot = upper_body(key.robot)
    return _station(RobotKey(replace(robot, rest_rad=_start(robot))))


def _start(robot: Robot) -> Array:
    """(J,) posture from which hands reach."""
    zero = np.clip(0.0, robot.lower_rad, robot.upper_rad)
    middle = np.clip((robot.lower_rad + robot.upper_rad) / 2, -np.pi, np.pi)
    return np.asarray(zero + _BENT * (np.nan_to_num(middle) - zero))


@lru_cache(maxsize=32)
def _station(key: RobotKey) -> Station:
    robot = key.robot
    place = dict(zip(robot.landmarks, Kinematics(robot).landmark_positions(robot.rest_rad, Transform.identity(1))[0], strict=True))
    base = _looking_along_x(robot, place["left_shoulder"] - place["right_shoulder"])
    side = hand_sides(robot)[-1]
    chain, work = tool_chain(robot, side), _work(side)
    tool = chain.poses(robot.rest_rad, Transform.identity()).position_m[0]
    joints = [place[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist")]
    reach = float(sum(np.linalg.norm(b - a) for a, b in pairwise([*joints, tool])))
    shoulders = base.apply((place["right_shoulder"] + place["left_shoulder"]) / 2)
    if robot.counter_m is not None:
        stated = Transform(np.array([robot.counter_m[0], 0.0, robot.counter_m[1]]), np.array([1.0, 0, 0, 0]))
        return Station(stated, base, reach, *_shares(chain, base, stated @ work, _ROUNDS))
    spot = (_DROP, _EDGE)
    if _shares(chain, base, _counter(shoulders, reach, spot) @ work, _ROUNDS)[0] < _ENOUGH:
        spot = _found(lambda drop, edge: _shares(chain, base, _counter(shoulders, reach, (drop, edge)) @ work, _QUICK_ROUNDS))
    counter = _counter(shoulders, reach, spot)
    return Station(counter, base, reach, *_shares(chain, base, counter @ work, _ROUNDS))


def _counter(shoulders: Array, reach_m: float, spot: tuple[float, float]) -> Transform:
    """A counter by its drop and edge, to a carpenter's centimetres."""
    drop, edge = spot
    return Transform(np.round(shoulders + [edge * reach_m, 0.0, -drop * reach_m], 2) + 0.0, np.array([1.0, 0, 0, 0]))


def _found(shares: Callable[[float, float], tuple[float, float]]) -> tuple[float, float]:
    """Drop and edge where most is reached: on a grid, then on a finer one around its best."""

    def score(spot: tuple[float, float]) -> float:
        places, poses = shares(*spot)
        return _ANY_YAW * places + poses - _STAY * float(np.hypot(spot[0] - _DROP, spot[1] - _EDGE))

    best = max(((_DROP + a, _EDGE + b) for a, b in product(_DROPS, _EDGES)), key=score)
    return max(((best[0] + a, best[1] + b) for a, b in product(_FINER, _FINER)), key=score)


def _looking_along_x(robot: Robot, left: Array) -> Transform:
    """The base over the origin, turned so that the robot's left is the world's; some root links look elsewhere."""
    quarters = np.round(np.arctan2(-left[0], left[1]) / (np.pi / 2))
    turn = so3_exp(np.array([0.0, 0.0, -quarters * np.pi / 2]))
    return Transform(np.array([0.0, 0.0, robot.base_height_m]), turn)


def _work(side: str) -> Transform:
    """Tool poses over the working area, batch (27 * yaws,), the yaws of a place one after the other."""
    inwards = -1.0 if side == "left" else 1.0
    poses = np.array([(x, -inwards * y, z, inwards * yaw) for x, y, z, yaw in product(_X_M, _Y_M, _Z_M, _YAWS_RAD)])
    return Transform(poses[:, :3], so3_exp(poses[:, 3:] * [[0.0, 0.0, 1.0]]))


def _shares(chain: Chain, T_world_base: Transform, wanted: Transform, rounds: int) -> tuple[float, float]:
    """Share of places reached in some yaw, and of all poses."""
    _, error = chain.reach(wanted, chain.robot.rest_rad, T_world_base, rounds=rounds)
    reached = ((error[:, 0] < _NEAR_M) & (error[:, 1] < _NEAR_RAD)).reshape(-1, len(_YAWS_RAD))
    return float(reached.any(axis=1).mean()), float(reached.mean())
