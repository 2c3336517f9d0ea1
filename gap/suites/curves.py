"""Robustness curves: success against how much is changed, the area under it, and where half of it is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.statistics import CONFIDENCE, LEAST_UNITS, RESAMPLES, Interval, wilson, wilson_mean
from gap.suites.conditions import SEEN, CurveRule
from motion.errors import require
from motion.transform import Array


@dataclass(frozen=True)
class Curve:
    """How success falls along one axis.

    Attributes:
        policy, chore, name, unit: which.
        levels: neutral first.
        success: at each level, Wilson intervals.
        last: the last level at which success is what was asked for; beyond, where policies are asked for another chore, it is none.
        area: mean success from the neutral level to that one, 0..1: the area under the curve.
        s50: the level at which half of the neutral success is left; infinite (also an end of its interval) where the last level has
            more, NaN where there was no success to lose. Minus infinite on curves whose levels fall.
    """

    policy: str
    chore: str
    name: str
    unit: str
    levels: tuple[float, ...]
    success: tuple[Interval, ...]
    last: float
    area: Interval
    s50: Interval


def curve(policy: str, chore: str, rule: CurveRule, rows: Mapping[str, Sequence[EpisodeResult]], seed: int = 0) -> Curve:
    """A policy's curve in one chore, over the episodes that every level has.

    Args:
        policy, chore: whose.
        rule: the axis.
        rows: condition -> rows of this policy in this chore; "seen" gives the neutral level.
        seed: of the bootstrap.

    Raises:
        ScoreError: no episode is there at every level.
    """
    levels = (rule.neutral, *rule.levels)
    names = (SEEN, *(rule.condition(level).name for level in rule.levels))
    won = [{row.key: row.success for row in rows.get(name, ())} for name in names]
    keys = [key for key in won[0] if all(key in level for level in won)]
    require(bool(keys), ScoreError, f"{policy} in {chore}: no episode ran at every level of {rule.name}.")
    table = np.array([[level[key] for level in won] for key in keys], float)
    rates = tuple(wilson(int(column.sum()), len(keys)) for column in table.T)
    away, table = np.abs(np.array((rule.neutral, *rule.asked)) - rule.neutral), table[:, : len(rule.asked) + 1]
    area = wilson_mean(np.trapezoid(table, away, axis=1) / away[-1])
    half = _as_level(half_lost(table, away, seed), rule)
    return Curve(policy, chore, rule.name, rule.unit, levels, rates, rule.asked[-1], area, half)


def _as_level(away: Interval, rule: CurveRule) -> Interval:
    """A distance from the neutral level, as a level."""
    if rule.levels[-1] > rule.neutral:
        return replace(away, value=rule.neutral + away.value, low=rule.neutral + away.low, high=rule.neutral + away.high)
    return replace(away, value=rule.neutral - away.value, low=rule.neutral - away.high, high=rule.neutral - away.low)


def half_lost(table: Array, away: Array, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """How far from the neutral level half of its success is left, with an expanded percentile bootstrap over episodes.

    The curve is made monotone first (least squares), and is straight between levels. Percentiles are taken farther out by as much as
    Student's t is wider than the normal distribution.

    Args:
        table: (n, L) success of each episode at each level, neutral first.
        away: (L,) distances of the levels from the neutral one, rising from 0.
        seed: of the draws.
        resamples: how many draws.

    Source: T. C. Hesterberg, The American Statistician 69:371-386 (2015).
    """
    n = len(table)
    value = float(_crossing(table.mean(0)[None], away)[0])
    name = "bootstrap, expanded percentile"
    if n < LEAST_UNITS or math.isnan(value):
        return Interval(value, math.nan, math.nan, n, name)
    counts = np.random.default_rng([seed, n]).multinomial(n, np.full(n, 1 / n), size=resamples)
    found = _crossing(counts @ table / n, away)
    found = found[~np.isnan(found)]
    tail = float(stats.norm.sf(math.sqrt(n / (n - 1)) * stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)))
    low, high = np.quantile(found, [tail, 1 - tail], method="inverted_cdf")
    return Interval(value, float(low), float(high), n, name)


def _crossing(rates: Array, away: Array) -> Array:
    """(R,) where curves (R, L) fall to half of their first value."""
    falling = antitonic(rates)
    half = falling[:, :1] / 2
    below = falling <= half
    place = below.argmax(1)
    rows = np.arange(len(rates))
    high, low = falling[rows, place - 1], falling[rows, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (high - half[:, 0]) / (high - low)
    at = away[place - 1] + share * (away[place] - away[place - 1])
    at = np.where(below.any(1), at, math.inf)
    return np.asarray(np.where(half[:, 0] > 0, at, math.nan))


def antitonic(rates: Array) -> Array:
    """(R, L) the nearest curves that never rise, in least squares with equal weights.

    Source: R. E. Barlow et al., Statistical Inference under Order Restrictions (1972), the min-max formula.
    """
    length = rates.shape[1]
    sums = np.concatenate([np.zeros((len(rates), 1)), np.cumsum(rates, axis=1)], axis=1)
    begin, end = np.arange(length)[:, None], np.arange(length)[None]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (sums[:, None, 1:] - sums[:, :-1, None]) / (end - begin + 1)  # of begin..end
    means = np.where(begin <= end, means, -math.inf)
    return np.stack([means[:, : k + 1, k:].max(2).min(1) for k in range(length)], axis=1)
