"""Which way an elbow, a knee or a finger bends, from the range of its joint."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from robots.onboard.geometry import across, distance_to_line, turned, unit
from robots.onboard.limbs import Limb, LimbPair
from robots.onboard.tree import Bodies

_PARALLEL, _BONE = 0.98, 0.08
"""Bones between parallel hinges are at least this long, over the whole limb."""


@dataclass(frozen=True)
class Flexion:
    """How a hinge bends.

    Attributes:
        toward: (3,) unit; where the far bone goes from the straight limb.
        one_sided: 0..1, how much more the hinge turns that way than back; 0 where its range says nothing.
        sign: +1 if it bends about its axis, -1 against it.
    """

    toward: Array
    one_sided: float
    sign: float


def flexion(bodies: Bodies, body: int, here: Array, far: Array, near: Array | None = None) -> Flexion:
    """How a hinge bends the bone from `here` to `far`.

    The range is measured from the straight limb where `near`, the other end of the bone before it, is given: a robot's
    zero may well be a bent elbow.
    """
    if bodies.turns_without_limit(body):
        return Flexion(np.zeros(3), 0.0, 1.0)
    axis, (lower, upper) = bodies.axis[body], bodies.range_rad[body]
    bone = far - here
    if near is not None:
        straight = _angle_to_straight(axis, here - near, bone, lower, upper)
        lower, upper, bone = lower - straight, upper - straight, turned(bone, axis, straight)
        lower, upper = min(lower, 0.0), max(upper, 0.0)
    lopsided = (abs(upper) - abs(lower)) / (abs(upper) + abs(lower) + 1e-9)
    sign = -1.0 if lopsided < 0 else 1.0
    return Flexion(unit(np.cross(axis * sign, bone)), abs(lopsided), sign)


def _angle_to_straight(axis: Array, before: Array, after: Array, lower: float, upper: float) -> float:
    """The angle at which the bones are in line; of the ways round, the one that leaves the joint's range the least."""
    a, b = across(before, axis), across(after, axis)
    angle = math.atan2(float(np.cross(b, a) @ axis), float(b @ a))
    ways = (angle, angle + 2 * math.pi, angle - 2 * math.pi)
    return min(ways, key=lambda way: max(0.0, lower - way) + max(0.0, way - upper) + 0.01 * abs(way))


def knee_before_hock(bodies: Bodies, limb: Limb) -> int | None:
    """The knee of a bird's leg, whose longer bones meet in the hock, which bends the other way; None for other limbs."""
    axis, hock = bodies.axis[limb.hinge_body], bodies.point_m[limb.hinge_body]
    for body in limb.chain[: limb.hinge]:
        gaps = (distance_to_line(place, bodies.point_m[body], bodies.axis[body]) for place in (limb.start, hock))
        if abs(bodies.axis[body] @ axis) > _PARALLEL and min(gaps) > _BONE * limb.length_m:
            return body
    return None


@dataclass(frozen=True)
class PairFlexion:
    """How both limbs of a pair bend.

    Attributes:
        axes: per limb (3,), the axis about which it bends.
        one_sided: 0..1, of the side that says it more clearly: limits of one side may be wrong.
        agree: whether the sides mirror each other.
    """

    axes: tuple[Array, Array]
    one_sided: float
    agree: bool


def pair_flexion(bodies: Bodies, pair: LimbPair, normal: Array) -> PairFlexion:
    """Both sides' flexion; where they contradict each other the more one-sided joint decides for both."""
    a, b = (flexion(bodies, limb.hinge_body, limb.middle, limb.end, limb.start) for limb in pair.limbs)
    image = b.toward - 2 * (b.toward @ normal) * normal
    opposed = bool(a.toward @ image < 0)
    signs = [a.sign, b.sign]
    if opposed:
        signs[0 if a.one_sided < b.one_sided else 1] *= -1
    axes = tuple(sign * bodies.axis[limb.hinge_body] for sign, limb in zip(signs, pair.limbs, strict=True))
    agree = not (opposed and min(a.one_sided, b.one_sided) > 0.1)
    return PairFlexion((axes[0], axes[1]), max(a.one_sided, b.one_sided), agree)
