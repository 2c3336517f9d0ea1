"""Washing up: a plate with spots of dirt, a sponge on a handle that gives way, the stand that the plate leans in, and a rack.

Stand and rack are slots along their own x axis, their origins in the middle on the counter. The plate's origin is the middle
of its underside, z out of its face; in the slots it stands upright, its face to the right hand.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.household.draws import Draws
from envs.household.things import Grip, Joint, Shape, Thing
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp

MOST_SITES, LEAST_SITES = 48, 24
"""Spots of dirt; of plates with fewer, the others are no spots at all."""
SITE_REACH = 0.68
"""The outermost spot, as a share of the plate's radius."""
DISC_M, TALL_M, RIM_WIDTH_M = 0.006, 0.010, 0.012
"""Thickness of the plate and of its rim, and how wide the rim is."""
GRIP_UP, GRIP_IN_M = 0.3, 0.025
"""Where the plate is taken: by which share of its radius over its middle, and how far its edge reaches behind the tool's middle."""
PINCH_M, TWIST_RAD = (0.018, 0.030), 0.85
"""Where thumb and fingers meet in a hand, along and aside of its tool; and how far a plate between them is turned from the
fingers' direction: they meet aslant, and would turn it by so much if it were held straight."""
HANDLE_RADIUS_M, HANDLE_M, GRIP_M = 0.020, 0.160, 0.112
"""The sponge's handle: its radius, and the heights of its upper end and of the grip: fingers stay above the pad."""
PAD_M, PAD_UP_M, FACE_M = (0.028, 0.010, 0.027), 0.028, 0.058
"""Half extents of the pad, its middle's height, and how far aside of the handle its face is: a fist fits in between."""
SOFT_N_PER_M, PRELOAD_M, GIVES_M = 300.0, 0.004, 0.030
"""The pad gives way like foam: 1.2 N before it moves at all, 10 N where it is squeezed flat."""
LEAN_RAD = 0.10
"""How far the plate leans back in its stand."""
PLAY_M = 0.010
"""Air on both sides of the plate in the rack."""
RACK_GAP_M = TALL_M / 2 + PLAY_M
"""From the middle of the rack to its walls."""
STAND_PLAY_M = 0.007
_WALL_M, _STAND_WALL_M, _RACK_WALL_M = 0.003, (0.05, 0.035), (0.07, 0.055)
"""Half thickness of walls; half lengths and heights of the walls of stand and rack: a hand that takes the plate stays above."""
_FUNNEL_M, _FUNNEL_RAD = 0.012, 0.6
_BLOCK_OUT_M, _BLOCK_HALF_M, _BLOCK_HIGH_M = 0.056, 0.009, 0.020
"""A plate stands on two blocks, so that it cannot roll."""
_POST_M, _POST_OUT_M, _POST_HIGH_M = 0.005, 0.055, 0.115
_SPOT_M = (0.004, 0.0004)
_SIDES = 24
_BLUE, _STEEL = (0.3, 0.35, 0.6, 1.0), (0.55, 0.57, 0.60, 1.0)
_GREEN, _YELLOW, _DIRT = (0.25, 0.5, 0.35, 1.0), (0.95, 0.8, 0.25, 1.0), (0.35, 0.2, 0.08, 0.0)
"""Dirt is not drawn: in a picture it could not go away when it is wiped."""
_WHITE, _WET = (0.93, 0.93, 0.90, 1.0), (0.72, 0.83, 0.90, 1.0)


def rest_height_m(radius_m: Array | float) -> Array:
    """Height of the middle of a plate that stands on its blocks."""
    inner = _BLOCK_OUT_M - _BLOCK_HALF_M
    return np.asarray(_BLOCK_HIGH_M + np.sqrt(np.square(radius_m) - inner**2))


def plate(draws: Draws, dirty: bool) -> Thing:
    """A flat disc with a rim; held out: wet ones, larger, heavier and more slippery."""
    wet = draws.held_out_objects
    radius, mass, friction = draws.value("plate_radius_m"), draws.value("plate_mass_kg"), draws.value("plate_friction")
    rgba = _WET if wet else _WHITE
    disc = (radius - RIM_WIDTH_M / 2, DISC_M / 2)
    body = Shape("cylinder", disc, (0.0, 0.0, DISC_M / 2), mass_kg=0.8 * mass, friction=friction, rgba=rgba)
    out, half_width = radius - RIM_WIDTH_M / 2, radius * float(np.tan(np.pi / _SIDES))
    rim = []
    for angle in 2 * np.pi * np.arange(_SIDES) / _SIDES:
        place = (out * float(np.cos(angle)), out * float(np.sin(angle)), TALL_M / 2)
        turn = (float(np.cos(angle / 2)), 0.0, 0.0, float(np.sin(angle / 2)))
        rim.append(Shape("box", (RIM_WIDTH_M / 2, half_width, TALL_M / 2), place, turn, 0.2 * mass / _SIDES, friction, rgba))
    shapes = (body, *rim, *_spots(draws, radius, dirty))
    grips = {"rim": _rim_grip(radius)}
    return Thing("plate", shapes, family="wet plate" if wet else "plate", half_m=(radius, radius, TALL_M / 2), grips=grips)


def _rim_grip(radius_m: float) -> Grip:
    """At the near rim of an upright plate, the fingers on its face, the thumb behind it."""
    turn = quaternion_product(so3_exp([-np.pi / 2, 0.0, 0.0]), so3_exp([0.0, 0.0, -TWIST_RAD]))
    near = -float(np.sqrt(1 - GRIP_UP**2)) * radius_m
    touch = np.array([near + GRIP_IN_M + PINCH_M[0], GRIP_UP * radius_m, DISC_M / 2])
    x, y, z = (float(value) for value in touch - rotate(turn, np.array([*PINCH_M, 0.0])))
    w, i, j, k = (float(value) for value in turn)
    return Grip("wrap", (x, y, z), (w, i, j, k), width_m=DISC_M)


def _spots(draws: Draws, radius_m: float, dirty: bool) -> list[Shape]:
    """Spots evenly over the plate, as seeds in a sunflower; those that are none hide inside the plate."""
    count, phase = int(draws.objects.integers(LEAST_SITES, MOST_SITES + 1)), float(draws.objects.uniform(0, 2 * np.pi))
    shapes = []
    for index in range(MOST_SITES):
        out = SITE_REACH * radius_m * float(np.sqrt((index + 0.5) / count))
        turn = phase + index * np.pi * (3 - np.sqrt(5))
        there = dirty and index < count
        place = (out * float(np.cos(turn)), out * float(np.sin(turn)), DISC_M) if there else (0.0, 0.0, DISC_M / 2)
        shapes.append(Shape("cylinder", _SPOT_M, place, rgba=_DIRT, touchable=False))
    return shapes


def sites_of(washed: Thing) -> Array:
    """(48, 3) places of a plate's spots in its frame; NaN for those that are none."""
    sites = np.array([shape.position_m for shape in washed.shapes if not shape.touchable])
    return np.where(sites[:, 2:] < DISC_M - 1e-6, np.nan, sites)


def sponge(draws: Draws) -> tuple[Thing, Thing]:
    """A block with an upright handle, and the pad at its left side, which slides into it against a spring."""
    mass, friction = draws.value("sponge_mass_kg"), draws.value("sponge_friction")
    top = PAD_UP_M + PAD_M[2]
    half = (HANDLE_M - top) / 2
    handle = Shape("cylinder", (HANDLE_RADIUS_M, half), (0.0, 0.0, top + half), mass_kg=0.4 * mass, friction=0.9, rgba=_GREEN)
    block = Shape("box", (PAD_M[0], 0.0125, top / 2), (0.0, -0.0075, top / 2), mass_kg=0.6 * mass, friction=0.9, rgba=_GREEN)
    grips = {"side": Grip("wrap", (0.0, 0.0, GRIP_M), width_m=2 * HANDLE_RADIUS_M)}
    held = Thing("sponge", (handle, block), family="sponge", half_m=(PAD_M[0], FACE_M, HANDLE_M / 2), grips=grips)
    foam = Shape("box", PAD_M, (0.0, FACE_M - PAD_M[1], PAD_UP_M), mass_kg=0.02, friction=friction, rgba=_YELLOW, solref_s=0.01)
    spring = Joint("slide", (0.0, -1.0, 0.0), (0.0, GIVES_M), damping=3.0, stiffness=SOFT_N_PER_M, rest=-PRELOAD_M)
    x, y, yaw = draws.place("sponge")
    return held.at((x, y, 0.0), yaw), Thing("pad", (foam,), spring, parent="sponge", role="scenery")


def stand(draws: Draws) -> Thing:
    """A slot, and two posts behind it that the plate leans on."""
    back = _POST_HIGH_M * np.tan(LEAN_RAD) + TALL_M / 2 / np.cos(LEAN_RAD) + _POST_M + 0.0005
    shapes = _slot(TALL_M / 2 + STAND_PLAY_M, _STAND_WALL_M, _STEEL)
    for sign in (1.0, -1.0):
        place = (sign * _POST_OUT_M, float(back), _POST_HIGH_M / 2)
        shapes.append(Shape("cylinder", (_POST_M, _POST_HIGH_M / 2), place, rgba=_STEEL))
    x, y, yaw = draws.place("stand")
    half = (_STAND_WALL_M[0], 0.03, _POST_HIGH_M / 2)
    return Thing("stand", tuple(shapes), joint=None, role="fixture", family="stand", half_m=half).at((x, y, 0.0), yaw)


def rack(draws: Draws) -> Thing:
    """A slot with a funnel above it."""
    long, high = _RACK_WALL_M
    shapes = _slot(RACK_GAP_M, _RACK_WALL_M, _BLUE)
    out = RACK_GAP_M + _WALL_M + _FUNNEL_M * float(np.sin(_FUNNEL_RAD))
    for sign in (1.0, -1.0):
        turn = (float(np.cos(_FUNNEL_RAD / 2)), -sign * float(np.sin(_FUNNEL_RAD / 2)), 0.0, 0.0)
        place = (0.0, sign * out, high + _FUNNEL_M * float(np.cos(_FUNNEL_RAD)))
        shapes.append(Shape("box", (long, _WALL_M, _FUNNEL_M), place, turn, friction=0.4, rgba=_BLUE))
    x, y, yaw = draws.place("rack")
    half = (long, RACK_GAP_M, high / 2)
    return Thing("rack", tuple(shapes), joint=None, role="fixture", family="rack", half_m=half).at((x, y, 0.0), yaw)


def _slot(gap_m: float, wall_m: tuple[float, float], rgba: tuple[float, float, float, float]) -> list[Shape]:
    """Two walls (half length, height), `gap_m` to each side of the middle, and the blocks between them."""
    (long, high), shapes = wall_m, []
    for sign in (1.0, -1.0):
        wall = (0.0, sign * (gap_m + _WALL_M), high / 2)
        shapes.append(Shape("box", (long, _WALL_M, high / 2), wall, friction=0.4, rgba=rgba))
        block = (sign * _BLOCK_OUT_M, 0.0, _BLOCK_HIGH_M / 2)
        shapes.append(Shape("box", (_BLOCK_HALF_M, gap_m, _BLOCK_HIGH_M / 2), block, rgba=rgba))
    return shapes


def leaning(washed: Thing, slot: Thing) -> Thing:
    """The plate as it stands in a right hand's stand."""
    pose = in_slot(slot.pose, washed.half_m[0], 1.0, LEAN_RAD)
    x, y, z = (float(value) for value in pose.position_m)
    w, i, j, k = (float(value) for value in pose.wxyz)
    return replace(washed, position_m=(x, y, z), wxyz=(w, i, j, k))


def in_slot(slot: Transform, radius_m: float, sign: float, lean_rad: float = 0.0, over_m: float = 0.001) -> Transform:
    """Pose () of a plate that stands upright on a slot's blocks, its face to the right hand (`sign` 1) or the left one (-1).

    Args:
        slot: pose () of stand or rack.
        radius_m: of the plate.
        sign: see above.
        lean_rad: how far it leans, away from its face.
        over_m: how high over the blocks.
    """
    turn, high = so3_exp(np.array([sign * (np.pi / 2 - lean_rad), 0.0, 0.0])), float(rest_height_m(radius_m)) + over_m
    middle = Transform(np.array([0.0, sign * high * np.sin(lean_rad), high * np.cos(lean_rad)]), turn)
    return slot @ Transform(middle.apply(np.array([0.0, 0.0, -TALL_M / 2])), turn)
