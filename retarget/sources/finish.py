"""The last steps that every format shares: from named tracks in a file's own units and axes to a checked HumanMotion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.human import HumanMotion, Label, Subject
from motion.landmarks import SIDES
from motion.provenance import parent_of, record
from motion.transform import Array, Transform
from retarget.reading.chirality import check_hands
from retarget.reading.complete import INFERRED_CONFIDENCE, calibrated_orientation, inferred_heels, inferred_tips
from retarget.reading.normalise import (
    World,
    check_pace,
    check_rigid,
    check_sides,
    check_symmetric,
    check_together,
    detect_world,
)
from retarget.sources.base import Reading, SourceOptions

_SEGMENT_JOINT = {
    "pelvis": "pelvis",
    **{f"{side}_foot": f"{side}_ankle" for side in SIDES},
    **{f"{side}_hand": f"{side}_wrist" for side in SIDES},
}
"""Segments that the solver orients -> the landmark whose joint turns with them."""


@dataclass(frozen=True)
class Recorded:
    """What a format's parser found, joints already named by landmarks, in the file's own unit and axes.

    Attributes:
        format: what the file is, in words ("BVH, dialect lafan1").
        time_s: (T,) rising, from 0.
        tracks: landmark -> (T, 3); NaN where unseen, never a sentinel.
        wxyz: landmark -> (T, 4) orientation of what turns with the joint there, in whatever axes the format gives joints.
        segments: segment -> (T, 4) orientation that the file measures in the axes of `motion.segments`, such as a head camera's.
        confidence: landmark -> (T,) in 0..1; landmarks not named have 1 where they are seen.
        inferred: landmarks that the format's parser worked out rather than read.
        unit_m, up: what the format itself defines; None where files differ, and it is found from the limbs.
        usual_up: vertical axis of nearly all such files, where the format defines none; it counts with body and floor.
        bone_change: share of its length by which a limb may change from frame to frame; estimated keypoints need more.
        joints_n: how many joints the file has, known or not.
        pseudonym: whose body it is, where the file tells bodies apart.
        height_m: stature, where the file says.
        objects: name -> poses (T,) in the file's unit and axes.
        signals: name -> (T,) or (T, k).
        labels: time spans.
        words: more of what was understood.
        also: other files that were read for it, such as a skeleton.
    """

    format: str
    time_s: Array
    tracks: Mapping[str, Array]
    wxyz: Mapping[str, Array] = field(default_factory=dict)
    segments: Mapping[str, Array] = field(default_factory=dict)
    confidence: Mapping[str, Array] = field(default_factory=dict)
    inferred: frozenset[str] = frozenset()
    unit_m: float | None = None
    up: str | None = None
    usual_up: str | None = None
    bone_change: float = 0.2
    joints_n: int | None = None
    pseudonym: str = "unknown"
    height_m: float | None = None
    objects: Mapping[str, Transform] = field(default_factory=dict)
    signals: Mapping[str, Array] = field(default_factory=dict)
    labels: tuple[Label, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    also: tuple[Path, ...] = ()


def reading_of(path: Path, recorded: Recorded, options: SourceOptions) -> Reading:
    """The reading of a recording: metres, z up, left is left, heels and fingertips where they can be inferred.

    Raises:
        FileFormatError: no frames, nothing seen, no plausible size, mirrored, or bones that change their length.
    """
    where = str(path)
    require(len(recorded.time_s) > 0, FileFormatError, f"{where}: holds no frames.")
    tracks = {name: np.asarray(track, float) for name, track in recorded.tracks.items()}
    tracks = {name: track for name, track in tracks.items() if np.isfinite(track).any()}
    require(bool(tracks), FileFormatError, f"{where}: no joint is seen in any frame.")
    world = _world(where, tracks, recorded, options)
    points = {name: world.positions(track) for name, track in tracks.items()}
    sides = check_sides(points, where)
    hands = check_hands(points, where)
    check_together(points, where)
    check_pace(recorded.time_s, points, where)
    check_rigid(points, where, recorded.bone_change)
    check_symmetric(points, where)
    heels, tips = inferred_heels(recorded.time_s, points), inferred_tips(points)
    everything = points | heels | tips
    guessed = heels.keys() | tips.keys() | recorded.inferred
    orientations = _orientations(recorded, world, everything)
    pseudonym = recorded.pseudonym if options.pseudonym == "unknown" else options.pseudonym
    position = np.stack(list(everything.values()), axis=1)
    words = recorded.format.partition(",")[0]
    parents = [parent_of(file) for file in (path, *recorded.also)]
    motion = HumanMotion(
        time_s=recorded.time_s,
        landmarks=tuple(everything),
        position_m=position,
        confidence=_confidence(recorded, everything, guessed),
        segments=tuple(orientations),
        segment_wxyz=np.stack(list(orientations.values()), axis=1) if orientations else None,
        objects={name: _object(world, track) for name, track in recorded.objects.items()},
        signals=recorded.signals,
        labels=recorded.labels,
        subject=Subject(pseudonym, options.height_m or recorded.height_m),
        provenance=record(f"{words} {path.name}", "retarget", parents, licence=options.licence, consent=options.consent),
    )
    rate = f"{motion.rate_hz:.4g} Hz" if len(motion.time_s) > 1 else "one frame"
    found = f"{len(points)} of {recorded.joints_n or len(points)} joints, heels inferred: {len(heels)}, fingertips inferred: {len(tips)}"
    understood = {"format": recorded.format, "frames": f"{len(motion.time_s)} at {rate}", **world.words, "sides": sides, **hands}
    if pseudonym != "unknown":
        understood["subject"] = pseudonym
    return Reading(motion, understood | {"landmarks": found} | dict(recorded.words))


def _world(where: str, tracks: Mapping[str, Array], recorded: Recorded, options: SourceOptions) -> World:
    limbs = any({f"{side}_shoulder", f"{side}_elbow"} <= tracks.keys() or f"{side}_knee" in tracks for side in SIDES)
    stated, defined = (options.unit_m, options.up), (recorded.unit_m, recorded.up)
    return detect_world(tracks, where, *stated, *defined, recorded.usual_up, hands_alone=not limbs)


def _orientations(recorded: Recorded, world: World, points: Mapping[str, Array]) -> dict[str, Array]:
    """Segment -> (T, 4), of the segments whose joint the file orients."""
    found = {segment: world.orientations(wxyz) for segment, wxyz in recorded.segments.items() if np.isfinite(wxyz).any()}
    for segment, landmark in _SEGMENT_JOINT.items():
        if landmark in recorded.wxyz and segment not in found:
            joint = world.orientations(recorded.wxyz[landmark])
            oriented = calibrated_orientation(segment, joint, points, len(recorded.time_s))
            if oriented is not None:
                found[segment] = oriented
    return found


def _confidence(recorded: Recorded, points: Mapping[str, Array], guessed: set[str] | frozenset[str]) -> Array:
    """(T, L): as the file says, 1 where it says nothing; no more than a half where inferred; 0 where unseen."""
    columns = []
    for name, track in points.items():
        said = np.asarray(recorded.confidence.get(name, np.ones(len(track))), float)
        said = np.minimum(said, INFERRED_CONFIDENCE) if name in guessed else said
        columns.append(np.where(np.isfinite(track).all(-1), said, 0.0))
    return np.stack(columns, axis=1)


def _object(world: World, track: Transform) -> Transform:
    return Transform(world.positions(track.position_m), world.orientations(track.wxyz))
