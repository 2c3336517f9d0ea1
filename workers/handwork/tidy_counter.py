"""Handwork of tidy_counter: each hand clears its half, thing after thing, each time the one that is easiest to get at."""

from __future__ import annotations

import numpy as np

from envs.chores.tidy_counter import CLASSES, PLACES_M, WIDEST_M, WORKING_YAWS_RAD, first_place, place_m
from envs.household.places import Spot, order_of_taking
from workers.handwork.engine import Script
from workers.handwork.poses import handed, yaw_of

PLACING_YAW_RAD = float(np.radians(-5.0))
"""Of a right hand over a region at its own side."""
DROP_M = {"bin": 0.006, "tray": 0.001}
"""From how high things are let go: into the bin less gently than onto the tray."""
HAND_M = 0.044
"""How far a hand reaches below its tool frame."""
OVER_M = 0.03
"""Air between what is carried and the tallest thing that stands there."""


def script(script: Script) -> None:
    """Put away whatever is not in its region yet, the skilled hand first."""
    script.travel_m = HAND_M + OVER_M + _tallest_m(script)
    first = script.style.main_side
    other = {"right": "left", "left": "right"}
    for side in (first, other[first]):
        region = next(name for name in CLASSES if _side(script, name) == side)
        if any(not _inside(script, name, region) for name in _present(script, region)):
            script.clear_away(other[side])
            _clear(script, side, region)
    script.wait()


def _clear(script: Script, side: str, region: str) -> None:
    """One hand puts away what belongs into its region."""
    present = _present(script, region)
    names = [name for name in present if not _inside(script, name, region)]
    first = first_place(len(present)) + len(present) - len(names)
    filled = [Spot(*place_m(script.pose(region).position_m, index)[:2], WIDEST_M) for index in range(len(PLACES_M))]
    spots = [_spot(script, name) for name in names]
    order, _ = order_of_taking(spots, [_yaws(script, name, side) for name in names], filled, side)
    carry = OVER_M + _tallest_m(script)
    for place, (index, yaw) in enumerate(order, first):
        script.pick(names[index], side=side, yaw_rad=yaw, lift_m=carry)
        was, to = (spots[index].x_m, spots[index].y_m, 0.0), place_m(script.pose(region).position_m, place)
        script.put(to, side, wrong=was, above_m=carry, yaw_rad=handed(side) * PLACING_YAW_RAD, drop_m=DROP_M[region])
    script.home(side)


def _side(script: Script, region: str) -> str:
    """The hand that a region is nearer to."""
    return "left" if script.pose(region).position_m[1] > 0 else "right"


def _present(script: Script, region: str) -> list[str]:
    """What belongs into a region, in this episode."""
    return [name for name in CLASSES[region] if not script.scene.thing(name).parked]


def _tallest_m(script: Script) -> float:
    return max(2 * script.scene.thing(name).half_m[2] for region in CLASSES for name in _present(script, region))


def _spot(script: Script, name: str) -> Spot:
    x, y, _ = script.pose(name).position_m
    return Spot(float(x), float(y), max(script.scene.thing(name).half_m[:2]))


def _inside(script: Script, name: str, region: str) -> bool:
    off = np.abs(script.pose(name).position_m - script.pose(region).position_m)[:2]
    return bool((off < script.scene.thing(region).half_m[:2]).all())


def _yaws(script: Script, name: str, side: str) -> list[float]:
    """Yaws at which a hand can take a thing: of a box, those of its sides that face the hand."""
    yaws = [handed(side) * yaw for yaw in WORKING_YAWS_RAD]
    if len(script.scene.thing(name).grips) == 1:
        return yaws
    return list(dict.fromkeys(round(yaw_of(script.at_grip(name, side=side, yaw_rad=yaw)), 6) for yaw in yaws))
