"""How far a point of a hand is to be believed: 0 to 1, a product of simple functions, each of one thing that goes wrong."""

from __future__ import annotations

import numpy as np

from motion.transform import Array
from retarget.video.seen import PictureStats

_OFF_HALF = 0.06
"""A point that reprojects so far off, in hand lengths, is believed by half."""
_BORDER_FULL = 0.25
"""At this distance from the picture's border, in hand lengths, and beyond, a point is believed fully."""
_BORDER_LEAST = 0.3
"""On the border itself."""
_BLUR_HALF = 0.2
"""A picture whose sharpness is this part of the clip's median halves what is seen in it."""
_AMBIGUOUS_LEAST = 0.5
"""Where two readings of a hand's depth are equally good, each is believed by half."""
_AMBIGUOUS_NATS = 2.0
_SHORTEST_PX = 10.0


def hand_confidence(score: Array, image_px: Array, off_px: Array, size_px: tuple[int, int], margin: Array) -> Array:
    """(T, 21) confidence of a hand's points; 0 where unseen.

    Args:
        score: (T,) of the detector.
        image_px: (T, 21, 2) where it saw the points.
        off_px: (T, 21) how far off they reproject.
        size_px: width and height of the picture.
        margin: (T,) how much worse the other reading of the hand's depth is, in nats; inf where there is no other.
    """
    length = _length_px(image_px)[:, None]
    factors = by_score(score)[:, None] * by_reprojection(off_px / length) * by_border(_inside_px(image_px, size_px) / length)
    return np.nan_to_num(factors * by_ambiguity(margin)[:, None])


def blurred(confidence: Array, stats: PictureStats) -> Array:
    """Confidence (T, L) after the blur of the pictures (T,) counts, too."""
    typical = float(np.nanmedian(stats.sharpness)) if np.isfinite(stats.sharpness).any() else 0.0
    if typical <= 0:
        return confidence
    return np.asarray(confidence * by_blur(stats.sharpness / typical)[:, None])


def by_score(score: Array) -> Array:
    """The detector's own score, taken at its word."""
    return np.clip(score, 0.0, 1.0)


def by_reprojection(off: Array) -> Array:
    """1 where a point reprojects where it was seen, falling; a half at `_OFF_HALF` hand lengths."""
    return np.asarray(1 / (1 + (off / _OFF_HALF) ** 2))


def by_border(inside: Array) -> Array:
    """`_BORDER_LEAST` on the border of the picture and outside, rising to 1 at `_BORDER_FULL` hand lengths within."""
    return np.asarray(_BORDER_LEAST + (1 - _BORDER_LEAST) * np.clip(inside / _BORDER_FULL, 0.0, 1.0))


def by_blur(sharpness: Array) -> Array:
    """1 for a picture as sharp as the clip's median or sharper, a half at `_BLUR_HALF` of it, 0 for a smear."""
    below = np.clip(np.nan_to_num(sharpness, nan=1.0), 0.0, 1.0)
    return np.asarray(below ** (np.log(0.5) / np.log(_BLUR_HALF)))


def by_ambiguity(margin: Array) -> Array:
    """`_AMBIGUOUS_LEAST` where the other reading of the depth is as good, rising to 1."""
    return np.asarray(1 - (1 - _AMBIGUOUS_LEAST) * np.exp(-np.maximum(margin, 0.0) / _AMBIGUOUS_NATS))


def _length_px(image_px: Array) -> Array:
    """(T,) the hand's extent in the picture: the longest side of its box."""
    extent = image_px.max(1) - image_px.min(1)
    return np.maximum(extent.max(-1), _SHORTEST_PX)


def _inside_px(image_px: Array, size_px: tuple[int, int]) -> Array:
    return np.asarray(np.minimum(image_px, np.array(size_px) - image_px).min(-1))
