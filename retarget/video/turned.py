"""Does the picture stand upright? Told by whom it shows, for a rotation that is wrong in the file or wrongly stated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.video.hands.tracks import HandTrack
from retarget.video.paths import BodyPath

_WRIST, _MIDDLE = 0, 9
_LEAST_FRAMES = 10
_OFF_RAD = np.radians(60)
"""A picture turned by a quarter is 90 degrees off; hands at work that are not, less than this."""
_AGREED = 0.4
"""Length of the mean of the directions; 1 where all agree."""
_FROM = ("below", "the left", "above", "the right")
_ADVICE = "is the picture turned? Look at it, and state film.rotation_deg= (0, 90, 180 or 270)"


def hands_turned(tracks: Mapping[str, HandTrack]) -> str:
    """What is odd, in words, where the wearer's hands do not come from below; empty where they do, or where nobody can tell.

    Both hands have to be seen: their fingers point away from the wearer, and the left one is on the left.
    """
    if not all(side in tracks for side in SIDES):
        return ""
    left, right = (tracks[side].image_px for side in SIDES)
    both = np.isfinite(left[:, _WRIST, 0]) & np.isfinite(right[:, _WRIST, 0])
    if both.sum() < _LEAST_FRAMES:
        return ""
    along = [normalized(hand[both, _MIDDLE] - hand[both, _WRIST]).mean(0) for hand in (left, right)]
    across = normalized(right[both, _WRIST] - left[both, _WRIST]).mean(0)
    off = _off_upright((along[0] + along[1] + 2 * np.array([across[1], -across[0]])) / 4)
    return f"hands come from {_FROM[off]} in the picture, not from below: {_ADVICE}" if off else ""


def body_turned(body: BodyPath) -> str:
    """The same of a person, whose shoulders are above the hips; who lies down is not told from a turned picture."""
    names = [f"{side}_{part}" for part in ("shoulder", "hip") for side in SIDES]
    if not set(names) <= set(body.landmarks):
        return ""
    points = np.stack([body.image_px[:, body.landmarks.index(name)] for name in names], axis=1)
    trunk = points[:, :2].mean(1) - points[:, 2:].mean(1)
    trunk = trunk[np.isfinite(trunk).all(-1)]
    if len(trunk) < _LEAST_FRAMES:
        return ""
    off = _off_upright(normalized(trunk).mean(0))
    return f"the person {'stands on the head' if off == 2 else 'lies'} in the picture: {_ADVICE}" if off else ""


def _off_upright(up: Array) -> int:
    """Quarter turns, counter-clockwise, that put the direction `up` (2,) of a picture up again; 0 where it is, or nobody can tell."""
    clockwise = float(np.arctan2(up[0], -up[1]))
    sure = float(np.linalg.norm(up)) > _AGREED and abs(clockwise) > _OFF_RAD
    return round(clockwise / (np.pi / 2)) % 4 if sure else 0
