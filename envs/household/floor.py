"""What stands on the floor: scenes count from the counter's top, and every robot has it at another height.

A scene is the same for all robots. Where the floor is, only a robot's station knows; so things that stand on it give their
height over the floor, and furniture that hangs together with the counter has legs that end wherever the floor is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envs.household.things import Shape, Thing
from motion.errors import ShapeError, require

_LENGTH_AT = {"box": 2, "cylinder": 1}
"""Shapes that can be legs, and which of their half extents is upright."""
_LEVEL = 1e-6


def grounded(things: Sequence[Thing], counter_m: float) -> tuple[Thing, ...]:
    """Things as they stand before a robot, all in the counter's frame.

    Args:
        things: of a scene.
        counter_m: height of the counter's top over the floor.

    Raises:
        ShapeError: a leg that is neither an upright box nor cylinder, that hangs on a thing that moves, or whose top lies
            under the floor.
    """
    return tuple(_on_legs(_on_floor(thing, counter_m), counter_m) for thing in things)


def _on_floor(thing: Thing, counter_m: float) -> Thing:
    x, y, z = thing.position_m
    return replace(thing, position_m=(x, y, z - counter_m)) if thing.on_floor else thing


def _on_legs(thing: Thing, counter_m: float) -> Thing:
    if not any(shape.to_floor for shape in thing.shapes):
        return thing
    fast = thing.joint is None and not thing.parent and max(abs(thing.wxyz[1]), abs(thing.wxyz[2])) < _LEVEL
    require(fast, ShapeError, f"thing {thing.name}: only what stands fast and upright, on no other thing, has legs to the floor.")
    floor_m = -counter_m - thing.position_m[2]
    return replace(thing, shapes=tuple(_leg(shape, floor_m, thing.name) if shape.to_floor else shape for shape in thing.shapes))


def _leg(shape: Shape, floor_m: float, name: str) -> Shape:
    """A shape that begins where it began and ends on the floor, which is at a height in its thing's frame."""
    upright = shape.kind in _LENGTH_AT and max(abs(shape.wxyz[1]), abs(shape.wxyz[2])) < _LEVEL
    require(upright, ShapeError, f"thing {name}: a leg to the floor is an upright {' or '.join(_LENGTH_AT)}, not a {shape.kind}.")
    at = _LENGTH_AT[shape.kind]
    top = shape.position_m[2] + shape.half_m[at]
    require(top > floor_m, ShapeError, f"thing {name}: a leg begins {floor_m - top:.2f} m under the floor.")
    half = tuple((top - floor_m) / 2 if k == at else value for k, value in enumerate(shape.half_m))
    return replace(shape, half_m=half, position_m=(shape.position_m[0], shape.position_m[1], (top + floor_m) / 2))
