"""Self-collision of a robot's links: which pairs of links count, and which postures bring them into one another."""

from __future__ import annotations

import numpy as np

from motion.landmarks import FINGERS, SIDES
from motion.transform import Array
from robots.kinematics import Kinematics
from robots.robot import Robot


class SelfCollision:
    """Which frames of a motion have links inside one another.

    Pairs that touch at rest do not count, nor do neighbours, nor fingers of one hand: they meet in every grasp.

    Args:
        kinematics: of the robot.
        margin_m: depth from which an overlap counts.
    """

    def __init__(self, kinematics: Kinematics, margin_m: float = 0.002) -> None:
        robot = kinematics.robot
        self._overlaps = kinematics.overlaps(margin_m)
        allowed = {frozenset(pair) for pair in robot.no_collision}
        hands = [frozenset(kinematics.joints_below(links)) for links in _knuckles(robot)]
        touching = self._overlaps.touching(robot.rest_rad)
        expected = [
            touches or pair.neighbours or pair.links in allowed or any(pair.joints <= hand for hand in hands)
            for pair, touches in zip(self._overlaps.pairs, touching, strict=True)
        ]
        self._overlaps.drop(expected)

    def frames(self, joint_position_rad: Array) -> np.ndarray:
        """(T,) whether links overlap in postures (T, J)."""
        return np.array([self._overlaps.any(joints) for joints in joint_position_rad], bool)


def _knuckles(robot: Robot) -> list[list[str]]:
    """Links of the knuckles of each hand that hangs on an arm; a hand by itself is all there is to measure."""
    hands = []
    for side in SIDES:
        marks = [f"{side}_{finger}_mcp" for finger in FINGERS[1:]]
        if f"{side}_elbow" in robot.landmarks and any(mark in robot.landmarks for mark in marks):
            hands.append([robot.landmarks[mark].frame for mark in marks if mark in robot.landmarks])
    return hands
