"""How people pour: lift the cup, bring its lip over the bowl, tilt it about the lip, shake the rest out, and put it back."""

from __future__ import annotations

import numpy as np

from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp
from workers.handwork.engine import Script
from workers.handwork.poses import UP, handed, raised, yaw_of

LIP_OVER_RIM_M = 0.03
"""How high the lip is held over the bowl's rim: beads fall short of it and do not bounce out."""
CLEAR_M = 0.025
"""How far the cup's underside stays over the rim while it is still upright."""
LIP_BACK_M = 0.012
"""How far before the bowl's middle the lip is held: what leaves the cup flies on a little."""
START_RAD = 0.1
"""Tilt with which the cup comes over the bowl: not far enough for anything to fall out."""
TILT_RAD = 2.1
"""Tilt at which the last beads have left: 30 deg beyond the horizontal."""
TILT_S, SHAKE_S, BACK_S = 3.0, 1.0, 1.6
SHAKE_RAD, SHAKES = 0.06, 2
LEAST_GRIP_N, TILTING_GRIP = 8.0, 2.0
"""Grip on the cup: at least this, and this much more than one that is only carried."""
YAW_RAD = 0.2
"""Yaw of the hand while it pours, as written for the right hand; people pour with the forearm pointing ahead."""


def script(hands: Script) -> None:
    """The cup into the bowl and back to where it stood."""
    home = hands.pose("cup").position_m
    hands.pick("cup", lift_m=hands.style.clearance_m + 0.02, force_n=_grip_force_n(hands))
    style = 0.4 / hands.style.peak_mps  # who reaches fast pours fast
    lean, shake = TILT_RAD + hands.rng.normal(0.0, 0.02), SHAKE_RAD * hands.rng.uniform(0.7, 1.3)
    pour = _Pour(hands, lean)
    hands.go(hands.tool_for(pour.cup(np.array([START_RAD]))[0]), tempo=0.7, verb="carry", outcome="success")
    hands.move(lambda share: pour.cup(START_RAD + (lean - START_RAD) * share), TILT_S * style, verb="pour", smooth=True, of_thing=True)
    hands.move(lambda share: pour.cup(lean + shake * _waves(share)), SHAKE_S, verb="shake", of_thing=True)
    hands.move(lambda share: pour.cup(lean + (START_RAD - lean) * share), BACK_S * style, verb="untilt", smooth=True, of_thing=True)
    hands.go(raised(hands.tool_for(home), hands.style.clearance_m), tempo=0.7, verb="carry", outcome="success")
    hands.put(home)
    hands.home()


def _grip_force_n(hands: Script) -> float:
    """What the cup with all that is in it needs, and more: a cup that is tilted also turns in the hand."""
    cup = hands.scene.thing("cup")
    full = cup.mass_kg + sum(thing.mass_kg for thing in hands.scene.things if thing.role == "bead")
    return max(LEAST_GRIP_N, TILTING_GRIP * hands.grip_force_n("cup") * full / cup.mass_kg)


def _waves(share: Array) -> Array:
    """A few shakes that begin and end at rest."""
    return np.asarray(np.sin(2 * np.pi * SHAKES * share) * np.sin(np.pi * share) ** 2)


def _positive(value_m: Array) -> Array:
    """What is above zero, with its corner rounded over a centimetre."""
    return np.asarray((value_m + np.hypot(value_m, 0.01)) / 2)


class _Pour:
    """Poses of the cup while it is tilted about its lip over the bowl, which sinks as the underside comes up.

    The cup leans towards the other hand: a right hand turns its palm down and its thumb inwards.
    """

    def __init__(self, hands: Script, lean_rad: float) -> None:
        sign = handed(hands.main)
        cup, bowl = hands.scene.thing("cup"), hands.scene.thing("bowl")
        self._level = so3_exp(sign * YAW_RAD * UP)
        ahead, across = rotate(self._level, [1.0, 0, 0]), rotate(self._level, [0.0, sign, 0])
        self._axis = -sign * ahead
        middle = hands.pose("bowl").position_m + (2 * bowl.half_m[2] + LIP_OVER_RIM_M) * UP
        self._height_m = 2 * cup.half_m[2]
        self._lip = middle - LIP_BACK_M * across
        self._lip_in_cup = cup.half_m[0] * across + 2 * cup.half_m[2] * UP
        tool = hands.tool()
        self._turn = so3_exp((sign * YAW_RAD - yaw_of(tool)) * UP)
        self._cup_wxyz = quaternion_product(self._turn, hands.pose("cup").wxyz)

    def cup(self, tilt_rad: Array) -> Transform:
        """T_counter_cup (n,) at tilts (n,)."""
        turn = so3_exp(np.asarray(tilt_rad)[:, None] * self._axis)
        sinking = self._height_m * np.cos(tilt_rad) + CLEAR_M - LIP_OVER_RIM_M
        lip = self._lip + _positive(sinking)[:, None] * UP
        place = lip - rotate(turn, self._lip_in_cup)
        return Transform(place, quaternion_product(turn, self._cup_wxyz))
