"""Things of a household, made from primitives: what they weigh, how they move, and where a hand takes them.

A chore draws its things anew for every episode (sizes, masses, frictions, places); the things' and shapes' number, order,
names, kinds and joints stay the same, because the simulations of a batch share one layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from motion.errors import UnknownNameError
from motion.transform import Array, Transform

ShapeKind = Literal["box", "cylinder", "capsule", "sphere", "ellipsoid"]
JointKind = Literal["free", "hinge", "slide"]
Role = Literal["object", "fixture", "bead", "scenery"]

FRICTION = 0.8
_UPRIGHT = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Shape:
    """One primitive, in the frame of its thing.

    Attributes:
        kind: box, cylinder (along z), capsule (along z), sphere or ellipsoid.
        half_m: as MuJoCo counts: half extents of a box or ellipsoid; radius and half length of a cylinder or capsule (the
            half length of a capsule without its caps); radius of a sphere.
        position_m, wxyz: of its centre.
        mass_kg: its share of the thing's mass.
        friction: sliding friction.
        rgba: colour.
        touchable: whether anything can collide with it.
        condim: dimension of its contacts: 3 slides, 4 also resists spinning, 6 also rolling.
        solref_s: how quickly a contact pushes out.
        to_floor: a leg: an upright box or cylinder that begins at its own top and ends on the floor, wherever that is.
    """

    kind: ShapeKind
    half_m: tuple[float, ...]
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wxyz: tuple[float, float, float, float] = _UPRIGHT
    mass_kg: float = 0.0
    friction: float = FRICTION
    rgba: tuple[float, float, float, float] = (0.7, 0.6, 0.5, 1.0)
    touchable: bool = True
    condim: int = 4
    solref_s: float = 0.005
    to_floor: bool = False


@dataclass(frozen=True)
class Joint:
    """How a thing moves against what carries it; "free" needs none of the rest.

    Attributes:
        kind: free, hinge (rad) or slide (m).
        axis: in the thing's frame, through its origin.
        range: lowest and highest value.
        damping, friction, armature: viscous, dry, and inertia, in the joint's own units.
        stiffness, rest: of a spring.
        start, speed: value at the start, and how fast it changes then: without damping a thing glides on by itself.
    """

    kind: JointKind = "free"
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
    range: tuple[float, float] = (-3.14, 3.14)
    damping: float = 0.0
    friction: float = 0.0
    armature: float = 0.0
    stiffness: float = 0.0
    rest: float = 0.0
    start: float = 0.0
    speed: float = 0.0


@dataclass(frozen=True)
class Grip:
    """One way to take a thing.

    Attributes:
        grasp: one of `motion.handling.GRASPS`.
        position_m: where the tool frame's origin lies, in the thing's frame.
        wxyz: how the tool frame is turned, in the thing's frame.
        width_m: how far apart the fingers are when they touch.
        spin: axis in the thing's frame about which the hand may be turned freely (a cup's own axis); zeros: none.
    """

    grasp: str
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wxyz: tuple[float, float, float, float] = _UPRIGHT
    width_m: float = 0.06
    spin: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Weave:
    """Cloth that is spanned between points: things of the same scene, which come before it.

    Attributes:
        points: names, row by row.
        columns: points in a row.
        half_thick_m: half of its thickness.
        friction: sliding friction, on whatever it lies.
        rgba: colour.
    """

    points: tuple[str, ...]
    columns: int
    half_thick_m: float = 0.003
    friction: float = FRICTION
    rgba: tuple[float, float, float, float] = (0.8, 0.3, 0.3, 1.0)


@dataclass(frozen=True)
class Thing:
    """One thing of a scene, in the counter's frame (`motion.handling`).

    Attributes:
        name: unique in its scene: "cup", "bead_07".
        shapes: what it is made of.
        joint: how it moves; None: it stands fast.
        parent: thing that carries it, whose frame `position_m` and `wxyz` are then in; "": the counter.
        position_m, wxyz: where it stands at the start.
        role: "object" (handled), "fixture" (operated or aimed at), "bead" (one grain of many) or "scenery".
            Objects and fixtures are observed.
        family: which kind it is, in words: "mug", "wet mug", "bowl".
        half_m: half extents of the box around it, as an actor sees its size.
        grips: name -> one way to take it.
        fragile_n: filtered contact force that breaks it; infinite for what does not break.
        on_floor: it stands on the floor, and its z counts from there, not from the counter (`envs.household.floor`).
        parked: this episode does without it: it waits out of sight (`envs.household.parking`).
        point: a point of a cloth: free to go anywhere, and it never turns.
        weave: the cloth that this thing is, if it is one (`envs.household.cloth`).
    """

    name: str
    shapes: tuple[Shape, ...]
    joint: Joint | None = field(default_factory=Joint)
    parent: str = ""
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    wxyz: tuple[float, float, float, float] = _UPRIGHT
    role: Role = "object"
    family: str = ""
    half_m: tuple[float, float, float] = (0.05, 0.05, 0.05)
    grips: Mapping[str, Grip] = field(default_factory=dict)
    fragile_n: float = float("inf")
    on_floor: bool = False
    parked: bool = False
    point: bool = False
    weave: Weave | None = None

    @property
    def mass_kg(self) -> float:
        """Of all its shapes."""
        return float(sum(shape.mass_kg for shape in self.shapes))

    @property
    def friction(self) -> float:
        """The least of its shapes' sliding friction."""
        return min((shape.friction for shape in self.shapes if shape.touchable), default=FRICTION)

    @property
    def pose(self) -> Transform:
        """Where it stands at the start, in the frame of what carries it."""
        return Transform(np.array(self.position_m), np.array(self.wxyz))

    def at(self, position_m: tuple[float, float, float] | Array, yaw_rad: float = 0.0) -> Thing:
        """The same thing elsewhere, upright, turned about the vertical."""
        x, y, z = (float(value) for value in position_m)
        return replace(self, position_m=(x, y, z), wxyz=(float(np.cos(yaw_rad / 2)), 0.0, 0.0, float(np.sin(yaw_rad / 2))))

    def grip(self, name: str) -> Grip:
        """A way to take it.

        Raises:
            UnknownNameError: no such grip.
        """
        if name not in self.grips:
            raise UnknownNameError("grip", name, self.grips, f"thing {self.name}")
        return self.grips[name]


def mirrored(things: tuple[Thing, ...]) -> tuple[Thing, ...]:
    """The scene seen in a mirror, left for right: the same chore for the other hand. Shapes are symmetric primitives."""
    return tuple(_mirrored(thing) for thing in things)


def resized(things: tuple[Thing, ...], sizes: Mapping[str, float]) -> tuple[Thing, ...]:
    """The scene with some objects and fixtures larger or smaller, masses as before; what carries others or is carried stays."""
    carriers = {thing.parent for thing in things}
    alone = {thing.name for thing in things if thing.role in ("object", "fixture") and not thing.parent and thing.name not in carriers}
    return tuple(_resized(thing, sizes[thing.name]) if thing.name in alone & set(sizes) else thing for thing in things)


def _resized(thing: Thing, scale: float) -> Thing:
    shapes = tuple(
        replace(shape, half_m=tuple(scale * half for half in shape.half_m), position_m=_scaled(shape.position_m, scale))
        for shape in thing.shapes
    )
    grips = {
        name: replace(grip, position_m=_scaled(grip.position_m, scale), width_m=scale * grip.width_m) for name, grip in thing.grips.items()
    }
    return replace(thing, shapes=shapes, half_m=_scaled(thing.half_m, scale), grips=grips)


def _scaled(vector: tuple[float, float, float], scale: float) -> tuple[float, float, float]:
    return (scale * vector[0], scale * vector[1], scale * vector[2])


def _mirrored(thing: Thing) -> Thing:
    shapes = tuple(replace(shape, position_m=_flip(shape.position_m), wxyz=_turn(shape.wxyz)) for shape in thing.shapes)
    joint = thing.joint
    if joint is not None and joint.kind == "hinge":
        x, y, z = joint.axis
        joint = replace(joint, axis=(-x, y, -z))  # a rotation's axis is a pseudo-vector
    elif joint is not None and joint.kind == "slide":
        joint = replace(joint, axis=_flip(joint.axis))
    grips = {name: replace(grip, position_m=_flip(grip.position_m), wxyz=_turn(grip.wxyz)) for name, grip in thing.grips.items()}
    return replace(thing, shapes=shapes, joint=joint, position_m=_flip(thing.position_m), wxyz=_turn(thing.wxyz), grips=grips)


def _flip(vector: tuple[float, float, float]) -> tuple[float, float, float]:
    return (vector[0], -vector[1], vector[2])


def _turn(wxyz: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    w, x, y, z = wxyz
    return (w, -x, y, -z)


def hollow(
    radius_m: float,
    height_m: float,
    wall_m: float,
    mass_kg: float,
    sides: int = 12,
    friction: float = FRICTION,
    rgba: tuple[float, float, float, float] = (0.6, 0.8, 1.0, 0.4),
) -> tuple[Shape, ...]:
    """A round vessel, open at the top, its origin in the middle of its underside: a disc and, on it, a ring of boxes.

    It stands on the disc alone: a ring that reached down would touch the counter with four corners a box.

    Args:
        radius_m: of the outside.
        height_m: over all.
        wall_m: thickness of wall and bottom.
        mass_kg: 30 % of it in the bottom.
        sides: of the polygon.
        friction, rgba: of all of it.
    """
    half_width = radius_m * float(np.tan(np.pi / sides))
    middle = radius_m - wall_m / 2
    bottom = Shape("cylinder", (radius_m, wall_m / 2), (0.0, 0.0, wall_m / 2), mass_kg=0.3 * mass_kg, friction=friction, rgba=rgba)
    ring = []
    for angle in 2 * np.pi * np.arange(sides) / sides:
        place = (middle * float(np.cos(angle)), middle * float(np.sin(angle)), (height_m + wall_m) / 2)
        turn = (float(np.cos(angle / 2)), 0.0, 0.0, float(np.sin(angle / 2)))
        half = (wall_m / 2, half_width, (height_m - wall_m) / 2)
        ring.append(Shape("box", half, place, turn, 0.7 * mass_kg / sides, friction, rgba))
    return (bottom, *ring)
