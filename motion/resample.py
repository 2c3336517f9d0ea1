"""Motions on another clock: positions and joints linearly, orientations along the shortest arc. Gaps stay gaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.errors import MotionError, require
from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform, quaternion_product, so3_exp, so3_log


def uniform_times(time_s: Array, rate_hz: float) -> Array:
    """Times at `rate_hz` from the first to the last of `time_s`, both ends within."""
    require(rate_hz > 0, MotionError, f"a rate of {rate_hz} Hz was asked for; it must be above 0.")
    count = int(np.floor((time_s[-1] - time_s[0]) * rate_hz + 1e-9)) + 1
    return np.asarray(time_s[0] + np.arange(count) / rate_hz)


def _brackets(time_s: Array, times: Array) -> tuple[np.ndarray, np.ndarray, Array]:
    """Indices of the frames before and after each time, and the share (0..1) of the way between them."""
    if len(time_s) == 1:
        zero = np.zeros(len(times), int)
        return zero, zero, np.zeros(len(times))
    after = np.clip(np.searchsorted(time_s, times, side="right"), 1, len(time_s) - 1)
    before = after - 1
    share = np.clip((times - time_s[before]) / (time_s[after] - time_s[before]), 0, 1)
    return before, after, share


def interpolate(time_s: Array, values: Array, times: Array) -> Array:
    """Linear interpolation of (T, ...) at (S,) times, held beyond the ends; a NaN on either side of a time gives NaN.

    At a frame's own time only that frame counts.
    """
    before, after, share = _brackets(time_s, times)
    weight = share.reshape(-1, *[1] * (values.ndim - 1))
    between = values[before] * (1 - weight) + values[after] * weight
    return np.where(weight == 0, values[before], np.where(weight == 1, values[after], between))


def interpolate_wxyz(time_s: Array, wxyz: Array, times: Array) -> Array:
    """Spherical interpolation of (T, ..., 4) unit quaternions at (S,) times; NaN as in `interpolate`."""
    before, after, share = _brackets(time_s, times)
    weight = share.reshape(-1, *[1] * (wxyz.ndim - 1))
    conjugate = wxyz[before] * [1.0, -1, -1, -1]
    turn = so3_log(quaternion_product(conjugate, wxyz[after]))
    between = quaternion_product(wxyz[before], so3_exp(weight * turn))
    return np.where(weight == 0, wxyz[before], np.where(weight == 1, wxyz[after], between))


def interpolate_transform(time_s: Array, poses: Transform, times: Array) -> Transform:
    """Poses of batch (T,) at (S,) times."""
    return Transform(interpolate(time_s, poses.position_m, times), interpolate_wxyz(time_s, poses.wxyz, times))


def resample_human(motion: HumanMotion, rate_hz: float) -> HumanMotion:
    """The recording at a constant rate. Confidence between two frames is the lower of the two."""
    return human_at(motion, uniform_times(motion.time_s, rate_hz))


def human_at(motion: HumanMotion, times: Array) -> HumanMotion:
    """The recording at (S,) rising times within its own; beyond its ends it is held. Confidence as in `resample_human`."""
    before, after, share = _brackets(motion.time_s, times)
    lower = np.minimum(motion.confidence[before], motion.confidence[after])
    confidence = np.where(
        (share == 0)[:, None], motion.confidence[before], np.where((share == 1)[:, None], motion.confidence[after], lower)
    )
    assert motion.segment_wxyz is not None
    return replace(
        motion,
        time_s=times,
        position_m=interpolate(motion.time_s, motion.position_m, times),
        confidence=confidence,
        segment_wxyz=interpolate_wxyz(motion.time_s, motion.segment_wxyz, times),
        objects={name: interpolate_transform(motion.time_s, track, times) for name, track in motion.objects.items()},
        signals={name: interpolate(motion.time_s, np.asarray(track, float), times) for name, track in motion.signals.items()},
    )


def resample_robot(motion: RobotMotion, rate_hz: float) -> RobotMotion:
    """The robot's motion at a constant rate. A time is solved where the frames it lies between are."""
    times = uniform_times(motion.time_s, rate_hz)
    before, after, share = _brackets(motion.time_s, times)
    solved = np.where(
        share == 0, motion.solved[before], np.where(share == 1, motion.solved[after], motion.solved[before] & motion.solved[after])
    )
    nearest = np.where(share < 0.5, before, after)
    return replace(
        motion,
        time_s=times,
        joint_position_rad=interpolate(motion.time_s, motion.joint_position_rad, times),
        T_world_base=interpolate_transform(motion.time_s, motion.T_world_base, times),
        solved=solved,
        contacts={name: np.asarray(value)[nearest] for name, value in motion.contacts.items()},
        observed=None if motion.observed is None else motion.observed[nearest],
        objects={name: interpolate_transform(motion.time_s, track, times) for name, track in motion.objects.items()},
    )
