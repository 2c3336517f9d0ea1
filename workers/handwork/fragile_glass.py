"""Handwork of fragile_glass: a slow grasp, a lift, a level carry and a soft landing."""

from __future__ import annotations

import numpy as np

from workers.handwork.engine import Script

LIFT_M = 0.13
"""Higher than the 10 cm that are asked for, by what an arm may sag or a grip may give."""
SLOWER = 1.5
"""Fingers close this much slower on what may break: the first touch is softer."""
WRONG_M = 0.07
"""How far short of the mark the glass is set down by a worker who has to correct it."""


def script(script: Script) -> None:
    """Take the glass, carry it high and set it down on the mark."""
    script.wait()
    script.pick("glass", lift_m=LIFT_M, close_s=SLOWER * script.style.close_s)
    mark, start = script.pose("mark").position_m, script.pose("glass").position_m
    to = np.array([mark[0], mark[1], 0.0])
    off = np.array([start[0] - mark[0], start[1] - mark[1], 0.0])
    script.put(to, wrong=to + WRONG_M * off / np.linalg.norm(off), above_m=LIFT_M)
    script.home()
    script.wait()
