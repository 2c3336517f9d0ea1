"""What has been found of a robot, in the world of its zero posture, before it is named link by link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from motion.transform import Array
from robots.onboard.directions import Directions
from robots.onboard.flexion import PairFlexion, pair_flexion
from robots.onboard.geometry import nearest_on_line, unit
from robots.onboard.hands import Hand, find_hand
from robots.onboard.limbs import WRIST_SHARE, Limb, LimbPair
from robots.onboard.mirror import Symmetry
from robots.onboard.roles import Roles
from robots.onboard.tree import Bodies

Surface = Callable[[int], Array]
"""Body -> (N, 3) points on its skin: its shapes, meshes where their files are there."""


@dataclass(frozen=True)
class Point:
    """A place (3,) in the world, fixed in a body, and how sure it is, 0..1."""

    body: int
    place: Array
    sure: float


@dataclass(frozen=True)
class Frame:
    """A segment's orientation (3, 3) in the world, the body that it turns with, and how sure it is, 0..1."""

    body: int
    rotation: Array
    sure: float


@dataclass(frozen=True)
class Side:
    """One limb of one side: its flexion axis (3,) unit, and its hand where it is an arm that has one."""

    limb: Limb
    axis: Array
    hand: Hand | None = None


@dataclass(frozen=True)
class Plan:
    """Everything known of a robot with limbs."""

    bodies: Bodies
    symmetry: Symmetry
    roles: Roles
    trunk: tuple[int, ...]
    directions: Directions
    legs: dict[str, Side]
    arms: dict[str, Side]
    leg_flexion: PairFlexion | None
    arm_flexion: PairFlexion | None
    surface: Surface

    @property
    def symmetric(self) -> float:
        """0..1."""
        return min(1.0, self.symmetry.score)


def make_plan(bodies: Bodies, symmetry: Symmetry, roles: Roles, trunk: tuple[int, ...], directions: Directions, surface: Surface) -> Plan:
    """Put sides, joint centres, flexion and hands to the limbs."""
    legs, leg_flexion = _sides(bodies, symmetry, directions, roles.legs, _ankle)
    arms, arm_flexion = _sides(bodies, symmetry, directions, roles.arms, _wrist)
    arms = {name: replace(side, hand=find_hand(bodies, side.limb.end_body, side.limb.end)) for name, side in arms.items()}
    return Plan(bodies, symmetry, roles, trunk, directions, legs, arms, leg_flexion, arm_flexion, surface)


def _sides(
    bodies: Bodies, symmetry: Symmetry, directions: Directions, pair: LimbPair | None, end: Callable[[Bodies, Limb], Array]
) -> tuple[dict[str, Side], PairFlexion | None]:
    if pair is None:
        return {}, None
    bend = pair_flexion(bodies, pair, symmetry.normal)
    limbs = directions.sides(pair)
    out = {}
    for name, limb in limbs.items():
        axis = bend.axes[pair.limbs.index(limb)] if limb is pair.limbs[0] else bend.axes[1]
        out[name] = Side(_recentred(bodies, limb, end(bodies, limb)), axis)
    return out, bend


def _recentred(bodies: Bodies, limb: Limb, end: Array) -> Limb:
    axis, on_line = bodies.axis[limb.hinge_body], bodies.point_m[limb.hinge_body]
    return replace(limb, end=end, middle=on_line + axis * (axis @ ((limb.start + end) / 2 - on_line)))


def _across(bodies: Bodies, limb: Limb) -> list[int]:
    """The wrist's or ankle's joints that do not turn the bone about itself."""
    bone = unit(limb.end - limb.middle)
    return [body for body in limb.distal if abs(bodies.axis[body] @ bone) < 0.7]


def _wrist(bodies: Bodies, limb: Limb) -> Array:
    """On the first joint across the forearm: fixed in the forearm however hand and forearm turn."""
    if not limb.distal:
        return limb.middle + WRIST_SHARE * (limb.tip - limb.middle)
    hinges = _across(bodies, limb)
    return _joint_centre(bodies, limb, hinges[0]) if hinges else limb.end


def _ankle(bodies: Bodies, limb: Limb) -> Array:
    """On the last joint across the shank: fixed in the foot however it turns."""
    hinges = _across(bodies, limb)
    return _joint_centre(bodies, limb, hinges[-1]) if hinges else limb.end


def _joint_centre(bodies: Bodies, limb: Limb, body: int) -> Array:
    """The point of a joint's line that is nearest to the other joints' there, or to the limb's start where it is the only one."""
    others = [other for other in limb.distal if other != body]
    on_line, axis = bodies.point_m[body], bodies.axis[body]
    if not others:
        return np.asarray(on_line + axis * (axis @ (limb.start - on_line)))
    place = nearest_on_line(on_line, axis, bodies.point_m[others], bodies.axis[others])
    return place if np.linalg.norm(place - on_line) < 0.3 * limb.length_m else on_line
