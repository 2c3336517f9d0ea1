"""Classes of a robot's links whose contact forces are judged apart: hands, arms, and all the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.household.hands import hand_root
from motion.landmarks import SIDES
from motion.transform import Array
from robots.robot import Robot
from robots.urdf import read_urdf

LINK_CLASSES = ("left_hand", "right_hand", "left_arm", "right_arm", "trunk")


def class_matrix(robot: Robot, links: Sequence[str]) -> Array:
    """(R, C) which of R links belongs to which of `LINK_CLASSES`, to sum their forces."""
    urdf = read_urdf(robot.urdf)
    parent = {joint.child: joint.parent for joint in (*urdf.joints, *urdf.fixed)}
    matrix = np.zeros((len(links), len(LINK_CLASSES)))
    for row, link in enumerate(links):
        way = [link]
        while way[-1] in parent:
            way.append(parent[way[-1]])
        matrix[row, LINK_CLASSES.index(_class_of(robot, way))] = 1.0
    return matrix


def class_roots(robot: Robot) -> tuple[str, ...]:
    """The link from which on everything belongs to each of `LINK_CLASSES`, or to one of those before it that hangs on it."""
    hands = [hand_root(robot, side) for side in SIDES]
    return (*hands, *(robot.landmarks[f"{side}_shoulder"].frame for side in SIDES), robot.base)


def _class_of(robot: Robot, way: Sequence[str]) -> str:
    """The class of a link, from its way to the root."""
    for side in SIDES:
        if hand_root(robot, side) in way:
            return f"{side}_hand"
        if robot.landmarks[f"{side}_shoulder"].frame in way:
            return f"{side}_arm"
    return "trunk"
