"""Keypoints in an image, in pixels or as parts of its width, are no positions in space: they are refused, never retargeted."""

from __future__ import annotations

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array

_PIXELS = 20.0
"""A picture is at least so many times as wide as a score, or as any depth among keypoints, is large."""
_BEYOND = 0.1
_NO_DEPTH = 0.05


def refuse_image_points(where: str, raw: Array, unit_stated: bool = False) -> None:
    """Raise `FileFormatError` where (T, J, 3) are pixels with a score, or a MediaPipe image's 0..1 coordinates.

    Args:
        where: file, for messages.
        raw: positions, NaN where unseen.
        unit_stated: whether the user says that these are lengths.
    """
    seen = raw[np.isfinite(raw).all(-1)]
    whole = raw[np.any(np.isfinite(raw), axis=(1, 2))]
    if len(seen) == 0:
        return
    spread = np.median(np.nanmax(whole, axis=1) - np.nanmin(whole, axis=1), axis=0)
    flat = max(_PIXELS / 2, spread[2] * _PIXELS) < max(spread[0], spread[1])
    require(
        not flat,
        FileFormatError,
        f"{where}: the third column ({seen[:, 2].min():.3g} to {seen[:, 2].max():.3g}) is no depth beside x and y "
        f"(up to {np.abs(seen[:, :2]).max():.4g}): these are keypoints in an image, perhaps with a score. "
        "Positions in space are wanted, as from a 3D estimator (MediaPipe: pose_world_landmarks, hand_world_landmarks).",
    )
    within = bool((seen[:, :2] > -_BEYOND).all() and (seen[:, :2] < 1 + _BEYOND).all())
    require(
        unit_stated or not (within and _is_from_an_image(whole)),
        FileFormatError,
        f"{where}: x and y lie between 0 and 1 everywhere: these are a MediaPipe image's coordinates, without a scale. "
        "Write pose_world_landmarks or hand_world_landmarks, which are metres; if these are, state source.unit_m=1.",
    )


def _is_from_an_image(raw: Array) -> bool:
    """Whether the joint that image depths are counted from (a hand's wrist, the middle of the hips) has none, but is off the origin."""
    joints = raw.shape[1]
    if joints == 21:
        origin = raw[:, 0]
    elif joints == 33:
        origin = (raw[:, 23] + raw[:, 24]) / 2
    else:
        return joints in (17, 25, 26, 133) and bool(np.nanmin(raw[..., :2]) > 0)
    depth = np.nanmax(np.abs(origin[:, 2]), initial=0.0)
    return bool(depth < _NO_DEPTH < np.nanmedian(np.abs(origin[:, :2])))
