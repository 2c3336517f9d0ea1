"""Where the camera was while it filmed: measured, felt by its accelerometer, or assumed.

World: right-handed, z up, metres. Camera: x right, y down, z ahead of the upright picture. A film's pictures may be stored turned;
poses that a phone's tracker gives belong to the stored picture and are turned with it.

Where gravity alone is known, heading and place are not: the world then stands still around a head that does not, its x axis ahead of
the camera. Where nothing is known, the camera is assumed to look down at a usual angle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, MotionError, require
from motion.resample import interpolate_transform
from motion.transform import Array, Transform, normalized, wxyz_from_matrix
from retarget.video.poses import arkit_json, egodex, imu_tables, mcap_poses, tables
from retarget.video.poses.base import (
    CAMERA_AXES,
    FRONT_AXES,
    PHONE_AXES,
    WORLD_AXES,
    GravitySamples,
    PoseFormat,
    PoseOptions,
    PoseSamples,
    Samples,
)
from retarget.video.poses.clock import FilmClock, on_film_clock

_FORMATS: tuple[PoseFormat, ...] = (mcap_poses.FORMAT, egodex.FORMAT, tables.FORMAT, imu_tables.FORMAT, arkit_json.FORMAT)
LONGEST_GAP_S = 0.2
"""Between poses farther apart than this the camera's place is not known: a head turns a hand's width away in that time."""
_HELD_S = 0.05
"""Before the first and after the last pose they are held this long: films end a picture later than their poses."""
_JUMP_M, _JUMP_MPS = 0.5, 8.0
"""A camera that moves both farther and faster than this between two poses was found anew somewhere else."""
HEAD_TILT_DEG = 35.0
"""People who work with their hands at a table look 30 to 40 degrees down: hands are about 0.35 m below the eyes and 0.45 m ahead."""
_SMOOTHED_S = 0.5
"""Gravity is the mean acceleration over about this long: steps and gestures average out, nods of the head do not."""
_WEAK = 0.5
"""Of 1 g: mean accelerations smaller than this have gravity taken out."""
_G_MPS2 = 9.81
_SIGN_SURE = 0.3
"""Share of gravity along the picture's vertical from which the picture is believed to stand upright."""


@dataclass(frozen=True)
class CameraPath:
    """Where a camera was.

    Attributes:
        kind: "pose" (measured), "gravity" (roll and pitch only), "assumed" (neither).
        time_s: (N,) rising, on the film's clock; one time for a camera that stands still or is assumed to.
        T_world_camera: N poses; NaN where the tracker was lost.
        words: what was understood and assumed, for the reader.
    """

    kind: str
    time_s: Array
    T_world_camera: Transform
    words: Mapping[str, str] = field(default_factory=dict)

    def at(self, time_s: Array) -> tuple[Transform, np.ndarray]:
        """Poses (T,) at times of the film, and (T,) whether they are known; NaN where not."""
        times = np.asarray(time_s, float)
        if len(self.time_s) == 1:
            held = Transform(np.repeat(self.T_world_camera.position_m, len(times), 0), np.repeat(self.T_world_camera.wxyz, len(times), 0))
            return held, np.ones(len(times), bool)
        found = interpolate_transform(self.time_s, self.T_world_camera, np.clip(times, self.time_s[0], self.time_s[-1]))
        after = np.clip(np.searchsorted(self.time_s, times, side="left"), 1, len(self.time_s) - 1)
        exact = np.isin(times, self.time_s)
        near = exact | (self.time_s[after] - self.time_s[after - 1] <= LONGEST_GAP_S)
        near &= (times >= self.time_s[0] - _HELD_S) & (times <= self.time_s[-1] + _HELD_S)
        near &= ~(self._jumps()[after - 1] & ~exact)
        known = near & np.isfinite(found.position_m).all(-1) & np.isfinite(found.wxyz).all(-1)
        return Transform(np.where(known[:, None], found.position_m, np.nan), np.where(known[:, None], found.wxyz, np.nan)), known

    def _jumps(self) -> np.ndarray:
        """(N - 1,) whether the camera was found anew between two poses."""
        return _jumped(self.time_s, self.T_world_camera.position_m)


def camera_path(path: Path, film: FilmClock, options: PoseOptions | None = None) -> CameraPath:
    """The camera's path from a file of poses, or of accelerations; its format is told by its content.

    Args:
        path: ARKit or Record3D JSON, a table (Stray Scanner, TUM, Aria, ours), EgoDex HDF5, MCAP, or a phone's accelerometer.
        film: how long it is, and how its pictures are turned.
        options: which topic, what offset, what axes.

    Raises:
        FileFormatError: no such file, none of these formats, cut off, or poses that are no rotations.
        MotionError: poses of another film.
        UnknownNameError: a topic that the file does not hold.
    """
    how = options or PoseOptions()
    require(path.is_file(), FileFormatError, f"poses={path}: no such file.")
    reader = next((reader for reader in _FORMATS if reader.accepts(path)), None)
    if reader is None:
        known = ", ".join(reader.name for reader in _FORMATS)
        raise FileFormatError(f"{path}: no poses of a camera that are known. Known: {known}; tables by their column names.")
    samples: Samples = reader.read(path, how)
    require(len(samples.stamp_s) > 0, FileFormatError, f"{path}: holds no poses.")
    clock = on_film_clock(str(path), samples.stamp_s, film, how.offset_s, getattr(samples, "per_picture", False))
    words = {"poses": samples.format, **samples.words, **clock.words}
    if isinstance(samples, PoseSamples):
        return _measured(str(path), samples, clock.time_s, clock.keep, film, how, words)
    return _felt(str(path), samples, clock.time_s, clock.keep, film, words)


def head_fixed(tilt_deg: float = HEAD_TILT_DEG) -> CameraPath:
    """A camera on a head of which nothing is known: the world moves with it, its origin in the camera, x ahead, z up.

    Args:
        tilt_deg: how far the camera looks down.
    """
    words = {"poses": f"none: a frame fixed to the head, the camera assumed to look {tilt_deg:g} degrees down; where it went is not known"}
    return CameraPath("assumed", np.zeros(1), Transform(np.zeros((1, 3)), _tilted(tilt_deg)[None]), words)


def standing(tilt_deg: float = 0.0) -> CameraPath:
    """A camera that stands still: origin in the camera, x ahead, z up.

    Args:
        tilt_deg: how far it looks down; 0 leaves the vertical to what is seen of the person, else it is as good as felt.
    """
    if tilt_deg:
        words = {"poses": f"a standing camera that looks {tilt_deg:g} degrees down, as stated, and does not lean"}
        return CameraPath("gravity", np.zeros(1), Transform(np.zeros((1, 3)), _tilted(tilt_deg)[None]), words)
    words = {"poses": f"a standing camera, assumed to look {tilt_deg:g} degrees down and not to lean"}
    return CameraPath("assumed", np.zeros(1), Transform(np.zeros((1, 3)), _tilted(tilt_deg)[None]), words)


def standing_by_gravity(path: CameraPath) -> CameraPath:
    """A standing camera whose accelerometer was recorded: the mean of its roll and pitch.

    Raises:
        MotionError: the path knows nothing of gravity.
    """
    require(path.kind == "gravity", MotionError, f"a standing camera's tilt wants gravity; this path is {path.kind}.")
    down = -np.nanmean(path.T_world_camera.rotation()[:, 2], axis=0)
    wxyz = levelled(down[None])
    return CameraPath("gravity", np.zeros(1), Transform(np.zeros((1, 3)), wxyz), {**path.words, "camera": "stands still"})


def levelled(down: Array) -> Array:
    """Orientations wxyz (..., 4), camera to world, of cameras in whose frame `down` (..., 3) points down; x of the world is ahead.

    Ahead is between where the camera looks and the top of its picture, made level: it means the same for a camera that looks
    straight down. NaN where `down` is NaN or that direction is upright itself.
    """
    up = -normalized(down)
    ahead = np.broadcast_to([0.0, -1, 1], up.shape)
    ahead = normalized(ahead - (ahead * up).sum(-1, keepdims=True) * up)
    return wxyz_from_matrix(np.stack([ahead, np.cross(up, ahead), up], axis=-2))


def turned_with_picture(rotation: Array, rotation_deg: int) -> Array:
    """Rotations (..., 3, 3) of the stored picture's camera, made those of the upright picture's."""
    sine, cosine = np.round([np.sin(np.radians(rotation_deg)), np.cos(np.radians(rotation_deg))])
    upright_to_stored = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    return np.asarray(rotation @ upright_to_stored)


def _measured(
    where: str, samples: PoseSamples, time_s: Array, keep: np.ndarray, film: FilmClock, how: PoseOptions, words: dict[str, str]
) -> CameraPath:
    rotation = samples.rotation[keep] @ CAMERA_AXES[how.axes or samples.axes]
    position = samples.position_m[keep]
    known = np.isfinite(rotation).all((-1, -2)) & np.isfinite(position).all(-1)
    require(bool(known.any()), FileFormatError, f"{where}: the tracker was lost in all of its {len(known)} poses.")
    rotation = turned_with_picture(rotation, {"stored": film.rotation_deg, "shown": film.turned_on_deg, "upright": 0}[samples.belongs])
    up = how.up or samples.up
    if up == "first camera":
        to_world = Transform(np.zeros(3), _tilted(HEAD_TILT_DEG)).rotation() @ rotation[known][0].T
        words["vertical"] = f"not in the file: its first camera is assumed to look {HEAD_TILT_DEG:g} degrees down"
    else:
        to_world = WORLD_AXES[up]
    poses = Transform(position @ to_world.T, wxyz_from_matrix(to_world @ rotation))
    if not known.all():
        words["poses lost"] = f"{int((~known).sum())} of {len(known)}"
    jumps = np.flatnonzero(_jumped(time_s, poses.position_m))
    if len(jumps):
        words["poses jump"] = f"{len(jumps)} times, first at {time_s[jumps[0]]:.1f} s; the camera was found anew elsewhere"
    return CameraPath("pose", time_s, poses, words)


def _felt(where: str, samples: GravitySamples, time_s: Array, keep: np.ndarray, film: FilmClock, words: dict[str, str]) -> CameraPath:
    phone = FRONT_AXES if film.front else PHONE_AXES
    to_stored = phone if samples.axes == "phone" else CAMERA_AXES[samples.axes].T
    felt = samples.down[keep] @ to_stored.T
    felt = felt @ turned_with_picture(np.eye(3), film.rotation_deg)
    down = _smoothed(time_s, felt)
    known = np.isfinite(down).all(-1)
    require(bool(known.any()), FileFormatError, f"{where}: its accelerations are no numbers.")
    size = float(np.median(np.linalg.norm(down[known], axis=-1)))
    unit = _G_MPS2 if size > 3 else 1.0
    require(
        size > _WEAK * unit,
        FileFormatError,
        f"{where}: accelerations are {size:.2f} on the mean, where gravity is 1 g or 9.8 m/s2: it was taken out of them. "
        "Give the file with it (Gravity.csv, TotalAcceleration.csv).",
    )
    along = float(np.median(down[known, 1])) / size
    require(
        samples.sign_known or abs(along) > _SIGN_SURE,
        FileFormatError,
        f"{where}: the camera looks straight up or down, and the file does not say whether its accelerations point up or down; "
        "give poses instead.",
    )
    flipped = not samples.sign_known and along < 0
    words["vertical"] = f"by the accelerometer over {_SMOOTHED_S:g} s{', which points up at rest' if flipped else ''}"
    words["camera"] = "its heading and its place are not known: the world goes with the head"
    if samples.axes == "phone":
        words["phone"] = f"filmed with the camera {'beside the screen' if film.front else 'on its back, not the one beside the screen'}"
    wxyz = levelled(-down if flipped else down)
    return CameraPath("gravity", time_s, Transform(np.zeros((len(wxyz), 3)), wxyz), words)


def _smoothed(time_s: Array, felt: Array) -> Array:
    """(N, 3) the mean over `_SMOOTHED_S` around each sample; NaN samples are passed over."""
    known = np.asarray(np.isfinite(felt).all(-1))
    sums = np.vstack([np.zeros(3), np.cumsum(np.where(known[:, None], felt, 0), axis=0)])
    counts = np.r_[0, np.cumsum(known)]
    begin = np.searchsorted(time_s, time_s - _SMOOTHED_S / 2, side="left")
    end = np.searchsorted(time_s, time_s + _SMOOTHED_S / 2, side="right")
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums[end] - sums[begin]) / (counts[end] - counts[begin])[:, None]


def _jumped(time_s: Array, position_m: Array) -> np.ndarray:
    step = np.linalg.norm(np.diff(position_m, axis=0), axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((step > _JUMP_M) & (step / np.diff(time_s) > _JUMP_MPS))


def _tilted(tilt_deg: float) -> Array:
    """Orientation (4,) of a level camera that looks `tilt_deg` down along the world's x."""
    tilt = np.radians(tilt_deg)
    return levelled(np.array([0.0, np.cos(tilt), np.sin(tilt)]))
