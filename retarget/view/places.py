"""Where robots and people stand on the page, and a clock that several motions share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.transform import Array
from retarget.view.lineage import Shown
from retarget.view.recording import Recording

BESIDE_M, HAND_BESIDE_M = 0.9, 0.25
"""How far a person stands from the robot; two lanes stand twice as far from one another."""
_ANCHORS = (
    ("left_hip", "right_hip"),
    ("left_shoulder", "right_shoulder"),
    ("left_wrist", "right_wrist"),
    ("left_wrist",),
    ("right_wrist",),
)
"""What a person is held by: the first of these that was seen."""
_LEAST_LEVEL = 0.3
_FRAMES_N = 200


@dataclass(frozen=True)
class Stand:
    """Where somebody stands, and how large they are.

    Attributes:
        origin_m: (T, 3) the point of their world that a camera follows: on the floor under a body, at a hand's wrist.
        middle_m: (3,) the middle of the figure from there.
        forward: (3,) where they look in the first frame, level.
        size_m: about how tall they are, or how large a hand.
        is_hand: whether they are hands by themselves.
        on_floor: whether there is a floor at the origin's height.
    """

    origin_m: Array
    middle_m: Array
    forward: Array
    size_m: float
    is_hand: bool
    on_floor: bool

    @property
    def left(self) -> Array:
        """(3,) their left in the first frame, level."""
        return np.array([-self.forward[1], self.forward[0], 0.0])

    @property
    def beside_m(self) -> float:
        """How far from them another one stands."""
        return HAND_BESIDE_M if self.is_hand else BESIDE_M


def robot_stand(shown: Shown) -> Stand:
    """Where a robot stands."""
    is_hand, size = not shown.body.has("left_hip", "left_shoulder"), size_m(shown)
    origin = _robot_origin(shown, is_hand)
    middle = _middle(shown, origin) if is_hand else np.array([0.0, 0.0, 0.45 * size])
    return Stand(origin, middle, _robot_forward(shown), size, is_hand, not is_hand)


def size_m(shown: Shown) -> float:
    """About how tall the robot is, or how large a hand."""
    points = shown.body.kinematics.landmark_positions(shown.body.robot.rest_rad)[0]
    return float(max(np.ptp(points, axis=0).max(), 0.1))


def _robot_origin(shown: Shown, is_hand: bool) -> Array:
    """(T, 3) the floor under the robot's base, or its wrist where it is a hand."""
    robot = shown.body.robot
    wrist = next((f"{side}_wrist" for side in SIDES if f"{side}_wrist" in robot.landmarks), None)
    if is_hand and wrist is not None:
        return _robot_point(shown, (wrist,))
    return _followed(shown.motion.T_world_base.position_m) * ([1, 1, 1] if is_hand else [1, 1, 0])


def _robot_point(shown: Shown, names: Sequence[str]) -> Array:
    """(T, 3) the middle of some of the robot's landmarks, gaps filled in."""
    points, motion = [shown.body.robot.landmarks[name] for name in names], shown.motion
    return _followed(shown.body.kinematics.point_positions(points, motion.joint_position_rad, motion.T_world_base).mean(1))


def _middle(shown: Shown, origin: Array) -> Array:
    """(3,) the middle of the robot's landmarks from its origin, in the first frame that has a pose."""
    motion = shown.motion
    frame = int(np.argmax(motion.solved))
    rows = slice(frame, frame + 1)
    points = shown.body.kinematics.landmark_positions(motion.joint_position_rad[rows], motion.T_world_base[rows])[0]
    return np.nan_to_num(points.mean(0) - origin[frame])


def _robot_forward(shown: Shown) -> Array:
    """(3,) where the robot's base looks in the first frame that has a pose, level."""
    solved = np.flatnonzero(shown.motion.solved)
    if not len(solved):
        return np.array([1.0, 0.0, 0.0])
    return _level(shown.motion.T_world_base[int(solved[0])].rotation()[:, 0])


def _level(*wishes: Array) -> Array:
    """(3,) the first of some directions that is not all but vertical, made level; x where all are."""
    for wish in wishes:
        level, length = wish * [1, 1, 0], float(np.linalg.norm(wish))
        if length > 0 and np.linalg.norm(level) > _LEAST_LEVEL * length:
            return np.asarray(level / np.linalg.norm(level))
    return np.array([1.0, 0.0, 0.0])


def person_shift(shown: Shown, stand: Stand) -> Array:
    """(T, 3) what brings the person over the robot: hips over base and floor on floor, or shoulders or wrists on one another."""
    human, robot = shown.human, shown.body.robot
    assert human is not None
    if not stand.is_hand and human.has(*_ANCHORS[0]):
        shift = stand.origin_m - _anchor(human, _ANCHORS[0])
        shift[:, 2] = -(shown.inspection.floor_m if shown.inspection else 0.0)
        return shift
    names = next((names for names in _ANCHORS if human.has(*names) and all(name in robot.landmarks for name in names)), None)
    if names is not None:
        return _robot_point(shown, names) - _anchor(human, names)
    return stand.origin_m - np.nanmean(human.position_m, axis=(0, 1))


def person_stand(recording: Recording) -> Stand:
    """Where a person stands who is alone."""
    human = recording.clean()
    seen = np.asarray(np.isfinite(human.position_m).all(axis=2))
    rows = np.flatnonzero(seen.any(axis=1))[:: max(1, len(human.time_s) // _FRAMES_N)]
    if not len(rows):
        return Stand(np.zeros((len(human.time_s), 3)), np.zeros(3), np.array([1.0, 0.0, 0.0]), 1.0, False, False)
    low, high = np.nanmin(human.position_m[rows], axis=1), np.nanmax(human.position_m[rows], axis=1)
    size = max(float(np.percentile((high - low).max(1), 90)), 0.1)
    names = next((names for names in _ANCHORS if human.has(*names)), ())
    origin = _anchor(human, names or human.landmarks)
    on_floor = any(human.has(f"{side}_{foot}") for side in SIDES for foot in ("ankle", "toe")) and np.ptp(origin[:, 2]) < size
    if on_floor:
        origin[:, 2] = recording.inspection.floor_m
    middle = np.median((low + high) / 2 - origin[rows], axis=0)
    return Stand(origin, middle, _person_forward(human), size, not human.has("left_shoulder") and not on_floor, bool(on_floor))


def _anchor(human: HumanMotion, names: Sequence[str]) -> Array:
    """(T, 3) the middle of some landmarks, the gaps of each filled in, so that none jumps as another vanishes."""
    return np.mean([_followed(human.point(name)) for name in names if human.has(name)], axis=0)


def _person_forward(human: HumanMotion) -> Array:
    """(3,) where a person looks, level: ahead of hips and trunk; who lies is seen from the side, a hand from its palm's."""
    first = {name: _followed(human.point(name))[0] for name in human.landmarks if human.has(name)}
    for left, right in _ANCHORS[:2]:
        if left in first and right in first:
            across = first[left] - first[right]
            top = first.get("neck", first.get("head"))
            trunk = [0.0, 0.0, 1.0] if top is None else top - (first[left] + first[right]) / 2
            return _level(np.cross(across, trunk), across)
    for side in SIDES:
        wrist, index, pinky = (first.get(f"{side}_{name}") for name in ("wrist", "index_mcp", "pinky_mcp"))
        if wrist is not None and index is not None and pinky is not None:
            return _level(np.cross(index - wrist, pinky - wrist), pinky - index)
    return np.array([1.0, 0.0, 0.0])


def _followed(track: Array) -> Array:
    """A track (T, 3) with its gaps filled in."""
    frames = np.arange(len(track))
    known = np.isfinite(track).all(axis=1)
    if not known.any():
        return np.zeros_like(track)
    return np.stack([np.interp(frames, frames[known], column[known]) for column in track.T], axis=1)


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
