"""Where a counter stands for a robot: high and near enough for its arms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from motion.errors import RobotError, require
from motion.transform import Transform
from robots.kinematics import Kinematics
from robots.robot import Robot


@dataclass(frozen=True)
class Station:
    """A robot's place of work.

    Attributes:
        T_world_counter: the counter's frame (`motion.handling`) in the world, where the robot's base stands at rest over
            the origin.
        T_world_base: the base, batch ().
        reach_m: from a shoulder to the tool with the arm stretched.
    """

    T_world_counter: Transform
    T_world_base: Transform
    reach_m: float


# Of G1, whose workspace was measured: shoulders 0.28 m above the counter, its front edge 0.22 m before the shoulders,
# 0.47 m of reach. Other robots' counters keep these shares of their reach.
_DROP, _EDGE = 0.28 / 0.47, 0.22 / 0.47


def station(robot: Robot) -> Station:
    """The station of a robot with arms.

    Raises:
        RobotError: its robot.yaml names no shoulders, wrists or middle fingers.
    """
    for name in ("shoulder", "elbow", "wrist"):
        for side in ("left", "right"):
            where = f"{robot.name}: robot.yaml names no {side}_{name}; a counter is placed by the arms."
            require(f"{side}_{name}" in robot.landmarks, RobotError, where)
    return _station(_Key(robot))


class _Key:
    def __init__(self, robot: Robot) -> None:
        self.robot = robot

    def __hash__(self) -> int:
        return hash((self.robot.name, self.robot.urdf))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and (self.robot.name, self.robot.urdf) == (other.robot.name, other.robot.urdf)


@lru_cache(maxsize=32)
def _station(key: _Key) -> Station:
    robot = key.robot
    base = Transform(np.array([0.0, 0.0, robot.base_height_m]), np.array([1.0, 0, 0, 0]))
    place = dict(zip(robot.landmarks, Kinematics(robot).landmark_positions(robot.rest_rad[None], base[None])[0], strict=True))
    arm = [np.linalg.norm(place["right_elbow"] - place["right_shoulder"]), np.linalg.norm(place["right_wrist"] - place["right_elbow"])]
    reach = float(sum(arm)) + 0.08
    shoulder = (place["right_shoulder"] + place["left_shoulder"]) / 2
    counter = np.array([shoulder[0] + _EDGE * reach, shoulder[1], shoulder[2] - _DROP * reach])
    return Station(Transform(counter, np.array([1.0, 0, 0, 0])), base, reach)
