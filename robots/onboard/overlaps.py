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

_DEEP_M, _NEAR_N, _SAMPLES_N, _SHARE = 0.002, 4, 60, 0.5
_GAP_M, _SOMETIMES, _MOSTLY = 0.01, 0.02, 0.5
"""Links of one joint cluster that are less than a centimetre apart at rest, and touch as its joints turn, were drawn that
way; so were those that touch in most postures."""


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
        """Pairs of links, a few joints apart, that touch though nothing is wrong: hulls of one joint cluster overlap as soon as
        a joint of it turns.

        Args:
            rest_rad: (J,) around which postures are tried. What touches in it need not be listed and is not.
        """
        shapes, robot = self._shapes, self._kinematics.robot
        every = itertools.combinations(range(len(shapes.links)), 2)
        near = [(a, b) for a, b in every if 1 < shapes.joints_between(a, b) < _NEAR_N]
        if not near:
            return []
        pairs = np.array(near)
        low, high = np.clip(robot.lower_rad, -np.pi, np.pi), np.clip(robot.upper_rad, -np.pi, np.pi)
        random = np.random.default_rng(0).uniform(low, high, (_SAMPLES_N, len(low)))
        postures = np.vstack([rest_rad, rest_rad + _SHARE * (random - rest_rad)])
        distance = link_distances(self._kinematics, shapes, postures, pairs)
        share = (distance[1:] < -_DEEP_M).mean(0)
        built_so = (share > _MOSTLY) | ((share > _SOMETIMES) & (distance[0] < _GAP_M))
        names = {tuple(sorted((shapes.links[a], shapes.links[b]))) for a, b in pairs[built_so & (distance[0] > -_DEEP_M)]}
        return sorted((first, second) for first, second in names)


def links_below(urdf: Path, link: str) -> set[str]:
    """A link and all that it carries."""
    text = read_urdf(urdf)
    found = [link]
    for name in found:
        found.extend(joint.child for joint in (*text.joints, *text.fixed) if joint.parent == name)
    return set(found)
