"""What trackers and sensors make of things, counters and grips: noise, drift, loss.

An object tracker sees what the phone sees. Things outside the picture, or behind a hand and forearm that do not hold
them, are lost; a thing in the hand is seen partly, so it is noisier and lost more often. The counter is found once,
with a constant error. Force sensors sit on the fingers.

Sources:
    Banerjee et al. 2025, HOT3D (CVPR), and Wen et al. 2024, FoundationPose (CVPR): model-based 6D pose of things of
        household size at arm's length errs by some mm and a few degrees with several views or depth, most in depth and
        under the hand; the numbers here are rounded from there, not measured.
    Grip sensors: resistive force sensors are specified with some ten per cent from part to part and after calibration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.transform import Array, Transform, quaternion_product, so3_exp
from workers.camera import Lens, bursts, centrality, drift, project

COUNTER_M, _THICK_M = (0.65, 1.80), 0.03
"""Depth and width of a counter that hides what is under it, and how thick its top is."""


@dataclass(frozen=True)
class TrackerErrors:
    """Size of errors, as standard deviations.

    Attributes:
        white_m, white_rad: per frame and axis.
        drift_m, drift_rad: bias per axis (over 4 mm in all) that wanders with time constant `drift_s`, smoothed with
            time constant `settle_s`.
        held: how many times larger the white noise is while a hand covers a part of the thing.
        lost_share, held_lost_share: share of time for which a thing is lost, free and in the hand.
        lost_s: mean length of such a loss.
        behind_m: a thing is hidden where the line of sight to it passes a hand or forearm nearer than this.
        counter_m, counter_rad: constant error of the counter's pose.
        phone_m, phone_rad: wandering error, per axis, of where a phone that is worn believes itself to be.
        force_gain: error of a force sensor's gain, as a share; the same for a whole take.
        force_n, force_share: its noise per frame, and the part of it that grows with the force.
    """

    white_m: float = 0.003
    white_rad: float = 0.026
    drift_m: float = 0.0025
    drift_rad: float = 0.015
    drift_s: float = 2.5
    settle_s: float = 0.3
    held: float = 1.5
    lost_share: float = 0.01
    held_lost_share: float = 0.06
    lost_s: float = 0.15
    behind_m: float = 0.035
    counter_m: float = 0.002
    counter_rad: float = 0.0087
    phone_m: float = 0.006
    phone_rad: float = 0.006
    force_gain: float = 0.10
    force_n: float = 0.10
    force_share: float = 0.02


def see_thing(
    time_s: Array,
    track: Transform,
    T_world_camera: Transform,
    lens: Lens,
    errors: TrackerErrors,
    hands: Mapping[str, np.ndarray],
    arms: Array,
    rng: np.random.Generator,
) -> Transform:
    """A thing's track as a tracker on the phone reports it; NaN while it is lost.

    Args:
        time_s: (T,).
        track: `T_world_thing`, batch (T,), true.
        T_world_camera: poses of the camera, batch (T,), known to the tracker.
        lens: of the camera.
        errors: sizes.
        hands: side -> (T,) whether that hand holds it.
        arms: (T, 2, K, 3) points along the left and the right forearm and hand, world.
        rng: where the randomness comes from.
    """
    held = np.any(list(hands.values()), axis=0)
    size = np.where(held, errors.held, 1.0)[:, None]
    white = rng.standard_normal((len(time_s), 6)) * np.repeat([errors.white_m, errors.white_rad], 3) * size
    slow = drift(time_s, (len(time_s), 6), errors.drift_s, errors.settle_s, rng) * np.repeat([errors.drift_m, errors.drift_rad], 3)
    error = white + slow
    wxyz = quaternion_product(track.wxyz, so3_exp(error[:, 3:]))
    pixels, _ = project(track.position_m[:, None], T_world_camera, lens)
    lost = np.isnan(centrality(pixels, lens))[:, 0]
    lost |= bursts(time_s, errors.lost_share, errors.lost_s, rng) & ~held
    lost |= bursts(time_s, errors.held_lost_share, errors.lost_s, rng) & held
    for index, side in enumerate(("left", "right")):
        lost |= _behind(track.position_m, T_world_camera.position_m, arms[:, index], errors.behind_m) & ~hands[side]
    position = np.where(lost[:, None], np.nan, track.position_m + error[:, :3])
    return Transform(position, np.where(lost[:, None], np.nan, wxyz))


def under_counter(position_m: Array, eye_m: Array, T_world_counter: Transform) -> np.ndarray:
    """(T, L) whether the counter's top stands between an eye (T, 3) and points (T, L, 3) below it."""
    back = T_world_counter.inverse()
    point, eye = back.apply(position_m), back.apply(eye_m)[:, None]
    below = (point[..., 2] < -_THICK_M) & (eye[..., 2] > 0)
    share = np.where(below, eye[..., 2] / np.where(below, eye[..., 2] - point[..., 2], 1.0), 0.0)[..., None]
    crossing = eye + share * (point - eye)
    deep, wide = COUNTER_M
    on_top = (crossing[..., 0] > 0) & (crossing[..., 0] < deep) & (np.abs(crossing[..., 1]) < wide / 2)
    return np.asarray(below & on_top)


def see_counter(counter: Transform, frames: int, errors: TrackerErrors, rng: np.random.Generator) -> Transform:
    """The counter's pose as it was found once, batch (frames,)."""
    shift = rng.standard_normal(3) * errors.counter_m
    turn = quaternion_product(counter.wxyz, so3_exp(rng.standard_normal(3) * errors.counter_rad))
    return Transform(np.tile(counter.position_m + shift, (frames, 1)), np.tile(turn, (frames, 1)))


def see_itself(time_s: Array, T_world_camera: Transform, errors: TrackerErrors, rng: np.random.Generator) -> Transform:
    """Where a phone on the head believes it is, batch (T,)."""
    error = drift(time_s, (len(time_s), 6), errors.drift_s, errors.settle_s, rng) * np.repeat([errors.phone_m, errors.phone_rad], 3)
    return Transform(T_world_camera.position_m + error[:, :3], quaternion_product(T_world_camera.wxyz, so3_exp(error[:, 3:])))


def feel(force_n: Array, errors: TrackerErrors, rng: np.random.Generator) -> Array:
    """(T,) what a force sensor reports; never less than nothing."""
    gain = 1 + errors.force_gain * float(np.clip(rng.standard_normal(), -2.5, 2.5))
    noise = rng.standard_normal(len(force_n)) * (errors.force_n + errors.force_share * force_n)
    return np.maximum(gain * force_n + noise, 0.0)


def _behind(point: Array, eye: Array, arm: Array, within_m: float) -> np.ndarray:
    """(T,) whether the line of sight to points (T, 3) passes one of (T, K, 3) that is nearer to the eye."""
    ahead = point - eye
    distance = np.linalg.norm(ahead, axis=-1, keepdims=True)
    ahead = ahead / distance
    along = np.einsum("tki,ti->tk", arm - eye[:, None], ahead)
    aside = np.linalg.norm(arm - eye[:, None] - along[..., None] * ahead[:, None], axis=-1)
    # What lies beside the thing itself does not hide it.
    return np.asarray(((aside < within_m) & (along > 0) & (along < distance - 2 * within_m)).any(1))
