"""How people stir: take the spoon, go in between the heaps, circle wide and narrow, come out, and put the spoon back."""

from __future__ import annotations

import numpy as np

from motion.transform import Array, Transform
from workers.handwork.engine import PathOf, Script
from workers.handwork.poses import UP, handed

GRIP_N = 30.0
"""Grip on the handle: firm enough that the spoon does not turn in the hand when its head pushes beads 18 cm below."""
LIFT_M = 0.13
"""The head clears the holder's funnel and the pot's rim."""
TURNS = (9.0, 10.0)
TURN_S = 1.15
RADIUS_M, VARIED_M, VARIED_PER_TURN = 0.030, 0.013, 0.6
"""The circle, how much wider and narrower it gets, and how often: a spoon on one track leaves most of the pot unstirred."""
WANDER_M, WANDER_PER_TURN = 0.007, 0.37
"""How far the circle's middle strays, and how often it comes round."""
OVER_BOTTOM_M, BOBBING_M = 0.003, 0.0015
"""Height of the tip over the pot's bottom, and how much it varies."""
IN_S = 1.0
"""How long the tip takes to go down, and up again."""
YAW_RAD = 0.25
"""Yaw of the hand over the pot, as written for the right hand."""


def script(hands: Script) -> None:
    """Spoon out of the holder, around the pot, and back."""
    home = hands.pose("spoon")
    yaw = hands.yaw("spoon")
    hands.pick("spoon", lift_m=LIFT_M, force_n=GRIP_N)
    stir = _Stir(hands)
    hands.carry(stir.middle_m, above_m=LIFT_M, yaw_rad=handed(hands.main) * YAW_RAD)
    hands.place(stir.middle_m)
    hands.move(stir.path(hands.pose("spoon")), stir.turns * TURN_S * 0.4 / hands.style.peak_mps, verb="stir", of_thing=True)
    hands.lift(LIFT_M)
    hands.carry(home.position_m, above_m=LIFT_M, yaw_rad=yaw)
    hands.place(home.position_m)
    hands.release(stands_at_m=float(home.position_m[2]))
    hands.retreat()
    hands.home()


class _Stir:
    """The way of the spoon's tip around the pot: from its middle outwards, around, and back to the middle."""

    def __init__(self, hands: Script) -> None:
        rng = hands.rng
        self.turns = float(rng.uniform(*TURNS))
        bottom = hands.scene.thing("pot").shapes[0].half_m[1] * 2
        self.middle_m = hands.pose("pot").position_m + (bottom + OVER_BOTTOM_M) * UP
        self._sense = handed(hands.main)
        self._radius_m = RADIUS_M + float(np.clip(rng.normal(), -1, 1)) * 0.002
        self._phase = rng.uniform(0, 2 * np.pi, 4)

    def path(self, start: Transform) -> PathOf:
        """Shares (n,) to poses (n,) of the spoon, which keeps its orientation."""

        def poses(share: Array) -> Transform:
            return Transform(self.middle_m + self._tip(share), np.broadcast_to(start.wxyz, (len(share), 4)).copy())

        return poses

    def _tip(self, share: Array) -> Array:
        """(n, 3) from the middle."""
        turn = self.turns * share
        out = np.clip(2 * np.minimum(turn, self.turns - turn), 0.0, 1.0)
        out = out * out * (3 - 2 * out)
        angle = 2 * np.pi * turn * self._sense
        varied = self._radius_m + VARIED_M * np.sin(2 * np.pi * VARIED_PER_TURN * turn + self._phase[0])
        stray = 2 * np.pi * WANDER_PER_TURN * turn + self._phase[1:3, None]
        x = out * (varied * np.cos(angle + self._phase[3]) + WANDER_M * np.cos(stray[0]))
        y = out * (varied * np.sin(angle + self._phase[3]) + WANDER_M * np.sin(stray[1]))
        return np.column_stack([x, y, out * BOBBING_M * np.sin(2 * np.pi * 0.7 * turn)])
