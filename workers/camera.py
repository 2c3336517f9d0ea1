"""What a phone makes of a motion: image, depth, noise, dropouts, confidence and time stamps.

A pinhole camera with a wide lens. Landmarks outside the image or behind the camera are unseen. What is seen carries
image noise (so many pixels, hence more mm the further away), depth noise (a share of the distance) and a slowly drifting
bias of both; near the border of the image noise grows and confidence falls. Trackers lose whole limbs and
hands for a moment, never single landmarks. Fingers move with the error of their hand and have a smaller one of their
own, as trackers crop the hand first. A limb behind the body is not treated as hidden.

Camera frame: x right, y down, z into the scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.landmarks import HANDS, LANDMARKS
from motion.lens import HEAD_TILT_DEG, Lens, look_at
from motion.transform import Array, Transform, matrix_from_wxyz, wxyz_from_matrix


@dataclass(frozen=True)
class Errors:
    """Size of a camera's errors, as standard deviations.

    Attributes:
        image_px, depth_share: white noise, per frame; depth as a share of the distance. What is left of it behind a
            tracker's own smoothing; a raw tracker has five times as much.
        drift_px, drift_share: bias that wanders with time constant `drift_s`, smoothed with time constant `settle_s`.
        finger_share: a finger's own errors as a part of those of its hand, which it shares.
        lost_share: share of time for which a hand is lost; limbs are lost half as often, the trunk a tenth.
        lost_s: mean length of such a dropout.
        jitter: deviation of a frame's time, in periods.
        dropped: share of frames that never arrive.
    """

    image_px: float = 0.25
    depth_share: float = 0.0003
    drift_px: float = 1.2
    drift_share: float = 0.0025
    drift_s: float = 1.5
    settle_s: float = 0.15
    finger_share: float = 0.3
    lost_share: float = 0.02
    lost_s: float = 0.12
    jitter: float = 0.06
    dropped: float = 0.012


BORDER = 0.08
"""Width of the image's border, in image heights, in which confidence falls."""

_NEAREST_M = 0.08
_FULL_CONFIDENCE, _BORDER_CONFIDENCE = 0.96, 0.30
_TRUNK = ("pelvis", "spine", "chest", "neck", "head", "head_top", "left_clavicle", "right_clavicle", "left_hip", "right_hip")


def project(position_m: Array, T_world_camera: Transform, lens: Lens) -> tuple[Array, Array]:
    """Image coordinates and depth of points.

    Args:
        position_m: (T, L, 3) in the world.
        T_world_camera: pose of the camera, batch (T,).
        lens: the lens.

    Returns:
        pixels (T, L, 2) from the upper left corner, and depth (T, L) along the optical axis, m. Pixels of points
        nearer than 8 cm, or behind, are NaN.
    """
    local = np.einsum("tji,tlj->tli", T_world_camera.rotation(), position_m - T_world_camera.position_m[:, None])
    depth = local[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = lens.focal_px * local[..., :2] / depth[..., None] + [lens.width_px / 2, lens.height_px / 2]
    return np.where((depth > _NEAREST_M)[..., None], pixels, np.nan), depth


def back_project(pixels: Array, depth_m: Array, T_world_camera: Transform, lens: Lens) -> Array:
    """World positions (T, L, 3) of pixels (T, L, 2) at depths (T, L): the inverse of `project`."""
    image = (pixels - [lens.width_px / 2, lens.height_px / 2]) / lens.focal_px
    local = np.concatenate([image, np.ones_like(image[..., :1])], axis=-1) * depth_m[..., None]
    return np.einsum("tij,tlj->tli", T_world_camera.rotation(), local) + T_world_camera.position_m[:, None]


def centrality(pixels: Array, lens: Lens) -> Array:
    """0 on the border of the image, rising smoothly to 1 at `BORDER` inside; NaN outside the image and for NaN."""
    inside = np.minimum(pixels, [lens.width_px, lens.height_px] - pixels).min(-1) / (BORDER * lens.height_px)
    s = np.clip(inside, 0.0, 1.0)
    with np.errstate(invalid="ignore"):
        return np.where(inside >= 0, s * s * (3 - 2 * s), np.nan)


def observe(
    time_s: Array,
    position_m: Array,
    T_world_camera: Transform,
    lens: Lens,
    errors: Errors,
    rng: np.random.Generator,
    landmarks: Sequence[str] = LANDMARKS,
) -> tuple[Array, Array]:
    """Landmarks as the camera's tracker reports them, in the world.

    Args:
        time_s: (T,).
        position_m: (T, L, 3) true positions.
        T_world_camera: pose of the camera, batch (T,), known to the tracker.
        lens, errors: the camera.
        rng: where the randomness comes from.
        landmarks: the L names.

    Returns:
        positions (T, L, 3), NaN where unseen, and confidence (T, L), 0 where unseen.
    """
    pixels, depth = project(position_m, T_world_camera, lens)
    central = centrality(pixels, lens)
    central[_lost(time_s, landmarks, errors, rng)] = np.nan
    size = 1.0 / (0.35 + 0.65 * central)  # errors grow near the border
    shift = _errors(time_s, landmarks, errors, rng) * size[..., None]
    seen = back_project(pixels + shift[..., :2], depth * (1 + shift[..., 2]), T_world_camera, lens)
    sure = _BORDER_CONFIDENCE + (_FULL_CONFIDENCE - _BORDER_CONFIDENCE) * central
    sure = np.clip(sure + 0.02 * rng.standard_normal(sure.shape), 0.05, 1.0)
    return np.where(np.isnan(central)[..., None], np.nan, seen), np.where(np.isnan(central), 0.0, sure)


def _errors(time_s: Array, landmarks: Sequence[str], errors: Errors, rng: np.random.Generator) -> Array:
    """Errors (T, L, 3): two in px and one as a share of depth; a hand's wrist and fingers share theirs."""
    white = np.array([errors.image_px, errors.image_px, errors.depth_share])
    bias = np.array([errors.drift_px, errors.drift_px, errors.drift_share])
    shape = (len(time_s), len(landmarks), 3)
    own = rng.standard_normal(shape) * white + drift(time_s, shape, errors.drift_s, errors.settle_s, rng) * bias
    column = {name: index for index, name in enumerate(landmarks)}
    for name in landmarks:
        wrist = f"{name.partition('_')[0]}_wrist"
        if name in HANDS and wrist in column:
            own[:, column[name]] = own[:, column[wrist]] + errors.finger_share * own[:, column[name]]
    return own


def drift(time_s: Array, shape: tuple[int, ...], slow_s: float, fast_s: float, rng: np.random.Generator) -> Array:
    """Smooth random processes of deviation 1: Ornstein-Uhlenbeck of time constant `slow_s`, low-passed by `fast_s`.

    The low pass leaves slow / (slow + fast) of the variance, which is made up for.
    """
    kick = rng.standard_normal(shape)
    out = rng.standard_normal(shape[1:]) * np.sqrt(slow_s / (slow_s + fast_s)) * np.ones(shape)
    for t, step_s in enumerate(np.diff(time_s), start=1):
        slow, fast = np.exp(-step_s / slow_s), np.exp(-step_s / fast_s)
        kick[t] = slow * kick[t - 1] + np.sqrt(1 - slow * slow) * kick[t]
        out[t] = fast * out[t - 1] + (1 - fast) * kick[t]
    return out * np.sqrt((slow_s + fast_s) / slow_s)


def _group(landmark: str) -> str:
    """The part of the body that a tracker loses as one."""
    side = landmark.partition("_")[0]
    if landmark in _TRUNK:
        return "trunk"
    if landmark in HANDS:
        return f"{side}_hand"
    return f"{side}_arm" if landmark.endswith(("shoulder", "elbow", "wrist")) else f"{side}_leg"


def _lost(time_s: Array, landmarks: Sequence[str], errors: Errors, rng: np.random.Generator) -> Array:
    """(T, L) where a landmark's group is lost for a moment."""
    groups = [_group(name) for name in landmarks]
    away = {}
    for name in sorted(set(groups)):
        share = errors.lost_share * (0.1 if name == "trunk" else 1.0 if name.endswith("hand") else 0.5)
        away[name] = bursts(time_s, share, errors.lost_s, rng)
    return np.stack([away[name] for name in groups], axis=1)


def bursts(time_s: Array, share: float, mean_s: float, rng: np.random.Generator) -> Array:
    """(T,) true during bursts of exponential length that begin at random and fill a share of the time."""
    length = time_s[-1] - time_s[0]
    count = rng.poisson(share / mean_s * length)
    start, end = rng.uniform(time_s[0], time_s[-1], count), rng.exponential(mean_s, count)
    return ((time_s[:, None] >= start) & (time_s[:, None] < start + end)).any(1)


def frame_times(duration_s: float, rate_hz: float, errors: Errors, rng: np.random.Generator) -> Array:
    """Time stamps (T,) of a phone's video from 0 to the end: jittered, with frames missing here and there; rising."""
    nominal = np.arange(int(duration_s * rate_hz) + 1)
    jitter = np.clip(errors.jitter * rng.standard_normal(len(nominal)), -0.3, 0.3)
    kept = rng.random(len(nominal)) >= errors.dropped
    kept[[0, -1]] = True
    return np.clip((nominal + jitter) / rate_hz, 0.0, duration_s)[kept]


def shelf_camera(frames: int, rng: np.random.Generator) -> Transform:
    """A phone on a shelf in front of the worker, a little to one side, that sees the whole person."""
    azimuth = rng.choice([-1.0, 1.0]) * np.radians(rng.uniform(10, 30))
    distance, height = rng.uniform(2.3, 2.8), rng.uniform(1.25, 1.60)
    eye = np.array([distance * np.cos(azimuth), distance * np.sin(azimuth), height])
    return look_at(np.tile(eye, (frames, 1)), np.tile([0.15, 0.0, 0.95], (frames, 1)))


def panning_camera(target_m: Array, ahead_rad: float, rng: np.random.Generator) -> Transform:
    """A phone that somebody else holds, in front of one who walks about and a little to one side, turned after them.

    Args:
        target_m: (T, 3) what it is turned to.
        ahead_rad: where the person looks at first; in front of them is there.
        rng: where the other one stands.
    """
    middle = (target_m[:, :2].min(0) + target_m[:, :2].max(0)) / 2
    azimuth = ahead_rad + rng.choice([-1.0, 1.0]) * np.radians(rng.uniform(10, 30))
    away = rng.uniform(2.3, 2.8) + np.linalg.norm(target_m[:, :2] - middle, axis=1).max()
    eye = np.array([*(middle + away * np.array([np.cos(azimuth), np.sin(azimuth)])), rng.uniform(1.25, 1.60)])
    return look_at(np.tile(eye, (len(target_m), 1)), target_m)


def head_camera(T_world_head: Transform, head_and_neck_m: float, rng: np.random.Generator) -> Transform:
    """A phone on the forehead, tilted down toward the hands; it moves with the head's link (x ahead, y up, z right)."""
    tilt = np.radians(rng.uniform(*HEAD_TILT_DEG))
    right, ahead = np.array([0.0, 0, 1]), np.array([np.cos(tilt), -np.sin(tilt), 0])
    mount = np.stack([right, np.cross(ahead, right), ahead], axis=1)
    rotation = matrix_from_wxyz(T_world_head.wxyz) @ mount
    return Transform(T_world_head.apply([0.11, 0.72 * head_and_neck_m, 0.0]), wxyz_from_matrix(rotation))
