"""Open the microwave by its handle, put the cup in, push the door closed with the other hand, turn the knob."""

from __future__ import annotations

import numpy as np

from envs.household.microwave import FLOOR_M, OPENING_M, WALL_M
from motion.transform import Array, Transform, rotate, so3_exp
from workers.handwork.engine import Script
from workers.handwork.poses import UP, handed, yaw_of

OPEN_RAD = float(np.radians(64.0))
"""How far the handle is led; a bar that lies loosely in bent fingers comes along some degrees less."""
HOOK_FOLLOW = 0.7
"""Share of the door's angle that the hand turns with it; by the rest the bar turns in the fingers."""
HOOK_BEHIND_M, HOOK_OVER_M = (-0.03, -0.055, 0.0), (-0.18, -0.06, 0.0)
"""Bent fingers come in front of the bar, aside of it, then behind it from the side."""
UNHOOK_M = (0.02, -0.15, 0.03)
"""Where the hand is clear of the open door: beside it, not between it and the worker's belly."""
INSERT_YAW_RAD = float(np.radians(15.0))
INSERT_OVER_M, BEFORE_M, DEEP_M = 0.03, 0.16, 0.08
"""How high over the cavity's floor the cup goes in, from how far before, and how deep it comes to stand."""
LEFT_SHARE = 0.55
"""Where the cup stands in the cavity, as a share of its width from the hinge: away from the jamb, which the hand passes."""
DRAW_BACK_M, OUT_M = (-0.10, 0.0, 0.0), (-0.22, 0.0, 0.0)
FINGERTIPS_M = (0.087, -0.052, 0.0)
"""Of a flat right hand, in its tool's frame."""
PUSH_YAW_RAD = float(np.radians(-40.0))
"""How the pushing hand points, halfway between along the closed and along the open door's normal: fingertips push, and roll."""
PUSH_AT_M = (-0.022, -0.16, 0.14)
"""Where fingertips push the door, in its frame: at its outer face, inside of the handle."""
PRESS_M = 0.03
"""How far the push goes on when the door should be closed: through the catch."""
PUSH_BEHIND_M, PUSH_OVER_M = (-0.05, -0.02, 0.0), (-0.12, -0.04, 0.02)
TURN_RAD = float(np.radians(72.0))
KNOB_BEHIND_M, KNOB_OVER_M = (-0.10, 0.0, 0.0), (-0.14, 0.0, 0.0)


def script(s: Script) -> None:
    """Whatever of it the task asks for."""
    task = s.scene.variant.partition("@")[0]
    if task != "knob":
        open_door(s)
    if task == "full":
        put_in(s)
    if task != "knob":
        push_closed(s)
    if task != "door":
        turn_knob(s)
    s.home()


def open_door(s: Script) -> None:
    """Hook the handle, pull it along its arc, let go. The other hand stays aside, clear of the door."""
    s.clear_away()
    s.reach("door", "handle", behind_m=HOOK_BEHIND_M, over_m=HOOK_OVER_M)
    s.grasp("door", "hook")
    s.turn("door", OPEN_RAD, 2.5, follow=HOOK_FOLLOW, verb="open")
    s.release()
    s.retreat("", HOOK_BEHIND_M, UNHOOK_M)


def put_in(s: Script) -> None:
    """The cup from the counter onto the cavity's floor, straight in and straight out; then the hand makes room for the other."""
    s.pick("cup")
    goal = in_cavity(s)
    yaw = handed(s.main) * INSERT_YAW_RAD + yaw_of(s.pose("microwave"))
    inside = s.tool_for(goal + INSERT_OVER_M * UP, yaw_rad=yaw)
    before = Transform(inside.position_m - BEFORE_M * s.pose("microwave").rotation()[:, 0], inside.wxyz)
    s.go(before, tempo=0.8, verb="carry", outcome="success")
    s.go(inside, tempo=0.5, verb="insert", outcome="success")
    s.place(goal, yaw_rad=yaw)
    s.release(stands_at_m=float(goal[2]))
    s.retreat("", DRAW_BACK_M, OUT_M, tempo=0.8)
    s.clear_away(s.main)


def in_cavity(s: Script) -> Array:
    """(3,) where the cup comes to stand."""
    depth, width, _ = s.scene.thing("microwave").half_m
    aside = width - WALL_M - LEFT_SHARE * OPENING_M
    return np.asarray(s.pose("microwave").apply(np.array([DEEP_M - depth, handed(s.main) * aside, FLOOR_M])))


def push_closed(s: Script) -> None:
    """The other hand pushes the door's outer face with its fingertips, and a little further, through the catch."""
    side = s.other
    s.approach(at_face(s), "door", side, behind_m=PUSH_BEHIND_M, over_m=PUSH_OVER_M)
    s.grasp("door", "flat", side, close_s=0.2)
    s.turn("door", 0.0, 2.5, side=side, follow=0.0, verb="close", touch_m=FINGERTIPS_M)
    here = s.tool(side)
    pressed = here.position_m + PRESS_M * s.pose("microwave").rotation()[:, 0]
    s.go(Transform(pressed, here.wxyz), side=side, tempo=0.3, verb="close", thing="door")
    s.wait(0.3, verb="close")
    s.release(side, open_s=0.2)
    s.retreat(side, PUSH_BEHIND_M, PUSH_OVER_M)
    s.clear_away(side)


def at_face(s: Script) -> Transform:
    """Tool pose () of the other hand with its fingertips at the door's outer face."""
    sign = handed(s.main)
    turn = so3_exp((sign * PUSH_YAW_RAD + yaw_of(s.pose("microwave"))) * UP)
    touch = s.pose("door").apply(np.array(PUSH_AT_M) * [1.0, sign, 1.0])
    return Transform(touch - rotate(turn, np.array(FINGERTIPS_M) * [1.0, -sign, 1.0]), turn)


def turn_knob(s: Script) -> None:
    """Pinch the blade and roll the hand."""
    s.reach("knob", "blade", behind_m=KNOB_BEHIND_M, over_m=KNOB_OVER_M)
    s.grasp("knob", "pinch")
    s.turn("knob", TURN_RAD, 1.8)
    s.release()
    s.retreat("", KNOB_BEHIND_M, KNOB_OVER_M)
