"""Tidy the counter: waste into the bin, dishes onto the tray, and the glass stays upright.

Each region lies outside, and what belongs there stands before it, nearer to the middle: the right hand clears the right
half, the left hand the left one, so that no forearm has to cross what still stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.places import ENOUGH_M, Spot, order_of_taking, scattered
from envs.household.shapes import box, cylinder, glass, mug, rimmed
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Thing
from motion.transform import Array, rotate

CLASSES: Mapping[str, tuple[str, ...]] = {"bin": ("can", "carton"), "tray": ("mug", "glass")}
"""Region -> the things that belong there. The bin stands on the right, the tray on the left."""
SIDES_OF: Mapping[str, str] = {"bin": "right", "tray": "left"}
"""Region -> the hand that it is nearer to."""
SOURCES: Mapping[str, str] = {"bin": "waste", "tray": "dishes"}
"""Region -> where what belongs there stands at first: a region of the layout in the splits."""
OBJECTS = tuple(name for names in CLASSES.values() for name in names)
UPRIGHT = ("mug", "glass")
_MUST_STAND = np.array([name in UPRIGHT for name in OBJECTS])
_UP = np.array([0.0, 0.0, 1.0])
APART_M = 0.055
"""Air between things that are to be taken: an open finger is 2 cm thick, and comes down beside them."""
WORKING_YAWS_RAD = tuple(np.radians([20.0, 30.0, 10.0, 40.0, 0.0]))
"""Yaws of a right hand that takes something on its half of the counter, the most comfortable first."""
REGION_M, REGION_HALF_M, PLACE_M = (0.155, 0.36), (0.125, 0.055), (0.065, 0.014)
"""Where a region's middle is, forward and outward; its half extents; and where its two places are: one ahead and inward of
the middle, one as much behind and outward, so that fingers that open at the near one do not touch what stands at the far."""
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
    """Where in a region its first (0) and its second thing (1) go: the far place first."""
    x, y, z = (float(value) for value in region_m)
    ahead, inward = PLACE_M if index == 0 else (-PLACE_M[0], -PLACE_M[1])
    return (x + ahead, y - float(np.sign(y)) * inward, z + FLOOR_M)


class TidyCounter(Household):
    """Each thing into the region of its class; mug and glass upright."""

    name = "tidy_counter"
    texts: ClassVar[Mapping[str, str]] = {
        "full": "Put the can and the carton into the bin, and the mug and the glass upright onto the tray.",
        "one": "Put away the one thing that is left: a can or a carton into the bin, a mug or a glass upright onto the tray.",
    }
    tasks = ("full", "one")
    duration_s: ClassVar[Mapping[str, float]] = {"full": 36.0, "one": 11.0}
    stages = (
        *(Stage(f"{name}_away", hold_s=0.2) for name in OBJECTS),
        Stage("tidy", after=tuple(f"{name}_away" for name in OBJECTS), hold_s=GOAL_S),
    )

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """Bin to the right, tray to the left, between them what is to be put away; in "one" all but one are there already."""
        regions, objects = _regions(draws.layout), _objects(draws)
        last = OBJECTS[int(draws.layout.integers(len(OBJECTS)))]
        loose = [name for name in OBJECTS if task == "full" or name == last]
        stand: dict[str, Thing] = {}
        for region, names in CLASSES.items():
            here = [objects[name] for name in names if name in loose]
            stand |= {thing.name: thing for thing in _scattered(draws, regions[region], here)}
            away = [objects[name] for name in names if name not in loose]
            stand |= {thing.name: thing.at(place_m(regions[region].position_m, index)) for index, thing in enumerate(away)}
        return (regions["bin"], regions["tray"], *(stand[name] for name in OBJECTS))

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
        """(n, O) which of `OBJECTS` is away."""
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
        return np.asarray(inside & still & ((upright & low) | ~_MUST_STAND))


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
    size = {name: (draws.value(f"{name}_radius_m"), draws.value(f"{name}_height_m")) for name in ("can", "mug", "glass")}
    made = (
        cylinder("can", *size["can"], mass["can"], grip["can"], f"{wet}can"),
        box("carton", half, mass["carton"], grip["carton"], f"{wet}carton"),
        mug("mug", *size["mug"], mass["mug"], friction=grip["mug"], family=f"{wet}mug"),
        glass("glass", *size["glass"], mass["glass"], grip["glass"], family=f"{wet}glass"),
    )
    return {thing.name: thing for thing in made}


def _scattered(draws: Draws, region: Thing, things: list[Thing]) -> list[Thing]:
    """Things before their region, far enough apart, in an order each with a free way for hand and forearm."""
    if not things:
        return []
    rng, area, side = draws.layout, draws.box(SOURCES[region.name]), SIDES_OF[region.name]
    sign = 1.0 if side == "right" else -1.0
    radii = [max(thing.half_m[:2]) for thing in things]
    faced = {thing.name: sign * float(rng.uniform(*CARTON_YAW_RAD)) for thing in things}
    yaws = [[faced[thing.name]] if thing.name == "carton" else [sign * yaw for yaw in WORKING_YAWS_RAD] for thing in things]
    filled = [Spot(*place_m(region.position_m, index)[:2], WIDEST_M) for index in range(2)]
    best: tuple[float, list[Spot]] = (-np.inf, [])
    for _ in range(_TRIES):
        spots = scattered(rng, area.low, area.high, radii, APART_M)
        _, free = order_of_taking(spots, yaws, filled, side)
        best = max(best, (free, spots), key=lambda found: found[0])
        if free >= ENOUGH_M:
            break
    quarter = np.pi / 2 * int(rng.integers(4))
    return [thing.at((spot.x_m, spot.y_m, 0.0), faced[thing.name] + quarter) for thing, spot in zip(things, best[1], strict=True)]
