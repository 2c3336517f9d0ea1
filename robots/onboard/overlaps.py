"""Which links lie inside one another: at rest, by chance of the posture, or nearly always."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from pathlib import Path

import numpy as np

from motion.transform import Array
from robots.collision import link_distances
from robots.kinematics import Kinematics
from robots.robot import Robot
from robots.urdf import read_urdf

_DEEP_M, _OFTEN, _NEAR_N, _SAMPLES_N, _SHARE = 0.002, 0.3, 4, 60, 0.35


class Room:
    """Distances between links of one robot; its shapes are loaded once."""

    def __init__(self, robot: Robot) -> None:
        self._kinematics = Kinematics(robot)
        self._shapes = self._kinematics.shapes()

    def clearance(self, moving: Collection[str], posture: Array) -> float:
        """Smallest distance, m, between links of `moving` and all that are not near neighbours of theirs; infinite without any.

        Args:
            moving: names of links.
            posture: (J,).
        """
        inside = [link in moving for link in self._shapes.links]
        every = itertools.combinations(range(len(inside)), 2)
        pairs = [(a, b) for a, b in every if inside[a] != inside[b] and self._shapes.joints_between(a, b) > _NEAR_N]
        if not pairs:
            return np.inf
        return float(link_distances(self._kinematics, self._shapes, posture[None], np.array(pairs)).min())

    def nearly_always(self, rest_rad: Array) -> list[tuple[str, str]]:
        """Pairs of links, a few joints apart, that touch in a third of the postures around rest (J,), though not at rest itself.

        Hulls of one joint cluster overlap as soon as a joint of it turns; that is how they are built, and no fault of a motion.
        """
        shapes, robot = self._shapes, self._kinematics.robot
        every = itertools.combinations(range(len(shapes.links)), 2)
        near = [(a, b) for a, b in every if 1 < shapes.joints_between(a, b) < _NEAR_N]
        if not near:
            return []
        pairs = np.array(near)
        low, high = np.maximum(robot.lower_rad, -np.pi), np.minimum(robot.upper_rad, np.pi)
        random = np.random.default_rng(0).uniform(low, high, (_SAMPLES_N, len(low)))
        postures = np.vstack([rest_rad, rest_rad + _SHARE * (random - rest_rad)])
        deep = link_distances(self._kinematics, shapes, postures, pairs) < -_DEEP_M
        often = (deep[1:].mean(0) > _OFTEN) & ~deep[0]
        names = {tuple(sorted((shapes.links[a], shapes.links[b]))) for a, b in pairs[often]}
        return sorted((first, second) for first, second in names)


def links_below(urdf: Path, link: str) -> set[str]:
    """A link and all that it carries."""
    text = read_urdf(urdf)
    found = [link]
    for name in found:
        found.extend(joint.child for joint in (*text.joints, *text.fixed) if joint.parent == name)
    return set(found)
