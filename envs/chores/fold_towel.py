"""The chore `fold_towel`: fold a towel that lies on the counter once, edge to edge, and leave it lying flat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.household.build import COUNTER_HALF_M, Physics
from envs.household.chore import Household
from envs.household.cloth import CORNERS, HELD, STRETCH, cloth, covered_m2
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.scene import Scene
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Thing
from motion.landmarks import SIDES
from motion.transform import Array
from robots.robot import Robot

ROWS = 7
"""Points along each side of the towel: meshes of 5 cm."""
AREA, MEET_M, FLAT_M = 0.55, 0.03, 0.025
"""A folded towel covers at most this share of what it covered, its corners lie at most this far apart in pairs, and it is no higher."""
LIFTED_M = 0.04
"""A corner that a hand holds this high has been lifted."""
OVER_M = 0.10
"""A pair of corners this near to each other, seen from above, has been carried over."""
STILL_MPS = 0.02
BESIDE_M = 0.06
"""A hand that feels something, with its palm or a fingertip this near to the towel, has its hands on it."""
STRETCHED = 0.10
"""An edge may be longer by this share."""
DRAGGED_M = 0.01
"""What of the towel is this far beyond the counter's edge has been dragged off."""
_MEETINGS = (((0, 3), (1, 2)), ((0, 1), (3, 2)))
"""Pairs of corners that meet: folded away from or towards whoever works, and sideways."""
_TOUCH_N = 0.2


class FoldTowel(Household):
    """Fold a towel once.

    Success: it covers at most 0.55 of what it covered, its corners lie in two pairs at most 3 cm apart, no part of it is
    higher than 2.5 cm, all of it is on the counter, and it lies still, hands off, for 1 s. Harm of its own: an edge stretched
    by more than 10 %, the towel dragged over the counter's edge.
    """

    name: ClassVar[str] = "fold_towel"
    texts: ClassVar[Mapping[str, str]] = {"full": "Fold the towel once, edge to edge, and leave it lying flat on the counter."}
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Lay one edge of the towel onto the other, so that it lies folded in half.",
            "Double the cloth over once and leave it flat on the worktop.",
            "Halve the towel by a single fold, edges meeting, nothing hanging over.",
        ),
    }
    duration_s: ClassVar[Mapping[str, float]] = {"full": 16.0}
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("taken"),
        Stage("lifted", after=("taken",)),
        Stage("carried_over", after=("lifted",)),
        Stage("folded", after=("carried_over",)),
        Stage("goal", after=("folded",), hold_s=GOAL_S),
    )
    physics: ClassVar[Physics] = Physics(timestep_s=0.004, sleep=False)
    settle_s: float = 0.2

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """A towel before the robot."""
        wet = draws.held_out_objects
        depth, width = draws.value("depth_m"), draws.value("width_m")
        mass, friction = draws.value("mass_kg"), draws.value("friction")
        x, y, yaw = draws.place("towel")
        rgba = (0.25, 0.45, 0.65, 1.0) if wet else (0.80, 0.35, 0.30, 1.0)
        return cloth("towel", (depth, width), ROWS, mass, friction, rgba, (x + depth / 2, y), yaw, "wet towel" if wet else "towel")

    def numbers(self, scene: Scene) -> Mapping[str, np.ndarray | float]:
        """What the towel covers at first (m2)."""
        weave = scene.thing("towel").weave
        assert weave is not None
        points = np.array([scene.thing(name).position_m for name in weave.points])
        return {"covered_start_m2": float(covered_m2(points[None], weave.columns)[0])}

    @property
    def extra_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What `extra` tells."""
        return {"area_ratio": (), "apart_m": (), "height_m": (), "beyond_m": (), "hand_on": (len(SIDES),)}

    def extra(self, look: Look) -> Mapping[str, np.ndarray]:
        """How the towel lies, and which hands are on it."""
        assert self.cloth is not None
        points = self.cloth.points_m(look)
        return {
            "area_ratio": covered_m2(points, self.cloth.weave.columns) / look.facts["covered_start_m2"],
            "apart_m": apart_m(self._corners(look)),
            "height_m": points[..., 2].max(axis=1),
            "beyond_m": beyond_m(points),
            "hand_on": self._hand_on(look, points),
        }

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """See the class."""
        assert self.cloth is not None
        extra, held = look.extra, look.extra[HELD]
        corners, points = self._corners(look), self.cloth.points_m(look)
        rows = np.arange(len(points))[:, None]
        raised = (held > 0) & (points[rows, np.maximum(held.astype(int) - 1, 0), 2] > LIFTED_M)
        still = look.speeds_mps().max(axis=1) < STILL_MPS
        folded = (extra["area_ratio"] <= AREA) & (extra["apart_m"] <= MEET_M)
        return {
            "taken": (held > 0).any(1),
            "lifted": raised.any(1),
            "carried_over": nearest_pair_m(corners) <= OVER_M,
            "folded": folded,
            "goal": folded & (extra["height_m"] <= FLAT_M) & (extra["beyond_m"] <= 0.0) & still & (extra["hand_on"] == 0).all(1),
        }

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """What was done to the towel."""
        return {
            "stretched": (float(np.nanmax(signals[STRETCH], initial=0.0)), STRETCHED),
            "dragged_off_m": (float(np.nanmax(signals["beyond_m"], initial=0.0)), DRAGGED_M),
        }

    def _corners(self, look: Look) -> Array:
        """(n, 4, 3)."""
        return np.stack([look.position_m(name) for name in CORNERS], axis=1)

    def _hand_on(self, look: Look, points: Array) -> Array:
        """(n, 2) whether a hand holds the towel, or feels something with its wrist or a fingertip beside it."""
        felt = look.hand_force_n().sum(axis=-1) > _TOUCH_N
        place = look.T_counter_world.apply(look.moment.state.landmark_m)
        near = [np.linalg.norm(place[:, own, None] - points[:, None], axis=-1).min(axis=(1, 2)) < BESIDE_M for own in _tips(self.robot)]
        return np.asarray((look.extra[HELD] > 0) | (felt & np.stack(near, axis=1)), float)


def apart_m(corners_m: Array) -> Array:
    """(n,) how far the corners (n, 4, 3) of a folded cloth are apart: the farther of its two pairs, in the better way of pairing."""
    ways = [np.max([np.linalg.norm(corners_m[:, a] - corners_m[:, b], axis=-1) for a, b in pairs], axis=0) for pairs in _MEETINGS]
    return np.asarray(np.min(ways, axis=0))


def nearest_pair_m(corners_m: Array) -> Array:
    """(n,) distance, seen from above, of the two neighbouring corners (n, 4, 3) that are nearest to each other."""
    pairs = [pair for way in _MEETINGS for pair in way]
    return np.asarray(np.min([np.linalg.norm((corners_m[:, a] - corners_m[:, b])[:, :2], axis=-1) for a, b in pairs], axis=0))


def beyond_m(points_m: Array) -> Array:
    """(n,) how far the farthest of points (n, V, 3) lies beyond an edge of the counter; below 0 where all are on it."""
    half_depth, half_width, _ = COUNTER_HALF_M
    ahead = np.abs(points_m[..., 0] - half_depth) - half_depth
    return np.asarray(np.maximum(ahead, np.abs(points_m[..., 1]) - half_width).max(axis=1))


def _tips(robot: Robot) -> list[list[int]]:
    """Landmarks of each hand's wrist and fingertips."""
    names = list(robot.landmarks)
    ends = ("_tip", "_wrist")
    return [[names.index(name) for name in names if name.startswith(f"{side}_") and name.endswith(ends)] for side in SIDES]
