"""A chore that is as small as one with all kinds of things can be: a mug, a box, a cupboard with a door, and beads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.shapes import box, mug
from envs.household.stages import Stage
from envs.household.things import Joint, Shape, Thing

GREEN, RED, BLUE = (0.1, 0.75, 0.15, 1.0), (0.85, 0.1, 0.1, 1.0), (0.15, 0.25, 0.85, 1.0)
BEADS = 6


class SmallChore(Household):
    """The box has to be lifted."""

    name = "small_chore"
    texts: ClassVar[Mapping[str, str]] = {"full": "Lift the box."}
    tasks = ("full",)
    axes = ()
    duration_s: ClassVar[Mapping[str, float]] = {"full": 0.4}
    stages = (Stage("lifted"),)

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """Sizes, places and colours differ."""
        rng = draws.objects
        shade = float(rng.uniform(0.7, 0.9))
        cup = mug("mug", float(rng.uniform(0.03, 0.04)), 0.10, 0.2, rgba=BLUE).at((0.15, -0.12, 0.0))
        block = box("box", (0.03, 0.03, float(rng.uniform(0.03, 0.09))), 0.2, rgba=(shade, 0.1, 0.1, 1.0)).at((0.15, -0.28, 0.0), 0.4)
        bead = Shape("sphere", (0.006,), mass_kg=0.001, rgba=GREEN, condim=3)
        beads = [
            Thing(f"bead_{k}", (bead,), position_m=(0.15, -0.12, 0.02 + 0.014 * k), role="bead", half_m=(0.006, 0.006, 0.006))
            for k in range(BEADS)
        ]
        return (cup, block, *_cupboard(), *beads)

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """The box is well above the counter."""
        return {"lifted": look.position_m("box")[:, 2] > 0.1}


def _cupboard() -> tuple[Thing, Thing]:
    side = Shape("box", (0.10, 0.008, 0.10), (0.0, 0.11, 0.10), mass_kg=1.0)
    shapes = (side, replace(side, position_m=(0.0, -0.11, 0.10)), Shape("box", (0.1, 0.12, 0.008), (0.0, 0.0, 0.208), mass_kg=1.0))
    body = Thing("cupboard", shapes, joint=None, position_m=(0.32, 0.16, 0.0), role="fixture", half_m=(0.1, 0.12, 0.11))
    leaf = Shape("box", (0.006, 0.11, 0.095), (0.0, -0.11, 0.0), mass_kg=0.4, rgba=(0.9, 0.8, 0.2, 1.0))
    hinge = Joint("hinge", axis=(0.0, 0.0, -1.0), range=(0.0, 1.6), damping=0.05)
    door = Thing("door", (leaf,), hinge, parent="cupboard", position_m=(-0.108, 0.11, 0.1), role="fixture", half_m=(0.006, 0.11, 0.095))
    return body, door
