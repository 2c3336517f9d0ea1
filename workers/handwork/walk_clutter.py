"""How people cross a room full of things: the shortest way that is wide enough, after whoever crosses it has passed."""

from __future__ import annotations

import numpy as np

from envs.chores.walk_clutter import HALF_WAY_M, PERSON_RADIUS_M, floor_of, person_spot
from envs.household.corridor import shortest
from motion.errors import MotionError, require
from motion.transform import Array
from workers.handwork.engine import Script
from workers.handwork.poses import yaw_of
from workers.handwork.tape import PERIOD_S
from workers.handwork.ways import walk

PERSON_AIR_M = 0.75
"""How far people keep their middle from the sides of somebody who crosses their way: arm and step, and a little more."""
EARLY_S, LATE_S = 0.6, 1.4
"""They would not have to hurry, or the other one to wait, if it were so much earlier or later."""
LONGEST_S = 15.0
"""Nobody needs longer to cross a room."""


def script(hands: Script) -> None:
    """Look, wait if somebody comes, walk, and stand."""
    goal = hands.pose("goal")
    points = shortest(floor_of(hands.scene), tuple(hands.body[:2]), tuple(goal.position_m[:2]), HALF_WAY_M)
    hands.wait(_wait_s(hands, points, yaw_of(goal)), verb="wait")
    hands.walk_body(points, yaw_of(goal))
    hands.wait(1.2, verb="stand")


def _wait_s(hands: Script, points_m: Array, yaw_rad: float) -> float:
    """The shortest wait after which the person is nowhere near.

    Raises:
        MotionError: there is none.
    """
    way = walk(hands.body, points_m, yaw_rad, hands.style.walk_mps, PERIOD_S)[:, :2]
    times = hands.now_s + PERIOD_S * np.arange(1, len(way) + 1)
    for wait_s in np.arange(0.2, LONGEST_S, 0.2):
        if all(_air_m(hands, way, times + wait_s + shift) > PERSON_AIR_M for shift in np.arange(-EARLY_S, LATE_S + 0.1, 0.2)):
            return float(wait_s)
    require(False, MotionError, f"{hands.scene.chore} {hands.scene.seed}: the person never lets anybody pass.")
    return 0.0


def _air_m(hands: Script, way: Array, times: Array) -> float:
    """Least distance from the person's side, walking a way (n, 2) at times (n,)."""
    return float(np.linalg.norm(way - person_spot(hands.scene, times), axis=-1).min()) - PERSON_RADIUS_M
