"""A robot ready for work: legs locked, hands held over the counter's front edge, thumbs up."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.optimize import least_squares

from motion.landmarks import SIDES
from motion.transform import Array
from robots.hands import RobotKey
from robots.kinematics import Kinematics
from robots.robot import Robot
from robots.station import station
from robots.upper_body import upper_body

_HAND_M = (-0.02, 0.22, 0.11)
"""Where the middle knuckle waits in the counter's frame, mirrored for the right hand: over the edge, aside of the work."""
_EASE = 0.05
"""Weight of a radian away from the rest posture against a metre of the hand or a unit of its direction."""


def ready_for_work(robot: Robot) -> Robot:
    """The robot that stands at a counter: `upper_body`, its rest posture replaced by hands over the counter's front edge."""
    return _ready(RobotKey(robot))


@lru_cache(maxsize=16)
def _ready(key: RobotKey) -> Robot:
    place, robot = station(key.robot), upper_body(key.robot)
    kinematics, names = Kinematics(robot), list(robot.landmarks)
    to_counter = place.T_world_counter.inverse()
    low, high = robot.lower_rad + 0.02, robot.upper_rad - 0.02
    start = np.clip(robot.rest_rad, low, high)

    def residual(posture: Array) -> Array:
        points = to_counter.apply(kinematics.landmark_positions(posture[None], place.T_world_base[None])[0])
        where = dict(zip(names, points, strict=True))
        return np.concatenate([*(_hand_residual(where, side) for side in SIDES), _EASE * (posture - robot.rest_rad)])

    found = least_squares(residual, start, bounds=(low, high), max_nfev=60)
    return replace(robot, rest_rad=found.x)


def _hand_residual(where: dict[str, Array], side: str) -> Array:
    """Of the middle knuckle's place, fingers pointing ahead, and the thumb's side of the palm turned up."""
    outward = 1.0 if side == "left" else -1.0
    wrist, index, pinky = (where[f"{side}_{name}"] for name in ("wrist", "index_mcp", "pinky_mcp"))
    knuckle = where.get(f"{side}_middle_mcp", (index + pinky) / 2)
    along, across = knuckle - wrist, index - pinky
    wanted = np.array([_HAND_M[0], outward * _HAND_M[1], _HAND_M[2]])
    return np.concatenate(
        [4 * (knuckle - wanted), 0.3 * (along / np.linalg.norm(along) - [1, 0, 0]), 0.3 * (across / np.linalg.norm(across) - [0, 0, 1])]
    )
