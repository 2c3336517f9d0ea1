"""Tracks of things and hands, made whole: strays dropped, gaps filled, smoothed without lag, rests exactly still."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from motion.resample import interpolate, interpolate_wxyz
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp, so3_log
from retarget.handling.recorded_settings import RecordedSettings
from retarget.spans import runs

_WINDOW = 9
"""Frames of the median that strays are measured against."""

_FLOOR_M = 0.02
"""What is nearer than this to the median is no stray, however quiet the rest is: hands turn back that sharply."""

_TO_DEVIATION = 1.4826
"""Standard deviation over median absolute deviation, of a normal distribution."""

_BELIEVED_M, _BELIEVED_RAD, _DOUBTS = 0.002, 0.01, 4.0
"""A rest this near to the counter's top stands on it, plus so many deviations of the track's noise."""

_LAST_S = (0.08, 0.18)
"""So long before a thing is let go it is looked at where it is then."""

_UP = np.array([0.0, 0.0, 1.0])


def seen_frames(track: Transform) -> np.ndarray:
    """(T,) where a track is known."""
    return np.asarray(np.isfinite(track.position_m).all(-1) & np.isfinite(track.wxyz).all(-1))


def on_clock(time_s: Array, track: Transform, times: Array, stray: float) -> tuple[Transform, np.ndarray]:
    """A track on another clock, its strays dropped and its gaps bridged.

    Args:
        time_s: (T,) of the track.
        track: batch (T,), NaN where unseen.
        times: (S,).
        stray: how many deviations a stray is off.

    Returns:
        Batch (S,), and (S,) the time to the nearest frame that was seen, s: how far it is guessed.
    """
    seen = np.flatnonzero(seen_frames(track))
    kept = seen[~_strays(track.position_m[seen], stray)]
    position, wxyz = track.position_m[kept], continuous(track.wxyz[kept])
    known = time_s[kept]
    after = np.clip(np.searchsorted(known, times), 0, len(known) - 1)
    away = np.minimum(np.abs(known[after] - times), np.abs(known[np.maximum(after - 1, 0)] - times))
    return Transform(interpolate(known, position, times), interpolate_wxyz(known, wxyz, times)), away


def continuous(wxyz: Array) -> Array:
    """(T, 4) the same orientations without jumps of sign."""
    turned = np.einsum("ti,ti->t", wxyz[1:], wxyz[:-1]) < 0
    sign = np.concatenate([[1.0], np.where(np.cumsum(turned) % 2, -1.0, 1.0)])
    return np.asarray(wxyz * sign[:, None])


def smoothed(track: Transform, rate_hz: float, deviation_s: float) -> Transform:
    """A track without its jitter; zero phase."""
    width = deviation_s * rate_hz
    position = gaussian_filter1d(track.position_m, width, axis=0, mode="nearest")
    wxyz = gaussian_filter1d(continuous(track.wxyz), width, axis=0, mode="nearest")
    return Transform(position, wxyz / np.linalg.norm(wxyz, axis=-1, keepdims=True))


def mean_pose(track: Transform) -> Transform:
    """The robust middle () of poses (n,): the median of the places and a mean of the turns without the far ones."""
    position = np.median(track.position_m, axis=0)
    wxyz = continuous(track.wxyz)
    middle = _mean_turn(wxyz)
    for _ in range(2):
        off = np.linalg.norm(so3_log(quaternion_product(middle * [1.0, -1, -1, -1], wxyz)), axis=-1)
        middle = _mean_turn(wxyz[off <= max(3 * _TO_DEVIATION * float(np.median(off)), 1e-6)])
    return Transform(position, middle)


def moving(time_s: Array, track: Transform, settings: RecordedSettings) -> np.ndarray:
    """(T,) whether a thing moves."""
    half = max(round(settings.moved_s * settings.rate_hz / 2), 1)
    frames = np.arange(len(time_s))
    before, after = track[np.maximum(frames - half, 0)], track[np.minimum(frames + half, len(frames) - 1)]
    way = np.linalg.norm(after.position_m - before.position_m, axis=-1)
    turn = np.linalg.norm(so3_log((before.inverse() @ after).wxyz), axis=-1)
    moves = (way > settings.moved_m) | (turn > settings.moved_rad)
    for pause in runs(~moves):
        inside = pause.start > 0 and pause.stop < len(moves)
        if inside and (pause.stop - pause.start) < settings.still_s * settings.rate_hz:
            moves[pause] = True
    return moves


@dataclass(frozen=True)
class Rest:
    """A thing that stands by itself.

    Attributes:
        span: when.
        pose: where, batch ().
        dropped: it fell there; the movement before ended higher.
    """

    span: slice
    pose: Transform
    dropped: bool = False


def jitter(track: Transform) -> tuple[float, float]:
    """White noise per axis of a raw track (T,), m and rad: from its second differences, which slow movement hardly touches."""
    known = track[seen_frames(track)]
    if len(known.position_m) < 5:
        return 0.0, 0.0
    steps = so3_log((known[:-1].inverse() @ known[1:]).wxyz)
    place = np.abs(np.diff(known.position_m, n=2, axis=0))
    turn = np.abs(np.diff(steps, axis=0))
    return tuple(float(_TO_DEVIATION * np.median(values) / np.sqrt(6)) for values in (place, turn))  # type: ignore[return-value]


def rests(time_s: Array, track: Transform, held: np.ndarray, settings: RecordedSettings) -> list[Rest]:
    """When a thing stands still by itself, and where, in order.

    Args:
        time_s: (T,).
        track: batch (T,), in the counter's frame.
        held: (T,) whether any hand holds it. What keeps still in a hand alone does not stand.
        settings: what a rest is.
    """
    found = []
    for span in runs(~moving(time_s, track, settings)):
        free = np.flatnonzero(~held[span])
        if len(free) < 2:
            continue
        pose = mean_pose(track[span.start + free])
        let_go = _let_go_at(held, span, settings)
        dropped = let_go > 0 and _fell(track[:let_go], pose, settings)
        if dropped:
            span = slice(max(span.start, let_go), span.stop)
        pose = mean_pose(track[span])
        wander = np.percentile(np.linalg.norm(track.position_m[span] - pose.position_m, axis=-1), 90)
        if wander < settings.spread_m:
            found.append(Rest(span, pose, dropped))
    return found


def _let_go_at(held: np.ndarray, span: slice, settings: RecordedSettings) -> int:
    """First free frame after the hold that ends shortly before a rest or in it; 0 where none does."""
    ends = np.flatnonzero(held[:-1] & ~held[1:]) + 1
    near = ends[(ends >= span.start - settings.moved_s * settings.rate_hz) & (ends < span.stop - 2)]
    return int(near[0]) if len(near) else 0


def _fell(before: Transform, rest: Transform, settings: RecordedSettings) -> bool:
    """Whether a thing was let go above where it then stood: where it was just before, and not after the smoothing knew."""
    last, first = (round(time_s * settings.rate_hz) for time_s in _LAST_S)
    height = before.position_m[-first:-last, 2]
    return bool(len(height) and np.median(height) - rest.position_m[2] > settings.drop_m)


def put_down(found: list[Rest], height_m: float | None, doubt: tuple[float, float], settings: RecordedSettings) -> list[Rest]:
    """Rests as they stand on the counter: at the thing's height and upright, where they nearly are.

    Args:
        found: rests of one thing.
        height_m: of its origin where it stands; None: it lies on its underside, or all its heights are alike.
        doubt: white noise of its track, m and rad. A quiet tracker is believed: less is near to it than to a noisy one.
        settings: what is near at most.
    """
    near_m = min(settings.snap_m, _BELIEVED_M + _DOUBTS * doubt[0])
    near_rad = min(settings.snap_rad, _BELIEVED_RAD + _DOUBTS * doubt[1])
    own = np.array([rest.pose.position_m[2] for rest in found])
    out = []
    for rest in found:
        z = float(rest.pose.position_m[2])
        if height_m is not None and abs(z - height_m) < near_m:
            z = height_m
        elif height_m is None and abs(z) < near_m:
            z = 0.0
        elif height_m is None:  # at one and the same height wherever it stands
            z = float(own[np.abs(own - z) < near_m].mean())
        pose = Transform(np.array([*rest.pose.position_m[:2], z]), upright(rest.pose.wxyz, near_rad))
        out.append(replace(rest, pose=pose))
    return out


def upright(wxyz: Array, within_rad: float) -> Array:
    """(4,) an orientation of which the axis nearest to the vertical is brought there, if it is that near."""
    axes = rotate(np.tile(wxyz, (3, 1)), np.eye(3))
    nearest = int(np.argmax(np.abs(axes[:, 2])))
    axis = axes[nearest] * np.sign(axes[nearest, 2])
    turn = np.cross(axis, _UP)
    sine = float(np.linalg.norm(turn))
    angle = float(np.arctan2(sine, axis[2]))
    if angle > within_rad or sine < 1e-12:
        return wxyz
    return quaternion_product(so3_exp(turn / sine * angle), wxyz)


def pinned(time_s: Array, track: Transform, found: list[Rest], settings: RecordedSettings, bias: Array | None = None) -> Transform:
    """A track that is exactly still in its rests, and whose movements begin and end there.

    A movement is shifted by what it is off at its ends, so that it meets its rests without a jump. What it is off there is
    mostly the tracker's drift of that moment, so it fades from the ends inward; what is always off stays.

    Args:
        time_s: (T,).
        track: batch (T,), in the counter's frame.
        found: rests, in order.
        settings: how fast drift fades.
        bias: (6,) shift and turn that the track always lacks, see `lasting`; None for none.
    """
    if not found:
        return track
    position, wxyz = track.position_m.copy(), track.wxyz.copy()
    for before, after in itertools.pairwise([None, *found, None]):
        span = slice(before.span.stop if before else 0, after.span.start if after else len(time_s))
        if span.stop > span.start:
            there = after.pose if after and not after.dropped else None
            lasting_off = np.zeros(6) if bias is None else bias
            part = _shifted(track[span], before.pose if before else None, there, settings.drift_s * settings.rate_hz, lasting_off)
            position[span], wxyz[span] = part.position_m, part.wxyz
    for rest in found:
        position[rest.span], wxyz[rest.span] = rest.pose.position_m, rest.pose.wxyz
    return Transform(position, wxyz)


def lasting(found: list[Rest], standing: list[Rest]) -> Array:
    """(6,) shift and turn between rests as they were seen and as they stand, the mean of all by their length."""
    if not found:
        return np.zeros(6)
    off = [_off(seen.pose, stands.pose) for seen, stands in zip(found, standing, strict=True)]
    return np.average(off, axis=0, weights=[rest.span.stop - rest.span.start for rest in found])


def _shifted(part: Transform, before: Transform | None, after: Transform | None, fade: float, bias: Array) -> Transform:
    """A movement (n,) whose first and last poses are brought to the rests beside it.

    What is off there beyond the bias fades over as many frames as `fade` says, or over the movement where that is shorter.
    """
    frames = np.arange(len(part))
    off = np.tile(bias, (len(part), 1))
    for here, there, away in ((0, before, frames), (-1, after, frames[::-1])):
        if there is not None:
            share = 1 - np.clip(away / max(min(fade, len(part) - 1), 1), 0, 1)
            off += (share**3 * (10 - 15 * share + 6 * share**2))[:, None] * (_off(part[here], there) - bias)
    return Transform(part.position_m + off[:, :3], quaternion_product(part.wxyz, so3_exp(off[:, 3:])))


def _off(here: Transform, there: Transform) -> Array:
    """(6,) shift in the counter's frame and turn in the own one from a pose to another."""
    return np.concatenate([there.position_m - here.position_m, so3_log((here.inverse() @ there).wxyz)])


def _strays(position: Array, stray: float) -> np.ndarray:
    if len(position) < 3:
        return np.zeros(len(position), bool)
    off = np.linalg.norm(position - median_filter(position, size=(min(_WINDOW, len(position)), 1), mode="nearest"), axis=-1)
    return np.asarray(off > max(stray * _TO_DEVIATION * float(np.median(off)), _FLOOR_M))


def _mean_turn(wxyz: Array) -> Array:
    """(4,) the turn nearest to all of (n, 4), by the largest eigenvector of their outer products (Markley et al. 2007)."""
    _, vectors = np.linalg.eigh(wxyz.T @ wxyz)
    return np.asarray(vectors[:, -1])
