"""The chore `pour_cup`: take a cup full of beads, pour them into a bowl, and put the cup back upright."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.household.beads import bead, inside, layers, spilled
from envs.household.build import Physics
from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.scene import Scene
from envs.household.shapes import round_grips
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Thing, hollow

BEADS = 40
BEAD_RADIUS_M = 0.0055
BEAD_FRICTION = 0.25
"""Of smooth grains: they leave a cup that is tilted 15 deg beyond the horizontal."""
CUP_WALL_M, BOWL_WALL_M = 0.004, 0.005
"""Thicker than a bead flies in two time steps: one that falls 15 cm makes 3.4 mm a step."""
LIFTED_M = 0.05
"""A cup whose underside is higher than this has been lifted: half of what people lift it."""
POURED = 0.9
"""Share of the beads that have to end in the bowl."""
SPILL = 0.1
"""Share of the beads that may lie beside."""
STANDS_M, UPRIGHT = 0.01, float(np.cos(np.radians(10)))
"""The cup is back when its underside is this near the counter and it leans by less than 10 deg."""
STILL_MPS = 0.02
"""Faster than this a cup is still being moved."""


class PourCup(Household):
    """Pour a cup of beads into a bowl.

    Success: at least 90 % of the beads are in the bowl, the cup stands upright on the counter again, still and released,
    for 1 s. Harm of its own: more than 10 % of the beads lie neither in the cup nor in the bowl; the episode then ends.
    """

    name: ClassVar[str] = "pour_cup"
    texts: ClassVar[Mapping[str, str]] = {"full": "Pour what is in the cup into the bowl, and put the cup back upright onto the counter."}
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Empty the cup into the bowl, then stand it on the counter again.",
            "Tip the contents of the cup over into the bowl and set the empty cup down the right way up.",
            "The bowl should hold what the cup holds now. Return the cup to the worktop, standing.",
        ),
    }
    duration_s: ClassVar[Mapping[str, float]] = {"full": 15.5}
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("lifted"),
        Stage("poured", after=("lifted",)),
        Stage("set_down", after=("poured",)),
        Stage("goal", after=("set_down",), hold_s=GOAL_S),
    )
    physics: ClassVar[Physics] = Physics()  # elliptic cones: pyramidal ones are no faster, as beads do not rub each other
    settle_s: float = 0.3

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """A cup with beads on the right, a bowl to its left."""
        cup, bowl = _cup(draws), _bowl(draws)
        return (cup, bowl, *_beads(cup))

    def numbers(self, scene: Scene) -> Mapping[str, np.ndarray | float]:
        """Sizes of the vessels (m)."""
        cup, bowl = scene.thing("cup").half_m, scene.thing("bowl").half_m
        return {"cup_m": np.array([cup[0], 2 * cup[2]]), "bowl_m": np.array([bowl[0], 2 * bowl[2]])}

    @property
    def extra_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shares of the beads."""
        return {"in_bowl": (), "spill": ()}

    def extra(self, look: Look) -> Mapping[str, np.ndarray]:
        """Share of the beads in the bowl, and beside cup and bowl."""
        bowl = _in_bowl(look)
        cup = inside(look, "cup", look.facts["cup_m"][:, 0], look.facts["cup_m"][:, 1])
        return {"in_bowl": bowl.mean(1), "spill": spilled(look, bowl | cup).mean(1)}

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """See the class."""
        height = look.position_m("cup")[:, 2]
        poured = look.extra["in_bowl"] >= POURED - 1e-9
        stands = (np.abs(height) < STANDS_M) & (look.upright("cup") > UPRIGHT)
        still = ~look.touching("cup") & (look.speed_mps("cup") < STILL_MPS)
        return {"lifted": height > LIFTED_M, "poured": poured, "set_down": stands, "goal": poured & stands & still}

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """The largest share spilled."""
        return {"spill": (float(np.nanmax(signals["spill"], initial=0.0)), SPILL)}

    def broken(self, look: Look) -> np.ndarray:
        """Too much lies beside the bowl for the rest to be enough."""
        return np.asarray(look.extra["spill"] > SPILL + 1e-9)


def _in_bowl(look: Look) -> np.ndarray:
    return inside(look, "bowl", look.facts["bowl_m"][:, 0], look.facts["bowl_m"][:, 1])


def _cup(draws: Draws) -> Thing:
    """A cup; held out: wide, heavy, slippery ones, and places farther away."""
    radius, height = draws.value("cup_radius_m"), draws.value("cup_height_m")
    mass, friction = draws.value("cup_mass_kg"), draws.value("cup_friction")
    shapes = hollow(radius, height, CUP_WALL_M, mass, friction=friction, rgba=(0.35, 0.6, 0.85, 0.45))
    half = (radius, radius, height / 2)
    grips = round_grips(radius, 0.12)  # at 6 cm: the lip stays clear of the hand
    x, y = draws.layout.uniform(draws.box("cup").low, draws.box("cup").high)
    family = "wet mug" if draws.held_out_objects else "cup"
    return Thing("cup", shapes, family=family, half_m=half, grips=grips).at((x, y, 0.0))


def _bowl(draws: Draws) -> Thing:
    """A bowl that stands loose; held out: wide and heavy ones."""
    radius, height, mass = draws.value("bowl_radius_m"), draws.value("bowl_height_m"), draws.value("bowl_mass_kg")
    shapes = hollow(radius, height, BOWL_WALL_M, mass, sides=16, friction=0.6, rgba=(0.92, 0.9, 0.8, 0.7))
    x, y = draws.layout.uniform(draws.box("bowl").low, draws.box("bowl").high)
    half = (radius, radius, height / 2)
    family = "basin" if draws.held_out_objects else "bowl"
    return Thing("bowl", shapes, role="fixture", family=family, half_m=half).at((x, y, 0.0))


def _beads(cup: Thing) -> tuple[Thing, ...]:
    inner = cup.half_m[0] - CUP_WALL_M
    places = layers(BEADS, BEAD_RADIUS_M, inner, CUP_WALL_M) + np.array(cup.position_m)
    return tuple(bead(f"bead_{k:02d}", BEAD_RADIUS_M, place, BEAD_FRICTION, (0.15, 0.3, 0.9, 1.0)) for k, place in enumerate(places))
