"""A microwave of boxes: a door with a bar handle that a ball catch holds shut, and a knob on the panel beside it.

The microwave's own frame lies in the middle of its underside; its front looks at whoever works, along -x. The door's hinge
is on their left, the panel with the knob on their right. The catch is a ball on a spring in the jamb, as in cupboards: the
door's striker pushes it aside on its way out and on its way in, and the ball draws the door shut over the last two degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.household.things import Grip, Joint, Shape, Thing

DEPTH_M, WIDTH_M, HEIGHT_M = 0.30, 0.48, 0.27
WALL_M, FLOOR_M = 0.012, 0.015
OPENING_M = 0.238
"""Width of the cavity, from the left wall to the jamb."""
DOOR_WIDTH_M = 0.262
OPENS_TO_RAD = 1.75
HANDLE_RADIUS_M, GRIP_HEIGHT_M = 0.225, 0.085
"""Of the place where the handle is taken: from the hinge's axis, and over the counter. Low, to keep clear of the knob."""
HOOK_YAW_RAD = float(np.radians(12.0))
"""How a hand at the handle points inward from straight ahead."""
KNOB_FROM_HINGE_M, KNOB_HEIGHT_M = 0.375, 0.20
KNOB_HALF_M = (0.025, 0.0125, 0.030)
"""A blade, upright at first: half of how far it sticks out, of its thickness, of its length."""
KNOB_TURNS_TO_RAD = 4.7

_DOOR_THICK_M, _GAP_M = 0.018, 0.002
_BAR_M, _BAR_HALF_M, _BAR_HEIGHT_M, _STAND_M = 0.010, 0.075, 0.115, 0.055
"""The handle's radius, half length and height, and the room for fingers behind it."""
_STRIKER_M, _BALL_M, _OVERLAP_M = 0.005, 0.008, 0.003
"""Radii of striker and ball, and how deep the ball stands in the striker's way."""
_STRIKER_BEHIND_M, _STRIKER_RADIUS_M, _CATCH_HEIGHT_M = 0.012, 0.240, 0.240
"""Of the closed door's striker: behind the front, from the hinge's axis, over the counter."""
_BALL_BEFORE_M = 0.007
"""How far before the closed striker the ball lies: just not clear of it, so that it presses the door shut."""
_SLOT_HALF_M = 0.017
_CATCH_TRAVEL_M, _CATCH_N_PER_M = 0.006, 1500.0
_SLIPPERY = 0.1
_BODY, _DARK, _STEEL, _RED = (0.82, 0.82, 0.80, 1.0), (0.16, 0.19, 0.22, 1.0), (0.75, 0.76, 0.78, 1.0), (0.78, 0.20, 0.16, 1.0)
_GLASS = (0.20, 0.26, 0.32, 0.75)


@dataclass(frozen=True)
class Feel:
    """How door and knob resist.

    Attributes:
        catch_n: force of the catch's spring while the ball stands out; a little more than what opens the door at its handle.
        door_friction_nm: dry, of the hinge.
        door_damping: viscous, of the hinge, Nm s/rad.
        knob_friction_nm: dry.
    """

    catch_n: float = 8.0
    door_friction_nm: float = 0.1
    door_damping: float = 0.15
    knob_friction_nm: float = 0.03


def microwave(hinge_m: tuple[float, float], yaw_rad: float, feel: Feel) -> tuple[Thing, ...]:
    """Things "microwave", "catch", "door" and "knob"; all but the first are carried by it.

    Args:
        hinge_m: x and y on the counter of the hinge's axis: what arms can reach hangs on it.
        yaw_rad: how the front is turned; the hinge stays where it is.
        feel: how door and knob resist.
    """
    aside = np.array([-DEPTH_M / 2, WIDTH_M / 2])
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    x, y = np.array(hinge_m) - np.array([[cosine, -sine], [sine, cosine]]) @ aside
    return (_body().at((x, y, 0.0), yaw_rad), _catch(feel), _door(feel), _knob(feel))


def _body() -> Thing:
    """Walls around the cavity; the panel beside it is solid but for the catch's slot."""
    depth, width, height = DEPTH_M / 2, WIDTH_M / 2, HEIGHT_M / 2
    jamb = width - WALL_M - OPENING_M
    cavity_y, cavity = (width + jamb) / 2, (width - jamb) / 2
    panel_y, panel = (jamb - width) / 2, (jamb + width) / 2
    low, high = _CATCH_HEIGHT_M - _SLOT_HALF_M, _CATCH_HEIGHT_M + _SLOT_HALF_M
    walls = (
        Shape("box", (depth, cavity, FLOOR_M / 2), (0.0, cavity_y, FLOOR_M / 2), rgba=_BODY),
        Shape("box", (depth, cavity, WALL_M / 2), (0.0, cavity_y, HEIGHT_M - WALL_M / 2), rgba=_BODY),
        Shape("box", (WALL_M / 2, cavity, height), (depth - WALL_M / 2, cavity_y, height), rgba=_BODY),
        Shape("box", (depth, WALL_M / 2, height), (0.0, width - WALL_M / 2, height), rgba=_BODY),
        Shape("box", (depth, panel, low / 2), (0.0, panel_y, low / 2), rgba=_BODY),
        Shape("box", (depth, panel, (HEIGHT_M - high) / 2), (0.0, panel_y, (HEIGHT_M + high) / 2), rgba=_BODY),
    )
    face = Shape("box", (0.0005, panel - 0.008, height - 0.008), (-depth - 0.0005, panel_y, height), rgba=_DARK, touchable=False)
    return Thing("microwave", (*walls, face), joint=None, role="fixture", family="microwave", half_m=(depth, width, height))


def _catch(feel: Feel) -> Thing:
    """The ball stands out at 0 and is pushed into the jamb along -y."""
    place = (
        -DEPTH_M / 2 + _STRIKER_BEHIND_M - _BALL_BEFORE_M,
        WIDTH_M / 2 - _STRIKER_RADIUS_M - (_BALL_M + _STRIKER_M - _OVERLAP_M),
        _CATCH_HEIGHT_M,
    )
    spring = Joint(
        "slide",
        axis=(0.0, 1.0, 0.0),
        range=(-_CATCH_TRAVEL_M, 0.0),
        damping=2.0,
        armature=0.05,  # a 10 g ball on this spring would swing too fast for the time step
        stiffness=_CATCH_N_PER_M,
        rest=feel.catch_n / _CATCH_N_PER_M,
    )
    ball = Shape("sphere", (_BALL_M,), mass_kg=0.01, friction=_SLIPPERY, rgba=_STEEL, condim=3)
    return Thing("catch", (ball,), spring, "microwave", place, role="scenery", half_m=(_BALL_M, _BALL_M, _BALL_M))


def _door(feel: Feel) -> Thing:
    """Its frame lies on the hinge's axis, on the counter; the closed door extends along -y."""
    middle, half = HEIGHT_M / 2, HEIGHT_M / 2 - 0.002
    front = -_GAP_M - _DOOR_THICK_M
    bar_x = front - _STAND_M
    plate = (-_GAP_M - _DOOR_THICK_M / 2, -DOOR_WIDTH_M / 2, middle)
    striker = (_STRIKER_BEHIND_M, -_STRIKER_RADIUS_M, _CATCH_HEIGHT_M)
    shapes = (
        Shape("box", (_DOOR_THICK_M / 2, DOOR_WIDTH_M / 2, half), plate, mass_kg=1.2, rgba=_GLASS),
        Shape("capsule", (_BAR_M, _BAR_HALF_M), (bar_x, -HANDLE_RADIUS_M, _BAR_HEIGHT_M), mass_kg=0.08, rgba=_STEEL),
        *(_post(bar_x, _BAR_HEIGHT_M + sign * _BAR_HALF_M) for sign in (-1.0, 1.0)),
        Shape("capsule", (_STRIKER_M, 0.008), striker, mass_kg=0.005, friction=_SLIPPERY, rgba=_STEEL, condim=3),
        Shape("box", (0.007, 0.003, 0.006), (0.004, -_STRIKER_RADIUS_M, _CATCH_HEIGHT_M), rgba=_STEEL, touchable=False),
    )
    yaw = (float(np.cos(HOOK_YAW_RAD / 2)), 0.0, 0.0, float(np.sin(HOOK_YAW_RAD / 2)))
    return Thing(
        "door",
        shapes,
        Joint("hinge", (0.0, 0.0, -1.0), (0.0, OPENS_TO_RAD), feel.door_damping, feel.door_friction_nm, armature=0.005),
        "microwave",
        (-DEPTH_M / 2, WIDTH_M / 2, 0.0),
        role="fixture",
        family="door",
        half_m=(_DOOR_THICK_M / 2, DOOR_WIDTH_M / 2, half),
        grips={"handle": Grip("hook", (bar_x, -HANDLE_RADIUS_M, GRIP_HEIGHT_M), yaw, width_m=2 * _BAR_M)},
    )


def _post(bar_x_m: float, height_m: float) -> Shape:
    return Shape("box", (_STAND_M / 2, 0.006, 0.006), (bar_x_m + _STAND_M / 2, -HANDLE_RADIUS_M, height_m), mass_kg=0.01, rgba=_STEEL)


def _knob(feel: Feel) -> Thing:
    """Its frame lies in the panel's face; turned to the right, clockwise for who stands before it, its angle grows."""
    out, thick, _ = KNOB_HALF_M
    middle = (-out - _GAP_M, 0.0, 0.0)
    return Thing(
        "knob",
        (Shape("box", KNOB_HALF_M, middle, mass_kg=0.04, rgba=_RED),),
        Joint("hinge", (1.0, 0.0, 0.0), (-0.1, KNOB_TURNS_TO_RAD), 0.005, feel.knob_friction_nm, armature=2e-4),
        "microwave",
        (-DEPTH_M / 2, WIDTH_M / 2 - KNOB_FROM_HINGE_M, KNOB_HEIGHT_M),
        role="fixture",
        family="knob",
        half_m=KNOB_HALF_M,
        grips={"blade": Grip("pinch", middle, width_m=2 * thick)},
    )
