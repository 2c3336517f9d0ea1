"""Targets: where each point of the robot should be, frame by frame, because of where the person's landmarks are.

Feet and hips follow the person's path scaled by leg length, so that what stood still stays still. Shoulders, elbows
and wrists follow bone by bone, each bone scaled to the robot's own, so that positions and directions agree. Fingertips
follow relative to the wrist. Every weight carries the confidence of the landmarks behind it: unseen means weight 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from motion.errors import MotionError, require
from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.transform import Array, Transform, normalized
from retarget.body_map import BodyMap
from retarget.hand_targets import HandSettings, hand_rows
from retarget.inspect import Inspection, inspect
from retarget.person import Person
from retarget.rows import WORLD, Rows, TargetWeights
from retarget.sticks import Stance, stick_sole
from robots.robot import FramePoint

_ARM = ("shoulder", "elbow", "wrist")
LIMBS = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in SIDES
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)
"""Bones whose direction is followed, and measured by the quality card."""


@dataclass(frozen=True)
class Targets:
    """What a solver is asked for. K vectors, D directions, O orientations over T frames.

    Attributes:
        time_s: (T,).
        points: points of the robot that the rows below index.
        links: links whose orientation is wanted, O of them.
        vector_names: K names. Row k wants point `vector_to[k]` minus point `vector_from[k]` (WORLD: the origin) to
            be `vector_m` (T, K, 3).
        direction_names: D names. Row d wants the unit vector between its two points to be `direction` (T, D, 3).
        orientation_names: O names; `orientation` (T, O, 3, 3) is wanted in the world.
        *_weight: (T, K), (T, D), (T, O); 0 where unseen.
        usable: (T,) whether a frame holds enough to be solved.
        stick_points: C points of the soles that stand at some time.
        stick_m: (T, C, 3) where each stands; it does not move while it stands.
        stick_strength: (T, C) 0..1, how firmly.
        inspection: what the recording shows of itself: what is broken, the floor, which foot stands.
        objects: name -> `T_world_object`, batch (T,), where the robot should meet the things the person handled.
    """

    time_s: Array
    points: tuple[FramePoint, ...]
    links: tuple[str, ...]
    vector_names: tuple[str, ...]
    vector_from: np.ndarray
    vector_to: np.ndarray
    vector_m: Array
    vector_weight: Array
    direction_names: tuple[str, ...]
    direction_from: np.ndarray
    direction_to: np.ndarray
    direction: Array
    direction_weight: Array
    orientation_names: tuple[str, ...]
    orientation: Array
    orientation_weight: Array
    usable: np.ndarray
    inspection: Inspection
    objects: Mapping[str, Transform] = field(default_factory=dict)
    stick_points: tuple[FramePoint, ...] = ()
    stick_m: Array = field(default_factory=lambda: np.zeros((0, 0, 3)))
    stick_strength: Array = field(default_factory=lambda: np.zeros((0, 0)))


def build_targets(
    body: BodyMap,
    motion: HumanMotion,
    weights: TargetWeights | None = None,
    inspection: Inspection | None = None,
    hands: HandSettings | None = None,
) -> Targets:
    """Targets of one robot for one recording.

    Args:
        body: the robot.
        motion: the recording.
        weights: of the rows.
        inspection: what was found in the recording before it was smoothed; found here by default.
        hands: how hands are followed.

    Raises:
        MotionError: the recording shows neither a body (hips, shoulders) nor a hand that the robot has.
    """
    weights = weights or TargetWeights()
    inspection = inspection or inspect(motion)
    person = Person(motion, inspection)
    rows = Rows(body)
    if body.has("left_hip", "left_shoulder") and person.seen("left_hip", "right_hip", "left_shoulder", "right_shoulder"):
        _body_rows(rows, body, person, weights)
    for side in body.hand_sides():
        hand_rows(rows, body, person, side, weights, hands)
    require(
        bool(rows.vectors),
        MotionError,
        f"{motion.provenance.source}: shows nothing that robot {body.robot.name} could follow: a body wants hips and shoulders, "
        f"a hand wants its wrist and fingers. Landmarks: {', '.join(motion.landmarks)}.",
    )
    return _finish(rows, body, person, inspection)


def _body_rows(rows: Rows, body: BodyMap, person: Person, weights: TargetWeights) -> None:
    middle = _hip_rows(rows, body, person, weights)
    up = _trunk_scale(body, person) * (person.middle("shoulder") - person.middle("hip"))
    trust = person.trust("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    for side, sign in (("left", +1), ("right", -1)):
        wanted = up + _across(body, "shoulder", person, sign) - _across(body, "hip", person, sign)
        rows.direct(f"{side}_hip", f"{side}_shoulder_on_trunk", wanted, trust * weights.trunk)
    line = person.point("left_shoulder") - person.point("right_shoulder")
    rows.direct("right_shoulder_on_trunk", "left_shoulder_on_trunk", line, trust * weights.shoulders)
    for side, sign in (("left", +1), ("right", -1)):
        _arm_rows(rows, body, person, side, middle + up + _across(body, "shoulder", person, sign), weights)
        if body.has(f"{side}_ankle"):
            _leg_rows(rows, body, person, side, weights)
    rotation, conditioning = person.orientation("pelvis")
    if "pelvis" in body.link:
        rows.orient("pelvis", rotation, person.trust("left_hip", "right_hip") * conditioning * weights.pelvis)


def _across(body: BodyMap, name: str, person: Person, sign: int) -> Array:
    """Half the robot's own width at the hips or shoulders, along the person's line from right to left."""
    half = body.length_m(f"left_{name}", f"right_{name}") / 2
    return sign * half * normalized(person.point(f"left_{name}") - person.point(f"right_{name}"))


def _ratio(robot_m: float, person_m: float, fallback: float) -> float:
    ratio = robot_m / person_m
    return ratio if np.isfinite(ratio) else fallback


def _trunk_scale(body: BodyMap, person: Person) -> float:
    robot = np.linalg.norm(_rest_middle(body, "shoulder") - _rest_middle(body, "hip"))
    human = np.nanmedian(np.linalg.norm(person.middle("shoulder") - person.middle("hip"), axis=-1))
    return float(robot / human)


def _rest_middle(body: BodyMap, name: str) -> Array:
    return (body.rest_m[f"left_{name}"] + body.rest_m[f"right_{name}"]) / 2


def world_scale(body: BodyMap, person: Person) -> float:
    """Robot's leg to person's leg; a robot without legs is sized by its trunk."""
    ratios = [
        _ratio(body.length_m(*leg), person.length_m(*leg), np.nan)
        for leg in ((f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in SIDES)
    ]
    known = [ratio for ratio in ratios if np.isfinite(ratio)]
    return float(np.mean(known)) if known else _trunk_scale(body, person)


def _hip_rows(rows: Rows, body: BodyMap, person: Person, weights: TargetWeights) -> Array:
    """Both hips, on the person's scaled path; returns the middle (T, 3)."""
    scale = world_scale(body, person)
    middle = scale * person.middle("hip")
    if body.sole_m and person.has_feet:
        side = next(iter(body.sole_m))
        ankle_height = -float(body.sole_m[side][:, 2].min())
        middle[:, 2] = ankle_height + scale * (person.middle("hip")[:, 2] - person.floor_m - person.ankle_flat_m)
    else:
        level = body.robot.base_height_m + _rest_middle(body, "hip")[2]
        middle[:, 2] = level + scale * (person.middle("hip")[:, 2] - np.nanmedian(person.middle("hip")[:, 2]))
    for side, sign in (("left", +1), ("right", -1)):
        rows.vector(f"{side}_hip", middle + _across(body, "hip", person, sign), person.trust("left_hip", "right_hip") * weights.hip)
    return middle


def _arm_rows(rows: Rows, body: BodyMap, person: Person, side: str, shoulder: Array, weights: TargetWeights) -> None:
    place, names = shoulder, [f"{side}_{name}" for name in _ARM]
    for a, b, weight in zip(names[:-1], names[1:], (weights.elbow, weights.wrist), strict=True):
        if not (body.has(a, b) and person.seen(a, b)):
            return
        bone = person.point(b) - person.point(a)
        place = place + body.length_m(a, b) * normalized(bone)
        rows.direct(a, b, bone, person.trust(a, b) * weights.limb)
        rows.vector(b, place, person.trust(*names[: names.index(b) + 1]) * weight)
    segment = f"{side}_hand"
    rotation, conditioning = person.orientation(segment)
    if segment in body.link and np.isfinite(rotation).any():
        rows.orient(segment, rotation, person.trust(f"{side}_wrist") * conditioning * weights.hand_orientation)


def _leg_rows(rows: Rows, body: BodyMap, person: Person, side: str, weights: TargetWeights) -> None:
    names = [f"{side}_{name}" for name in ("hip", "knee", "ankle")]
    if not person.seen(*names):
        return
    for a, b in itertools.pairwise(names):
        rows.direct(a, b, person.point(b) - person.point(a), person.trust(a, b) * weights.limb)
    segment = f"{side}_foot"
    rotation, conditioning = person.orientation(segment)
    trust = person.trust(f"{side}_ankle")
    ankle = world_scale(body, person) * person.point(f"{side}_ankle")
    level = -body.sole_m[side][:, 2].min() + ankle[:, 2] - world_scale(body, person) * (person.floor_m + person.ankle_flat_m)
    ankle[:, :2] += _stance_offset(body, person, side, rotation)
    if segment in body.link and np.isfinite(rotation).any():
        rows.used |= {f"{side}_toe", f"{side}_heel"}
        foot_trust = person.trust(f"{side}_toe", f"{side}_ankle") * conditioning
        rows.orient(segment, rotation, foot_trust * weights.foot_orientation)
        tilted = _ankle_height(body, person, side, rotation @ body.link_R_segment[segment].T)
        level = np.where(np.isfinite(tilted), tilted, level)  # where the foot's tilt is unknown it is taken to be flat
    ankle[:, 2] = level
    rows.vector(f"{side}_ankle", ankle, trust * weights.foot)
    if segment in body.link and side in body.sole_m:
        turned = rotation @ body.link_R_segment[segment].T
        _stick_rows(rows, body, person, side, ankle[:, None] + body.sole_m[side] @ turned.transpose(0, 2, 1))


def _stick_rows(rows: Rows, body: BodyMap, person: Person, side: str, path: Array) -> None:
    """The corners of the sole where heel or toe stands."""
    contacts = person.stance
    if not any(name.startswith(side) for name in contacts.standing):
        return
    frames = len(path)
    nothing = np.zeros(frames, bool), np.zeros(frames), np.zeros(frames)
    heel, toe = (
        Stance(contacts.standing[name], contacts.strength[name], world_scale(body, person) * contacts.level_m[name])
        if (name := f"{side}_{part}") in contacts.standing
        else Stance(*nothing)
        for part in ("heel", "toe")
    )
    sticks = stick_sole(path, heel, toe)
    sole = body.robot.soles[side]
    for corner, (x, y, z) in enumerate(sole.corners_m):
        point = FramePoint(sole.frame, (float(x), float(y), float(z)))
        rows.sticks.append((point, sticks.place_m[:, corner], sticks.strength[:, corner]))


def _stance_offset(body: BodyMap, person: Person, side: str, rotation: Array) -> Array:
    """(T, 2) by how much a robot with wider hips sets its foot further out, so that its legs do not close in.

    It goes along the foot's own left, not the pelvis's: while a foot stands it does not turn, so nothing slides.
    """
    half_m = np.nanmedian(np.linalg.norm(person.point("left_hip") - person.point("right_hip"), axis=-1)) / 2
    wider_m = body.length_m("left_hip", "right_hip") / 2 - world_scale(body, person) * half_m
    across = normalized((person.point("left_hip") - person.point("right_hip"))[:, :2])
    left = normalized(rotation[:, :2, 1])
    return (1 if side == "left" else -1) * wider_m * np.where(np.isfinite(left), left, across)


def _ankle_height(body: BodyMap, person: Person, side: str, link_rotation: Array) -> Array:
    """(T,) height of the robot's ankle that puts the lowest point of its sole where the person's lowest point is.

    A robot's foot is longer than the person's scaled one: following the ankle alone would push a tilted sole into
    the floor.
    """
    low = np.fmin(person.point(f"{side}_toe")[:, 2], person.point(f"{side}_heel")[:, 2]) - person.floor_m
    sole = np.einsum("tij,pj->tpi", link_rotation, body.sole_m[side])[..., 2]
    return world_scale(body, person) * np.maximum(low, 0.0) - sole.min(1)


def _finish(rows: Rows, body: BodyMap, person: Person, inspection: Inspection) -> Targets:
    frames = len(person.motion.time_s)
    vector_names, vector_from, vector_to, vector_m, vector_weight = _columns(rows.vectors, frames)
    direction_names, direction_from, direction_to, direction, direction_weight = _columns(rows.directions, frames)
    orientation = np.stack([row[2] for row in rows.orientations], 1) if rows.orientations else np.zeros((frames, 0, 3, 3))
    orientation_weight = np.stack([row[3] for row in rows.orientations], 1) if rows.orientations else np.zeros((frames, 0))
    anchored = vector_weight[:, vector_from == WORLD]
    return Targets(
        time_s=person.motion.time_s,
        points=tuple(body.points[name] for name in rows.landmarks),
        links=tuple(row[1] for row in rows.orientations),
        vector_names=vector_names,
        vector_from=vector_from,
        vector_to=vector_to,
        vector_m=vector_m,
        vector_weight=vector_weight,
        direction_names=direction_names,
        direction_from=direction_from,
        direction_to=direction_to,
        direction=direction,
        direction_weight=direction_weight,
        orientation_names=tuple(row[0] for row in rows.orientations),
        orientation=orientation,
        orientation_weight=orientation_weight,
        usable=((anchored > 0).mean(1) >= 0.5)
        & ~inspection.broken_frames({name.partition("_on_")[0] for name in rows.landmarks} | rows.used),
        inspection=inspection,
        stick_points=tuple(point for point, _, _ in rows.sticks),
        stick_m=np.stack([place for _, place, _ in rows.sticks], 1) if rows.sticks else np.zeros((frames, 0, 3)),
        stick_strength=np.stack([strength for *_, strength in rows.sticks], 1) if rows.sticks else np.zeros((frames, 0)),
    )


def _columns(
    entries: list[tuple[str, int, int, Array, Array]], frames: int
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, Array, Array]:
    names, start, end, wanted, weight = zip(*entries, strict=True) if entries else ((), (), (), (), ())
    stacked = np.stack(wanted, 1) if wanted else np.zeros((frames, 0, 3))
    return tuple(names), np.array(start, int), np.array(end, int), stacked, np.stack(weight, 1) if weight else np.zeros((frames, 0))
