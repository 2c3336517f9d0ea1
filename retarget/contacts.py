"""Which heel and which toe stands, frame by frame, from the person's motion alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.resample import interpolate
from motion.transform import Array, Transform, wxyz_from_matrix
from retarget.ground import LEVEL_M, ground_up, lowest_level
from retarget.spans import faded, runs

TYPICAL_ANKLE_M = 0.08
"""Height of a standing ankle, for recordings that show ankles but neither heels nor toes."""

_AS_STILL_MPS = 0.02
"""Speeds this far apart are the same."""


@dataclass(frozen=True)
class ContactSettings:
    """When a point of a foot stands. A stance begins below both `enter` values and lasts until either `leave` is passed.

    Attributes:
        enter_mps, leave_mps: speed.
        enter_m, leave_m: height over the surface, where landmarks scatter by a centimetre and more. Where they are
            better both are less, down to `sharp` times as much: a heel that is lifted a little is lifted.
        least_s: no stance is shorter.
        raised_s: nor is one away from the floor shorter than this.
        bridge_s: longest gap inside a stance in which the point may be unseen.
        creep_m: a point further than this from where it stood stands there no longer.
        drag_mps: what creeps faster than this does not stand, unless nothing else does.
        least_confidence: what is seen less surely is not seen.
        smooth_s: width of the smoothing before speeds are taken.
        blend_s: how long the strength of a contact takes to rise and to fall.
    """

    enter_mps: float = 0.25
    leave_mps: float = 0.40
    enter_m: float = 0.04
    leave_m: float = 0.07
    sharp: float = 0.4
    least_s: float = 0.10
    raised_s: float = 0.25
    bridge_s: float = 0.10
    creep_m: float = 0.03
    drag_mps: float = 0.10
    least_confidence: float = 0.3
    smooth_s: float = 0.012
    blend_s: float = 0.10


@dataclass(frozen=True)
class Contacts:
    """What stands when, over T frames.

    Points are left_heel, left_toe, right_heel and right_toe, as far as the recording shows them. Stances of one point
    that follow each other at different places are at least one frame apart.

    Attributes:
        standing: point -> (T,) bool.
        strength: point -> (T,) 0..1: 1 in a stance, blended in before and out after it; times the point's confidence.
        level_m: point -> (T,) height over the floor of what it stands on: exactly 0 on the floor, else the stance's
            median; between stances that of the nearest one.
        feet: side -> (T,) whether the foot stands, on heel or toe (on what is seen of it).
        floor_m: height of the floor in the recording's world, along `up`.
        ankle_flat_m: height of the ankle over the floor when the foot stands flat.
        up: (3,) the ground's normal; straight up unless the ground is clearly tilted.
    """

    standing: Mapping[str, np.ndarray]
    strength: Mapping[str, Array]
    level_m: Mapping[str, Array]
    feet: Mapping[str, np.ndarray]
    floor_m: float
    ankle_flat_m: float
    up: Array


@dataclass(frozen=True)
class _Track:
    """One point of a foot over time: as recorded, and what of it can be relied on.

    `position_m` (T, 3) is NaN where the point is not `usable` (T,): short gaps are bridged, but not `seen` (T,).
    """

    recorded_m: Array
    position_m: Array
    seen: np.ndarray
    usable: np.ndarray
    speed_mps: Array
    confidence: Array


@dataclass(frozen=True)
class _Stance:
    """Frames at one place, (3,), on a level over the floor. `dragged`: it creeps all the time."""

    frames: slice
    place_m: Array
    level_m: float = 0.0
    dragged: bool = False


def detect_contacts(motion: HumanMotion, broken: np.ndarray, settings: ContactSettings | None = None) -> Contacts:
    """Find out what stands when.

    Args:
        motion: the recording.
        broken: (T, L) landmarks not to be trusted.
        settings: when a point stands.
    """
    settings = settings or ContactSettings()
    frames = len(motion.time_s)
    tracks = {name: _track(motion, broken, name, settings) for side in SIDES for name in _points(motion, side)}
    up = ground_up(_places(motion.time_s, tracks, settings))
    floor, rest, scatter = _floor(tracks, up, settings)
    height = {name: track.position_m @ up - rest[name] for name, track in tracks.items()}
    stances = {name: _on_the_floor(motion.time_s, track, height[name], scatter[name], settings) for name, track in tracks.items()}
    stances = _without_dragged(stances, frames)
    for name, track in tracks.items():
        lowest = np.fmin.reduce([height[other] for other in tracks])
        raised = _raised(motion.time_s, track, height[name], lowest, stances[name], settings)
        stances[name] = _apart(motion.time_s, [*stances[name], *raised], settings)
    shown = [name for name in tracks if not name.endswith("ankle")]
    standing = {name: _mask(stances[name], frames) for name in tracks}
    return Contacts(
        standing={name: standing[name] for name in shown},
        strength={name: faded(motion.time_s, standing[name], settings.blend_s) * tracks[name].confidence for name in shown},
        level_m={name: _levels(motion.time_s, stances[name]) for name in shown},
        feet={
            side: np.any([standing[name] for name in tracks if name.startswith(side)], axis=0)
            for side in SIDES
            if any(name.startswith(side) for name in tracks)
        },
        floor_m=floor,
        ankle_flat_m=_ankle_flat(motion, up, floor, standing),
        up=up,
    )


def level(motion: HumanMotion, contacts: Contacts) -> HumanMotion:
    """The recording in a world whose ground is z = 0: turned by the ground's tilt, and shifted by the floor's height."""
    upright = _upright(contacts.up)
    world = Transform(np.array([0.0, 0.0, -contacts.floor_m]), wxyz_from_matrix(upright))
    assert motion.segment_wxyz is not None
    turned = Transform(np.zeros((*motion.segment_wxyz.shape[:-1], 3)), motion.segment_wxyz)
    return replace(
        motion,
        position_m=world.apply(motion.position_m),
        segment_wxyz=(Transform(np.zeros(3), world.wxyz) @ turned).wxyz,
        objects={name: world @ track for name, track in motion.objects.items()},
    )


def _upright(up: Array) -> Array:
    """The rotation (3, 3) that takes `up` to z, about the horizontal axis across it."""
    x, y, z = up
    cross = np.array([[0, 0, -x], [0, 0, -y], [x, y, 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + z))


def _points(motion: HumanMotion, side: str) -> list[str]:
    """What there is to see of a foot: heel and toe, or at least the ankle."""
    names = [f"{side}_{part}" for part in ("heel", "toe") if motion.has(f"{side}_{part}")]
    return names or [name for name in [f"{side}_ankle"] if motion.has(name)]


def _track(motion: HumanMotion, broken: np.ndarray, name: str, settings: ContactSettings) -> _Track:
    column = motion.landmarks.index(name)
    position, confidence = motion.position_m[:, column], motion.confidence[:, column]
    seen = np.isfinite(position).all(-1) & ~broken[:, column] & (confidence >= settings.least_confidence)
    bridged = np.full(position.shape, np.nan)
    if seen.any():
        bridged = interpolate(motion.time_s[seen], position[seen], motion.time_s)
        for gap in runs(~seen):
            before, after = max(gap.start - 1, 0), min(gap.stop, len(seen) - 1)
            at_an_end = gap.start == 0 or gap.stop == len(seen)
            if at_an_end or motion.time_s[after] - motion.time_s[before] > settings.bridge_s + 1.5 / motion.rate_hz:
                bridged[gap] = np.nan
    usable = np.isfinite(bridged).all(-1)
    return _Track(position, bridged, seen, usable, _speed(motion, bridged, usable, settings.smooth_s), np.where(seen, confidence, 0.0))


def _speed(motion: HumanMotion, position: Array, usable: np.ndarray, smooth_s: float) -> Array:
    """(T,) speed by central differences after light smoothing, each run of frames by itself; NaN outside."""
    speed = np.full(len(position), np.nan)
    for run in runs(usable):
        calm = gaussian_filter1d(position[run], smooth_s * motion.rate_hz, axis=0, mode="nearest")
        alone = run.stop - run.start < 2
        speed[run] = 0.0 if alone else np.linalg.norm(np.gradient(calm, motion.time_s[run], axis=0), axis=-1)
    return speed


def _places(time_s: Array, tracks: Mapping[str, _Track], settings: ContactSettings) -> Array:
    """(S, 3) where the toes (or ankles) kept still, whatever the height: the middle of each such time."""
    places = []
    for name, track in tracks.items():
        if name.endswith("heel") and name.replace("heel", "toe") in tracks:
            continue  # where there is no heel it is put where toe and ankle say: it knows nothing more
        for run in runs(track.usable & (track.speed_mps < settings.enter_mps)):
            places += [stance.place_m for stance in _at_one_place(time_s, track, run, settings) if not stance.dragged]
    return np.array(places).reshape(-1, 3)


def _floor(tracks: Mapping[str, _Track], up: Array, settings: ContactSettings) -> tuple[float, dict[str, float], dict[str, float]]:
    """Height of the floor, of each point when it stands on the floor, and by how much that scatters.

    A toe joint may lie higher over the sole than a heel, and left and right differ by what markers were glued to. But
    points of one kind do not differ by more than a level: a foot that is never put down has the other's height.
    """
    rest, scatter = {}, {}
    for name, track in tracks.items():
        if track.usable.any():
            slow = max(settings.enter_mps, float(np.nanpercentile(track.speed_mps, 20)))
            heights = track.position_m[track.usable & (track.speed_mps <= slow)] @ up
        else:  # nothing of it stands, but there has to be a floor
            heights = track.recorded_m[np.isfinite(track.recorded_m).all(-1)] @ up
        rest[name], scatter[name] = lowest_level(heights)
    for name in rest:
        alike = min(value for other, value in rest.items() if other.split("_")[1] == name.split("_")[1])
        rest[name] = rest[name] if rest[name] <= alike + LEVEL_M else alike
    toes = [value for name, value in rest.items() if name.endswith("toe")]
    heels = [value for name, value in rest.items() if name.endswith("heel")]
    ankles = [value - TYPICAL_ANKLE_M for name, value in rest.items() if name.endswith("ankle")]
    known = toes or heels or ankles
    return (float(np.mean(known)) if known else 0.0), rest, scatter


def _on_the_floor(time_s: Array, track: _Track, height: Array, scatter_m: float, settings: ContactSettings) -> list[_Stance]:
    share = np.clip(4 * scatter_m / settings.enter_m, settings.sharp, 1.0)
    with np.errstate(invalid="ignore"):
        may = track.usable & (track.speed_mps < settings.leave_mps) & (height < share * settings.leave_m)
        begins = may & (track.speed_mps < settings.enter_mps) & (height < share * settings.enter_m)
    stances = [stance for run in runs(may) if begins[run].any() for stance in _at_one_place(time_s, track, run, settings)]
    grown = [replace(stance, frames=_grown(track, stance, settings)) for stance in stances if begins[stance.frames].any()]
    return _apart(time_s, grown, settings)


def _without_dragged(stances: Mapping[str, list[_Stance]], frames: int) -> dict[str, list[_Stance]]:
    """Drop what is dragged while the other foot stands. Somebody whose feet both slide stands on sliding film."""
    kept = {}
    for name, own in stances.items():
        side = name.split("_")[0]
        other = np.zeros(frames, bool)
        for track, theirs in stances.items():
            if not track.startswith(side):
                other |= _mask([stance for stance in theirs if not stance.dragged], frames)
        kept[name] = [stance for stance in own if not stance.dragged or other[stance.frames].mean() < 0.5]
    return kept


def _raised(time_s: Array, track: _Track, height: Array, lowest_m: Array, floor: list[_Stance], settings: ContactSettings) -> list[_Stance]:
    """Stances on something: still for a while, and for some of it nothing of either foot is lower and could carry instead."""
    with np.errstate(invalid="ignore"):
        may = track.usable & (track.speed_mps < settings.leave_mps) & (height >= settings.leave_m)
        may &= ~_mask(floor, len(time_s))
        carries = ~(lowest_m < height - settings.enter_m)
    stances = []
    for run in runs(may):
        for stance in _at_one_place(time_s, track, run, settings):
            slowest = float(track.speed_mps[stance.frames].min())
            still = not stance.dragged and slowest < settings.enter_mps and _lasts(time_s, stance.frames) >= settings.raised_s
            if still and carries[stance.frames].sum() * _step(time_s) >= settings.least_s:
                stances.append(replace(stance, level_m=float(np.median(height[stance.frames]))))
    return stances


def _at_one_place(time_s: Array, track: _Track, run: slice, settings: ContactSettings) -> list[_Stance]:
    """Parts of a run in which the point stays within `creep_m` of where it is stillest, and long enough."""
    least = min(settings.least_s, _lasts(time_s, slice(0, len(time_s)))) - 1e-9
    todo, found = [run], []
    while todo:
        part = todo.pop()
        if _lasts(time_s, part) < least:
            continue
        speed = track.speed_mps[part]
        stillest = np.flatnonzero(speed <= speed.min() + _AS_STILL_MPS)
        middle = part.start + int(stillest[len(stillest) // 2])
        away = np.linalg.norm((track.position_m[part] - track.position_m[middle])[:, :2], axis=-1) > settings.creep_m
        before, after = np.flatnonzero(away[: middle - part.start]), np.flatnonzero(away[middle - part.start :])
        start = part.start + int(before[-1]) + 1 if len(before) else part.start
        stop = middle + int(after[0]) if len(after) else part.stop
        todo += [slice(part.start, start), slice(stop, part.stop)]
        piece = _trimmed(track.seen, slice(start, stop))
        if _lasts(time_s, piece) >= least:
            # A short stance that speed ends may well creep: only what goes on elsewhere is dragged.
            dragged = (start, stop) != (run.start, run.stop) and _creeps(time_s, track, piece, settings)
            found.append(_Stance(piece, np.median(track.position_m[piece], axis=0), dragged=dragged))
    return found


def _creeps(time_s: Array, track: _Track, piece: slice, settings: ContactSettings) -> bool:
    travel = float(np.linalg.norm((track.position_m[piece.stop - 1] - track.position_m[piece.start])[:2]))
    return travel > settings.creep_m / 2 and travel > settings.drag_mps * _lasts(time_s, piece)


def _grown(track: _Track, stance: _Stance, settings: ContactSettings) -> slice:
    """The frames of a stance with those on either side in which the point is still there, however fast it leaves."""
    with np.errstate(invalid="ignore"):
        there = track.seen & (np.linalg.norm(track.position_m - stance.place_m, axis=-1) < settings.creep_m / 2)
    there[stance.frames] = True
    return next(run for run in runs(there) if run.start <= stance.frames.start < run.stop)


def _apart(time_s: Array, stances: list[_Stance], settings: ContactSettings) -> list[_Stance]:
    """In order; between stances without a step in between, as much time as a slow step takes, `least_s` at most."""
    ordered: list[_Stance] = []
    for stance in sorted(stances, key=lambda stance: stance.frames.start):
        start, stop = stance.frames.start, stance.frames.stop
        if ordered and start <= ordered[-1].frames.stop:
            way = float(np.linalg.norm((stance.place_m - ordered[-1].place_m)[:2]))
            step_n = min(way / settings.leave_mps, settings.least_s) / _step(time_s)
            start = ordered[-1].frames.stop + max(1, round(step_n))
        if start < stop:
            ordered.append(replace(stance, frames=slice(start, stop)))
    return ordered


def _trimmed(seen: np.ndarray, piece: slice) -> slice:
    """The piece without unseen frames at its ends."""
    inside = piece.start + np.flatnonzero(seen[piece])
    return slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(piece.start, piece.start)


def _step(time_s: Array) -> float:
    return float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0


def _lasts(time_s: Array, piece: slice) -> float:
    """How long a piece lasts (s): its last frame as long as the one before."""
    if piece.stop <= piece.start:
        return 0.0
    last = max(piece.stop - 1, 1)
    step_s = time_s[last] - time_s[last - 1] if len(time_s) > 1 else 1.0
    return float(time_s[piece.stop - 1] - time_s[piece.start] + step_s)


def _mask(stances: list[_Stance], frames: int) -> np.ndarray:
    mask = np.zeros(frames, bool)
    for stance in stances:
        mask[stance.frames] = True
    return mask


def _levels(time_s: Array, stances: list[_Stance]) -> Array:
    """(T,) the level of the nearest stance in time."""
    levels = np.zeros(len(time_s))
    if stances:
        away = [np.maximum(time_s[s.frames.start] - time_s, time_s - time_s[s.frames.stop - 1]) for s in stances]
        levels = np.array([stance.level_m for stance in stances])[np.argmin(away, axis=0)]
    return levels


def _ankle_flat(motion: HumanMotion, up: Array, floor_m: float, standing: Mapping[str, np.ndarray]) -> float:
    """Height of a flat foot's ankle over its toe, or over the floor where no toe is seen to stand."""
    heights = [np.zeros(0)]
    for name, mask in standing.items():
        ankle = motion.point(name.split("_")[0] + "_ankle") @ up
        if name.endswith("toe"):
            heights.append((ankle - motion.point(name) @ up)[mask])
        elif name.endswith("ankle"):
            heights.append(ankle[mask] - floor_m)
    seen = np.concatenate(heights)
    seen = seen[np.isfinite(seen)]
    # Raised heels only ever lift the ankle: the flat foot is at the low end.
    return float(np.percentile(seen, 25)) if len(seen) else TYPICAL_ANKLE_M
