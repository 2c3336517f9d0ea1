"""How large the worker's hands are: one length and one shape for the whole film, left the mirror image of right.

A single camera sees a small hand near by and a large one far away alike, so this number is the metre of everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.errors import MotionError, require
from motion.landmarks import FINGERS
from motion.transform import Array, normalized
from retarget.reading.average_hand import BONES_M, FIRST_JOINT_M, HAND_OVER_STATURE
from retarget.video.hands.tracks import HandTrack

PALM_POINTS = (0, 1, 5, 9, 13, 17)
"""Wrist, thumb base and the four knuckles: what moves as one."""
FINGER_POINTS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
MIRROR = np.array([1.0, -1.0, 1.0])
"""From the axes of a right hand (`motion.segments`) to those of a left one, and back."""

_MEAN_M, _SPREAD_M = 0.187, 0.0117
"""Hand length over adults of both sexes. Source: ANSUR II (women 181 +- 10 mm, men 193 +- 10 mm)."""
_DETECTOR_SPREAD = 0.12
"""Spread of the detector's idea of the length between people: it was taught an average hand, and hardly tells."""
_STATURE_SPREAD = 0.04
"""Spread of hand lengths among people of one stature. Source: ANSUR II, correlation 0.65."""
_SHORTEST_M, _LONGEST_M = 0.08, 0.30
_LEAST_STATURE_M, _MOST_STATURE_M = 0.5, 2.5
_ENOUGH_FRAMES = 30
"""From this many frames on, the clip's own shape counts as much as it ever does beside the average one."""
_OWN_PALM, _OWN_BONES = 0.3, 0.75
"""How much it counts at most. Detectors draw everybody nearly the same palm, and flatten it in depth; but where they put the
knuckles and joints of fingers is theirs alone, and fingers fit the picture only with the bones between these."""
_LEAST_SCORE = 0.6


@dataclass(frozen=True)
class HandShape:
    """One person's right hand; the left one is its mirror image.

    Attributes:
        palm_m: (6, 3) the `PALM_POINTS` in the hand's own axes (`motion.segments`), the wrist at the origin.
        bones_m: (5, 3) the three bones of each of the `FINGER_POINTS`.
        length_m: wrist to the tip of the straight middle finger.
        length_is: how that is known, in words.
    """

    palm_m: Array
    bones_m: Array
    length_m: float
    length_is: str

    def palm_of(self, side: str) -> Array:
        """(6, 3) the palm of that side in its own axes."""
        return self.palm_m * MIRROR if side == "left" else self.palm_m


def average_shape(length_m: float, length_is: str) -> HandShape:
    """The average hand, brought to a length."""
    palm = np.array([[0.0, 0.0, 0.0], *(FIRST_JOINT_M[finger] for finger in FINGERS)])
    return _of_length(palm, np.array([BONES_M[finger] for finger in FINGERS]), length_m, length_is)


def hand_length(tracks: Mapping[str, HandTrack], stated_m: float | None = None, stature_m: float | None = None) -> tuple[float, str]:
    """Wrist to the tip of the straight middle finger, and how that is known, in words.

    Args:
        tracks: of the clip, or of a sample of it.
        stated_m: what the subject says; else it comes from the stature; else it is estimated.

    Raises:
        MotionError: no hand is so small or large, nobody is so short or tall.
    """
    if stated_m is not None:
        sane = _SHORTEST_M <= stated_m <= _LONGEST_M
        require(sane, MotionError, _strange("hand_length_m", stated_m, _SHORTEST_M, _LONGEST_M, "wrist crease to tip of the middle finger"))
        return float(stated_m), "stated"
    if stature_m is not None:
        sane = _LEAST_STATURE_M <= stature_m <= _MOST_STATURE_M
        require(sane, MotionError, _strange("height_m", stature_m, _LEAST_STATURE_M, _MOST_STATURE_M, "floor to the top of the head"))
        return HAND_OVER_STATURE * stature_m, f"from the stature of {stature_m:g} m, give or take {100 * _STATURE_SPREAD:.0f} %"
    return _estimated(tracks)


def _strange(name: str, got: float, least: float, most: float, what: str) -> str:
    return f"subject.{name} is {got:g}; {least:g} to {most:g} m was expected ({what}, in metres)."


def _estimated(tracks: Mapping[str, HandTrack]) -> tuple[float, str]:
    """Between the mean of people and what the detector's own metres say, each weighted by how well it is known."""
    own = np.concatenate([_middle_lengths(track.relative_m[_good(track)]) for track in tracks.values()] or [np.empty(0)])
    known = _SPREAD_M / _MEAN_M
    weight = known**2 / (known**2 + _DETECTOR_SPREAD**2) if len(own) else 0.0
    length = _MEAN_M * (1 - weight) + weight * (float(np.median(own)) if len(own) else 0.0)
    spread = known * np.sqrt(1 - weight)
    return float(length), (
        f"estimated over {len(own)} frames, give or take {100 * spread:.0f} %, and so are all distances from the camera: "
        "state subject.hand_length_m or subject.height_m"
    )


def _middle_lengths(relative_m: Array) -> Array:
    chain = relative_m[:, [0, 9, 10, 11, 12]]
    return np.asarray(np.linalg.norm(np.diff(chain, axis=1), axis=-1).sum(-1))


def _good(track: HandTrack) -> np.ndarray:
    """(T,) frames that show enough of the hand to measure it: at least the better half of those seen."""
    floor = min(_LEAST_SCORE, float(np.median(track.score[track.seen]))) if track.seen.any() else np.inf
    return np.asarray(track.seen & (track.score >= floor))


def hand_shape(tracks: Mapping[str, HandTrack], length_m: float, length_is: str) -> HandShape:
    """The proportions of the worker's hand over a clip, between the detector's and the average ones, at a known length.

    Args:
        tracks: of the clip, or of a sample of it; both hands count for one shape.
        length_m: wrist to the tip of the straight middle finger.
        length_is: how that is known.
    """
    average = average_shape(length_m, length_is)
    points = np.concatenate([_in_hand(track.relative_m[_good(track)], side) for side, track in tracks.items()] or [np.empty((0, 21, 3))])
    if not len(points):
        return average
    size = np.linalg.norm(points[:, PALM_POINTS[1:]], axis=-1).mean(-1)
    points = points / size[:, None, None] * np.linalg.norm(average.palm_m[1:], axis=-1).mean()
    bones = [np.linalg.norm(np.diff(points[:, chain], axis=1), axis=-1) for chain in FINGER_POINTS]
    own = _of_length(np.median(points[:, PALM_POINTS], axis=0), np.median(np.stack(bones, axis=1), axis=0), length_m, length_is)
    enough = min(1.0, len(points) / _ENOUGH_FRAMES)
    palm = average.palm_m + enough * _OWN_PALM * (own.palm_m - average.palm_m)
    lengths = average.bones_m + enough * _OWN_BONES * (own.bones_m - average.bones_m)
    return _of_length(palm, lengths, length_m, length_is)


def _of_length(palm_m: Array, bones_m: Array, length_m: float, length_is: str) -> HandShape:
    now = np.linalg.norm(palm_m[3]) + bones_m[2].sum()
    return HandShape(palm_m * (length_m / now), bones_m * (length_m / now), length_m, length_is)


def _in_hand(relative_m: Array, side: str) -> Array:
    """Points (T, 21, 3) in the axes of a right hand, the wrist at the origin; left hands are mirrored."""
    local = np.einsum("tij,tki->tkj", hand_axes(relative_m), relative_m - relative_m[:, :1])
    return local * MIRROR if side == "left" else local


def hand_axes(points_m: Array) -> Array:
    """Rotations (..., 3, 3) of hands (..., 21, 3) as in `motion.segments`: z from middle knuckle to wrist, x near pinky to index."""
    z = normalized(points_m[..., 0, :] - points_m[..., 9, :])
    across = points_m[..., 5, :] - points_m[..., 17, :]
    x = normalized(across - (across * z).sum(-1, keepdims=True) * z)
    return np.stack([x, np.cross(z, x), z], axis=-1)
