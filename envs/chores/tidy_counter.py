"""Tidy the counter: four to six things, waste into the bin, dishes onto the tray, and the glass stays upright.

Each region lies outside, and what belongs there stands before it, nearer to the middle: the right hand clears the right
half, the left hand the left one, so that no forearm has to cross what still stands. A third thing on a side is small and stands
near the front edge, beside where the hand rests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.parking import parked, shelf
from envs.household.places import ENOUGH_M, Spot, order_of_taking, scattered
from envs.household.shapes import box, cylinder, glass, mug, rimmed
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Thing
from motion.transform import Array, rotate

CLASSES: Mapping[str, tuple[str, ...]] = {"bin": ("can", "carton", "tin"), "tray": ("mug", "glass", "beaker")}
"""Region -> the things that belong there. The bin stands on the right, the tray on the left."""
SIDES_OF: Mapping[str, str] = {"bin": "right", "tray": "left"}
"""Region -> the hand that it is nearer to."""
SOURCES: Mapping[str, str] = {"bin": "waste", "tray": "dishes"}
"""Region -> where what belongs there stands at first: a region of the layout in the splits."""
OBJECTS = tuple(name for names in CLASSES.values() for name in names)
EXTRAS = ("tin", "beaker")
"""Things that not every episode has: none, one or both of them."""
UPRIGHT = CLASSES["tray"]
_MUST_STAND = np.array([name in UPRIGHT for name in OBJECTS])
_UP = np.array([0.0, 0.0, 1.0])
APART_M = 0.055
"""Air between things that are to be taken: an open finger is 2 cm thick, and comes down beside them."""
WORKING_YAWS_RAD = tuple(np.radians([20.0, 30.0, 10.0, 40.0, 0.0]))
"""Yaws of a right hand that takes something on its half of the counter, the most comfortable first."""
REGION_M, REGION_HALF_M = (0.155, 0.405), (0.125, 0.10)
"""Where a region's middle is, forward and outward; and its half extents."""
PLACES_M = ((0.0, 0.055), (0.065, -0.059), (-0.065, -0.031))
"""Where a region's places are, forward and outward of its middle, in the order in which they are filled: the outer, the far and the
near one. So nothing stands behind the back of the hand, and fingers that open at the near place do not touch what is at the far."""
FLOOR_M = 0.004
"""Thickness of a region's floor."""
CARTON_YAW_RAD = (0.0, float(np.radians(35.0)))
"""A face of the carton is turned so that a right hand takes it at a yaw in here."""
_STILL_MPS = 0.05
_LEAN = float(np.cos(np.radians(15.0)))
_KNOCKED_DEG = 45.0
_BIN_WALL_M, _TRAY_RIM_M = 0.014, 0.006
_TRIES = 400
WIDEST_M = 0.037
"""Radius of the widest thing there is."""


def place_m(region_m: tuple[float, float, float] | Array, index: int) -> tuple[float, float, float]:
    """Where in a region its things go: places 0, 1, 2 are filled in this order, the first only where three things come."""
    x, y, z = (float(value) for value in region_m)
    ahead, outward = PLACES_M[index]
    return (x + ahead, y + float(np.sign(y)) * outward, z + FLOOR_M)


def first_place(count: int) -> int:
    """The place at which a region begins to be filled with so many things."""
    return len(PLACES_M) - count


class TidyCounter(Household):
    """Each thing that is there into the region of its class; mug, glass and beaker upright."""

    name = "tidy_counter"
    texts: ClassVar[Mapping[str, str]] = {
        "full": "Put cans, cartons and tins into the bin, and mugs, glasses and beakers upright onto the tray.",
        "one": "Put away the one thing that is left: a can, carton or tin into the bin, a mug, glass or beaker upright onto the tray.",
    }
    rephrased: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "full": (
            "Clear the counter: everything to drink from belongs upright on the tray, tins, cans and cartons go in the bin.",
            "Tidy up. Throw packaging away and stand the drinking vessels on the tray.",
            "Sort what stands around: rubbish in the waste bin, crockery on the tray, the right way up.",
        ),
        "one": (
            "Only one item remains. Throw it away if it is packaging; stand it on the tray if one drinks from it.",
            "Clear the last object: rubbish in the waste bin, crockery on the tray, the right way up.",
            "There is a single thing to tidy up, find out where it belongs and place it there.",
        ),
    }
    tasks = ("full", "one")
    duration_s: ClassVar[Mapping[str, float]] = {"full": 60.0, "one": 11.0}
    stages = (
        *(Stage(f"{name}_away", hold_s=0.2) for name in OBJECTS),
        Stage("tidy", after=tuple(f"{name}_away" for name in OBJECTS), hold_s=GOAL_S),
    )

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """Bin to the right, tray to the left, between them what is to be put away; in "one" all but one are there already."""
        regions, objects = _regions(draws.layout), _objects(draws)
        present = _present(draws.layout)
        last = present[int(draws.layout.integers(len(present)))]
        loose = [name for name in present if task == "full" or name == last]
        stand = {name: parked(objects[name], EXTRAS.index(name)) for name in EXTRAS if name not in present}
        for region, names in CLASSES.items():
            here = [objects[name] for name in names if name in loose]
            stand |= {thing.name: thing for thing in _scattered(draws, regions[region], here)}
            away = [objects[name] for name in names if name in present and name not in loose]
            base, first = regions[region].position_m, first_place(sum(name in present for name in names))
            stand |= {thing.name: thing.at(place_m(base, index)) for index, thing in enumerate(away, first)}
        return (regions["bin"], regions["tray"], shelf(), *(stand[name] for name in OBJECTS))

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """A thing is away when it lies in its region, still and out of the hands."""
        away = self._away(look)
        return {**{f"{name}_away": now for name, now in zip(OBJECTS, away.T, strict=True)}, "tidy": away.all(1)}

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """How far the glass was ever tilted."""
        wxyz = signals["thing_wxyz"][:, self.listing.things.index("glass")]
        lean = np.degrees(np.arccos(np.clip(rotate(wxyz, _UP)[:, 2], -1.0, 1.0)))
        return {"glass_tilt_deg": (float(lean.max(initial=0.0)), _KNOCKED_DEG)}

    def _away(self, look: Look) -> np.ndarray:
        """(n, O) which of `OBJECTS` is away, or not there at all."""
        column = self.listing.things.index
        own = [column(name) for name in OBJECTS]
        into = [column(region) for region, names in CLASSES.items() for _ in names]
        half, tall = look.facts["thing_half_m"][:, into], look.facts["thing_half_m"][:, own, 2]
        wxyz, base = look.things.wxyz[:, own], look.things.position_m[:, into]
        low = look.things.position_m[:, own, 2] - base[..., 2] < 0.02
        middle = look.things.position_m[:, own] + rotate(wxyz, _UP * tall[..., None]) - base
        inside = (np.abs(middle[..., :2]) <= half[..., :2]).all(-1) & (middle[..., 2] < 2 * tall + 0.02) & (middle[..., 2] > 0.0)
        upright = 1.0 - 2.0 * (wxyz[..., 1] ** 2 + wxyz[..., 2] ** 2) > _LEAN
        still = (look.speeds_mps()[:, own] < _STILL_MPS) & ~look.touched()[:, own]
        away = inside & still & ((upright & low) | ~_MUST_STAND)
        return np.asarray(away | (look.facts["parked"][:, own] > 0))


def _present(rng: np.random.Generator) -> list[str]:
    """What there is to be put away: four things, or five, or six, as often each."""
    extras = rng.permutation(EXTRAS)[: int(rng.integers(len(EXTRAS) + 1))]
    return [name for name in OBJECTS if name not in EXTRAS or name in extras]


def _regions(rng: np.random.Generator) -> dict[str, Thing]:
    x, y = REGION_M
    off = rng.uniform(-0.01, 0.01, (2, 2))
    bin_ = rimmed("bin", REGION_HALF_M, FLOOR_M, _BIN_WALL_M, (0.35, 0.4, 0.45, 1.0)).at((x + off[0, 0], -y + off[0, 1], 0.0))
    tray = rimmed("tray", REGION_HALF_M, FLOOR_M, _TRAY_RIM_M, (0.75, 0.7, 0.55, 1.0)).at((x + off[1, 0], y + off[1, 1], 0.0))
    return {"bin": bin_, "tray": tray}


def _objects(draws: Draws) -> dict[str, Thing]:
    """Their sizes, masses and frictions; held-out things are wet: heavier and more slippery than any of training."""
    mass = {name: draws.value("mass_kg", name) for name in OBJECTS}
    grip = {name: draws.value("friction", name) for name in OBJECTS}
    wet = "wet " if draws.held_out_objects else ""
    half = (draws.value("carton_half_m", "x"), draws.value("carton_half_m", "y"), draws.value("carton_half_height_m"))
    size = {name: (draws.value(f"{name}_radius_m"), draws.value(f"{name}_height_m")) for name in OBJECTS if name != "carton"}
    made = (
        cylinder("can", *size["can"], mass["can"], grip["can"], f"{wet}can"),
        box("carton", half, mass["carton"], grip["carton"], f"{wet}carton"),
        cylinder("tin", *size["tin"], mass["tin"], grip["tin"], f"{wet}tin", (0.55, 0.58, 0.62, 1.0)),
        mug("mug", *size["mug"], mass["mug"], friction=grip["mug"], family=f"{wet}mug"),
        glass("glass", *size["glass"], mass["glass"], grip["glass"], family=f"{wet}glass"),
        mug("beaker", *size["beaker"], mass["beaker"], friction=grip["beaker"], family=f"{wet}beaker", rgba=(0.9, 0.55, 0.2, 1.0)),
    )
    return {thing.name: thing for thing in made}


def _scattered(draws: Draws, region: Thing, things: list[Thing]) -> list[Thing]:
    """Things before their region, far enough apart, in an order each with a free way for hand and forearm."""
    if not things:
        return []
    rng, side = draws.layout, SIDES_OF[region.name]
    areas = [draws.box(thing.name if thing.name in EXTRAS else SOURCES[region.name]) for thing in things]
    low, high = np.array([area.low for area in areas]), np.array([area.high for area in areas])
    sign = 1.0 if side == "right" else -1.0
    radii = [max(thing.half_m[:2]) for thing in things]
    faced = {thing.name: sign * float(rng.uniform(*CARTON_YAW_RAD)) for thing in things}
    yaws = [[faced[thing.name]] if thing.name == "carton" else [sign * yaw for yaw in WORKING_YAWS_RAD] for thing in things]
    filled = [Spot(*place_m(region.position_m, index)[:2], WIDEST_M) for index in range(len(PLACES_M))]
    best: tuple[float, list[Spot]] = (-np.inf, [])
    for _ in range(_TRIES):
        spots = scattered(rng, low, high, radii, APART_M)
        _, free = order_of_taking(spots, yaws, filled, side)
        best = max(best, (free, spots), key=lambda found: found[0])
        if free >= ENOUGH_M:
            break
    quarter = np.pi / 2 * int(rng.integers(4))
    return [thing.at((spot.x_m, spot.y_m, 0.0), faced[thing.name] + quarter) for thing, spot in zip(things, best[1], strict=True)]
