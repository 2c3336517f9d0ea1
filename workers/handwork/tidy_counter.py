"""Handwork of tidy_counter: thing after thing into its region, each time the one that is easiest to get at."""

from __future__ import annotations

import numpy as np

from envs.household.places import Spot, order_of_taking
from workers.handwork.engine import Script
from workers.handwork.poses import handed, yaw_of

REGIONS = {"can": "bin", "carton": "bin", "mug": "tray", "glass": "tray"}
"""What belongs where."""
YAWS_RAD = tuple(np.radians([20.0, 30.0, 10.0, 40.0, 0.0, 50.0]))
"""Of a right hand that takes something in the middle of the counter, the most comfortable first."""
PLACING_YAW_RAD = {"bin": float(np.radians(-5.0)), "tray": float(np.radians(25.0))}
"""Of a right hand over the bin at its own side, and over the tray at the other."""
FLOOR_M, DROP_M = 0.004, {"bin": 0.010, "tray": 0.001}
"""Thickness of the regions' floors, and from how high things are let go: over the bin's rim, but gently onto the tray."""
STEP_M = 0.06
"""From the middle of a region to its far and its near place."""
CARRY_M = 0.10
"""How high things are carried over where they go: over the rims, and beside what stands there."""


def script(script: Script) -> None:
    """Put away whatever is not in its region yet."""
    script.wait()
    names = [name for name in REGIONS if not _inside(script, name)]
    spots = [_spot(script, name) for name in names]
    standing = [_spot(script, name) for name in REGIONS if name not in names]
    sign = handed(script.main)
    order, _ = order_of_taking(spots, [[sign * yaw for yaw in _yaws(script, name)] for name in names], standing, script.main)
    filled = {region: [name for name in REGIONS if REGIONS[name] == region and name not in names] for region in DROP_M}
    for index, yaw in order:
        name = names[index]
        region = REGIONS[name]
        script.pick(name, yaw_rad=yaw, lift_m=CARRY_M)
        to, yaw_rad = _place(script, region, len(filled[region])), sign * PLACING_YAW_RAD[region]
        script.put(to, wrong=(spots[index].x_m, spots[index].y_m, 0.0), above_m=CARRY_M, yaw_rad=yaw_rad, drop_m=DROP_M[region])
        filled[region].append(name)
        if script.rng.random() < 0.3:
            script.wait()
    script.home()
    script.wait()


def _spot(script: Script, name: str) -> Spot:
    x, y, _ = script.pose(name).position_m
    return Spot(float(x), float(y), max(script.scene.thing(name).half_m[:2]))


def _inside(script: Script, name: str) -> bool:
    region = REGIONS[name]
    off = np.abs(script.pose(name).position_m - script.pose(region).position_m)[:2]
    return bool((off < script.scene.thing(region).half_m[:2]).all())


def _yaws(script: Script, name: str) -> list[float]:
    """Yaws at which a thing can be taken, inward positive: of a box, the one of its sides that faces the hand best."""
    if len(script.scene.thing(name).grips) == 1:
        return list(YAWS_RAD)
    sign = handed(script.main)
    found = [sign * yaw_of(script.at_grip(name, yaw_rad=sign * yaw)) for yaw in YAWS_RAD]
    return list(dict.fromkeys(round(yaw, 6) for yaw in found))


def _place(script: Script, region: str, taken: int) -> np.ndarray:
    """Where the next thing goes: the far place first, then the near one, each a hand's breadth before the other."""
    x, y, _ = script.pose(region).position_m
    return np.array([x + (STEP_M if taken == 0 else -STEP_M), y, FLOOR_M])
