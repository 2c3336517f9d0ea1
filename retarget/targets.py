"""Targets: where each point of the robot should be, frame by frame, because of where the person's landmarks are.

Feet and hips follow the person's path scaled by leg length, so that what stood still stays still. Shoulders, elbows
and wrists follow bone by bone, each bone scaled to the robot's own, so that positions and directions agree. Fingertips
follow relative to the wrist. Every weight carries the confidence of the landmarks behind it: unseen means weight 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from motion.errors import MotionError, require
from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.transform import Array, Transform
from retarget.body_map import BodyMap
from retarget.body_targets import body_rows, on_the_floor
from retarget.fit import Fit, fit
from retarget.hand_targets import HandSettings, hand_rows
from retarget.inspect import Inspection, inspect
from retarget.object_targets import grips, object_rows, objects_of
from retarget.partial_targets import completed, rests_on, shows_a_body
from retarget.person import Person
from retarget.rows import WORLD, Rows, TargetWeights
from retarget.terms.edge import Corner
from robots.robot import FramePoint

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
        usable: (T,) whether a frame shows anything to follow, and nothing broken.
        stick_points: C points of the soles that stand at some time.
        stick_m: (T, C, 3) where each stands; it does not move while it stands.
        stick_strength: (T, C) 0..1, how firmly.
        inspection: what the recording shows of itself: what is broken, the floor, which foot stands.
        corner: what the robot keeps out of; None: nothing stands in its way.
        *_guessed: (T, K), (T, D), (T, O) whether a row stands in for what was not seen; None: none does.
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
    corner: Corner | None = None
    vector_guessed: np.ndarray | None = None
    direction_guessed: np.ndarray | None = None
    orientation_guessed: np.ndarray | None = None

    def seen_alone(self) -> Targets:
        """The same without what is guessed; itself where nothing is."""
        vector = _unguessed(self.vector_weight, self.vector_guessed)
        direction = _unguessed(self.direction_weight, self.direction_guessed)
        orientation = _unguessed(self.orientation_weight, self.orientation_guessed)
        if vector is self.vector_weight and direction is self.direction_weight and orientation is self.orientation_weight:
            return self
        return replace(self, vector_weight=vector, direction_weight=direction, orientation_weight=orientation)


def _unguessed(weight: Array, guessed: np.ndarray | None) -> Array:
    return weight if guessed is None or not guessed.any() else np.where(guessed, 0.0, weight)


def build_targets(
    body: BodyMap,
    motion: HumanMotion,
    weights: TargetWeights | None = None,
    inspection: Inspection | None = None,
    hands: HandSettings | None = None,
    like: Person | Fit | None = None,
) -> Targets:
    """Targets of one robot for one recording.

    Args:
        body: the robot.
        motion: the recording.
        weights: of the rows.
        inspection: what was found in the recording before it was smoothed; found here by default.
        hands: how hands are followed.
        like: the same person's measures, from `measures` of an earlier recording; taken from this one by default.

    Raises:
        MotionError: the recording shows neither part of a body that the robot has (hips, shoulders, a wrist) nor such a hand.
    """
    weights = weights or TargetWeights()
    inspection = inspection or inspect(motion)
    known = like if isinstance(like, Fit) else None
    person = Person(motion, inspection, known.person if known else like if isinstance(like, Person) else None)
    rows, objects = Rows(body), dict(motion.objects)
    if body.has("left_hip", "left_shoulder") and shows_a_body(person):
        whole = _whole(rows, replace(known, person=person) if known else fit(body, person, weights), known is None)
        person, objects = whole.person, objects_of(whole)
    for side in body.hand_sides():
        hand_rows(rows, body, person, side, weights, hands)
    require(
        bool(rows.vectors),
        MotionError,
        f"{motion.provenance.source}: shows nothing that robot {body.robot.name} could follow: a body wants hips, shoulders or a "
        f"wrist, a hand wants its wrist and fingers. Landmarks: {', '.join(motion.landmarks)}.",
    )
    return _finish(rows, body, person, inspection, objects)


def measures(
    body: BodyMap, motion: HumanMotion, weights: TargetWeights | None = None, inspection: Inspection | None = None
) -> Person | Fit:
    """A person's measures from a recording, to be given to `build_targets` for later ones: beside a robot's body, or alone."""
    person = Person(motion, inspection or inspect(motion))
    if not (body.has("left_hip", "left_shoulder") and shows_a_body(person)):
        return person
    return on_the_floor(completed(fit(body, person, weights or TargetWeights())))


def _whole(rows: Rows, seen: Fit, settle: bool) -> Fit:
    """Rows of a whole body, of which all, or only a hand, may have been seen; returns the fit that they were made with."""
    whole = completed(seen)
    whole = on_the_floor(whole) if settle else whole
    if whole.person is not seen.person:
        rows.used |= set(rests_on())
    gripped = grips(whole)
    held = {side: np.sum([*strengths.values()], axis=0) for side, strengths in gripped.items() if strengths}
    whole = replace(whole, held=held)
    body_rows(rows, whole)
    object_rows(rows, whole, gripped)
    return whole


def _finish(rows: Rows, body: BodyMap, person: Person, inspection: Inspection, objects: Mapping[str, Transform]) -> Targets:
    frames = len(person.motion.time_s)
    vector_names, vector_from, vector_to = _ends(rows.vectors)
    direction_names, direction_from, direction_to = _ends(rows.directions)
    anchored = _stacked(rows.vectors, -2, (frames,))[:, vector_from == WORLD] > 0
    return Targets(
        time_s=person.motion.time_s,
        points=tuple(body.points[name] for name in rows.landmarks),
        links=tuple(row[1] for row in rows.orientations),
        vector_names=vector_names,
        vector_from=vector_from,
        vector_to=vector_to,
        vector_m=_stacked(rows.vectors, -3, (frames, 3)),
        vector_weight=_stacked(rows.vectors, -2, (frames,)),
        direction_names=direction_names,
        direction_from=direction_from,
        direction_to=direction_to,
        direction=_stacked(rows.directions, -3, (frames, 3)),
        direction_weight=_stacked(rows.directions, -2, (frames,)),
        orientation_names=tuple(row[0] for row in rows.orientations),
        orientation=_stacked(rows.orientations, -3, (frames, 3, 3)),
        orientation_weight=_stacked(rows.orientations, -2, (frames,)),
        usable=anchored.any(1) & person.in_view(rows.seen()) & ~inspection.broken_frames(rows.seen()),
        inspection=inspection,
        objects=objects,
        stick_points=tuple(point for point, *_ in rows.sticks),
        stick_m=_stacked(rows.sticks, 1, (frames, 3)),
        stick_strength=_stacked(rows.sticks, 2, (frames,)),
        vector_guessed=_stacked(rows.vectors, -1, (frames,)).astype(bool),
        direction_guessed=_stacked(rows.directions, -1, (frames,)).astype(bool),
        orientation_guessed=_stacked(rows.orientations, -1, (frames,)).astype(bool),
    )


def _ends(entries: Sequence[tuple[Any, ...]]) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names of rows, and the points that they lead from and to."""
    names, start, end = zip(*(entry[:3] for entry in entries), strict=True) if entries else ((), (), ())
    return tuple(names), np.array(start, int), np.array(end, int)


def _stacked(entries: Sequence[tuple[Any, ...]], part: int, shape: tuple[int, ...]) -> Array:
    """One part of all rows, (T, ...) each, as (T, rows, ...)."""
    frames, *rest = shape
    return np.stack([entry[part] for entry in entries], axis=1) if entries else np.zeros((frames, 0, *rest))
