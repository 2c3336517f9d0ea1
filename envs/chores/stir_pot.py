"""The chore `stir_pot`: take the spoon from its holder, stir what is in the pot until it is mixed, and put the spoon away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.household.beads import bead, half_layers, inside, spilled
from envs.household.build import Force, Physics
from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.mixing import mixing_index
from envs.household.scene import Scene
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Grip, Shape, Thing, hollow
from envs.reference import PERIOD_S
from motion.transform import Array

BEADS = 20
BEAD_RADIUS_M = 0.011
BEAD_FRICTION = 0.3
POT_WALL_M = 0.005
SPOON_M = 0.26
"""Length of the spoon; its origin is the lowest point of its head."""
GRIP_M = 0.185
"""Height over the tip where the handle is held: the hand stays clear of the holder's funnel and the pot's rim."""
TAKEN_M = 0.05
"""A spoon whose tip is higher than this has been taken: half the holder's height."""
DEPTH_M = 0.01
"""How far the tip has to be below the beads' surface, the mean height of their tops, for a turn to count."""
LEAST_RADIUS_M = 0.01
"""Turns nearer the pot's axis than this are wriggling, not stirring."""
TURNS, MIXED = 5.0, 0.8
MEMORY_S = 1.0
"""Time constant of the mean mixing index: single arrangements of 20 beads differ by 0.15 from their mean."""
LOW_M = 0.03
"""A spoon that is put away has its head this near the counter: it stands in the holder, or lies."""
STILL_MPS = 0.02
MOVED_M, LATERAL_N = 0.05, 15.0
"""Limits of what is done to the pot."""
_FORCES = (Force("pot", "spoon"),)
_HOLE_M, _HOLDER_M, _PLATE_M = 0.021, 0.07, 0.003
"""Half width of the holder's inside, height of its straight walls, half thickness of all its plates."""
_FUNNEL_M, _FUNNEL_RAD = 0.016, 0.75
"""Half length and lean of the plates that lead the spoon in."""


_BLADE_M = (0.017, 0.007, 0.026)
"""Half extents of the spoon's head, a blade with upright sides: a rounded one rides up on the beads."""


class StirPot(Household):
    """Stir two heaps of beads until they are mixed.

    A turn is one of the spoon's tip about the pot's axis, more than 1 cm off it and at least 1 cm below the beads'
    surface; turns in both directions cancel. Beads are mixed when the mean mixing index of the last second is at least
    0.8. Success: after 5 turns and mixing, the spoon is out of the pot, in its holder or lying on the counter, still and
    released, for 1 s. Harm of its own: the pot moved by more than 5 cm, a lateral force of the spoon on the pot above
    15 N (mean over 20 ms), a bead beside the pot.
    """

    name: ClassVar[str] = "stir_pot"
    texts: ClassVar[Mapping[str, str]] = {
        "full": "Take the spoon, stir the pot five times round until the colours are mixed, and put the spoon back into its holder."
    }
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Mix what is in the pot: five turns with the spoon, which then goes back where it hung.",
            "Grab the ladle, give the saucepan's contents five rounds until they are one colour, and return the ladle to its stand.",
            "Blend the two colours by stirring five times around; the spoon belongs in its holder afterwards.",
        ),
    }
    duration_s: ClassVar[Mapping[str, float]] = {"full": 23.0}
    stages: ClassVar[tuple[Stage, ...]] = (
        Stage("taken"),
        Stage("dipped", after=("taken",)),
        Stage("stirred", after=("dipped",)),
        Stage("mixed", after=("dipped",)),
        Stage("goal", after=("stirred", "mixed"), hold_s=GOAL_S),
    )
    physics: ClassVar[Physics] = Physics()
    forces: ClassVar[tuple[Force, ...]] = _FORCES
    settle_s: float = 0.5

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """A spoon in its holder on the right, a pot with two heaps of beads before the robot."""
        holder = _holder(draws)
        pot = _pot(draws)
        return (_spoon(draws, holder), pot, holder, *_beads(draws, pot))

    def numbers(self, scene: Scene) -> Mapping[str, np.ndarray | float]:
        """The pot's size and where it stood (m), and the beads' kinds."""
        pot = scene.thing("pot")
        kind = [float(thing.family == "dark") for thing in scene.things if thing.role == "bead"]
        return {"pot_m": np.array([pot.half_m[0], 2 * pot.half_m[2]]), "pot_start_m": np.array(pot.position_m), "kind": np.array(kind)}

    @property
    def extra_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What `extra` tells."""
        return {"turns": (), "tip_angle_rad": (), "tip_counts": (), "mixing": (), "pot_moved_m": (), "lateral_n": (), "beside": ()}

    def extra(self, look: Look) -> Mapping[str, np.ndarray]:
        """Turns so far and what they are counted with, the mean mixing index, and what was done to the pot."""
        tip = look.pose("pot").inverse().apply(look.position_m("spoon"))
        counts, angle = self._counts(look, tip), np.arctan2(tip[:, 1], tip[:, 0])
        step = _wrapped(angle - look.before["tip_angle_rad"])
        going = counts & (look.before["tip_counts"] > 0)
        now = self._mixing(look)
        mean = look.before["mixing"] + PERIOD_S / MEMORY_S * (now - look.before["mixing"])
        held = self._in_pot(look)
        return {
            "turns": look.before["turns"] + np.where(going, step, 0.0) / (2 * np.pi),
            "tip_angle_rad": angle,
            "tip_counts": counts.astype(float),
            "mixing": np.where(look.moment.step <= 1, now, mean),
            "pot_moved_m": np.linalg.norm((look.position_m("pot") - look.facts["pot_start_m"])[:, :2], axis=-1),
            "lateral_n": np.linalg.norm(look.net_force_n(0)[:, :2], axis=-1),
            "beside": spilled(look, held).sum(1).astype(float),
        }

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """See the class."""
        extra, tip = look.extra, look.position_m("spoon")
        away = np.linalg.norm((tip - look.position_m("pot"))[:, :2], axis=-1) > look.facts["pot_m"][:, 0]
        still = ~look.touching("spoon") & (look.speed_mps("spoon") < STILL_MPS)
        return {
            "taken": tip[:, 2] > TAKEN_M,
            "dipped": extra["tip_counts"] > 0,
            "stirred": np.abs(extra["turns"]) >= TURNS,
            "mixed": extra["mixing"] >= MIXED,
            "goal": away & (tip[:, 2] < LOW_M) & still,
        }

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """What was done to the pot, and how many beads lie beside it."""
        worst = {name: float(np.nanmax(signals[name], initial=0.0)) for name in ("pot_moved_m", "lateral_n", "beside")}
        return {
            "pot_moved_m": (worst["pot_moved_m"], MOVED_M),
            "lateral_n": (worst["lateral_n"], LATERAL_N),
            "beside": (worst["beside"], 0.5),
        }

    def _in_pot(self, look: Look) -> np.ndarray:
        """(n, B); a bead that lies on others may rise over the rim."""
        return inside(look, "pot", look.facts["pot_m"][:, 0], look.facts["pot_m"][:, 1] + 2 * BEAD_RADIUS_M)

    def _counts(self, look: Look, tip_m: Array) -> np.ndarray:
        """(n,) whether the tip, in the pot's frame, is deep enough and far enough from the axis."""
        beads = look.pose("pot")[:, None].inverse().apply(look.beads_m())
        held = self._in_pot(look)
        tops = np.where(held, beads[..., 2] + BEAD_RADIUS_M, 0.0).sum(1) / np.maximum(held.sum(1), 1)
        across = np.hypot(tip_m[:, 0], tip_m[:, 1])
        inner = look.facts["pot_m"][:, 0] - POT_WALL_M
        return np.asarray((tip_m[:, 2] > 0) & (tip_m[:, 2] <= tops - DEPTH_M) & (across > LEAST_RADIUS_M) & (across < inner))

    def _mixing(self, look: Look) -> Array:
        """(n,) the mixing index now."""
        return mixing_index(look.beads_m(), look.facts["kind"][0])


def _wrapped(angle_rad: Array) -> Array:
    return np.asarray((angle_rad + np.pi) % (2 * np.pi) - np.pi)


def _spoon(draws: Draws, holder: Thing) -> Thing:
    """A spoon with a thick handle; held out: heavy, slippery ones."""
    wet = draws.held_out_objects
    radius, mass, friction = draws.value("spoon_radius_m"), draws.value("spoon_mass_kg"), draws.value("spoon_friction")
    rgba = (0.6, 0.65, 0.7, 1.0) if wet else (0.62, 0.42, 0.22, 1.0)
    half_length, middle = (SPOON_M - _BLADE_M[2]) / 2, (SPOON_M + _BLADE_M[2]) / 2
    handle = Shape("capsule", (radius, half_length - radius), (0, 0, middle), mass_kg=0.75 * mass, friction=friction, rgba=rgba)
    head = Shape("box", _BLADE_M, (0, 0, _BLADE_M[2]), mass_kg=0.25 * mass, friction=friction, rgba=rgba)
    grips = {"side": Grip("wrap", (0.0, 0.0, GRIP_M), width_m=2 * radius, spin=(0.0, 0.0, 1.0))}
    half = (radius, radius, SPOON_M / 2)
    return Thing("spoon", (handle, head), family="wet spoon" if wet else "spoon", half_m=half, grips=grips).at(holder.position_m)


def _holder(draws: Draws) -> Thing:
    """A square tube with a funnel on top, fixed to the counter."""
    x, y = draws.layout.uniform(draws.box("holder").low, draws.box("holder").high)
    shapes = []
    for quarter in range(4):
        angle = quarter * np.pi / 2
        shapes += [_plate(angle, _HOLE_M + _PLATE_M, _HOLDER_M / 2, _HOLDER_M / 2, 0.0)]
        out = _HOLE_M + _PLATE_M + _FUNNEL_M * np.sin(_FUNNEL_RAD)
        shapes += [_plate(angle, out, _HOLDER_M + _FUNNEL_M * np.cos(_FUNNEL_RAD), _FUNNEL_M, _FUNNEL_RAD)]
    half = (_HOLE_M + 2 * _PLATE_M, _HOLE_M + 2 * _PLATE_M, _HOLDER_M / 2)
    return Thing("holder", tuple(shapes), joint=None, role="fixture", family="holder", half_m=half).at((x, y, 0.0))


def _plate(angle_rad: float, out_m: float, up_m: float, half_height_m: float, lean_rad: float) -> Shape:
    """One plate of the holder: out from its axis, leaning outwards."""
    cos, sin = np.cos(angle_rad / 2), np.sin(angle_rad / 2)
    lean_cos, lean_sin = np.cos(lean_rad / 2), np.sin(lean_rad / 2)
    wxyz = (float(cos * lean_cos), float(-sin * lean_sin), float(cos * lean_sin), float(sin * lean_cos))
    half_width = _HOLE_M + 2 * _PLATE_M if lean_rad == 0 else out_m
    place = (float(out_m * np.cos(angle_rad)), float(out_m * np.sin(angle_rad)), up_m)
    return Shape("box", (_PLATE_M, half_width, half_height_m), place, wxyz, friction=0.4, rgba=(0.3, 0.35, 0.6, 1.0))


def _pot(draws: Draws) -> Thing:
    """A pot that stands loose; held out: wide ones."""
    radius, height, mass = draws.value("pot_radius_m"), draws.value("pot_height_m"), draws.value("pot_mass_kg")
    shapes = hollow(radius, height, POT_WALL_M, mass, sides=16, friction=0.8, rgba=(0.6, 0.62, 0.66, 0.6))
    x, y = draws.layout.uniform(draws.box("pot").low, draws.box("pot").high)
    half = (radius, radius, height / 2)
    family = "wide pot" if draws.held_out_objects else "pot"
    return Thing("pot", shapes, family=family, half_m=half, role="fixture").at((x, y, 0.0))


def _beads(draws: Draws, pot: Thing) -> tuple[Thing, ...]:
    """Two heaps in the halves of the pot, a strip between them free."""
    turn = float(draws.stream("beads").uniform(0, 2 * np.pi))
    places = half_layers(BEADS, BEAD_RADIUS_M, pot.half_m[0] - POT_WALL_M, POT_WALL_M, turn) + np.array(pot.position_m)
    kinds = [("light", (0.95, 0.8, 0.35, 1.0)), ("dark", (0.55, 0.12, 0.15, 1.0))]
    return tuple(
        bead(f"bead_{k:02d}", BEAD_RADIUS_M, place, BEAD_FRICTION, kinds[2 * k // BEADS][1], kinds[2 * k // BEADS][0])
        for k, place in enumerate(places)
    )
