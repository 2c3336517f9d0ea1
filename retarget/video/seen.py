"""What detectors see in pictures, before anybody knows whose hand it is or how far away.

Pictures are upright: x to the right, y down, pixels from the upper left corner of the upper left pixel. Camera frames: x to
the right, y down, z ahead, metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.errors import ShapeError, require
from motion.transform import Array

HAND_POINTS_N = 21
"""Wrist and four points per finger, in the order of `motion.landmarks.hand_landmarks`."""
BODY_POINTS_N = 33
"""In the order `mediapipe_33` of `retarget.reading.orders`."""


@dataclass(frozen=True)
class HandSeen:
    """One hand in one picture.

    Attributes:
        image_px: (21, 2).
        relative_m: (21, 3) the detector's idea of its shape: camera axes, any origin, about metres.
        right: how likely it is a right hand, 0..1, were the picture not mirrored.
        score: how likely it is a hand, 0..1.
    """

    image_px: Array
    relative_m: Array
    right: float
    score: float


@dataclass(frozen=True)
class BodySeen:
    """One person in one picture.

    Attributes:
        image_px: (33, 2).
        relative_m: (33, 3) the detector's idea of their shape: camera axes, origin between the hips, about metres.
        visibility: (33,) how likely each point is in view and not hidden, 0..1.
        score: how likely it is a person, 0..1.
    """

    image_px: Array
    relative_m: Array
    visibility: Array
    score: float


@dataclass(frozen=True)
class HandDetections:
    """Hands seen over T frames, up to K in each; what is not there is NaN.

    Attributes:
        time_s: (T,) rising.
        image_px: (T, K, 21, 2).
        relative_m: (T, K, 21, 3).
        right, score: (T, K).
    """

    time_s: Array
    image_px: Array
    relative_m: Array
    right: Array
    score: Array

    def __post_init__(self) -> None:
        frames, most = self.score.shape
        _check(self, {"time_s": (frames,), "image_px": (frames, most, HAND_POINTS_N, 2), "relative_m": (frames, most, HAND_POINTS_N, 3)})
        _check(self, {"right": (frames, most)})


@dataclass(frozen=True)
class BodyDetections:
    """People seen over T frames, up to K in each; what is not there is NaN.

    Attributes:
        time_s: (T,) rising.
        image_px: (T, K, 33, 2).
        relative_m: (T, K, 33, 3).
        visibility: (T, K, 33).
        score: (T, K).
    """

    time_s: Array
    image_px: Array
    relative_m: Array
    visibility: Array
    score: Array

    def __post_init__(self) -> None:
        frames, most = self.score.shape
        _check(self, {"time_s": (frames,), "image_px": (frames, most, BODY_POINTS_N, 2), "relative_m": (frames, most, BODY_POINTS_N, 3)})
        _check(self, {"visibility": (frames, most, BODY_POINTS_N)})


@dataclass(frozen=True)
class PictureStats:
    """How the pictures themselves are, over T frames.

    Attributes:
        time_s: (T,) rising.
        brightness: (T,) mean, 0 black to 1 white.
        sharpness: (T,) variance of the Laplacian of the picture, 320 wide, grey levels 0..1.
        change: (T,) mean absolute difference from the frame before, 0..1; NaN for the first. 0: the same picture again.
    """

    time_s: Array
    brightness: Array
    sharpness: Array
    change: Array


def _check(what: object, shapes: dict[str, tuple[int, ...]]) -> None:
    for name, shape in shapes.items():
        found = np.shape(getattr(what, name))
        require(found == shape, ShapeError, f"{type(what).__name__}.{name} is {found}; {shape} was wanted.")
