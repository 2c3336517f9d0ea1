"""Targets of the hands: fingertips relative to the wrist, where fingers bend, and thumb and fingers that touch.

Three modes, for hands alone and for hands on arms:

- "vector": from the robot's own palm, turned as the person's, every tip at the person's finger, scaled to the robot's.
- "pinch", the default: the same, and where the person's thumb and a finger come near each other, the robot's do, too.
- "position": tips and the joints halfway at the person's own places, unscaled. A hand without an arm may fly for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.errors import MotionError, UnknownNameError, require
from motion.landmarks import FINGERS
from motion.transform import Array
from retarget.body_map import BodyMap
from retarget.person import Person
from retarget.rows import Rows, TargetWeights
from retarget.settings import check_numbers

MODES = ("pinch", "vector", "position")
_MIDDLE = dict.fromkeys(FINGERS, "pip") | {"thumb": "mcp"}


@dataclass(frozen=True)
class HandSettings:
    """How hands are followed.

    Attributes:
        mode: "pinch", "vector" or "position".
        pinch: weight per m of a thumb and a finger that touch.
        pinch_near_m, pinch_far_m: gap of the person's tips at which that weight is whole, and from which on it is 0.
        touch_m: a smaller gap of the person is a touch, as far as trackers can tell; the robot's is drawn to 0.
        yielding: share of their own weight that thumb and finger give up while they touch: a hand of other proportions
            cannot do both.
        position: weight per m of tips and joints in the position mode.
    """

    mode: str = "pinch"
    pinch: float = 200.0
    pinch_near_m: float = 0.015
    pinch_far_m: float = 0.05
    touch_m: float = 0.02
    yielding: float = 0.9
    position: float = 10.0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UnknownNameError("hands.mode", self.mode, MODES, "how hands are followed")
        check_numbers(self, "hands", ("touch_m",))
        require(
            self.pinch_near_m < self.pinch_far_m,
            MotionError,
            f"hands.pinch_near_m={self.pinch_near_m:g} has to be below hands.pinch_far_m={self.pinch_far_m:g}.",
        )
        require(0 <= self.yielding <= 1, MotionError, f"hands.yielding={self.yielding:g} is a share: 0 to 1.")


@dataclass(frozen=True)
class _Finger:
    """One finger that person and robot have: wanted place of its tip (T, 3) from the wrist, and trust (T,)."""

    tip: str
    wanted: Array
    trust: Array


def hand_rows(rows: Rows, body: BodyMap, person: Person, side: str, weights: TargetWeights, settings: HandSettings | None = None) -> None:
    """Rows of one hand, where the recording shows the person's and the robot has one."""
    settings = settings or HandSettings()
    wrist, segment = f"{side}_wrist", f"{side}_hand"
    rotation, conditioning = person.orientation(segment)
    if not (body.has(wrist) and person.seen(wrist) and segment in body.link and np.isfinite(rotation).any()):
        return
    has_arm = any(name == wrist for name, *_ in rows.vectors)
    if settings.mode == "position":
        _position_rows(rows, body, person, side, settings, has_arm)
        return
    if not has_arm:
        _free_hand_rows(rows, person, side, weights)
    palm = body.kinematics.frame_poses([body.link[segment]], body.robot.rest_rad)[0, 0].rotation() @ body.link_R_segment[segment]
    fingers = {}
    for finger in FINGERS:
        knuckle, tip = _finger_chain(side, finger)[0], f"{side}_{finger}_tip"
        if not (body.has(tip) and person.seen(knuckle, tip)):
            continue
        base = rotation @ (palm.T @ (_knuckle(body, side, finger) - body.rest_m[wrist]))
        wanted = base + finger_scale(body, person, side, finger) * (person.point(tip) - person.point(knuckle))
        fingers[finger] = _Finger(tip, wanted, person.trust(wrist, knuckle, tip) * conditioning)
        bend = f"{side}_{finger}_{_MIDDLE[finger]}"
        if body.has(knuckle, bend) and person.seen(knuckle, bend):
            # Where the finger bends, not only where it ends: else it may fold backwards to reach the same point.
            rows.direct(knuckle, bend, person.point(bend) - person.point(knuckle), person.trust(knuckle, bend) * weights.finger)
    closeness = _pinch_rows(rows, person, fingers, settings) if settings.mode == "pinch" else {}
    for finger, goal in fingers.items():
        kept = 1 - settings.yielding * closeness.get(finger, 0.0)
        rows.vector(goal.tip, goal.wanted, goal.trust * weights.fingertip * kept, start=f"{wrist}_on_palm")


def _pinch_rows(rows: Rows, person: Person, fingers: dict[str, _Finger], settings: HandSettings) -> dict[str, Array]:
    """From the thumb's tip to those of the fingers that come near it; finger -> (T,) how near, 0..1, thumb included.

    Far away the row wants what the scaled fingers want anyhow, so nothing happens when its weight begins to rise.
    A finger that the robot lacks touches nothing, and the thumb goes where that finger would be.
    """
    thumb, closeness = fingers.get("thumb"), {}
    if thumb is None:
        return {}
    for finger, goal in fingers.items():
        if finger == "thumb":
            continue
        between = person.point(goal.tip) - person.point(thumb.tip)
        gap = np.linalg.norm(between, axis=-1)
        near = np.nan_to_num(_smooth_step((settings.pinch_far_m - gap) / (settings.pinch_far_m - settings.pinch_near_m)))
        touching = between * _smooth_step(gap / settings.touch_m)[:, None]
        wanted = (1 - near)[:, None] * (goal.wanted - thumb.wanted) + near[:, None] * touching
        trust = np.minimum(goal.trust, thumb.trust)
        if (near * trust > 0).any():
            rows.vector(goal.tip, wanted, trust * near * settings.pinch, start=thumb.tip, name=goal.tip.replace("_tip", "_pinch"))
            closeness[finger] = near * (trust > 0)
    closeness["thumb"] = np.max([np.zeros(len(person.motion.time_s)), *closeness.values()], axis=0)
    return closeness


def _smooth_step(share: Array) -> Array:
    """0 below 0, 1 above 1, and smooth between."""
    x = np.clip(share, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _position_rows(rows: Rows, body: BodyMap, person: Person, side: str, settings: HandSettings, has_arm: bool) -> None:
    """Tips and the joints halfway where the person's are: from the wrist, or in the world where the hand has no arm."""
    wrist = f"{side}_wrist"
    for finger in FINGERS:
        for name in (f"{side}_{finger}_tip", f"{side}_{finger}_{_MIDDLE[finger]}"):
            if not (body.has(name) and person.seen(name)):
                continue
            if has_arm:
                away, trust = person.point(name) - person.point(wrist), person.trust(wrist, name)
                rows.vector(name, away, trust * settings.position, start=f"{wrist}_on_palm")
            else:
                rows.vector(name, person.point(name), person.trust(name) * settings.position)


def _free_hand_rows(rows: Rows, person: Person, side: str, weights: TargetWeights) -> None:
    """A hand without an arm: the wrist itself is placed where the person's is."""
    segment, wrist = f"{side}_hand", f"{side}_wrist"
    rotation, conditioning = person.orientation(segment)
    rows.vector(wrist, person.point(wrist), person.trust(wrist) * weights.foot)
    rows.orient(segment, rotation, person.trust(wrist) * conditioning * weights.foot_orientation)


def _finger_chain(side: str, finger: str) -> tuple[str, ...]:
    points = ("cmc", "mcp", "ip", "tip") if finger == "thumb" else ("mcp", "pip", "dip", "tip")
    return tuple(f"{side}_{finger}_{point}" for point in points)


def _knuckle(body: BodyMap, side: str, finger: str) -> Array:
    """(3,) where a finger begins, rest posture; for one whose beginning the robot does not name, the middle of the knuckles."""
    own = _finger_chain(side, finger)[0]
    if own in body.rest_m:
        return body.rest_m[own]
    return np.asarray(np.mean([body.rest_m[name] for name in _knuckles(body, side)], axis=0))


def _knuckles(body: BodyMap, side: str) -> list[str]:
    return [name for name in (f"{side}_{finger}_mcp" for finger in FINGERS[1:]) if name in body.rest_m]


def finger_scale(body: BodyMap, person: Person, side: str, finger: str) -> float:
    """The robot's finger over the person's, by the bones that both have and that are rigid in the robot.

    A robot's knuckle may be a place in the palm beside the joint; then the way to the next joint is no bone. A finger
    without any rigid bone is scaled as the palm is.
    """
    chain = [name for name in _finger_chain(side, finger) if body.has(name) and person.seen(name)]
    bones = [(a, b) for a, b in itertools.pairwise(chain) if (a, b) in body.rigid_bones]
    robot, human = sum(body.length_m(*bone) for bone in bones), sum(_person_length(person, side, finger, *bone) for bone in bones)
    if not bones:
        wrist, knuckle = f"{side}_wrist", next((name for name in _knuckles(body, side) if person.seen(name)), "")
        robot, human = (body.length_m(wrist, knuckle), person.length_m(wrist, knuckle)) if knuckle else (1.0, 1.0)
    return float(robot / human)


def _person_length(person: Person, side: str, finger: str, start: str, end: str) -> float:
    """Along all joints between, also those that the robot lacks."""
    chain: Sequence[str] = _finger_chain(side, finger)
    between = [name for name in chain[chain.index(start) : chain.index(end) + 1] if person.seen(name)]
    return person.length_m(*between)
