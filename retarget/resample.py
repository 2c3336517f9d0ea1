"""A robot's motion at another frame rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation, Slerp

from motion.errors import MotionError, require
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform

_SAME = 1e-6


def resampled(motion: RobotMotion, rate_hz: float | None) -> RobotMotion:
    """The motion on an even grid of `rate_hz` from its first frame on; the same object where it already lies on it.

    Angles and places are interpolated by cubics that stay between neighbouring frames, so no limit is passed;
    orientations turn evenly from one to the next. A frame between a solved and an unsolved one is unsolved.

    Args:
        motion: T frames.
        rate_hz: None keeps the median rate.

    Raises:
        MotionError: a rate that is none.
    """
    rate = motion.rate_hz if rate_hz is None else rate_hz
    require(bool(np.isfinite(rate)) and rate > 0, MotionError, f"rate_hz={rate_hz} is no rate; it wants a number above 0.")
    time, steps_n = motion.time_s, len(motion.time_s) - 1
    if steps_n < 1 or np.abs(time - time[0] - np.arange(steps_n + 1) / rate).max() < _SAME:
        return motion
    grid = time[0] + np.arange(int(np.floor((time[-1] - time[0]) * rate + _SAME)) + 1) / rate
    grid = np.minimum(grid, time[-1])
    left = np.clip(np.searchsorted(time, grid + _SAME, side="right") - 1, 0, steps_n - 1)
    near = left + (grid - time[left] > (time[left + 1] - time[left]) / 2)
    solved = np.zeros(len(grid), bool)
    joints, base = np.full((len(grid), len(motion.joint_names)), np.nan), np.full((len(grid), 3), np.nan)
    turn = np.full((len(grid), 4), np.nan)
    for span in motion.solved_spans():
        inside = (grid >= time[span][0] - _SAME) & (grid <= time[span][-1] + _SAME)
        at = np.clip(grid[inside], time[span][0], time[span][-1])
        joints[inside] = PchipInterpolator(time[span], motion.joint_position_rad[span])(at)
        base[inside] = PchipInterpolator(time[span], motion.T_world_base.position_m[span])(at)
        turn[inside] = _turned(time[span], motion.T_world_base.wxyz[span], at)
        solved |= inside
    return replace(
        motion,
        time_s=grid,
        joint_position_rad=joints,
        T_world_base=Transform(base, turn),
        solved=solved,
        contacts={name: np.asarray(track)[near] for name, track in motion.contacts.items()},
        observed=None if motion.observed is None else motion.observed[near],
        objects={name: _followed(time, track, grid) for name, track in motion.objects.items()},
    )


def _turned(time: Array, wxyz: Array, at: Array) -> Array:
    rotations = Slerp(time, Rotation.from_quat(wxyz, scalar_first=True))(at)
    return np.asarray(rotations.as_quat(canonical=True, scalar_first=True))


def _followed(time: Array, track: Transform, grid: Array) -> Transform:
    """An object's poses on the grid; NaN beside frames in which it was not seen."""
    seen = np.isfinite(track.position_m).all(1) & np.isfinite(track.wxyz).all(1)
    place = np.stack([np.interp(grid, time, track.position_m[:, axis]) for axis in range(3)], axis=-1)
    if seen.sum() < 2:
        return Transform(np.full_like(place, np.nan), np.full((len(grid), 4), np.nan))
    turn = _turned(time[seen], track.wxyz[seen], np.clip(grid, time[seen][0], time[seen][-1]))
    whole = np.interp(grid, time, seen) > 1 - _SAME
    return Transform(np.where(whole[:, None], place, np.nan), np.where(whole[:, None], turn, np.nan))
