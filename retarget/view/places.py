"""Where person and robot stand beside one another, and a clock that several motions share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array
from retarget.view.lineage import Shown

BESIDE_M, HAND_BESIDE_M = 0.9, 0.25


def is_hand(shown: Shown) -> bool:
    """Whether the robot is a hand by itself."""
    return not shown.body.has("left_hip", "left_shoulder")


def size_m(shown: Shown) -> float:
    """About how tall the robot is, or how large a hand."""
    points = shown.body.kinematics.landmark_positions(shown.body.robot.rest_rad)[0]
    return float(max(np.ptp(points, axis=0).max(), 0.1))


def robot_place(shown: Shown) -> Array:
    """(T, 3) the robot's base, or its wrist where it is a hand; gaps are filled in, so that a camera can follow it."""
    motion = shown.motion
    for side in SIDES:
        if is_hand(shown) and f"{side}_wrist" in shown.body.robot.landmarks:
            wrist = shown.body.robot.landmarks[f"{side}_wrist"]
            return _followed(shown.body.kinematics.point_positions([wrist], motion.joint_position_rad, motion.T_world_base)[:, 0])
    return _followed(motion.T_world_base.position_m)


def person_shift(shown: Shown, robot: Array) -> Array:
    """(T, 3) what brings the person over the robot: hips over base and floor on floor, or wrist on wrist."""
    human = shown.human
    assert human is not None
    if human.has("left_hip", "right_hip"):
        middle = _followed((human.point("left_hip") + human.point("right_hip")) / 2)
        shift = robot - middle
        shift[:, 2] = -(shown.inspection.floor_m if shown.inspection else 0.0)
        return shift
    side = next((side for side in SIDES if human.has(f"{side}_wrist")), None)
    return robot - (_followed(human.point(f"{side}_wrist")) if side else np.nanmean(human.position_m, axis=(0, 1)))


def _followed(track: Array) -> Array:
    """A track (T, 3) with its gaps filled in."""
    frames = np.arange(len(track))
    known = np.isfinite(track).all(axis=1)
    if not known.any():
        return np.zeros_like(track)
    return np.stack([np.interp(frames, frames[known], column[known]) for column in track.T], axis=1)


def forward_of(shown: Shown) -> Array:
    """(3,) where the robot's base looks in the first frame that has a pose, level."""
    solved = np.flatnonzero(shown.motion.solved)
    ahead = shown.motion.T_world_base[int(solved[0])].rotation()[:, 0] if len(solved) else np.array([1.0, 0, 0])
    level = np.array([ahead[0], ahead[1], 0.0])
    length = np.linalg.norm(level)
    return level / length if length > 0.1 else np.array([1.0, 0.0, 0.0])


def clock_of(times: Sequence[Array]) -> tuple[Array, list[np.ndarray]]:
    """A clock from the beginning of the first motion to the end of the last, and each motion's frame at each tick."""
    first = times[0]
    if all(len(time_s) == len(first) and np.allclose(time_s, first) for time_s in times):
        clock = first
    else:
        step = min(float(np.median(np.diff(time_s))) for time_s in times if len(time_s) > 1)
        clock = np.arange(min(time_s[0] for time_s in times), max(time_s[-1] for time_s in times) + step / 2, step)
    return clock, [_nearest(time_s, clock) for time_s in times]


def _nearest(time_s: Array, clock_s: Array) -> np.ndarray:
    """(C,) the frame nearest to each tick."""
    if len(time_s) == 1:
        return np.zeros(len(clock_s), int)
    after = np.clip(np.searchsorted(time_s, clock_s), 1, len(time_s) - 1)
    return np.where(clock_s - time_s[after - 1] <= time_s[after] - clock_s, after - 1, after)
