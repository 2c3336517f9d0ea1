"""Where a worker's hands are all the time: as a handling asks, and hanging or on their way where it does not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from motion.handling import Handling, HandTrack
from motion.transform import Array, Transform, quaternion_product, so3_exp, so3_log
from workers.household.fingers import GraspPosture, relaxed_rad
from workers.minimum_jerk import progress, reach, reach_time_s

WANTED = 0.01
"""A hand that is wanted by more than this goes where the handling says."""

_PEAK_MPS = 0.8
_LEAST_S = 0.9
_OVER_M = 0.13
"""How high above the counter a hand comes over its edge."""

_BEFORE_EDGE_M = 0.06
_FINGERS_S = 0.3
"""How long fingers take from hanging to ready."""


@dataclass(frozen=True)
class Rest:
    """Where a hand hangs, batch (), and where it passes the counter's edge on its way up and down, in the counter's frame."""

    tool: Transform
    edge_m: Array


def hand_path(time_s: Array, track: HandTrack | None, rest: Rest) -> Transform:
    """`T_counter_tool` of a hand over all times, batch (T,): no hand jumps, whatever the handling leaves open.

    Args:
        time_s: (T,).
        track: what the handling says of the hand; None: nothing.
        rest: where it hangs.
    """
    hanging = Transform(np.tile(rest.tool.position_m, (len(time_s), 1)), np.tile(rest.tool.wxyz, (len(time_s), 1)))
    if track is None or not driven(track).any():
        return hanging
    position, wxyz = track.T_counter_tool.position_m.copy(), track.T_counter_tool.wxyz.copy()
    for free in _runs(~driven(track)):
        filled = _free_path(time_s, free, track.T_counter_tool, rest)
        position[free], wxyz[free] = filled.position_m, filled.wxyz
    return Transform(position, wxyz)


def driven(track: HandTrack) -> np.ndarray:
    """(T,) where a hand goes as the handling says."""
    return np.asarray(track.wanted) > WANTED


def finger_path(time_s: Array, handling: Handling, side: str, postures: dict[int, GraspPosture]) -> Array:
    """(T, 16) finger angles: ready before and after each hold, relaxed while hanging.

    Args:
        time_s: (T,) of the handling.
        handling: what is done.
        side: of the hand.
        postures: index of a hold of the handling -> its posture.
    """
    hanging = np.tile(relaxed_rad(), (len(time_s), 1))
    track = handling.hands.get(side)
    own = [(handling.holds[index], posture) for index, posture in postures.items() if handling.holds[index].side == side]
    if track is None or not own:
        return hanging
    # Between two holds the hand gets ready for the next one, halfway.
    turns = [(a.end_s + b.start_s) / 2 for (a, _), (b, _) in itertools.pairwise(own)]
    opening = np.asarray(track.opening, float)
    angles = own[0][1].at(opening)
    for at_s, (_, posture) in zip(turns, own[1:], strict=True):
        share = progress(np.clip((time_s - at_s) / _FINGERS_S + 0.5, 0, 1))[:, None]
        angles = angles * (1 - share) + posture.at(opening) * share
    ready = eased(time_s, driven(track))[:, None]
    return hanging * (1 - ready) + angles * ready


def eased(time_s: Array, mask: np.ndarray) -> Array:
    """(T,) 1 within the mask, falling smoothly to 0 outside it within `_FINGERS_S`."""
    away = np.full(len(time_s), np.inf)
    for run in _runs(mask):
        start, end = time_s[run.start], time_s[run.stop - 1]
        away = np.minimum(away, np.maximum(np.maximum(start - time_s, time_s - end), 0.0))
    return progress(np.clip(1 - away / _FINGERS_S, 0.0, 1.0))


def _free_path(time_s: Array, free: slice, asked: Transform, rest: Rest) -> Transform:
    """The way through frames where nothing is asked: from what was asked before to what is asked after, by way of hanging."""
    before = asked[free.start - 1] if free.start > 0 else None
    after = asked[free.stop] if free.stop < len(time_s) else None
    start_s = time_s[free.start - 1] if before is not None else time_s[0]
    end_s = time_s[free.stop] if after is not None else time_s[-1]
    times = time_s[free]
    if before is not None and after is not None and end_s - start_s < way_s(before, rest) + way_s(after, rest):
        return _between(before, after, (times - start_s) / (end_s - start_s))
    position, wxyz = np.tile(rest.tool.position_m, (len(times), 1)), np.tile(rest.tool.wxyz, (len(times), 1))
    if before is not None:
        early = times < start_s + way_s(before, rest)
        gone = _way(before, rest, start_s + way_s(before, rest) - times[early])
        position[early], wxyz[early] = gone.position_m, gone.wxyz
    if after is not None:
        late = times > end_s - way_s(after, rest)
        come = _way(after, rest, times[late] - end_s + way_s(after, rest))
        position[late], wxyz[late] = come.position_m, come.wxyz
    return Transform(position, wxyz)


def way_s(there: Transform, rest: Rest) -> float:
    """How long a hand takes from hanging to a place."""
    return reach_time_s(_corners(there, rest), _PEAK_MPS, _LEAST_S)


def _corners(there: Transform, rest: Rest) -> Array:
    """(4, 3) hanging, up before the edge, over it, there."""
    before = rest.edge_m - [_BEFORE_EDGE_M, 0.0, 0.0]
    over = (rest.edge_m + there.position_m) / 2
    over[2] = max(rest.edge_m[2], there.position_m[2])
    return np.array([rest.tool.position_m, before, over, there.position_m])


def _way(there: Transform, rest: Rest, since_s: Array) -> Transform:
    """Poses, batch (n,), on the way from hanging to a place, so long after setting out."""
    length_s = way_s(there, rest)
    path = reach(0.0, _corners(there, rest), length_s).at(since_s)
    turn = so3_log((rest.tool.inverse() @ there).wxyz)
    share = progress(np.clip(since_s / length_s, 0, 1))[:, None]
    return Transform(path, quaternion_product(rest.tool.wxyz, so3_exp(share * turn)))


def _between(before: Transform, after: Transform, share: Array) -> Transform:
    gone = progress(np.clip(share, 0, 1))[:, None]
    turn = so3_log((before.inverse() @ after).wxyz)
    way = before.position_m + gone * (after.position_m - before.position_m)
    return Transform(way, quaternion_product(before.wxyz, so3_exp(gone * turn)))


def edge_point(rest_m: Array) -> Array:
    """(3,) where a hand that hangs at (3,) passes the counter's edge: straight ahead, over it."""
    return np.array([0.0, rest_m[1], _OVER_M])


def _runs(mask: np.ndarray) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
