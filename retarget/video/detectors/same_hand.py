"""Whether two detections are of one hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion.transform import Array
from retarget.video.seen import HandSeen

_SHARED = 0.5
"""Two boxes that share at least this of what they cover together may be one hand ..."""
_APART = 0.3
"""... and are, if their points lie on average closer than this many sizes of the smaller. Clasped hands share boxes, not points."""


def box(image_px: Array) -> Array:
    """(4,) left, upper, right and lower edge of points (N, 2)."""
    return np.concatenate([image_px.min(axis=0), image_px.max(axis=0)])


def size_px(image_px: Array) -> float:
    """Longer side of the box around points (N, 2)."""
    return float(np.ptp(image_px, axis=0).max())


def same(a: Array, b: Array) -> bool:
    """Whether points (21, 2) of two detections are those of one hand."""
    edges_a, edges_b = box(a), box(b)
    inner = np.clip(np.minimum(edges_a[2:], edges_b[2:]) - np.maximum(edges_a[:2], edges_b[:2]), 0, None).prod()
    outer = (edges_a[2:] - edges_a[:2]).prod() + (edges_b[2:] - edges_b[:2]).prod() - inner
    apart_px = np.linalg.norm(a - b, axis=1).mean()
    return bool(inner >= _SHARED * outer and apart_px <= _APART * min(size_px(a), size_px(b)))


def without_doubles(hands: Sequence[HandSeen]) -> list[HandSeen]:
    """The hands, of each only the detection with the highest score."""
    kept: list[HandSeen] = []
    for hand in sorted(hands, key=lambda seen: -seen.score):
        if not any(same(hand.image_px, other.image_px) for other in kept):
            kept.append(hand)
    return kept
