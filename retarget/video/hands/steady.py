"""Paths of hands made steady: wild frames left out, short gaps filled, the rest smoothed without lag, and said how much.

Hands are smoothed in the world where the camera's poses are known, because there a still hand is still. Depth is noisier
than the picture, so the wrist is smoothed more along the line of sight. Wrist, palm and bones' directions are smoothed
each by itself, which leaves the bones' lengths as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion.resample import interpolate, interpolate_wxyz
from motion.transform import Array, Transform, matrix_from_wxyz, normalized, quaternion_product, so3_log, wxyz_from_matrix
from retarget.settings import check_numbers
from retarget.video.hands.hand_size import FINGER_POINTS, PALM_POINTS, hand_axes
from retarget.video.hands.smooth_curve import smooth_curve
from retarget.video.paths import HandPath

_FILLED_WEIGHT = 0.1
"""What a filled frame weighs in the smoothing beside one that was seen."""
_LEAST_WEIGHT = 0.2
_MICRO_HZ = (3.0, 12.0)
"""Tremor, scraping, shaking."""
_LEAST_RUN_S = 1.0
"""Shorter runs have no spectrum worth the name."""


@dataclass(frozen=True)
class SteadySettings:
    """How paths are made steady. Cut-offs are where half of a movement is left.

    Attributes:
        fill_s: a hand unseen for at most this long is filled in between; longer gaps stay.
        wrist_hz: across the line of sight; None smooths nothing at all.
        depth_hz: along it.
        turn_hz: orientation of the palm.
        finger_hz: directions of the bones.
        wild_times: deviations, robustly measured, that make a frame wild if it jumps out and back.
        wild_across_m, wild_along_m: smaller jumps are never wild.
        wild_turn_rad: nor are smaller turns.
        neighbours_s: frames are compared with neighbours at most this far away.
        off_share: a hand that reprojects this far off, in hand lengths, is not believed.
    """

    fill_s: float = 0.5
    wrist_hz: float | None = 12.0
    depth_hz: float = 3.0
    turn_hz: float = 6.0
    finger_hz: float = 8.0
    wild_times: float = 8.0
    wild_across_m: float = 0.04
    wild_along_m: float = 0.10
    wild_turn_rad: float = 1.0
    neighbours_s: float = 0.2
    off_share: float = 0.12

    def __post_init__(self) -> None:
        above_zero = ("wrist_hz", "depth_hz", "turn_hz", "finger_hz", "wild_times", "off_share")
        check_numbers(self, "steady", above_zero)


@dataclass(frozen=True)
class SteadyReport:
    """What was changed.

    Attributes:
        wild_n: frames taken for unseen because they jumped out and back, or did not fit the picture.
        filled_n: frames filled in between.
        unplaced_n: frames in which the hand was seen but the camera's pose is unknown.
        across_mm, along_mm: root mean square that smoothing took from the wrist across and along the line of sight.
        fingers_mm: and from the fingertips against the wrist.
        kept_across, kept_along: share of the wrist's power between 3 and 12 Hz that is left, noise among it; NaN where no run is
            long enough to say.
    """

    wild_n: int
    filled_n: int
    unplaced_n: int
    across_mm: float
    along_mm: float
    fingers_mm: float
    kept_across: float
    kept_along: float

    def words(self) -> str:
        """The report in one sentence."""
        kept = f", {100 * self.kept_across:.0f} % of the power from 3 to 12 Hz kept" if np.isfinite(self.kept_across) else ""
        return (
            f"smoothing took {self.across_mm:.1f} mm RMS across the line of sight{kept}, {self.along_mm:.1f} mm along it, "
            f"{self.fingers_mm:.1f} mm of the fingertips; {self.wild_n} wild frames left out, {self.filled_n} frames filled"
        )


@dataclass(frozen=True)
class _Pose:
    """A hand over N frames: `wrist_m` (N, 3), palm `wxyz` (N, 4), `bones` (N, 15, 3) directions in the palm's axes."""

    wrist_m: Array
    wxyz: Array
    bones: Array


def steady(
    path: HandPath, T_world_camera: Transform | None = None, known: np.ndarray | None = None, settings: SteadySettings | None = None
) -> tuple[HandPath, SteadyReport]:
    """The path in the world, where the camera's poses are given, else in the camera's frame, steadied.

    Args:
        path: in the camera's frame, nothing filled.
        T_world_camera: poses, batch (T,); None where the camera stands, or nothing is known of it.
        known: (T,) where the poses hold; None: everywhere.
    """
    settings = settings or SteadySettings()
    seen = np.asarray(np.isfinite(path.position_m).all((1, 2)))
    placed = seen if T_world_camera is None or known is None else seen & known
    world, sight = _in_world(path, T_world_camera, placed)
    placed = placed & np.isfinite(world[:, 0]).all(1)  # a pose of NaN is none
    wild = placed & _wild(path, world, sight, placed, settings)
    kept = placed & ~wild
    runs = _runs(path.time_s, kept, settings.fill_s)
    position, before = np.full_like(world, np.nan), np.full_like(world, np.nan)
    for run in runs:
        before[run], position[run] = _steady_run(path, world[run], sight, kept, run, settings)
    filled = np.asarray(np.isfinite(position).all((1, 2)) & ~kept)
    return _path(path, position, filled, kept), _report(path.time_s, before, position, sight, kept, runs, (wild, filled, seen & ~placed))


def _in_world(path: HandPath, T_world_camera: Transform | None, placed: np.ndarray) -> tuple[Array, Array]:
    """Points (T, 21, 3), NaN where they are not placed, and lines of sight (T, 3) to the wrist."""
    local = np.where(placed[:, None, None], path.position_m, np.nan)
    if T_world_camera is None:
        return local, normalized(local[:, 0])
    world = T_world_camera[:, None].apply(local)
    return world, normalized(world[:, 0] - T_world_camera.position_m)


def _wild(path: HandPath, world: Array, sight: Array, placed: np.ndarray, settings: SteadySettings) -> np.ndarray:
    """(T,) frames that jump out and back, or whose hand does not look as it was seen."""
    wild = np.zeros(len(placed), bool)
    with np.errstate(invalid="ignore"):
        extent = np.nan_to_num((path.image_px.max(1) - path.image_px.min(1)).max(-1), nan=np.inf)
        wild |= path.reprojection_px > settings.off_share * np.maximum(extent, 1.0)
    frames = np.flatnonzero(placed)
    if len(frames) < 5:
        return wild
    near = np.clip(np.arange(len(frames))[:, None] + [-2, -1, 1, 2], 0, len(frames) - 1)
    close = (np.abs(path.time_s[frames[near]] - path.time_s[frames][:, None]) < settings.neighbours_s).all(1)
    wrist, line = world[frames, 0], sight[frames]
    jump = wrist - np.median(wrist[near], axis=1)
    along = np.abs((jump * line).sum(-1))
    across = np.linalg.norm(jump - (jump * line).sum(-1, keepdims=True) * line, axis=-1)
    out = _far(across, settings.wild_across_m, settings.wild_times) | _far(along, settings.wild_along_m, settings.wild_times)
    wxyz = wxyz_from_matrix(hand_axes(world[frames]))
    back, ahead, over = (_turn(wxyz[a], wxyz[b]) for a, b in ((near[:, 1], ...), (near[:, 2], ...), (near[:, 1], near[:, 2])))
    out |= (np.minimum(back, ahead) > settings.wild_turn_rad) & (over < 0.5 * settings.wild_turn_rad)
    wild[frames] |= out & close
    return wild


def _far(jump: Array, least: float, times: float) -> np.ndarray:
    return np.asarray(jump > max(least, times * 1.4826 * float(np.median(jump))))


def _turn(a: Array, b: Array) -> Array:
    """(N,) angles between orientations (N, 4)."""
    return np.asarray(np.linalg.norm(so3_log(quaternion_product(a * [1.0, -1, -1, -1], b)), axis=-1))


def _runs(time_s: Array, kept: np.ndarray, fill_s: float) -> list[slice]:
    """Spans of frames, each from a seen frame to a seen frame, without a gap longer than `fill_s` inside."""
    frames = np.flatnonzero(kept)
    if not len(frames):
        return []
    missing = np.diff(frames) > 1
    cut = np.flatnonzero(missing & (np.diff(time_s[frames]) > fill_s))
    first, last = np.r_[0, cut + 1], np.r_[cut, len(frames) - 1]
    return [slice(int(frames[a]), int(frames[b]) + 1) for a, b in zip(first, last, strict=True)]


def _steady_run(path: HandPath, world: Array, sight: Array, kept: np.ndarray, run: slice, settings: SteadySettings) -> tuple[Array, Array]:
    """A run's points (N, 21, 3) with its gaps filled, before and after smoothing."""
    time_s, seen = path.time_s[run], kept[run]
    palm, lengths = _shape(world[seen])
    pose = _filled(time_s, _taken_apart(world[seen]), seen)
    line = normalized(interpolate(time_s[seen], sight[run][seen], time_s))
    weight = np.where(seen, _trust(path.confidence[run], seen), _FILLED_WEIGHT)
    before = _put_together(pose, palm, lengths)
    if settings.wrist_hz is None or len(time_s) < 3:
        return before, before
    smoothed = _Pose(
        smooth_curve(time_s, pose.wrist_m, _sighted(weight, line, settings), settings.wrist_hz),
        normalized(smooth_curve(time_s, pose.wxyz, weight, settings.turn_hz)),
        normalized(smooth_curve(time_s, pose.bones.reshape(len(time_s), -1), weight, settings.finger_hz).reshape(pose.bones.shape)),
    )
    return before, _put_together(smoothed, palm, lengths)


def _trust(confidence: Array, seen: np.ndarray) -> Array:
    """(N,) what each frame weighs: its confidence against the run's median."""
    mean = confidence.mean(-1)
    typical = float(np.median(mean[seen]))
    return np.clip(mean / typical, _LEAST_WEIGHT, 1.0) if typical > 0 else np.ones(len(mean))


def _sighted(weight: Array, line: Array, settings: SteadySettings) -> Array:
    """(N, 3, 3) weights that lower the cut-off along the line of sight."""
    less = (settings.depth_hz / float(settings.wrist_hz or settings.depth_hz)) ** 4
    along = line[:, :, None] * line[:, None]
    return np.asarray(weight[:, None, None] * (np.eye(3) - (1 - less) * along))


def _taken_apart(points_m: Array) -> _Pose:
    axes = hand_axes(points_m)
    bones = np.concatenate([np.diff(points_m[:, chain], axis=1) for chain in FINGER_POINTS], axis=1)
    wxyz = wxyz_from_matrix(axes)
    flips = np.cumprod(np.r_[1.0, np.where((wxyz[1:] * wxyz[:-1]).sum(-1) < 0, -1.0, 1.0)])
    return _Pose(points_m[:, 0], wxyz * flips[:, None], normalized(np.einsum("nij,nki->nkj", axes, bones)))


def _shape(points_m: Array) -> tuple[Array, Array]:
    """The palm (6, 3) in its own axes and the bones' lengths (15,), which are the same in all frames."""
    local = np.einsum("nij,nki->nkj", hand_axes(points_m), points_m[:, PALM_POINTS] - points_m[:, :1])
    bones = np.concatenate([np.diff(points_m[:, chain], axis=1) for chain in FINGER_POINTS], axis=1)
    return np.median(local, axis=0), np.median(np.linalg.norm(bones, axis=-1), axis=0)


def _put_together(pose: _Pose, palm_m: Array, lengths_m: Array) -> Array:
    axes = matrix_from_wxyz(normalized(pose.wxyz))
    local = np.empty((len(axes), 21, 3))
    local[:, PALM_POINTS] = palm_m
    reach = np.cumsum((pose.bones * lengths_m[:, None]).reshape(-1, 5, 3, 3), axis=2)
    for finger, chain in enumerate(FINGER_POINTS):
        local[:, chain[1:]] = local[:, chain[:1]] + reach[:, finger]
    return np.asarray(pose.wrist_m[:, None] + np.einsum("nij,nkj->nki", axes, local))


def _filled(time_s: Array, pose: _Pose, seen: np.ndarray) -> _Pose:
    at = time_s[seen]
    wxyz = interpolate_wxyz(at, pose.wxyz, time_s)
    flips = np.cumprod(np.r_[1.0, np.where((wxyz[1:] * wxyz[:-1]).sum(-1) < 0, -1.0, 1.0)])
    return _Pose(interpolate(at, pose.wrist_m, time_s), wxyz * flips[:, None], normalized(interpolate(at, pose.bones, time_s)))


def _path(path: HandPath, position: Array, filled: np.ndarray, kept: np.ndarray) -> HandPath:
    confidence = np.where(kept[:, None], path.confidence, 0.0)
    frames = np.flatnonzero(kept)
    gaps = np.flatnonzero(filled)
    after = np.searchsorted(frames, gaps)
    confidence[gaps] = 0.5 * np.minimum(path.confidence[frames[after - 1]], path.confidence[frames[np.minimum(after, len(frames) - 1)]])
    return replace(
        path,
        position_m=position,
        image_px=np.where(kept[:, None, None], path.image_px, np.nan),
        confidence=confidence,
        reprojection_px=np.where(kept, path.reprojection_px, np.nan),
        filled=filled,
    )


def _report(
    time_s: Array, before: Array, after: Array, sight: Array, kept: np.ndarray, runs: list[slice], marked: tuple[np.ndarray, ...]
) -> SteadyReport:
    wild, filled, unplaced = (int(mark.sum()) for mark in marked)
    if not kept.any():
        return SteadyReport(wild, filled, unplaced, 0.0, 0.0, 0.0, np.nan, np.nan)
    off = (after[:, 0] - before[:, 0])[kept]
    along = (off * sight[kept]).sum(-1)
    tips = [chain[-1] for chain in FINGER_POINTS]
    fingers = ((after - after[:, :1]) - (before - before[:, :1]))[kept][:, tips]
    across_mm = 1e3 * float(np.sqrt(np.mean((off**2).sum(-1) - along**2)))
    kept_across, kept_along = _kept_power(time_s, before[:, 0], after[:, 0], sight, kept, runs)
    fingers_mm = 1e3 * float(np.sqrt(np.mean((fingers**2).sum(-1))))
    return SteadyReport(wild, filled, unplaced, across_mm, 1e3 * float(np.sqrt(np.mean(along**2))), fingers_mm, kept_across, kept_along)


def _kept_power(time_s: Array, before: Array, after: Array, sight: Array, kept: np.ndarray, runs: list[slice]) -> tuple[float, float]:
    """Shares of the power between 3 and 12 Hz that are left, across the mean line of sight and along it."""
    power = np.zeros((2, 2))
    for run in runs:
        line = normalized(np.mean(sight[run][kept[run]], axis=0))
        for row, track in enumerate((before[run], after[run])):
            along = track @ line
            power[row] += [_micro_power(time_s[run], track - along[:, None] * line), _micro_power(time_s[run], along[:, None] * line)]
    shares = np.where(power[0] > 0, power[1] / np.where(power[0] > 0, power[0], 1.0), np.nan)
    return float(shares[0]), float(shares[1])


def _micro_power(time_s: Array, track: Array) -> float:
    if len(time_s) < 8 or time_s[-1] - time_s[0] < _LEAST_RUN_S:
        return 0.0
    step = float(np.median(np.diff(time_s)))
    even = np.arange(time_s[0], time_s[-1], step)
    values = interpolate(time_s, track, even)
    slope = np.linspace(0, 1, len(even))[:, None]
    values = (values - values[:1] - slope * (values[-1:] - values[:1])) * np.hanning(len(even))[:, None]
    hz = np.fft.rfftfreq(len(even), step)
    band = (hz >= _MICRO_HZ[0]) & (hz <= _MICRO_HZ[1])
    return float((np.abs(np.fft.rfft(values, axis=0)[band]) ** 2).sum())
