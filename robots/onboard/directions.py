"""Up and forward: votes of knees, feet, elbows and hands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from robots.onboard.flexion import Flexion, flexion, knee_before_hock
from robots.onboard.geometry import across, unit
from robots.onboard.hands import find_hand
from robots.onboard.limbs import Limb, LimbPair
from robots.onboard.mirror import Symmetry
from robots.onboard.roles import Roles
from robots.onboard.tree import Bodies

_NEAR, _FAR = np.cos(np.radians(10.0)), np.cos(np.radians(35.0))
_SUPPORT = 0.3


@dataclass(frozen=True)
class Directions:
    """The body's own axes in the root's frame, (3,) unit each, and how sure up and forward are, 0..1."""

    forward: Array
    left: Array
    up: Array
    forward_sure: float
    up_sure: float

    def frame(self) -> Array:
        """(3, 3) rotation whose columns are forward, left, up."""
        return np.column_stack([self.forward, self.left, self.up])

    def sides(self, pair: LimbPair) -> dict[str, Limb]:
        """A pair's limbs by side."""
        a, b = pair.limbs
        return {"left": a, "right": b} if (a.start - b.start) @ self.left > 0 else {"left": b, "right": a}


def find_directions(bodies: Bodies, symmetry: Symmetry, roles: Roles, trunk: tuple[int, ...]) -> Directions:
    """Up by legs or shoulders, forward by a vote."""
    if roles.legs is not None:
        up, up_sure = _up_by_legs(bodies, symmetry, roles.legs, trunk)
    else:
        assert roles.arms is not None
        up, up_sure = _up_by_shoulders(bodies, symmetry, roles.arms, trunk)
    forward = unit(np.cross(symmetry.normal, up))
    votes = np.array(list(_votes(bodies, roles, trunk, symmetry.normal, forward, up)))
    total, most = float(votes.sum()), float(np.abs(votes).sum()) + 1e-9
    if total < 0:
        forward = -forward
    return Directions(forward, unit(np.cross(up, forward)), up, abs(total) / most * min(1.0, most / 2), up_sure)


def _up_by_legs(bodies: Bodies, symmetry: Symmetry, legs: LimbPair, trunk: tuple[int, ...]) -> tuple[Array, float]:
    """From the ankles to the hips, in the mirror plane; one of the robot's own axes where one is near: legs may be bent at zero."""
    rise = unit(across(legs.middle_of("start") - legs.middle_of("end"), symmetry.normal))
    near, best = 0.0, rise
    for candidates in (_root_axes(symmetry), _trunk_axes(bodies, symmetry, trunk)):
        for axis in candidates:
            if axis @ rise > max(near + 1e-3, _FAR):
                near, best = float(axis @ rise), axis
        if near > _NEAR:
            break
    return best, max(0.0, 1 - float(np.degrees(np.arccos(min(1.0, near)))) / 45)


def _up_by_shoulders(bodies: Bodies, symmetry: Symmetry, arms: LimbPair, trunk: tuple[int, ...]) -> tuple[Array, float]:
    """The robot's own axis that points most towards the shoulders; of near ones, the one that trunk or neck turn about or slide along."""
    rise = unit(across(arms.middle_of("start") - bodies.point_m[0], symmetry.normal))
    hinges = _trunk_axes(bodies, symmetry, trunk)
    scored = [(float(axis @ rise) + _SUPPORT * _is_among(axis, hinges), axis) for axis in (*_root_axes(symmetry), *hinges)]
    if not scored:
        return rise, 0.2
    # Most root frames have z up.
    best = max(scored, key=lambda item: item[0] + 0.2 * bool(item[1][2] > 0.9))
    return best[1], 0.5


def _root_axes(symmetry: Symmetry) -> list[Array]:
    """The root frame's axes that lie in the mirror plane, both ways."""
    return [sign * axis for axis in np.eye(3) for sign in (1.0, -1.0) if abs(axis @ symmetry.normal) < 0.2]


def _trunk_axes(bodies: Bodies, symmetry: Symmetry, trunk: tuple[int, ...]) -> list[Array]:
    """The axes in the mirror plane about which trunk and neck turn, or along which they slide, both ways."""
    inside = [body for body in trunk[1:] if abs(bodies.axis[body] @ symmetry.normal) < 0.1]
    return [sign * unit(across(bodies.axis[body], symmetry.normal)) for body in inside for sign in (1.0, -1.0)]


def _is_among(axis: Array, others: list[Array]) -> bool:
    return any(bool(axis @ other > _NEAR) for other in others)


def _votes(bodies: Bodies, roles: Roles, trunk: tuple[int, ...], normal: Array, forward: Array, up: Array) -> Iterator[float]:
    """Above 0 for `forward`, below for its opposite."""
    if roles.legs is not None:
        for limb in roles.legs.limbs:
            yield from _leg_votes(bodies, limb, roles.legs.length_m, normal, forward)
    if roles.arms is not None:
        yield from _arm_votes(bodies, roles.arms, forward, up)
        yield from _waist_votes(bodies, roles.arms, trunk, normal, forward)
    # Most root frames have x forward.
    yield 0.35 * float(np.sign(forward[0])) if abs(forward[0]) > 0.9 else 0.0


def _leg_votes(bodies: Bodies, limb: Limb, length: float, normal: Array, forward: Array) -> Iterator[float]:
    """Knees bend backwards, most of a foot lies ahead of its ankle, and hips lift thighs forward."""
    knee = _knee(bodies, limb)
    toward = float(knee.toward @ forward)
    yield -1.2 * knee.one_sided * np.sign(toward) * abs(toward)
    foot = limb.end_body
    if limb.distal:
        yield 0.8 * float(np.clip((bodies.centre_m[foot] - limb.end) @ forward / (0.1 * length), -1, 1))
        ahead = (bodies.extent_m[foot] - limb.end) @ forward
        yield 0.8 * float(np.clip((ahead.max() + ahead.min()) / (0.15 * length), -1, 1))
    for body in limb.proximal:
        if abs(bodies.axis[body] @ normal) > 0.85:
            hip = flexion(bodies, body, limb.start, limb.end)
            yield 0.5 * hip.one_sided * float(np.sign(hip.toward @ forward))


def _knee(bodies: Bodies, limb: Limb) -> Flexion:
    """How a leg's knee bends; of a bird's, the one before its hock."""
    before = knee_before_hock(bodies, limb)
    if before is None:
        return flexion(bodies, limb.hinge_body, limb.middle, limb.end, limb.start)
    return flexion(bodies, before, bodies.point_m[before], limb.middle, limb.start)


def _arm_votes(bodies: Bodies, arms: LimbPair, forward: Array, up: Array) -> Iterator[float]:
    """Elbows bend hanging arms forward, hands are held in front, and thumbs tell left from right."""
    for limb, other in (arms.limbs, arms.limbs[::-1]):
        elbow = flexion(bodies, limb.hinge_body, limb.middle, limb.end, limb.start)
        reach = (limb.end - limb.start) / arms.length_m
        # Of an arm held out to the side an elbow may bend up or down as well, but hardly back.
        aside = float(np.linalg.norm(across(across(reach, up), forward)))
        yield elbow.one_sided * (0.9 * max(0.0, float(-reach @ up)) + 0.4 * aside) * float(elbow.toward @ forward)
        ahead = float(reach @ forward)
        yield ahead * (1.5 if abs(ahead) > 0.35 else 0.3)
        hand = find_hand(bodies, limb.end_body, limb.end)
        if hand is not None and hand.chirality and len(hand.digits) >= 4 and hand.thumb_margin > 0.5:
            on_left = (limb.start - other.start) @ np.cross(up, forward) > 0
            yield 1.2 * hand.thumb_margin * (1.0 if (hand.chirality < 0) == on_left else -1.0)


def _waist_votes(bodies: Bodies, arms: LimbPair, trunk: tuple[int, ...], normal: Array, forward: Array) -> Iterator[float]:
    """Waists bend further forward than back."""
    for body in trunk[1:]:
        if abs(bodies.axis[body] @ normal) > 0.9 and not bodies.sliding[body] and arms.carrier in bodies.below[body]:
            waist = flexion(bodies, body, bodies.point_m[body], arms.middle_of("start"))
            yield 0.6 * waist.one_sided * float(np.sign(waist.toward @ forward))
