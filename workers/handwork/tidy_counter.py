"""Handwork of tidy_counter: each hand clears its half, thing after thing, each time the one that is easiest to get at."""

from __future__ import annotations

import numpy as np

from envs.household.places import Spot, order_of_taking
from workers.handwork.engine import Script
from workers.handwork.poses import handed, yaw_of

REGIONS = {"can": "bin", "carton": "bin", "mug": "tray", "glass": "tray"}
"""What belongs where."""
YAWS_RAD = tuple(np.radians([20.0, 30.0, 10.0, 40.0, 0.0]))
"""Of a right hand that takes something on its half of the counter, the most comfortable first."""
PLACING_YAW_RAD = float(np.radians(-5.0))
"""Of a right hand over a region at its own side."""
FLOOR_M, DROP_M = 0.004, {"bin": 0.010, "tray": 0.001}
"""Thickness of the regions' floors, and from how high things are let go: over the bin's rim, but gently onto the tray."""
STEP_M = 0.065
"""From the middle of a region to its far and its near place."""
HAND_M = 0.044
"""How far a hand reaches below its tool frame."""
OVER_M = 0.03
"""Air between what is carried and the tallest thing that stands there."""


def script(script: Script) -> None:
    """Put away whatever is not in its region yet, the skilled hand first."""
    sides = {"right": "left", "left": "right"}
    script.travel_m = HAND_M + OVER_M + max(2 * script.scene.thing(name).half_m[2] for name in REGIONS)
    first = script.style.main_side
    for side in (first, sides[first]):
        names = [name for name in REGIONS if _side(script, name) == side and not _inside(script, name)]
        if names:
            script.clear_away(sides[side])
            _clear(script, side, names)
    script.wait()


def _clear(script: Script, side: str, names: list[str]) -> None:
    """One hand puts things away."""
    region, sign = REGIONS[names[0]], handed(side)
    away = [name for name in REGIONS if REGIONS[name] == region and name not in names]
    spots = [_spot(script, name) for name in names]
    yaws = [_yaws(script, name, side) for name in names]
    order, _ = order_of_taking(spots, yaws, [_spot(script, name) for name in away], side)
    carry = OVER_M + max(2 * script.scene.thing(name).half_m[2] for name in REGIONS)
    for index, yaw in order:
        script.pick(names[index], side=side, yaw_rad=yaw, lift_m=carry)
        was = np.array([spots[index].x_m, spots[index].y_m, 0.0])
        to = _place(script, region, len(away))
        script.put(to, side, wrong=was, above_m=carry, yaw_rad=sign * PLACING_YAW_RAD, drop_m=DROP_M[region])
        away.append(names[index])
    script.home(side)


def _side(script: Script, name: str) -> str:
    """The hand on whose half a thing's region lies."""
    return "left" if script.pose(REGIONS[name]).position_m[1] > 0 else "right"


def _spot(script: Script, name: str) -> Spot:
    x, y, _ = script.pose(name).position_m
    return Spot(float(x), float(y), max(script.scene.thing(name).half_m[:2]))


def _inside(script: Script, name: str) -> bool:
    region = REGIONS[name]
    off = np.abs(script.pose(name).position_m - script.pose(region).position_m)[:2]
    return bool((off < script.scene.thing(region).half_m[:2]).all())


def _yaws(script: Script, name: str, side: str) -> list[float]:
    """Yaws at which a hand can take a thing: of a box, those of its sides that face the hand."""
    yaws = [handed(side) * yaw for yaw in YAWS_RAD]
    if len(script.scene.thing(name).grips) == 1:
        return yaws
    return list(dict.fromkeys(round(yaw_of(script.at_grip(name, side=side, yaw_rad=yaw)), 6) for yaw in yaws))


def _place(script: Script, region: str, taken: int) -> np.ndarray:
    """Where the next thing goes: the far place first, then the near one, each a hand's breadth before the other."""
    x, y, _ = script.pose(region).position_m
    return np.array([x + (STEP_M if taken == 0 else -STEP_M), y, FLOOR_M])
