"""What a held thing acts on, and when: read off a handling's labels where it has any, else off its tracks.

A carried thing is lifted off where it stood, acts on other things (a cup is tilted over a bowl, a spoon goes round a pot),
and comes to stand somewhere. Each of these belongs to one thing of the scene, and what lies between to none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motion.handling import Handling, Hold
from motion.transform import Array, Transform
from retarget.handling.layout import Layout
from retarget.spans import runs

HOME = "home"
"""What stands for the place where a thing itself stood at first."""
FREE = ""
"""What stands for the counter: nothing of the scene is near."""
TRANSPORT = ("reach", "grasp", "lift", "carry", "move", "close", "release", "withdraw", "pause", "correct", "walk")
"""Verbs of labels that bring something somewhere, and act on nothing."""
STAYS_M = 0.02
"""A thing that has moved no further than this across is still where it was lifted, or is already where it comes to stand."""
NEAR_M = 0.08
"""Something further than this from a thing does not act on it."""
DWELL_S, DWELL_M, DWELL_MPS = 0.6, 0.04, 0.12
"""Without labels: what stays this long, this near to another thing, at a mean speed across below this, acts on it."""
_SAMPLES_N, _ROUNDS_N = 9, 12


@dataclass(frozen=True)
class Act:
    """Frames start .. end (with the last) of a hold in which the held thing belongs to `reference`: a thing, `HOME` or `FREE`."""

    start: int
    end: int
    reference: str


def acts_of(handling: Handling, hold: Hold, layout: Layout) -> tuple[Act, ...]:
    """The acts of a hold of a loose thing, in order: lifted off, whatever it does, and put down; frames between them are free.

    Args:
        handling: which.
        hold: one of its holds.
        layout: how large the things are.
    """
    start, end = frames_of(handling, hold)
    place = handling.things[hold.thing].position_m
    away = np.linalg.norm(place[start : end + 1, :2] - place[start, :2], axis=-1) > STAYS_M
    off = np.linalg.norm(place[start : end + 1, :2] - place[end, :2], axis=-1) > STAYS_M
    lifted = start + (int(np.argmax(away)) if away.any() else end - start)
    down = start + (int(np.flatnonzero(off)[-1]) + 1 if off.any() else 0)
    first, last = Act(start, min(lifted, end), HOME), Act(min(max(down, lifted), end), end, "")
    named = _labelled(handling, hold, lifted, last.start)
    if named:
        middle = [Act(*span, reference_of(handling, hold.thing, np.linspace(*span, _SAMPLES_N).astype(int), layout)) for span in named]
    else:
        middle = _dwelling(handling, hold.thing, layout, lifted, last.start)
    middle = [_widened(act, place, lifted, last.start) for act in middle if act.reference != FREE]
    last = Act(last.start, end, reference_of(handling, hold.thing, np.array([end]), layout))
    return _joined([first, *middle, last])


def frames_of(handling: Handling, hold: Hold) -> tuple[int, int]:
    """First and last frame of a hold."""
    inside = np.flatnonzero(handling.during(hold))
    if len(inside):
        return int(inside[0]), int(inside[-1])
    nearest = int(np.argmin(np.abs(handling.time_s - hold.start_s)))
    return nearest, nearest


def _labelled(handling: Handling, hold: Hold, first: int, last: int) -> list[tuple[int, int]]:
    """Frames of labels that say that the held thing acts on something, within first .. last."""
    spans = []
    for label in handling.labels:
        if label.object == hold.thing and label.verb not in TRANSPORT:
            begin, end = (int(np.searchsorted(handling.time_s, at)) for at in (label.start_s, label.end_s))
            begin, end = max(begin, first), min(end, last)
            if end > begin:
                spans.append((begin, end))
    return spans


def _widened(act: Act, place_m: Array, first: int, last: int) -> Act:
    """An act with what leads straight down to it, and straight up from it, within first .. last."""
    start, end = act.start, act.end
    while start > first and np.linalg.norm(place_m[start - 1, :2] - place_m[act.start, :2]) < STAYS_M:
        start -= 1
    while end < last and np.linalg.norm(place_m[end + 1, :2] - place_m[act.end, :2]) < STAYS_M:
        end += 1
    return Act(start, end, act.reference)


def _dwelling(handling: Handling, thing: str, layout: Layout, first: int, last: int) -> list[Act]:
    """Spans in which a thing lingers near another one."""
    if last - first < 2:
        return []
    frames = np.arange(first, last)
    names, gaps = _gaps(handling, thing, frames, layout)
    if not names:
        return []
    nearest, near = gaps.argmin(axis=0), gaps.min(axis=0) < DWELL_M
    time, place = handling.time_s, handling.things[thing].position_m
    found = []
    for column, name in enumerate(names):
        for run in runs(near & (nearest == column)):
            begin, end = first + run.start, first + run.stop - 1
            lasts = time[end] - time[begin]
            across = float(np.linalg.norm(np.diff(place[begin : end + 1, :2], axis=0), axis=-1).sum())
            if lasts >= DWELL_S and (across / lasts < DWELL_MPS or _stays(place[begin : end + 1])):
                found.append(Act(begin, end, name))
    return sorted(found, key=lambda act: act.start)


def _stays(place_m: Array) -> bool:
    """Whether a way (n, 3) goes about in one place: much farther than it leads."""
    across = place_m[:, :2]
    return bool(np.linalg.norm(np.diff(across, axis=0), axis=-1).sum() > 4 * np.ptp(across, axis=0).max())


def reference_of(handling: Handling, thing: str, frames: np.ndarray, layout: Layout) -> str:
    """What a thing belongs to in some frames: what it is nearest to, its own first place included; `FREE` where nothing is near."""
    track = handling.things[thing]
    home = float(np.linalg.norm(track.position_m[frames] - track.position_m[0], axis=-1).mean())
    names, gaps = _gaps(handling, thing, frames, layout)
    found = [(home, HOME), *((float(gap.mean()), name) for name, gap in zip(names, gaps, strict=True))]
    # Where several are touched, the one whose middle is nearest: a can in a bin stands beside a carton, but in the bin.
    least = min(gap for gap, _ in found)
    if least > NEAR_M:
        return FREE
    touching = [name for gap, name in found if gap < least + 1e-3]
    if HOME in touching:
        return HOME
    return min(
        touching, key=lambda name: float(np.linalg.norm((track.position_m - handling.things[name].position_m)[frames], axis=-1).mean())
    )


def _gaps(handling: Handling, thing: str, frames: np.ndarray, layout: Layout) -> tuple[list[str], Array]:
    """Names of all other things, and the gap (n, F) between their boxes and the thing's."""
    names = [name for name in handling.things if name != thing and name in layout.solids]
    gaps = [nearest_points(handling.things[thing][frames], handling.things[name][frames], _boxes(layout, thing, name))[2] for name in names]
    return names, np.array(gaps).reshape(len(names), len(frames))


def _boxes(layout: Layout, *names: str) -> tuple[Array, ...]:
    return tuple(np.array(layout.solids[name].half_m) for name in names)


def nearest_points(one: Transform, other: Transform, half_m: Sequence[Array]) -> tuple[Array, Array, Array]:
    """Where two boxes are nearest to each other, by alternating projections, beginning from where the first one would stand.

    So of boxes that overlap, as a plate's and its rack's do, it is the foot of the first that acts on the other.

    Args:
        one, other: poses (F,) of the boxes, whose origins lie in the middle of their undersides.
        half_m: (3,) of each.

    Returns:
        (F, 3) in the first one's frame, (F, 3) in the other one's, and the gap (F,), m.

    Source: Bregman 1965, alternating projections onto convex sets.
    """
    there = point = one.apply(_foot(one, np.asarray(half_m[0])))
    for _ in range(_ROUNDS_N):
        there = other.apply(_within(other.inverse().apply(point), half_m[1]))
        point = one.apply(_within(one.inverse().apply(there), half_m[0]))
    return one.inverse().apply(point), other.inverse().apply(there), np.linalg.norm(point - there, axis=-1)


def _foot(pose: Transform, half_m: Array) -> Array:
    """(F, 3) lowest point of the ellipsoid in a box, in the box's frame: the origin of what is upright, the edge of a plate on edge."""
    down = pose.rotation()[..., 2, :] * -(half_m**2)
    return np.array([0.0, 0.0, half_m[2]]) + down / np.linalg.norm(down / half_m, axis=-1, keepdims=True)


def _within(point_m: Array, half_m: Array) -> Array:
    low = np.array([-half_m[0], -half_m[1], 0.0])
    return np.clip(point_m, low, [half_m[0], half_m[1], 2 * half_m[2]])


def _joined(acts: Sequence[Act]) -> tuple[Act, ...]:
    """Neighbours that belong to the same thing as one, and none that begins before the one before has ended."""
    out: list[Act] = []
    for act in acts:
        if out and act.reference == out[-1].reference and act.reference != HOME:
            out[-1] = Act(out[-1].start, max(act.end, out[-1].end), act.reference)
        elif out and act.start <= out[-1].end:
            begin = out[-1].end + 1
            if act.end >= begin:
                out.append(Act(begin, act.end, act.reference))
        else:
            out.append(act)
    return tuple(out)


def plan_of(acts: Mapping[int, Sequence[Act]], handling: Handling) -> list[dict[str, object]]:
    """The segments of a handling as plain JSON values: which hold, from when to when (s), and what it belongs to."""
    time = handling.time_s
    return [
        {
            "hold": number,
            "side": handling.holds[number].side,
            "thing": handling.holds[number].thing,
            "start_s": round(float(time[act.start]), 3),
            "end_s": round(float(time[act.end]), 3),
            "follows": act.reference or "counter",
        }
        for number, own in sorted(acts.items())
        for act in own
    ]
