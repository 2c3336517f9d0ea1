"""Intervals for the numbers of one run, of which neighbouring moments say the same: its blocks are left out in turn.

A run is cut into six blocks of one length, and each number is computed again without each of them. From how much it moves follow its
standard error and, with Student's t of five degrees of freedom, its interval; of sizes, which cannot be negative, on a scale of
logarithms. It is right where what happens in one block depends little on what happens in the others, and where the blocks are alike: it
says what another run of the same kind would show, not one of another kind. A run too short for blocks of two seconds has none,
nor has a size that is nearly all of one block, as the energy of a joint that moved once.

Source: E. Carlstein, Annals of Statistics 14:1171-1179 (1986), blocks that do not overlap; H. R. Kuensch, Annals of Statistics
17:1217-1241 (1989), the jackknife over them; B. Schmeiser, Operations Research 30:556-568 (1982), few long blocks before many short ones.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from gap.statistics import CONFIDENCE
from motion.transform import Array

BLOCKS = 6
LEAST_BLOCK_S = 2.0
Ends = tuple[float, float]
NO_ENDS: Ends = (math.nan, math.nan)
_SLACK = 1e-9
_WIDEST = 100.0
"""A size whose interval would reach to so many times itself is of one block, and says nothing of the next."""


def blocks_of(moments: int, period_s: float) -> np.ndarray | None:
    """(moments,) which block each is in; None where the run is too short."""
    if moments * period_s < BLOCKS * LEAST_BLOCK_S - _SLACK:
        return None
    return np.arange(moments) * BLOCKS // moments


def block_sums(values: Array, blocks: np.ndarray) -> tuple[Array, Array]:
    """(B, ...) sums and numbers of the finite values (T, ...) in each block."""
    known = np.isfinite(values)
    mine = (blocks == np.arange(BLOCKS)[:, None]).astype(float)
    return np.tensordot(mine, np.where(known, values, 0.0), 1), np.tensordot(mine, known.astype(float), 1)


def means_without(values: Array, blocks: np.ndarray) -> Array:
    """(B, ...) means of the finite values (T, ...) without each block."""
    total, count = block_sums(values, blocks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total.sum(0) - total) / (count.sum(0) - count))


def jackknife(value: Array | float, without: Array, size: bool = True) -> tuple[Array, Array]:
    """Lower and upper ends (...) of 95 % intervals.

    Args:
        value: (...) of the whole run.
        without: (B, ...) of the run without each of B blocks.
        size: whether it cannot be negative, so that its logarithm is judged.

    Returns:
        NaN where a number is not known without one of the blocks, where a size is zero, or where nearly all of it is in one block.
    """
    count = len(without)
    with np.errstate(invalid="ignore", divide="ignore"):
        judged = np.log(without) if size else np.asarray(without, float)
        error = np.sqrt((count - 1) / count * ((judged - judged.mean(0)) ** 2).sum(0))
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
        if size:
            half = np.where(half <= math.log(_WIDEST), half, np.nan)
        low, high = (np.asarray(value * np.exp(way * half) if size else value + way * half) for way in (-1, 1))
    return low, high


def ends_of(value: float, without: Array | None, size: bool = True) -> Ends:
    """The same of one number; no ends where there are no blocks."""
    if without is None:
        return NO_ENDS
    low, high = jackknife(value, without, size)
    return float(low), float(high)


def ends_of_rms(values: Array, blocks: np.ndarray | None) -> Ends:
    """Ends of the root of the mean of squares (T, ...), over everything."""
    if blocks is None:
        return NO_ENDS
    total, count = (each.reshape(BLOCKS, -1).sum(1) for each in block_sums(values**2, blocks))
    return rms_over_units(total, count)


def rms_over_units(squares: Array, counts: Array) -> Ends:
    """Ends of a root of a mean of squares, of their sums and numbers (U,) in units that do not depend on each other."""
    with np.errstate(invalid="ignore", divide="ignore"):
        without = np.sqrt((squares.sum() - squares) / (counts.sum() - counts))
    return ends_of(math.sqrt(squares.sum() / counts.sum()), without)


def pieces(moments: int, period_s: float) -> Sequence[slice]:
    """Consecutive pieces of two seconds, of equal length; the whole run where it is shorter than two of them."""
    count = max(1, int(moments * period_s / LEAST_BLOCK_S + _SLACK))
    edges = np.round(np.linspace(0, moments, count + 1)).astype(int)
    return [slice(int(first), int(last)) for first, last in itertools.pairwise(edges)]
