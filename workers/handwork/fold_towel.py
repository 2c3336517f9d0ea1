"""Fold a towel: take the near edge by its corners, one hand each, lift it, carry it over onto the far edge, let go."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.transform import Array, Transform
from workers.handwork.engine import Script

PAIRS: Mapping[str, tuple[str, str]] = {"main": ("corner_1", "corner_4"), "other": ("corner_2", "corner_3")}
"""Whose hand -> the near corner that it takes, and the far one that it is laid onto."""
_UP = np.array([-np.sin(np.radians(25.0)), -np.cos(np.radians(25.0)), 0.0])
"""Upwards, in the tool frame of a right hand that takes cloth."""
BEHIND_M, OVER_M, AWAY_M = tuple(0.05 * _UP), tuple(0.10 * _UP), tuple(0.09 * _UP + [-0.06, 0.0, 0.0])
"""A hand comes down on a corner from right above, and leaves it upwards."""
ROUND = 0.9
"""Height of the way over, in half of the towel's depth: less than a circle, so that the towel is never pulled tight."""
BEYOND_M, DOWN_M = 0.004, 0.004
"""How far beyond the far corner, and over it, a near one is let go: the towel is a little short where it is bent."""
FORCE_N = 3.0
CARRY, STEPS = 0.75, 5


def script(s: Script) -> None:
    """Both near corners onto both far ones."""
    sides = {"main": s.main, "other": s.other}
    for whose, side in sides.items():
        near, _ = PAIRS[whose]
        s.reach(near, f"nip_{whose}", side, behind_m=BEHIND_M, over_m=OVER_M, yaw_rad=0.0)
        s.grasp(near, "nip", side, force_n=FORCE_N)
    s.wait(0.2)
    ways = {side: [Transform(place, s.tool(side).wxyz) for place in _over(s, *PAIRS[whose], side)] for whose, side in sides.items()}
    s.go_both(ways, tempo=CARRY, verb="fold", thing=PAIRS["main"][0])
    for side in sides.values():
        s.release(side)
    for side in sides.values():
        s.retreat(side, BEHIND_M, AWAY_M)
    for side in sides.values():
        s.home(side)


def _over(s: Script, near: str, far: str, side: str) -> list[Array]:
    """Places (3,) of the tool on the way from a near corner over to a far one."""
    start, goal, tool = s.pose(near).position_m, s.pose(far).position_m, s.tool(side).position_m
    way = goal - start
    way = way * (1 + BEYOND_M / float(np.linalg.norm(way)))
    angle = np.linspace(0.0, np.pi, STEPS)[1:]
    places = tool + np.outer((1 - np.cos(angle)) / 2, way)
    places[:, 2] += ROUND * np.linalg.norm(way) / 2 * np.sin(angle) + DOWN_M * (1 - np.cos(angle)) / 2
    return list(places)
