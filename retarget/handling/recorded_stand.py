"""Where a recorded person stands while they walk about: from the pelvis, else from the feet, else from the camera on their head.

A stand (`motion.handling.Handling.stand`) is the frame that would be the counter's if they stood at their place before one.
From there to a body's own axis is a constant way. It is not measured in a recording but given by a rule: people of all
sizes stand with the hips 17 to 21 cm behind the edge of what they work at.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.handling import CAMERA, HandTrack, stand_at
from motion.human import HumanMotion
from motion.resample import interpolate
from motion.transform import Array, Transform, rotate
from retarget.handling.recorded_settings import RecordedSettings
from retarget.spans import runs

PELVIS_BEHIND_M = 0.19
"""How far behind the stand's origin people have their pelvis: see above."""
CAMERA_AHEAD_M = 0.17
"""How far a phone on the forehead is ahead of the pelvis while people walk and look ahead."""
MOVED_M, MOVED_RAD = 0.40, 0.70
"""Who moves by less, and turns by less, stands before the counter: who reaches far moves their pelvis by a hand's breadth."""
_SEEN = 0.5
"""What is seen for a smaller share of the time says nothing of where somebody walks."""
_STILL_MPS, _STILL_RADPS, _STILL_S = 0.10, 0.30, 0.5
"""A body that is slower than this for so long stands."""

Places = tuple[Array, Array]
"""x and y (T, 2) of the pelvis in the world, m, and its yaw (T,), rad; NaN where unknown."""


def stand_track(motion: HumanMotion, T_counter_world: Transform, times: Array, settings: RecordedSettings) -> tuple[Transform, str] | None:
    """`T_counter_stand`, batch (S,), and what it was told by, in words; None where the body hardly moves, or nobody knows.

    Args:
        motion: the recording.
        T_counter_world: one pose.
        times: (S,) of the handling.
        settings: how it is smoothed.
    """
    for told_by, places in _SOURCES.items():
        place, yaw = places(motion)
        known = np.isfinite(place).all(-1) & np.isfinite(yaw)
        if known.mean() < _SEEN:
            continue
        turned = np.column_stack([place[known], np.unwrap(yaw[known])])
        width = settings.stand_smooth_s * settings.rate_hz
        body = gaussian_filter1d(interpolate(motion.time_s[known], turned, times), width, axis=0, mode="nearest")
        if np.hypot(*np.ptp(body[:, :2], axis=0)) < MOVED_M and np.ptp(body[:, 2]) < MOVED_RAD:
            return None
        body = _standing_still(times, body)
        ahead = PELVIS_BEHIND_M * np.column_stack([np.cos(body[:, 2]), np.sin(body[:, 2])])
        in_world = stand_at(np.column_stack([body[:, :2] + ahead, body[:, 2]]))
        return _level(T_counter_world @ in_world), told_by
    return None


def hanging(stand: Transform) -> HandTrack:
    """A hand that nobody saw, and that nobody wants anywhere: it comes along."""
    beside = stand @ Transform(np.array([0.0, 0.0, -0.1]), np.array([1.0, 0.0, 0.0, 0.0]))
    return HandTrack(beside, np.ones(len(stand)), np.zeros(len(stand)))


def _by_pelvis(motion: HumanMotion) -> Places:
    """By the pelvis, or the middle of the hips; turned as the hips are."""
    left, right = _point(motion, "left_hip"), _point(motion, "right_hip")
    middle, pelvis = (left + right) / 2, _point(motion, "pelvis")
    place = np.where(np.isfinite(pelvis), pelvis, middle)
    across = left - right
    return place[:, :2], np.arctan2(-across[:, 0], across[:, 1])


def _by_feet(motion: HumanMotion) -> Places:
    """Between the ankles, turned as the feet on average: toes point outwards on both sides alike."""
    ahead = [_point(motion, f"{side}_toe") - _point(motion, f"{side}_heel") for side in ("left", "right")]
    ahead_both = sum(way / np.linalg.norm(way, axis=-1, keepdims=True) for way in ahead)
    place = (_point(motion, "left_ankle") + _point(motion, "right_ankle")) / 2
    return place[:, :2], np.arctan2(ahead_both[:, 1], ahead_both[:, 0])


def _by_camera(motion: HumanMotion) -> Places:
    """Below and behind a phone on the head, turned as it looks: for films in which nobody sees their own body."""
    if CAMERA not in motion.objects:
        return np.full((len(motion.time_s), 2), np.nan), np.full(len(motion.time_s), np.nan)
    track = motion.objects[CAMERA]
    looks = rotate(track.wxyz, np.array([0.0, 0.0, 1.0]))
    yaw = np.arctan2(looks[:, 1], looks[:, 0])
    return track.position_m[:, :2] - CAMERA_AHEAD_M * np.column_stack([np.cos(yaw), np.sin(yaw)]), yaw


_SOURCES: dict[str, Callable[[HumanMotion], Places]] = {"the pelvis": _by_pelvis, "the feet": _by_feet, "the phone on the head": _by_camera}


def _point(motion: HumanMotion, name: str) -> Array:
    """(T, 3), NaN where unseen, and for landmarks that the recording does not have."""
    return motion.point(name) if name in motion.landmarks else np.full((len(motion.time_s), 3), np.nan)


def _standing_still(times: Array, body: Array) -> Array:
    """Bodies (S, 3) that are exactly still where they hardly move; what that shifts them by fades in between."""
    pace = np.gradient(body, times, axis=0)
    still = (np.hypot(pace[:, 0], pace[:, 1]) < _STILL_MPS) & (np.abs(pace[:, 2]) < _STILL_RADPS)
    shift = np.full_like(body, np.nan)
    for rest in runs(still):
        if times[rest.stop - 1] - times[rest.start] >= _STILL_S:
            shift[rest] = np.median(body[rest], axis=0) - body[rest]
    known = np.isfinite(shift[:, 0])
    if not known.any():
        return body
    return body + np.column_stack([np.interp(times, times[known], column[known]) for column in shift.T])


def _level(stand: Transform) -> Transform:
    """At the counter's height, and exactly upright."""
    w, z = stand.wxyz[:, 0], stand.wxyz[:, 3]
    return stand_at(np.column_stack([stand.position_m[:, :2], 2 * np.arctan2(z, w)]))
