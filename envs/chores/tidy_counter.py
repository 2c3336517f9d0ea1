"""Tidy the counter: waste into the bin, dishes onto the tray, and the glass stays upright."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.household.chore import Household
from envs.household.draws import Draws
from envs.household.look import Look
from envs.household.places import ENOUGH_M, Spot, order_of_taking, scattered
from envs.household.shapes import box, cylinder, glass, mug, rimmed
from envs.household.stages import GOAL_S, Stage
from envs.household.things import Thing
from motion.transform import rotate

CLASSES: Mapping[str, tuple[str, ...]] = {"bin": ("can", "carton"), "tray": ("mug", "glass")}
"""Region -> the things that belong there."""
OBJECTS = tuple(name for names in CLASSES.values() for name in names)
UPRIGHT = ("mug", "glass")
APART_M = 0.055
"""Air between things that are to be taken: an open finger is 2 cm thick, and comes down beside them."""
SOURCE_LOW_M, SOURCE_HIGH_M = (0.08, -0.22), (0.27, -0.01)
HELD_OUT_LOW_M, HELD_OUT_HIGH_M = (0.05, -0.24), (0.08, 0.0)
"""Layouts that are held out have their first thing here, nearer to the counter's edge than training ever has one."""
WORKING_YAWS_RAD = tuple(np.radians([20.0, 30.0, 10.0, 40.0, 0.0, 50.0]))
"""Yaws of a right hand that takes something in the middle of the counter, the most comfortable first."""
_STILL_MPS = 0.05
_LEAN = float(np.cos(np.radians(15.0)))
_KNOCKED_DEG = 45.0
_BIN_WALL_M, _TRAY_RIM_M, _FLOOR_M = 0.02, 0.006, 0.004
_TRIES = 400


class TidyCounter(Household):
    """Each thing into the region of its class; mug and glass upright."""

    name = "tidy_counter"
    text = "Put the can and the carton into the bin, and the mug and the glass upright onto the tray."
    tasks = ("full", "one")
    duration_s: ClassVar[Mapping[str, float]] = {"full": 36.0, "one": 11.0}
    stages = (
        *(Stage(f"{name}_away", hold_s=0.2) for name in OBJECTS),
        Stage("tidy", after=tuple(f"{name}_away" for name in OBJECTS), hold_s=GOAL_S),
    )

    def draw(self, task: str, draws: Draws) -> tuple[Thing, ...]:
        """Bin to the right, tray to the left, in the middle what is to be put away; in "one" all but one are there already."""
        regions = _regions(draws.layout)
        objects = _objects(draws)
        slots = {name: _slot(regions[region], index) for region, names in CLASSES.items() for index, name in enumerate(names)}
        last = OBJECTS[int(draws.layout.integers(len(OBJECTS)))]
        if task == "one":
            slots |= _behind(last, regions)
        loose = [name for name in OBJECTS if task == "full" or name == last]
        places = _places(draws, [objects[name] for name in loose])
        standing = [objects[name].at(slots[name]) if name not in loose else objects[name] for name in OBJECTS]
        moved = {name: replace(objects[name]).at((spot.x_m, spot.y_m, 0.0), yaw) for name, (spot, yaw) in zip(loose, places, strict=True)}
        return (regions["bin"], regions["tray"], *(moved.get(thing.name, thing) for thing in standing))

    def true_now(self, look: Look) -> Mapping[str, np.ndarray]:
        """A thing is away when it lies in its region, still and out of the hands."""
        away = {name: self._away(look, region, name) for region, names in CLASSES.items() for name in names}
        return {**{f"{name}_away": now for name, now in away.items()}, "tidy": np.all(list(away.values()), axis=0)}

    def harm(self, signals: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> Mapping[str, tuple[float, float]]:
        """How far the glass was ever tilted."""
        wxyz = signals["thing_wxyz"][:, self.listing.things.index("glass")]
        lean = np.degrees(np.arccos(np.clip(rotate(wxyz, np.array([0.0, 0.0, 1.0]))[:, 2], -1.0, 1.0)))
        return {"glass_tilt_deg": (float(lean.max(initial=0.0)), _KNOCKED_DEG)}

    def _away(self, look: Look, region: str, name: str) -> np.ndarray:
        half = look.facts["thing_half_m"][:, self.listing.things.index(region)]
        tall = look.facts["thing_half_m"][:, self.listing.things.index(name), 2]
        pose, base = look.pose(name), look.position_m(region)
        middle = pose.apply(np.stack([0 * tall, 0 * tall, tall], axis=-1)) - base
        inside = (np.abs(middle[:, :2]) <= half[:, :2]).all(1) & (middle[:, 2] < 2 * tall + 0.02) & (middle[:, 2] > 0.0)
        still = (look.speed_mps(name) < _STILL_MPS) & ~look.touching(name)
        low = pose.position_m[:, 2] - base[:, 2] < 0.02
        return inside & still & ((look.upright(name) > _LEAN) & low if name in UPRIGHT else True)


def _regions(rng: np.random.Generator) -> dict[str, Thing]:
    off = rng.uniform(-0.012, 0.012, (2, 2))
    box_m, tray_m = (0.125, 0.065), (0.125, 0.065)
    bin_ = rimmed("bin", box_m, _FLOOR_M, _BIN_WALL_M, (0.35, 0.4, 0.45, 1.0)).at((0.175 + off[0, 0], -0.38 + off[0, 1], 0.0))
    tray = rimmed("tray", tray_m, _FLOOR_M, _TRAY_RIM_M, (0.75, 0.7, 0.55, 1.0)).at((0.165 + off[1, 0], 0.115 + off[1, 1], 0.0))
    return {"bin": bin_, "tray": tray}


def _slot(region: Thing, index: int) -> tuple[float, float, float]:
    """Places in a region, the far one first."""
    x, y, _ = region.position_m
    return (x + (0.06 if index == 0 else -0.06), y, _FLOOR_M)


def _behind(last: str, regions: Mapping[str, Thing]) -> dict[str, tuple[float, float, float]]:
    """The neighbour of the only thing that is missing stands behind its place, out of the way."""
    region = next(region for region, names in CLASSES.items() if last in names)
    return {name: _slot(regions[region], 0) for name in CLASSES[region] if name != last}


def _objects(draws: Draws) -> dict[str, Thing]:
    """Their sizes, masses and frictions; held-out things are heavier and more slippery than any of training."""
    rng, held = draws.objects, draws.held_out_objects
    mass = {name: float(rng.uniform(0.31, 0.40) if held else rng.uniform(0.08, 0.30)) for name in OBJECTS}
    grip = {name: float(rng.uniform(0.40, 0.48) if held else rng.uniform(0.50, 0.90)) for name in OBJECTS}
    width, deep = rng.uniform(0.024, 0.031, 2)
    kind = "wet " if held else ""
    made = (
        cylinder("can", rng.uniform(0.026, 0.033), rng.uniform(0.11, 0.13), mass["can"], grip["can"], f"{kind}can"),
        box("carton", (deep, width, rng.uniform(0.055, 0.065)), mass["carton"], grip["carton"], f"{kind}carton"),
        mug("mug", rng.uniform(0.030, 0.037), rng.uniform(0.095, 0.115), mass["mug"], friction=grip["mug"], family=f"{kind}mug"),
        glass("glass", rng.uniform(0.028, 0.034), rng.uniform(0.11, 0.135), mass["glass"], grip["glass"], family=f"{kind}glass"),
    )
    return {thing.name: thing for thing in made}


def _places(draws: Draws, objects: Sequence[Thing]) -> list[tuple[Spot, float]]:
    """Where things stand, and their yaw: far enough apart, and in an order each with a free way for hand and forearm."""
    rng = draws.layout
    radii = [max(thing.half_m[:2]) for thing in objects]
    yaws = rng.uniform(-np.pi, np.pi, len(objects))
    best: tuple[float, list[Spot]] = (-np.inf, [])
    for _ in range(_TRIES):
        spots = scattered(rng, SOURCE_LOW_M, SOURCE_HIGH_M, radii, APART_M)
        if draws.held_out_layouts:
            x, y = rng.uniform(HELD_OUT_LOW_M, HELD_OUT_HIGH_M)
            spots[0] = Spot(float(x), float(y), radii[0])
        _, free = order_of_taking(spots, [WORKING_YAWS_RAD] * len(spots))
        best = max(best, (free, spots), key=lambda found: found[0])
        if free >= ENOUGH_M:
            break
    return [(spot, float(yaw)) for spot, yaw in zip(best[1], yaws, strict=True)]
