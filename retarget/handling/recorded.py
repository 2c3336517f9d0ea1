"""Recordings of people at work, real or simulated, as handlings.

What the hands do is kept relative to the things: while a hand holds something it follows the thing's track with one and
the same pose in it, and before and after it is led to where the thing really is. Things that stand stand still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion.errors import MotionError, require
from motion.handling import CAMERA, COUNTER, Handling, HandTrack, Hold
from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.provenance import record as record_provenance
from motion.resample import uniform_times
from motion.transform import Array, Transform, quaternion_product, so3_exp, so3_log
from retarget.handling.recorded_carried import carried
from retarget.handling.recorded_hands import fingers_in_tool, palm_confidence, palm_track
from retarget.handling.recorded_hinges import on_hinge
from retarget.handling.recorded_holds import Hand, Shape, Span, contact_spans, decided_grasp, finger_shape, grip_of
from retarget.handling.recorded_settings import RecordedSettings
from retarget.handling.recorded_stand import hanging, stand_track
from retarget.handling.recorded_tracks import jitter, lasting, mean_pose, on_clock, pinned, put_down, rests, seen_frames, smoothed
from retarget.spans import faded, runs

_HINGE_M, _HINGE_DOUBTS = 0.003, 3.0
"""What goes around one axis within this, plus so many deviations of its track's noise, has a hinge."""

_SEEN_WITHIN_S = 0.1
"""A thing that was seen this short a time ago is where it is said to be."""

_HALF_SEEN = 0.5
"""A recording in which less of a hold is seen than this says so."""


@dataclass(frozen=True)
class RecordedHandling:
    """A recording, understood.

    Attributes:
        handling: what the hands did, in the counter's frame, on the recording's clock.
        notes: what was understood, in words.
        warnings: what was missing or doubtful.
    """

    handling: Handling
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def handling_of(motion: HumanMotion, settings: RecordedSettings | None = None) -> RecordedHandling:
    """Read a recording with object tracks as a handling.

    Args:
        motion: objects hold `T_world_thing` and, under `motion.handling.COUNTER`, the counter's frame; NaN is unseen.
            Signals "left_grip_force_n" and "right_grip_force_n" are used where they are.
        settings: how it is read.

    Raises:
        MotionError: no track of the counter, or of anything else; no hand was ever seen; too few frames.
    """
    settings = settings or RecordedSettings()
    _check(motion)
    warnings: list[str] = []
    T_counter_world = counter_pose(motion).inverse()
    times = uniform_times(motion.time_s, settings.rate_hz)
    things, guessed = _things(motion, T_counter_world, times, settings, warnings)
    walked = stand_track(motion, T_counter_world, times, settings)
    hands = _hands(motion, T_counter_world, times, settings, warnings)
    if not hands and walked is None:
        raise MotionError(f"{motion.provenance.source}: no hand is ever seen: the wrist and four knuckles are needed.")
    found, notes = [], []
    for hand in hands.values():
        spans, how, doubts = contact_spans(motion, hand, things, times, settings)
        warnings += doubts
        notes.append(f"{hand.side} hand: {len(spans)} holds found from {how}")
        found += _measured(hand, spans, times)
    for span, _ in found:
        raw, hand = motion.objects[span.thing], hands[span.side]
        held = (motion.time_s >= span.start_s) & (motion.time_s <= span.end_s)
        things[span.thing] = carried(things[span.thing], guessed[span.thing], jitter(raw[held]), hand, span, times, settings)
    things = {name: _settled(name, track, motion.objects[name], found, times, settings) for name, track in things.items()}
    holds, tracks = [], {}
    for side, hand in hands.items():
        own = [(span, shape) for span, shape in found if span.side == side]
        tracks[side] = _track(hand, own, things, guessed, times, settings, notes, walked[0] if walked is not None else None)
        holds += [_hold(span, shape, motion, settings) for span, shape in own]
    if walked is not None:
        notes.append(f"walks about, as {walked[1]} says")
        tracks = tracks or {side: hanging(walked[0]) for side in SIDES}
    elif not holds:
        warnings.append("no hand holds anything: neither grip force nor a thing that moves with a hand was found")
    provenance = record_provenance(
        motion.provenance.source, "retarget.handling.recorded", licence=motion.provenance.licence, consent=motion.provenance.consent
    )
    stand = walked[0] if walked is not None else None
    handling = Handling(times, tracks, things, tuple(holds), motion.labels, provenance, stand)
    return RecordedHandling(handling, tuple(notes), tuple(warnings))


def counter_pose(motion: HumanMotion) -> Transform:
    """`T_world_counter`, batch (): the robust middle of its track, exactly level, because the world's z is up.

    Raises:
        MotionError: there is no such track, or it is never seen, or it stands on edge.
    """
    source = motion.provenance.source
    what = (
        f"add an object track {COUNTER!r}: its frame lies in the middle of the counter's front edge, on its top, "
        "x away from the person, z up (motion.handling)."
    )
    require(COUNTER in motion.objects, MotionError, f"{source}: nothing says where the counter is; {what}")
    track = motion.objects[COUNTER]
    seen = seen_frames(track)
    require(bool(seen.any()), MotionError, f"{source}: the counter is never seen; {what}")
    pose = mean_pose(track[seen])
    rotation = pose.rotation()
    require(rotation[2, 2] > 0.8, MotionError, f"{source}: the counter's z axis is not up; {what}")
    yaw = np.arctan2(rotation[1, 0], rotation[0, 0])
    return Transform(pose.position_m, so3_exp(np.array([0.0, 0.0, yaw])))


def _check(motion: HumanMotion) -> None:
    source = motion.provenance.source
    require(len(motion.time_s) > 1, MotionError, f"{source}: one frame is no handling.")
    others = [name for name in motion.objects if name not in (COUNTER, CAMERA)]
    what = "add a track T_world_thing of every thing that is handled to the recording's objects."
    require(bool(others), MotionError, f"{source}: no thing is tracked; {what}")


def _things(
    motion: HumanMotion, T_counter_world: Transform, times: Array, settings: RecordedSettings, warnings: list[str]
) -> tuple[dict[str, Transform], dict[str, Array]]:
    """Name -> smooth `T_counter_thing`, batch (S,), and the time (S,) to the nearest frame in which it was seen."""
    things, guessed = {}, {}
    for name, track in motion.objects.items():
        if name in (COUNTER, CAMERA):
            continue
        seen = seen_frames(track)
        if not seen.any():
            warnings.append(f"{name}: never seen, left out")
            continue
        if seen.mean() < _HALF_SEEN:
            warnings.append(f"{name}: seen for {100 * seen.mean():.0f} % of the time only")
        whole, guessed[name] = on_clock(motion.time_s, track, times, settings.stray)
        things[name] = T_counter_world @ smoothed(whole, settings.rate_hz, settings.smooth_s)
    require(bool(things), MotionError, f"{motion.provenance.source}: no thing is ever seen.")
    return things, guessed


def _hands(
    motion: HumanMotion, T_counter_world: Transform, times: Array, settings: RecordedSettings, warnings: list[str]
) -> dict[str, Hand]:
    hands = {}
    for side in SIDES:
        tool = palm_track(motion, side)
        if seen_frames(tool).sum() < 2:
            warnings.append(f"{side} hand: never seen, left out")
            continue
        fingers = fingers_in_tool(motion, side, tool, times, settings.hand_smooth_s * settings.rate_hz)
        whole, guessed = on_clock(motion.time_s, tool, times, settings.stray)
        smooth = T_counter_world @ smoothed(whole, settings.rate_hz, settings.hand_smooth_s)
        hands[side] = Hand(side, smooth, fingers, guessed, palm_confidence(motion, side, times), jitter(tool))
    return hands


def _measured(hand: Hand, spans: Sequence[Span], times: Array) -> list[tuple[Span, Shape]]:
    """Spans of contact with the fingers' way to and from them; none begins before the one before has ended."""
    out: list[tuple[Span, Shape]] = []
    for index, span in enumerate(spans):
        before = out[-1][1].end_s if out else -np.inf
        after = spans[index + 1].start_s if index + 1 < len(spans) else np.inf
        shape = finger_shape(hand, span, (before, after), times)
        out.append((span, shape))
    return out


def _settled(
    name: str, track: Transform, raw: Transform, found: Sequence[tuple[Span, Shape]], times: Array, settings: RecordedSettings
) -> Transform:
    """A thing's track, exactly still where it stands, and on its hinge if it has one."""
    held = np.zeros(len(times), bool)
    for span, _ in found:
        if span.thing == name:
            held |= (times >= span.start_s) & (times <= span.end_s)
    doubt = jitter(raw)
    hinged = on_hinge(track, _HINGE_M + _HINGE_DOUBTS * doubt[0])
    if hinged is not None:
        return pinned(times, hinged, rests(times, hinged, held, settings), settings)
    seen = rests(times, track, held, settings)
    standing = put_down(seen, settings.rest_height_m.get(name), doubt, settings)
    return pinned(times, track, standing, settings, lasting(seen, standing))


def _track(
    hand: Hand,
    own: Sequence[tuple[Span, Shape]],
    things: Mapping[str, Transform],
    guessed: Mapping[str, Array],
    times: Array,
    settings: RecordedSettings,
    notes: list[str],
    stand: Transform | None,
) -> HandTrack:
    """A hand that follows its things in its holds, is led to them before and after, and is free elsewhere."""
    raw = hand.tool
    shift = np.zeros((len(times), 6))
    opening = np.ones(len(times))
    kept: list[tuple[np.ndarray, Transform]] = []
    for index, (span, shape) in enumerate(own):
        inside = (times >= shape.start_s) & (times <= shape.end_s)
        firm = (times >= span.start_s) & (times <= span.end_s)
        grip, slides = grip_of(raw[firm], things[span.thing][firm], settings)
        if slides:
            notes.append(f"{hand.side} hand on {span.thing}, {span.start_s:.1f}-{span.end_s:.1f} s: slides on it, and is followed")
        place = np.clip(np.searchsorted(np.flatnonzero(firm), np.flatnonzero(inside)), 0, int(firm.sum()) - 1)
        wanted = things[span.thing][inside] @ grip[place]
        kept.append((inside, wanted))
        free = (own[index - 1][1].end_s if index else -np.inf, own[index + 1][1].start_s if index + 1 < len(own) else np.inf)
        shift += _led(raw, inside, wanted, times, free, settings)
        near = (times > (free[0] + shape.start_s) / 2 if index else times >= times[0]) & (
            times <= (free[1] + shape.end_s) / 2 if index + 1 < len(own) else times <= times[-1]
        )
        opening[near] = shape.opening[near]
    tool = Transform(raw.position_m + shift[:, :3], quaternion_product(raw.wxyz, so3_exp(shift[:, 3:])))
    position, wxyz = tool.position_m.copy(), tool.wxyz.copy()
    for inside, wanted in kept:
        position[inside], wxyz[inside] = wanted.position_m, wanted.wxyz
    seen = hand if stand is None else replace(hand, tool=stand.inverse() @ hand.tool)
    return HandTrack(Transform(position, wxyz), opening, _wanted(seen, own, times, settings), _confidence(hand, own, guessed, times))


def _confidence(hand: Hand, own: Sequence[tuple[Span, Shape]], guessed: Mapping[str, Array], times: Array) -> Array:
    """(S,) how sure the recording is of a hand: what it says of the palm, or that what the hand holds is seen."""
    sure = hand.sure.copy()
    for span, shape in own:
        inside = (times >= shape.start_s) & (times <= shape.end_s)
        sure[inside] = np.maximum(sure[inside], guessed[span.thing][inside] < _SEEN_WITHIN_S)
    return sure


def _led(
    raw: Transform, inside: np.ndarray, wanted: Transform, times: Array, free: tuple[float, float], settings: RecordedSettings
) -> Array:
    """(S, 6) how a hand is shifted and turned before and after a hold, so that it meets the thing where that is.

    What it is off at the hold's end fades with the distance from there, and with time, and is gone where the next hold begins.
    """
    frames = np.flatnonzero(inside)
    out = np.zeros((len(times), 6))
    for frame, there, end_s, side in (
        (int(frames[0]), wanted[0], free[0], times < times[frames[0]]),
        (int(frames[-1]), wanted[-1], free[1], times > times[frames[-1]]),
    ):
        off = np.concatenate([there.position_m - raw.position_m[frame], so3_log((raw[frame].inverse() @ there).wxyz)])
        near = 1 - np.clip(np.linalg.norm(raw.position_m - raw.position_m[frame], axis=-1) / settings.blend_m, 0, 1)
        gap_s = min(abs(end_s - times[frame]), settings.blend_s)
        soon = 1 - np.clip(np.abs(times - times[frame]) / max(gap_s, 1e-6), 0, 1)
        # Beside a hold the hand lingers: far away it is free even if it is soon, near by it is led even if it is late.
        share = np.maximum(_eased(near), 0.0) if np.isinf(end_s) else np.minimum(_eased(near), _eased(soon))
        out[side] = share[side, None] * off
    return out


def _eased(share: Array) -> Array:
    return share * share * (3 - 2 * share)


def _wanted(hand: Hand, own: Sequence[tuple[Span, Shape]], times: Array, settings: RecordedSettings) -> Array:
    """(S,) 1 where a hand is over the counter, 0 where it hangs or nobody sees it.

    A hand that never holds anything hangs for all that matters.
    """
    if not own:
        return np.zeros(len(times))
    place = hand.tool.position_m
    over = (place[:, 2] > settings.hang_m) & (place[:, 0] > -settings.hang_behind_m) & (hand.guessed_s < settings.unseen_s)
    for _, shape in own:
        over |= (times >= shape.start_s) & (times <= shape.end_s)
    for gap in runs(~over):  # a hand that dips for a moment does not hang
        if gap.start > 0 and gap.stop < len(over) and times[gap.stop] - times[gap.start] < settings.unseen_s:
            over[gap] = True
    return faded(times, over, settings.ramp_s)


def _hold(span: Span, shape: Shape, motion: HumanMotion, settings: RecordedSettings) -> Hold:
    grasp = settings.grasps.get(span.thing) or decided_grasp(shape.grasp, span, motion.labels, settings.verbs)
    return Hold(span.side, span.thing, shape.start_s, shape.end_s, grasp, span.force_n)
