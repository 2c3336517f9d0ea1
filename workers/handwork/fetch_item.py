"""Handwork of fetch_item: walk to the shelf, take the item, step back with it, walk to the table and put it down on the mark."""

from __future__ import annotations

import numpy as np

from envs.chores.fetch_item import place_before
from motion.handling import stand_at
from workers.handwork.engine import Script
from workers.handwork.poses import handed
from workers.handwork.verbs import EDGED

BEFORE_M = 0.45
"""How far from shelf and table people stop who walk there: from here they step up with their hands before them, and back again."""
LIFT_M = 0.06
"""How high the item is lifted off its board: enough for what sags in the hand, and far below the board above."""
TAKING_YAW_RAD = 0.3
"""Of a right hand at the shelf, as seen from before it."""
ABOVE_M = 0.10
"""How high over the table the item is carried to its mark."""


def script(script: Script) -> None:
    """From the shelf to the mark."""
    script.wait()
    x, y, yaw = place_before(script.scene.thing("shelf"))
    _step_up(script, x, y, yaw)
    _take(script, yaw)
    script.step_back(BEFORE_M)
    script.draw_in(least_up_m=float(script.tool().position_m[2]))
    _step_up(script, 0.0, 0.0, 0.0)
    mark = script.pose("mark").position_m
    script.put(np.array([mark[0], mark[1], 0.0]), above_m=ABOVE_M)
    script.home()
    script.wait()


def _step_up(script: Script, x_m: float, y_m: float, yaw_rad: float) -> None:
    """Walk to before a place, and step up to it straight ahead."""
    before = stand_at(np.array([x_m, y_m, yaw_rad])).apply(np.array([-BEFORE_M, 0.0, 0.0]))
    script.walk_to(float(before[0]), float(before[1]), yaw_rad)
    script.side_step(x_m, y_m, yaw_rad)


def _take(script: Script, yaw_rad: float) -> None:
    """Boxes are gripped harder than round things."""
    force_n = script.grip_force_n("item") * (EDGED if "box" in script.scene.thing("item").family else 1.0)
    script.travel_m = float(script.pose("item").position_m[2]) + script.travel_m
    script.pick("item", yaw_rad=yaw_rad + handed(script.main) * TAKING_YAW_RAD, lift_m=LIFT_M, force_n=force_n)
    script.travel_m = float(script.tool().position_m[2])
