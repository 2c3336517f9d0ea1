"""How well a film's hands were seen, and how well what was made of them holds together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array
from retarget.spans import runs
from retarget.video.hands.tracks import HandTrack
from retarget.video.paths import HandPath
from retarget.video.quality.measured import Measured, greatest, longest_s, median, noise, pct, spans_of, speed_and_push
from retarget.video.quality.of_pictures import FilmFacts
from retarget.video.quality.profile import QualityProfile

_WRIST, _KNUCKLES = 0, (5, 9, 13, 17)
_PALM_BONES = (*((_WRIST, knuckle) for knuckle in _KNUCKLES), (5, 9), (9, 13), (13, 17), (5, 17))
_NORMAL_OVER_MAD = 1.4826


def measure_hands(
    tracks: Mapping[str, HandTrack], paths: Mapping[str, HandPath], facts: FilmFacts, profile: QualityProfile
) -> Iterator[Measured]:
    """All numbers of the hands, together and of each that takes part."""
    seen = {side: tracks[side].seen for side in SIDES if side in tracks}
    yield from _together(tracks, seen, facts, profile)
    for side, mask in seen.items():
        part = f"{side} hand"
        yield Measured("seen_pct", pct(mask), spans_of(tracks[side].time_s, ~mask), part)
        if takes_part(tracks[side], profile):
            yield from _dropouts(tracks[side], facts, profile, part)
            yield from _in_picture(tracks[side], facts, profile, part)
            yield from _drawn(tracks[side], profile, part)
            if side in paths:
                yield from _in_space(paths[side], tracks[side], profile, part)


def takes_part(track: HandTrack, profile: QualityProfile) -> bool:
    """Whether a hand is seen often enough to be judged by itself."""
    return pct(track.seen) >= profile.takes_part_pct


def at_border(track: HandTrack, facts: FilmFacts, profile: QualityProfile) -> np.ndarray:
    """(T,) whether a hand has a point at the edge of the picture, or outside."""
    margin = profile.border_share * min(facts.width_px, facts.height_px)
    points, size = track.image_px, np.array([facts.width_px, facts.height_px])
    with np.errstate(invalid="ignore"):
        return np.asarray(((points < margin) | (points > size - margin)).any((1, 2)))


def missed(track: HandTrack, facts: FilmFacts, profile: QualityProfile) -> np.ndarray:
    """(T,) frames in which a hand was lost in view: unseen between frames that saw it, at the border in neither of them."""
    border, found = at_border(track, facts, profile), np.zeros(len(track.time_s), bool)
    for run in _gaps(track.seen):
        found[run] = not (border[run.start - 1] or border[run.stop])
    return found


def _gaps(seen: np.ndarray) -> list[slice]:
    """Runs of unseen frames between seen ones."""
    return [run for run in runs(~seen) if run.start > 0 and run.stop < len(seen)]


def _together(
    tracks: Mapping[str, HandTrack], seen: Mapping[str, np.ndarray], facts: FilmFacts, profile: QualityProfile
) -> Iterator[Measured]:
    if not seen:
        yield Measured("any_seen_pct", 0.0)
        return
    time_s = next(iter(tracks.values())).time_s
    either = np.any(list(seen.values()), axis=0)
    yield Measured("any_seen_pct", pct(either), spans_of(time_s, ~either))
    yield Measured("both_seen_pct", pct(np.all(list(seen.values()), axis=0)) if len(seen) == len(SIDES) else 0.0)
    swapped = np.any([track.relabelled for track in tracks.values()], axis=0)
    yield Measured("swapped_pct", pct(swapped), spans_of(time_s, swapped))
    handed = handovers(tracks, facts, profile)
    yield Measured("handovers", float(handed.sum()), spans_of(time_s, handed))


def handovers(tracks: Mapping[str, HandTrack], facts: FilmFacts, profile: QualityProfile) -> np.ndarray:
    """(T,) frames in which one side appears, inside the picture, just after the other was lost there, and stays lost."""
    found = np.zeros(len(next(iter(tracks.values())).time_s), bool)
    if len(tracks) < len(SIDES):
        return found
    for side, other in (SIDES, SIDES[::-1]):
        here, there = tracks[side], tracks[other]
        inside_here, inside_there = (~at_border(track, facts, profile) for track in (here, there))
        for run in runs(here.seen):
            end, start = run.stop - 1, run.stop
            near = there.time_s - there.time_s[end] <= profile.handover_s
            begins = [new.start for new in runs(there.seen) if start <= new.start and near[new.start]]
            if begins and inside_here[end] and inside_there[begins[0]] and not here.seen[start : begins[0] + 1].any():
                found[begins[0]] = True
    return found


def _dropouts(track: HandTrack, facts: FilmFacts, profile: QualityProfile, part: str) -> Iterator[Measured]:
    time_s, lost = track.time_s, missed(track, facts, profile)
    gaps = _gaps(track.seen)
    unseen = np.zeros(len(time_s), bool)
    for gap in gaps:
        unseen[gap] = True
    minutes = float(time_s[-1] - time_s[0]) / 60
    spans = spans_of(time_s, lost)
    yield Measured("dropouts", len(gaps), spans_of(time_s, unseen), part)
    yield Measured("dropout_s", longest_s(time_s, unseen), spans_of(time_s, unseen, join_s=0, most=1), part)
    yield Measured("dropouts_per_min", len(runs(lost)) / minutes if minutes > 0 else math.nan, spans, part)
    yield Measured("missed_pct", pct(lost), spans, part)
    yield Measured("missed_s", longest_s(time_s, lost), spans_of(time_s, lost, join_s=0, most=1), part)


def _in_picture(track: HandTrack, facts: FilmFacts, profile: QualityProfile, part: str) -> Iterator[Measured]:
    time_s, seen, size = track.time_s, track.seen, hand_size_px(track)
    border = at_border(track, facts, profile)
    small = size < profile.min_hand_px
    yield Measured("hand_px", median(size), spans_of(time_s, small), part)
    yield Measured("border_pct", pct(border[seen]), spans_of(time_s, border), part)
    flutter = 100 * noise(time_s, track.image_px) / median(size)
    yield Measured("jitter_pct", median(flutter), spans_of(time_s, flutter > profile.max_jitter_pct), part)


def hand_size_px(track: HandTrack) -> Array:
    """(T,) longer side of the box around the hand's points; NaN where unseen."""
    return np.asarray((track.image_px.max(1) - track.image_px.min(1)).max(1))


def _drawn(track: HandTrack, profile: QualityProfile, part: str) -> Iterator[Measured]:
    """How constant the palm is in the detector's own idea of its shape, over the palm's length in each frame."""
    ends = np.array(_PALM_BONES)
    bone = np.linalg.norm(track.relative_m[:, ends[:, 0]] - track.relative_m[:, ends[:, 1]], axis=-1)
    shape = bone / bone[:, : len(_KNUCKLES)].mean(1, keepdims=True)
    off = np.abs(shape - np.nanmedian(shape, axis=0))
    wrong = np.nan_to_num(off.max(1)) > profile.stretched_share
    yield Measured("bone_change_pct", 100 * _NORMAL_OVER_MAD * float(np.median(np.nanmedian(off, axis=0))), (), part)
    yield Measured("stretched_pct", pct(wrong[track.seen]), spans_of(track.time_s, wrong), part)


def _in_space(path: HandPath, track: HandTrack, profile: QualityProfile, part: str) -> Iterator[Measured]:
    time_s = path.time_s
    yield Measured("filled_pct", pct(path.filled), spans_of(time_s, path.filled), part)
    shake = 1e3 * noise(time_s, path.position_m)
    yield Measured("jitter_mm", median(shake), spans_of(time_s, shake > profile.max_jitter_mm), part)
    yield from measure_outliers(time_s, path.position_m[:, _WRIST], profile, part)
    yield Measured("reprojection_px", median(path.reprojection_px), (), part)
    off_pct = 100 * path.reprojection_px / median(hand_size_px(track))
    far = np.nan_to_num(off_pct) > profile.max_reprojection_pct
    yield Measured("reprojection_pct", median(off_pct), spans_of(time_s, far), part)


def measure_outliers(time_s: Array, wrist_m: Array, profile: QualityProfile, part: str) -> Iterator[Measured]:
    """Frames in which a wrist (T, 3) is faster, or pushed harder, than in everyday movements."""
    speed, push = speed_and_push(time_s, wrist_m)
    jumps = (np.nan_to_num(speed) > profile.fast_mps) | (np.nan_to_num(push) > profile.sudden_mps2)
    yield Measured("outlier_pct", pct(jumps), spans_of(time_s, jumps), part)
    yield Measured("speed_max_mps", greatest(speed), (), part)
