"""Statistics per feature: of one episode, exactly, and of all episodes from theirs.

The names are LeRobot's: min, max, mean, std, count, q01, q10, q50, q90, q99. What is not a number (NaN, something unseen) is
left out. LeRobot 0.4 takes the weighted mean of the episodes' quantiles for the quantile of all; here the episodes'
distributions are mixed instead, each known at its seven levels and taken as even in between.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from motion.transform import Array

Stats = dict[str, Array]
LEVELS: Mapping[str, float] = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
NAMES = ("min", "max", "mean", "std", "count", *LEVELS)
_MASSES = np.diff([0.0, *LEVELS.values(), 1.0])
"""Share of the numbers between two levels."""
_HALVINGS, _STEP = 32, 1e-9
"""Halvings of the range in the search for a quantile, and the width of a step: both finer than float32."""
_PICTURES, _PIXEL_STEP, _LARGEST = 100, 4, 255.0
"""Pictures of an episode that are looked at, every n-th pixel of them, and the number that becomes 1."""


def episode_stats(track: np.ndarray) -> Stats:
    """Statistics of (T, W) or (T,) numbers over time: each (W,), and `count` (1,)."""
    values = np.asarray(track, float).reshape(len(track), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column in which nothing was seen has no statistics: NaN
        whole = np.isfinite(values).all()
        rows = values if whole else np.where(np.isfinite(values), values, np.nan)
        quantile = np.quantile if whole else np.nanquantile
        found = {
            "min": np.nanmin(rows, axis=0),
            "max": np.nanmax(rows, axis=0),
            "mean": np.nanmean(rows, axis=0),
            "std": np.nanstd(rows, axis=0),
            "count": np.array([len(values)], float),
        }
        return found | dict(zip(LEVELS, quantile(rows, list(LEVELS.values()), axis=0), strict=True))


def picture_stats(pictures: np.ndarray) -> Stats:
    """Statistics per colour, 0..1, of (T, H, W, 3) pictures: each (3, 1, 1), and `count` (1,) of the pictures looked at."""
    chosen = np.unique(np.linspace(0, len(pictures) - 1, min(len(pictures), _PICTURES)).round().astype(int))
    pixels = pictures[chosen][:, ::_PIXEL_STEP, ::_PIXEL_STEP].reshape(-1, 3) / _LARGEST
    found = {name: value.reshape(3, 1, 1) for name, value in episode_stats(pixels).items() if name != "count"}
    return found | {"count": np.array([len(chosen)], float)}


def pooled_stats(episodes: Mapping[str, Array]) -> Stats:
    """Statistics of all frames of E episodes from each one's.

    Args:
        episodes: name -> (E, ...) stacked statistics of the episodes, `count` (E, 1).
    """
    shape = episodes["mean"].shape[1:]
    flat = {name: np.asarray(values, float).reshape(len(values), -1) for name, values in episodes.items()}
    weights = np.where(np.isfinite(flat["mean"]), flat["count"], 0.0)
    total = weights.sum(axis=0)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        mean = np.nansum(weights * flat["mean"], axis=0) / total
        spread = np.nansum(weights * (flat["std"] ** 2 + (flat["mean"] - mean) ** 2), axis=0) / total
        pooled = {"min": np.nanmin(flat["min"], axis=0), "max": np.nanmax(flat["max"], axis=0), "mean": mean, "std": np.sqrt(spread)}
        pooled |= _mixed_quantiles(flat, weights / total, pooled["min"], pooled["max"])
    return {name: value.reshape(shape) for name, value in pooled.items()} | {"count": flat["count"].sum(axis=0)}


def _mixed_quantiles(flat: Mapping[str, Array], share: Array, low: Array, high: Array) -> Stats:
    """Quantiles (W,) of a mixture of episodes with shares (E, W), between the least and the largest number of all (W,)."""
    knots = np.stack([flat["min"], *(flat[name] for name in LEVELS), flat["max"]])
    seen = np.where(np.isfinite(knots), knots, 0.0)
    ends = seen[1:]
    # A knot that many numbers share is a step; it gets a slope too steep to matter.
    widths = np.maximum(np.diff(seen, axis=0), np.maximum(_STEP * (high - low), np.finfo(float).tiny))
    found = {}
    for name, level in LEVELS.items():
        below, above = low.copy(), high.copy()
        for _ in range(_HALVINGS):
            middle = (below + above) / 2
            enough = (share * _reached(ends, widths, middle)).sum(axis=0) >= level
            below, above = np.where(enough, below, middle), np.where(enough, middle, above)
        found[name] = above
    return found


def _reached(ends: Array, widths: Array, value: Array) -> Array:
    """Share (E, W) of each episode's numbers that are at most `value` (W,), by the six parts (6, E, W) of its range."""
    parts = np.minimum(np.maximum(1.0 - (ends - value) / widths, 0.0), 1.0)
    return np.tensordot(_MASSES, parts, axes=1)
