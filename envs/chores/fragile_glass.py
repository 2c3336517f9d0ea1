"""Move a fragile glass: lift it, carry it, and set it down upright on the mark, unbroken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.safety import impulse_ns
from envs.household.shapes import glass
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Shape, Thing
from envs.reference import PERIOD_S
from motion.landmarks import SIDES
from motion.transform import Array, Transform, rotate

GRAVITY_MPS2 = 9.81
LIFTED_M = 0.10
"""How high the glass has to be lifted."""
CARRIED_M = 0.06
"""A lifted glass within this of the mark's middle, seen from above, has been carried there."""
ON_MARK_M = 0.04
"""How far from the mark's middle the glass may stand."""
WAY_M = 0.14
"""Least way from the glass to the mark."""
SLIP_M, IMPULSE_NS, DROP_MPS = 0.02, 1.0, 0.4
LEAST_BREAK_N = 25.0
"""The glass breaks at a multiple (`margin` of the splits) of the grip force, the sum of the fingers', that its weight and
friction need at least; but no glass is weaker than this."""
_STILL_MPS, _LEAN, _STANDS_M = 0.03, float(np.cos(np.radians(12.0))), 0.01
_MARK_M = 0.0005


class FragileGlass(Household):
    """A glass that breaks when it is gripped or set down too hard."""

    name = "fragile_glass"
    texts: ClassVar[Mapping[str, str]] = {
        "full": "Lift the glass, carry it to the mark and set it down there upright, without breaking it."
    }
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Move the glass onto the mark, gently, and leave it standing there in one piece.",
            "Bring the tumbler to the marked spot; it breaks easily, and it has to end up upright.",
            "The glass belongs on the mark. Pick it up with care and place it there unbroken.",
        ),
    }
    duration_s: ClassVar[Mapping[str, float]] = {"full": 11.0}
    stages = (
        Stage("held"),
        Stage("lifted", after=("held",)),
        Stage("carried", after=("lifted",)),
        Stage("set_down", after=("carried",), hold_s=GOAL_S),
    )

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """A glass, and a mark some way from it."""
        mass, friction = draws.value("mass_kg"), draws.value("friction")
        breaks = max(LEAST_BREAK_N, draws.value("margin") * mass * GRAVITY_MPS2 / friction)
        size, family = (draws.value("radius_m"), draws.value("height_m")), "wet glass" if draws.held_out_objects else "glass"
        made = glass("glass", *size, mass, friction, breaks, family)
        start = end = draws.place("glass")
        while np.hypot(end[0] - start[0], end[1] - start[1]) < WAY_M:
            start, end = draws.place("glass"), draws.place("mark")
        return (_mark().at((end[0], end[1], 0.0)), made.at((start[0], start[1], 0.0), start[2]))

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """Held, lifted, over the mark, standing on it; a broken glass is none of these."""
        place, touched = look.position_m("glass"), look.touching("glass")
        off = np.linalg.norm(place[:, :2] - look.position_m("mark")[:, :2], axis=-1)
        whole = ~self.broken(look)
        still = (look.speed_mps("glass") < _STILL_MPS) & ~touched
        stands = (np.abs(place[:, 2]) < _STANDS_M) & (look.upright("glass") > _LEAN) & (off < ON_MARK_M)
        return {
            "held": touched & (place[:, 2] > 0.005) & whole,
            "lifted": touched & (place[:, 2] >= LIFTED_M) & whole,
            "carried": touched & (off < CARRIED_M) & whole,
            "set_down": stands & still & whole,
        }

    def broken(self, look: Look) -> np.ndarray:
        """The force on the glass, over 20 ms, was ever beyond what it bears; its own weight counts."""
        limit = look.facts["fragile_n"][:, self.listing.things.index("glass")]
        return look.thing_force_n("glass") > limit

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """Force and impulse on the glass, slip in the hand, and how fast it fell."""
        column = self.listing.things.index("glass")
        force = np.nan_to_num(signals["thing_force_n"][:, column])
        pose = Transform(signals["thing_position_m"][:, column], signals["thing_wxyz"][:, column])
        height = pose.position_m[:, 2] - self.station.T_world_counter.position_m[2]
        slips = [slip_m(pose, signals["wrist_m"][:, k], (signals["touch"][:, k, column] > 0) & (height > 0.01)) for k in range(len(SIDES))]
        return {
            "glass_force_n": (float(force.max(initial=0.0)), float(facts["fragile_n"][column])),
            "glass_impulse_ns": (float(impulse_ns(force[:, None], PERIOD_S).max(initial=0.0)), IMPULSE_NS),
            "glass_slip_m": (max(slips), SLIP_M),
            "glass_drop_mps": (float(np.nan_to_num(signals["fall_mps"]).max(initial=0.0)), DROP_MPS),
            "glass_tilt_deg": (float(np.degrees(np.arccos(np.clip(_up(pose), -1.0, 1.0))).max(initial=0.0)), 45.0),
        }


def slip_m(thing: Transform, wrist_m: Array, held: np.ndarray) -> float:
    """How far a thing slides along itself in a hand, at most, over any time that it is held.

    Along its own axis and away from it; turning about the axis, which a wrist's place alone cannot tell from turning of
    the hand, does not count.

    Args:
        thing: batch (T,).
        wrist_m: (T, 3), in the same frame.
        held: (T,) whether the hand holds it.
    """
    inside = thing.inverse().apply(wrist_m)
    along = np.column_stack([np.linalg.norm(inside[:, :2], axis=-1), inside[:, 2]])
    worst, first = 0.0, None
    for row, now in zip(along, held, strict=True):
        first = (row if first is None else first) if now else None
        if first is not None:
            worst = max(worst, float(np.linalg.norm(row - first)))
    return worst


def _up(pose: Transform) -> Array:
    return np.asarray(rotate(pose.wxyz, np.array([0.0, 0.0, 1.0]))[:, 2])


def _mark() -> Thing:
    disc = Shape("cylinder", (ON_MARK_M, _MARK_M), (0.0, 0.0, _MARK_M), rgba=(0.2, 0.6, 0.3, 1.0), touchable=False)
    return Thing("mark", (disc,), joint=None, role="fixture", family="mark", half_m=(ON_MARK_M, ON_MARK_M, _MARK_M))
