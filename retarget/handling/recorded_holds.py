"""When hands hold which things: from grip force where it was measured, else from hand and thing moving together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.human import HumanMotion, Label
from motion.resample import interpolate
from motion.transform import Array, Transform, so3_log
from retarget.handling.recorded_hands import grasp_word, openings, tips
from retarget.handling.recorded_settings import RecordedSettings
from retarget.handling.recorded_tracks import mean_pose, smoothed
from retarget.object_targets import held
from retarget.spans import runs

_FORCE_SMOOTH_S, _LEVEL_S = 0.03, 0.3
_BEFORE_S, _AFTER_S = 1.5, 1.2
"""How long before and after a hold its open hand is looked for."""

_LEAST_CLOSING_M = 0.015
"""Fingertips that move by less (root mean square) were as open before."""

_BURST = 0.1
"""Fingers slower than this part of the peak speed of a closing have not begun to close."""

_NAMED_M = 0.05
"""A thing that a label names is preferred over one that fits better by this much."""

_TURNED_RAD = 0.17
"""A thing that turns by more in a hand that stays in its place is turned by it."""

_TRAVEL_M, _LEFT_BEHIND = 0.05, 0.6
"""A hand that travels further than this, and moves on a thing by more than that part of its way, leaves it behind."""

_SLIDE_S = 0.25
"""Smoothing of a sliding hand's place on its thing."""

_TAKING = ("grasp", "take", "pick", "lift", "carry", "hold", "place", "open", "close", "turn", "push", "pull", "stir", "pour")
"""Verbs whose object is what is in the hand."""


@dataclass(frozen=True)
class Span:
    """A hand on a thing, found but not yet measured.

    Attributes:
        side, thing: which.
        start_s, end_s: of firm contact.
        force_n: while it lasts; NaN where nobody measured it.
    """

    side: str
    thing: str
    start_s: float
    end_s: float
    force_n: float


@dataclass(frozen=True)
class Hand:
    """What is known of a hand on the handling's clock.

    Attributes:
        side: which.
        tool: `T_counter_tool`, batch (S,).
        fingers: (S, 20, 3) landmarks in the tool frame.
        guessed_s: (S,) time to the nearest frame in which it was seen.
        sure: (S,) 0..1 how sure the recording is of the palm.
        doubt: white noise of its raw track, m and rad.
    """

    side: str
    tool: Transform
    fingers: Array
    guessed_s: Array
    sure: Array
    doubt: tuple[float, float] = (0.0, 0.0)


def contact_spans(
    motion: HumanMotion, hand: Hand, things: Mapping[str, Transform], times: Array, settings: RecordedSettings
) -> tuple[list[Span], str, list[str]]:
    """Spans of firm contact of one hand, in order; how they were found, in words; and what is doubtful.

    Args:
        motion: the recording.
        hand: whose.
        things: name -> `T_counter_thing`, batch (S,).
        times: (S,).
        settings: when a hand holds.
    """
    name = f"{hand.side}_grip_force_n"
    if name in motion.signals and np.isfinite(np.asarray(motion.signals[name], float)).any():
        return _by_force(motion, hand, things, times, settings)
    return _by_motion(motion, hand, things, times, settings), "hand and thing moving together", []


def _by_force(
    motion: HumanMotion, hand: Hand, things: Mapping[str, Transform], times: Array, settings: RecordedSettings
) -> tuple[list[Span], str, list[str]]:
    force = force_on(motion, hand.side, times, settings.rate_hz)
    grips = force > settings.leave_n
    for gap in runs(~grips):
        if gap.start > 0 and gap.stop < len(grips) and times[gap.stop] - times[gap.start - 1] < settings.bridge_s:
            grips[gap] = True
    out, doubts = [], []
    for span in runs(grips):
        long_enough = times[span.stop - 1] - times[span.start] >= settings.least_s
        if not long_enough or force[span].max() < settings.enter_n:
            continue
        thing = held_thing(hand, things, span, motion.labels, times, settings)
        if not thing:
            doubts.append(f"{hand.side} hand: presses something that is not tracked at {times[span.start]:.1f} s; that hold is left out")
            continue
        firm = force[span]
        typical = float(np.median(firm[firm > 0.5 * firm.max()]))
        start, end = _flanks(force, span, typical, settings.rate_hz)
        out.append(Span(hand.side, thing, float(times[start]), float(times[end]), typical))
    return out, "grip force", doubts


def force_on(motion: HumanMotion, side: str, times: Array, rate_hz: float) -> Array:
    """(S,) grip force, N, without its jitter; unknown is 0. Several sensors of a hand are summed."""
    value = np.asarray(motion.signals[f"{side}_grip_force_n"], float)
    value = np.nan_to_num(value).reshape(len(value), -1).sum(1)
    return gaussian_filter1d(interpolate(motion.time_s, value, times), _FORCE_SMOOTH_S * rate_hz, mode="nearest")


def _flanks(force: Array, span: slice, typical: float, rate_hz: float) -> tuple[int, int]:
    """Frames of a grip between which it is there: it rises before, and after it falls."""
    firm = span.start + np.flatnonzero(force[span] > 0.7 * typical)
    last = int(firm[-1])
    level = float(np.median(force[max(last - round(_LEVEL_S * rate_hz), span.start) : last + 1]))
    full = span.start + np.flatnonzero(force[span.start : last + 1] > 0.92 * level)
    return span.start, max(int(full[-1]), span.start + 1)


def _by_motion(motion: HumanMotion, hand: Hand, things: Mapping[str, Transform], times: Array, settings: RecordedSettings) -> list[Span]:
    found = []
    for name in things:
        mask = held(motion.time_s, motion.point, hand.side, motion.objects[name])
        for span in runs(mask):
            start, end = motion.time_s[span.start], motion.time_s[span.stop - 1]
            if end - start >= settings.least_s and _takes(hand, things[name], times, float(start), float(end), settings):
                found.append(Span(hand.side, name, *_closed(hand, times, float(start), float(end)), float("nan")))
    return _apart(hand, things, found, times, motion.labels, settings)


def _takes(hand: Hand, thing: Transform, times: Array, start_s: float, end_s: float, settings: RecordedSettings) -> bool:
    """Whether fingers are closed, or the thing moves: an open hand that rests beside a thing does not hold it."""
    inside = (times >= start_s) & (times <= end_s)
    track = thing[inside]
    if _moves(track, settings):
        return True
    shape = np.median(hand.fingers[inside], axis=0)
    return bool(np.isfinite(shape).all()) and grasp_word(shape, hand.side) not in ("flat", "fork")


def _moves(track: Transform, settings: RecordedSettings) -> bool:
    """Whether a thing is moved over a span, by more than a tracker errs."""
    way = np.linalg.norm(track.position_m - track.position_m[0], axis=-1).max()
    turn = np.linalg.norm(so3_log((track[:1].inverse() @ track).wxyz), axis=-1).max()
    return bool(way > 2 * settings.moved_m or turn > 2 * settings.moved_rad)


def _closed(hand: Hand, times: Array, start_s: float, end_s: float) -> tuple[float, float]:
    """The part of a span, around its middle, in which the fingers keep their shape: before and after it they close and open."""
    inside = np.flatnonzero((times >= start_s) & (times <= end_s))
    quarter = len(inside) // 4
    tip = tips(hand.fingers)
    shape = np.median(tip[inside[quarter : len(inside) - quarter]], axis=0)
    same = np.sqrt((np.linalg.norm(tip[inside] - shape, axis=-1) ** 2).mean(1)) < _LEAST_CLOSING_M
    for run in runs(same):
        if run.start <= len(inside) // 2 < run.stop:
            return float(times[inside[run.start]]), float(times[inside[run.stop - 1]])
    return start_s, end_s


def _apart(
    hand: Hand, things: Mapping[str, Transform], found: Sequence[Span], times: Array, labels: Sequence[Label], settings: RecordedSettings
) -> list[Span]:
    """Spans that do not overlap: of two things at a time the hand holds the one that fits better."""
    out: list[Span] = []
    for span in sorted(found, key=lambda span: span.start_s):
        if out and span.start_s < out[-1].end_s:
            frames = np.flatnonzero((times >= min(span.start_s, out[-1].start_s)) & (times <= max(span.end_s, out[-1].end_s)))
            both = {name: things[name] for name in {span.thing, out[-1].thing}}
            best = held_thing(hand, both, slice(int(frames[0]), int(frames[-1]) + 1), labels, times, settings)
            if best == span.thing and best != out[-1].thing:
                out[-1] = span
            elif best == span.thing:
                out[-1] = Span(span.side, span.thing, out[-1].start_s, max(out[-1].end_s, span.end_s), span.force_n)
        else:
            out.append(span)
    return out


def held_thing(
    hand: Hand, things: Mapping[str, Transform], span: slice, labels: Sequence[Label], times: Array, settings: RecordedSettings
) -> str:
    """The thing that a hand most likely holds in a span: it keeps its place in the hand while the hand moves, and is near.

    "" where every thing is out of reach or left behind.
    """
    tool = hand.tool[span]
    travel = float(np.ptp(tool.position_m, axis=0).max())
    named = [
        label.object
        for label in labels
        if label.verb in _TAKING and label.start_s < times[span.stop - 1] and label.end_s > times[span.start]
    ]
    costs = {}
    for name, track in things.items():
        away = float(np.linalg.norm(track.position_m[span] - tool.position_m, axis=-1).min())
        if away > settings.near_m:
            continue
        local = track[span].inverse().apply(tool.position_m)
        slides = float(np.linalg.norm(np.percentile(local, 95, axis=0) - np.percentile(local, 5, axis=0)))
        if travel > _TRAVEL_M and slides > _LEFT_BEHIND * travel and not _moves(track[span], settings):
            continue
        turned = float(np.linalg.norm(so3_log((track[span][0].inverse() @ track[span][-1]).wxyz)))
        # A hand that stays where it is says nothing by keeping its place; there what turns is held, or what is near.
        cost = min(slides, travel) + 0.3 * away - (0.05 if turned > _TURNED_RAD else 0.0)
        costs[name] = cost - (_NAMED_M if name in named else 0.0)
    return min(costs, key=lambda name: costs[name]) if costs else ""


@dataclass(frozen=True)
class Shape:
    """How fingers come to a hold and leave it.

    Attributes:
        start_s, end_s: from the moment they begin to close until they begin to open.
        opening: (S,) around the hold; 0 in it, 1 away from it.
        grasp: what it looks like.
    """

    start_s: float
    end_s: float
    opening: Array
    grasp: str


def finger_shape(hand: Hand, span: Span, free: tuple[float, float], times: Array) -> Shape:
    """How fingers close and open around a span of firm contact.

    Args:
        hand: whose.
        span: the contact.
        free: end of the hold before and start of the one after, s.
        times: (S,).
    """
    quarter = (span.end_s - span.start_s) / 4
    core = (times >= span.start_s + quarter) & (times <= span.end_s - quarter)
    held_shape = np.median(hand.fingers[core if core.any() else [int(np.argmin(np.abs(times - span.start_s)))]], axis=0)
    before = np.flatnonzero((times <= span.start_s) & (times > max(span.start_s - _BEFORE_S, free[0])))
    after = np.flatnonzero((times >= span.end_s) & (times < min(span.end_s + _AFTER_S, free[1])))
    closing, opening = _stroke(hand.fingers, held_shape, before[::-1], times), _stroke(hand.fingers, held_shape, after, times)
    whole = np.where((times >= span.start_s) & (times <= span.end_s), 0.0, 1.0)
    start_s, end_s = span.start_s, span.end_s
    if closing is not None:
        start_s, whole[before] = closing.far_s, closing.opening[::-1]
    if opening is not None:
        # Force falls before any finger is seen to move.
        end_s = span.end_s if np.isfinite(span.force_n) else max(span.end_s, opening.near_s)
        whole[after] = opening.opening
    return Shape(start_s, max(end_s, start_s + 1e-3), whole, grasp_word(held_shape, hand.side))


@dataclass(frozen=True)
class _Stroke:
    """One closing or opening of the fingers: how open (n,) from the contact outward, where it is nearest to the contact and farthest."""

    opening: Array
    near_s: float
    far_s: float


def _stroke(fingers: Array, held_shape: Array, outward: np.ndarray, times: Array) -> _Stroke | None:
    """The burst of finger movement nearest to a contact, over frames (n,) that go outward from it; None where there is none.

    A bell-shaped speed (Flash & Hogan 1985) has a tenth of its peak at 0.085 and 0.915 of its time.
    """
    if len(outward) < 3:
        return None
    tip = tips(fingers)[outward]
    off = np.sqrt((np.linalg.norm(tip - tips(held_shape[None]), axis=-1) ** 2).mean(1))
    speed = np.sqrt((np.linalg.norm(np.gradient(tip, axis=0), axis=-1) ** 2).mean(1))
    moves = speed > _BURST * speed[: _first_burst(off)].max()
    peak = int(np.argmax(speed[: _first_burst(off)]))
    still = np.flatnonzero(~moves[peak:])
    last = peak + int(still[0]) if len(still) else len(outward) - 1
    if off[last] < _LEAST_CLOSING_M:
        return None
    calm = np.flatnonzero(~moves[: peak + 1])
    first = int(calm[-1]) if len(calm) else 0
    step = float(times[1] - times[0])
    direction = float(np.sign(times[outward[-1]] - times[outward[0]]))
    rest = 0.205 * step * direction
    opening = openings(tip, tips(held_shape[None])[0], tip[last])
    opening[last:] = 1.0
    return _Stroke(opening, float(times[outward[first]] - rest * (peak - first)), float(times[outward[last]] + rest * (last - peak)))


def _first_burst(off: Array) -> int:
    """How many frames from the contact outward hold the first movement that opens the hand: what comes later is another one."""
    enough = np.flatnonzero(off > _LEAST_CLOSING_M)
    return min(len(off), 2 * int(enough[0]) + 2) if len(enough) else len(off)


def grip_of(tool: Transform, thing: Transform, settings: RecordedSettings) -> tuple[Transform, bool]:
    """`T_thing_tool`, batch (n,), of a hold over its n frames: constant, unless the hand slides.

    Args:
        tool, thing: batch (n,), in the counter's frame.
        settings: what sliding is.
    """
    local = thing.inverse() @ tool
    constant = mean_pose(local)
    slow = smoothed(local, settings.rate_hz, _SLIDE_S)
    off = np.linalg.norm(slow.position_m - constant.position_m, axis=-1).max()
    turn = np.linalg.norm(so3_log((_spread(constant, len(tool)).inverse() @ slow).wxyz), axis=-1).max()
    if off > settings.sliding_m or turn > settings.sliding_rad:
        return slow, True
    return _spread(constant, len(tool)), False


def _spread(pose: Transform, count: int) -> Transform:
    return Transform(np.tile(pose.position_m, (count, 1)), np.tile(pose.wxyz, (count, 1)))


def decided_grasp(shape: str, span: Span, labels: Sequence[Label], verbs: Mapping[str, str]) -> str:
    """The grasp word of a hold: of a label that leaves no doubt and lies mostly in it, else what the shape looks like."""
    for label in labels:
        inside = min(label.end_s, span.end_s) - max(label.start_s, span.start_s)
        if label.verb in verbs and label.object in ("", span.thing) and inside > 0.5 * (label.end_s - label.start_s):
            return verbs[label.verb]
    return shape
