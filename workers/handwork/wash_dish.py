"""How people wash up: take the sponge, scrub the plate in circles, put the sponge aside, and the plate into the rack."""

from __future__ import annotations

import numpy as np

from envs.household.dishes import DISC_M, FACE_M, PAD_M, PAD_UP_M, SITE_REACH, TWIST_RAD, in_slot
from motion.transform import Array, Transform, rotate, so3_exp
from workers.handwork.engine import Script
from workers.handwork.poses import UP, handed, yaw_of

SPONGE_N, PLATE_N = 33.0, 30.0
"""Grips: the pad pushes 8 cm below the one, aside of a round handle that turns in a softer grip; the plate hangs 5 cm before the
other."""
SPONGE_LIFT_M, CLEAR_M = 0.10, 0.04
"""How high the sponge travels over where it stands, and how far from the plate it comes to it and leaves it."""
ASIDE_M = (0.05, 0.0, 0.0)
"""Where it is put down, from where it stood: there it is out of the way of the hand that racks the plate."""
SQUEEZE_M = 0.014
"""How far the pad is squeezed: 5 N, midway between a touch and the hard end of its way."""
TURNS, TURN_S = 3.0, 2.8
OUT_SHARE = 1 / 3
"""Share of the way on which the circles widen, and on which they narrow again."""
BEYOND_M = 0.008
"""How far the pad's edge goes beyond the outermost spot."""
PLATE_LIFT_M, OVER_RACK_M, OVER_M = 0.07, 0.085, 0.002
BEHIND_M = (-0.12 * float(np.cos(TWIST_RAD)), -0.12 * float(np.sin(TWIST_RAD)), 0.0)
ABOVE_M = (BEHIND_M[0] - 0.02, BEHIND_M[1] - 0.02, 0.04)
"""The hand comes to the plate and leaves it along the plate, which passes between fingers and thumb."""


def script(s: Script) -> None:
    """Whatever of it the task asks for."""
    task = s.scene.variant.partition("@")[0]
    if task != "rack":
        wash(s)
    if task != "wipe":
        put_away(s)
    s.home()


def wash(s: Script) -> None:
    """Sponge up, against the plate, round and round from its middle outwards and back, and down beside its place."""
    home, middle = s.pose("sponge"), np.zeros((1, 2))
    s.pick("sponge", yaw_rad=yaw_of(home), lift_m=SPONGE_LIFT_M, force_n=SPONGE_N)
    before, touching = pressed(s, middle, -CLEAR_M)[0], pressed(s, middle, SQUEEZE_M)[0]
    s.carry(before, above_m=0.0)
    s.go(s.tool_for(touching), tempo=0.3, verb="scrub", outcome="success")
    out_m = SITE_REACH * s.scene.thing("plate").half_m[0] + BEYOND_M - PAD_M[0]

    def around(share: Array) -> Transform:
        angle = 2 * np.pi * TURNS * share
        out = out_m * np.minimum(np.minimum(share, 1 - share) / OUT_SHARE, 1.0)
        return pressed(s, out[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), SQUEEZE_M)

    s.move(around, TURNS * TURN_S, verb="scrub", of_thing=True)
    s.go(s.tool_for(before), tempo=0.4, verb="carry", outcome="success")
    aside = Transform(home.position_m + ASIDE_M, home.wxyz)
    s.carry(aside, above_m=SPONGE_LIFT_M)
    s.place(aside)
    s.release(stands_at_m=0.0)
    s.retreat()


def pressed(s: Script, place_m: Array, squeeze_m: float) -> Transform:
    """Poses (n,) of the sponge, upright and along the stand, its pad's middle at places (n, 2) on the plate's face.

    Args:
        s: the script.
        place_m: in the plate's frame.
        squeeze_m: how far the pad is squeezed; below 0 it is so far from the plate.
    """
    turn = so3_exp(yaw_of(s.pose("stand")) * UP)
    pad = s.pose("plate").apply(np.column_stack([place_m, np.full(len(place_m), DISC_M)]))
    to_pad = rotate(turn, np.array([0.0, handed(s.main) * (FACE_M - squeeze_m), PAD_UP_M]))
    return Transform(pad - to_pad, np.tile(turn, (len(pad), 1)))


def put_away(s: Script) -> None:
    """The plate by its rim, up, over the rack and down into it."""
    s.reach("plate", "rim", behind_m=BEHIND_M, over_m=ABOVE_M)
    s.grasp("plate", "wrap", force_n=PLATE_N)
    s.wait(0.7)
    s.lift(PLATE_LIFT_M)
    goal = in_slot(s.pose("rack"), s.scene.thing("plate").half_m[0], handed(s.main), over_m=OVER_M)
    s.carry(goal, above_m=OVER_RACK_M, tempo=0.6)
    s.place(goal)
    s.release()
    s.retreat(behind_m=BEHIND_M, away_m=ABOVE_M)
