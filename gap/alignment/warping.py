"""Dynamic time warping: which moment of one track belongs to which of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from gap.errors import ScoreError
from motion.errors import require
from motion.transform import Array

LARGEST = 40_000_000
"""Pairs of frames that are compared at most; two tracks of two minutes at 50 Hz."""


@dataclass(frozen=True)
class Warp:
    """Which frames of two tracks belong together, as a path of P pairs.

    Attributes:
        first, second: (P,) frames; neither ever falls, and at each place one of them or both rise by 1. Both begin at 0.
        distance: mean distance of the pairs.
    """

    first: np.ndarray
    second: np.ndarray
    distance: float

    def second_at(self) -> np.ndarray:
        """(N,) the last frame of the second track that belongs to each frame of the first."""
        return self.second[np.searchsorted(self.first, np.arange(self.first[-1] + 1), side="right") - 1]


def warp(first: Array, second: Array, open_end: bool = False) -> Warp:
    """The pairing of two tracks whose distances add up to the least.

    Source: H. Sakoe and S. Chiba, IEEE Trans. ASSP 26 (1978), without slope weights; with an open end P. Tormene et al.,
    Artificial Intelligence in Medicine 45 (2009).

    Args:
        first: (N, F) features, in units that make one as telling as the other.
        second: (M, F).
        open_end: whether the first track may end before the second does: it is paired with that beginning of the second which fits it
            best, the shortest of equals. Else their ends are paired.

    Raises:
        ScoreError: an empty track, other features, numbers that are not finite, or more pairs than `LARGEST`.
    """
    one, other = np.asarray(first, float), np.asarray(second, float)
    good = one.ndim == other.ndim == 2 and one.shape[1] == other.shape[1] and len(one) > 0 and len(other) > 0
    require(good, ScoreError, f"tracks (N, F) and (M, F) were wanted; got {one.shape} and {other.shape}.")
    require(bool(np.isfinite(one).all() and np.isfinite(other).all()), ScoreError, "a feature is not finite; fill or leave out gaps first.")
    require(len(one) * len(other) <= LARGEST, ScoreError, f"{len(one)} by {len(other)} frames are too many to pair; thin the tracks out.")
    distances = cdist(one, other)
    total = _totals(distances)
    end = int(np.argmin(total[-1])) if open_end else len(other) - 1
    pairs = _path(total, end)
    return Warp(pairs[:, 0], pairs[:, 1], float(distances[pairs[:, 0], pairs[:, 1]].mean()))


def _totals(distances: Array) -> Array:
    """(N, M) least sum of distances of a path from (0, 0) to each pair.

    A row follows from the one before without a loop over it: whoever comes along the row from k to j adds the distances between,
    so the least is a running minimum beside a running sum.
    """
    total = np.empty_like(distances)
    total[0] = np.cumsum(distances[0])
    for row in range(1, len(distances)):
        above = total[row - 1]
        entered = above.copy()
        np.minimum(above[1:], above[:-1], out=entered[1:])
        along = np.cumsum(distances[row])
        total[row] = along + np.minimum.accumulate(entered - along + distances[row])
    return total


def _path(total: Array, end: int) -> np.ndarray:
    """(P, 2) pairs of the least path to (N - 1, end), the first first; of equals both tracks go on together."""
    row, column = len(total) - 1, end
    pairs = [(row, column)]
    while row or column:
        if row and column:
            before = total[row - 1, column - 1], total[row - 1, column], total[row, column - 1]
            step = int(np.argmin(before))
        else:
            step = 1 if row else 2
        row, column = row - (step != 2), column - (step != 1)
        pairs.append((row, column))
    return np.array(pairs[::-1])
