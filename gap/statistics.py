"""Intervals and tests. The unit that is drawn, counted or paired is an episode or a recording, never a time step."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from gap.errors import ScoreError
from motion.errors import require
from motion.transform import Array

CONFIDENCE = 0.95
RESAMPLES = 4000
Side = Literal["both", "upper", "lower"]
Method = Literal["t", "bca", "percentile"]
LEAST_UNITS = 5
"""Fewer episodes, or clusters of them, have no bootstrap interval: it would not hold what it promises (`benchmarks.gap`)."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
        value: the estimate; NaN where nothing was measured.
        low, high: ends of the interval; NaN where there is too little data for one.
        n: how many episodes (or pairs) stand behind it.
        method: how the interval was made.
        confidence: two-sided level unless the method says otherwise.
    """

    value: float
    low: float
    high: float
    n: int
    method: str
    confidence: float = CONFIDENCE

    @property
    def has_ends(self) -> bool:
        """Whether there was enough data for an interval."""
        return not math.isnan(self.low)


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson score interval of a proportion: for display.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    Raises:
        ScoreError: not 0 <= successes <= trials.
    """
    _check_counts(successes, trials)
    if trials == 0:
        return Interval(math.nan, math.nan, math.nan, 0, "Wilson", confidence)
    p = successes / trials
    return Interval(p, *_score_ends(p, trials, confidence), trials, "Wilson", confidence)


def wilson_mean(values: ArrayLike, clusters: Sequence[Hashable] | None = None, confidence: float = CONFIDENCE) -> Interval:
    """Score interval of a mean of numbers in 0..1 that are often 0 or 1, such as the share of a task that is done.

    Wilson's, for as many trials of all or nothing as would scatter as much; what is seen of the scatter counts as if one more unit had
    been all or nothing, so that units which agree by chance leave an interval. Of numbers that are all 0 or 1 it is Wilson's.

    Args:
        values: (n,) one number per episode.
        clusters: (n,) labels; episodes of one label depend on each other. Each is by itself by default.
        confidence: two-sided level.

    Source: an effective number of trials, as in E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998); `benchmarks.gap` says how
    often it holds the truth.

    Raises:
        ScoreError: numbers outside 0..1, or labels that do not fit.
    """
    v, name = np.asarray(values, float), f"Wilson, of {'clusters' if clusters is not None else 'means'}"
    require(v.ndim == 1, ScoreError, f"values are {v.shape}; (n,) was wanted, one number per episode.")
    require(bool(((v >= 0) & (v <= 1)).all()), ScoreError, "a value is not in 0..1.")
    if not len(v):
        return Interval(math.nan, math.nan, math.nan, 0, name, confidence)
    sums, sizes = _cluster_sums(v, clusters)
    units, value = len(sums), float(np.clip(v.mean(), 0, 1))
    trials = float(units)
    if units > 1 and 0 < value < 1:
        all_or_nothing = value * (1 - value) / (units - 1)
        seen = float(_ratio_error(np.ones((1, units)), sums, sizes, np.array([value]))[0]) ** 2
        trials *= units * all_or_nothing / ((units - 1) * seen + all_or_nothing)
    return Interval(value, *_score_ends(value, trials, confidence), len(v), name, confidence)


def clopper_pearson(successes: int, trials: int, confidence: float = CONFIDENCE, side: Side = "both") -> Interval:
    """Exact interval of a proportion, never too narrow: for safety.

    Args:
        successes: events counted.
        trials: episodes.
        confidence: of the interval, or of the one bound asked for.
        side: "upper" puts all the error above (0 of 50 proves only < 5.8 %), "lower" below.

    Source: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934).

    Raises:
        ScoreError: not 0 <= successes <= trials.
    """
    _check_counts(successes, trials)
    name = "Clopper-Pearson" + ("" if side == "both" else f", one-sided {side}")
    if trials == 0:
        return Interval(math.nan, math.nan, math.nan, 0, name, confidence)
    tail = (1 - confidence) / (2 if side == "both" else 1)
    low, high = 0.0, 1.0
    if successes > 0 and side != "upper":
        low = float(stats.beta.ppf(tail, successes, trials - successes + 1))
    if successes < trials and side != "lower":
        high = float(stats.beta.ppf(1 - tail, successes + 1, trials - successes))
    return Interval(successes / trials, low, high, trials, name, confidence)


def newcombe(successes_1: int, trials_1: int, successes_2: int, trials_2: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a difference p1 - p2 of proportions from two independent samples.

    Source: R. G. Newcombe, Statistics in Medicine 17:873-890 (1998), method 10.

    Raises:
        ScoreError: counts that cannot be.
    """
    first, second = wilson(successes_1, trials_1, confidence), wilson(successes_2, trials_2, confidence)
    return _square_and_add(first, second, 0.0, min(trials_1, trials_2), "Newcombe")


def newcombe_paired(both: int, only_first: int, only_second: int, neither: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a difference p1 - p2 of proportions measured on the same units.

    Args:
        both, only_first, only_second, neither: how many pairs succeeded in both, in one only, in none.
        confidence: two-sided level.

    Source: R. G. Newcombe, Statistics in Medicine 17:2635-2650 (1998), method 10.

    Raises:
        ScoreError: a negative count.
    """
    pairs = both + only_first + only_second + neither
    require(min(both, only_first, only_second, neither) >= 0, ScoreError, "a count of pairs is negative.")
    first, second = wilson(both + only_first, pairs, confidence), wilson(both + only_second, pairs, confidence)
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    excess = float(both * neither - only_first * only_second)
    if excess > 0:
        excess = max(excess - pairs / 2, 0.0)
    phi = excess / math.sqrt(margins) if margins else 0.0
    return _square_and_add(first, second, phi, pairs, "Newcombe, paired")


def newcombe_means(first: ArrayLike, second: ArrayLike, paired: bool, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a difference of means of numbers in 0..1, e.g. of what layouts had of success under several conditions.

    Newcombe's way with two `wilson_mean`. Pairs correlate as they are seen to, drawn towards none as few of them say little.

    Args:
        first, second: (n,) and (m,) one number per unit; in pairs, the same units.
        paired: whether they are pairs.
        confidence: two-sided level.

    Raises:
        ScoreError: numbers outside 0..1, or pairs that do not fit.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    phi = 0.0
    if paired:
        require(a.shape == b.shape, ScoreError, f"pairs were wanted; got {a.shape} and {b.shape}.")
        off_a, off_b = a - a.mean(), b - b.mean()
        both = math.sqrt((off_a**2).sum() * (off_b**2).sum())
        phi = float((off_a * off_b).sum() / both) if both > 1e-12 else 0.0
        phi *= (len(a) - 1) / (len(a) + 1) if phi > 0 else 1.0
    name = f"Newcombe, of means{', paired' if paired else ''}"
    return _square_and_add(wilson_mean(a, confidence=confidence), wilson_mean(b, confidence=confidence), phi, min(len(a), len(b)), name)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value that two actors succeed equally often, from the pairs in which just one of them did."""
    _check_counts(only_first, only_first + only_second)
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p-values adjusted for how many there are, in the order given. Source: S. Holm, Scand. J. Statist. 6 (1979)."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(raised, 1.0)
    return tuple(float(value) for value in adjusted)


def bootstrap_mean(
    values: ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    method: Method = "t",
    confidence: float = CONFIDENCE,
) -> Interval:
    """Bootstrap interval of a mean over episodes; the same seed gives the same interval.

    Args:
        values: (n,) one finite number per episode.
        clusters: (n,) labels; episodes of one label (seeds of one recording) are drawn together. Each episode is its
            own cluster by default.
        seed: of the draws.
        resamples: how many draws.
        method: "t" (studentised: how far a drawn mean is off, in standard errors of its own draw), which covers what it promises
            with a dozen units, too; "bca" (bias-corrected and accelerated) and "percentile" are too narrow then.
        confidence: two-sided level.

    Returns:
        No ends with fewer units than `LEAST_UNITS`, or where all of them agree; a unit is a cluster.

    Source: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), ch. 12-14; P. Hall, Annals of Statistics
    16:927-953 (1988), why the first is best.

    Raises:
        ScoreError: a number that is not finite, or labels that do not fit.
    """
    v = np.asarray(values, float)
    require(v.ndim == 1, ScoreError, f"values are {v.shape}; (n,) was wanted, one number per episode.")
    require(bool(np.isfinite(v).all()), ScoreError, "a value is not finite; leave out what was not measured and say how many.")
    name = f"{'cluster ' if clusters is not None else ''}bootstrap, {method}"
    sums, sizes = _cluster_sums(v, clusters)
    value = float(v.mean()) if len(v) else math.nan
    if len(sums) < LEAST_UNITS:
        return Interval(value, math.nan, math.nan, len(v), name, confidence)
    counts = _resample_counts(len(sums), resamples, seed)
    if method == "t":
        return Interval(value, *_studentised(sums, sizes, counts, value, confidence), len(v), name, confidence)
    means = (counts @ sums) / (counts @ sizes)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "bca":
        tails = _bca_tails(tails, means, value, (sums.sum() - sums) / (sizes.sum() - sizes))
    low, high = np.quantile(means, tails)
    return Interval(value, float(low), float(high), len(v), name, confidence)


def bootstrap_difference(
    first: ArrayLike, second: ArrayLike, clusters: Sequence[Hashable] | None = None, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Bootstrap interval of mean(first - second) over pairs, e.g. nominal minus plant on the same recording and seed.

    Raises:
        ScoreError: the two do not pair, or a number is not finite.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    require(a.shape == b.shape, ScoreError, f"pairs were wanted; got {a.shape} and {b.shape}.")
    return bootstrap_mean(a - b, clusters, seed, resamples)


def _check_counts(successes: int, trials: int) -> None:
    require(0 <= successes <= trials, ScoreError, f"{successes} of {trials} is no count; 0 <= successes <= trials was wanted.")


def _normal_quantile(confidence: float) -> float:
    return float(stats.norm.ppf((1 + confidence) / 2))


def _score_ends(value: float, trials: float, confidence: float) -> tuple[float, float]:
    """Ends of Wilson's interval."""
    z = _normal_quantile(confidence)
    centre = (value + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(value * (1 - value) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    return 0.0 if value == 0 else centre - half, 1.0 if value == 1 else centre + half


def _square_and_add(first: Interval, second: Interval, phi: float, n: int, method: str) -> Interval:
    """Newcombe's difference of two Wilson intervals whose estimates correlate by phi."""
    below_1, above_1 = first.value - first.low, first.high - first.value
    below_2, above_2 = second.value - second.low, second.high - second.value
    down = below_1**2 - 2 * phi * below_1 * above_2 + above_2**2
    up = above_1**2 - 2 * phi * above_1 * below_2 + below_2**2
    difference = first.value - second.value
    return Interval(difference, difference - math.sqrt(max(down, 0.0)), difference + math.sqrt(max(up, 0.0)), n, method, first.confidence)


def _cluster_sums(values: Array, clusters: Sequence[Hashable] | None) -> tuple[Array, Array]:
    """Sum and size of every cluster, in order of first appearance."""
    if clusters is None:
        return values, np.ones(len(values))
    require(len(clusters) == len(values), ScoreError, f"{len(clusters)} cluster labels for {len(values)} values.")
    place = {label: index for index, label in enumerate(dict.fromkeys(clusters))}
    index = np.array([place[label] for label in clusters], int)
    return np.bincount(index, values, len(place)), np.bincount(index, minlength=len(place)).astype(float)


@lru_cache(maxsize=64)
def _resample_counts(units: int, resamples: int, seed: int) -> Array:
    """(resamples, units): how often each unit is drawn. Shared by all metrics of one card."""
    rng = np.random.default_rng([seed, units])
    counts = rng.multinomial(units, np.full(units, 1 / units), size=resamples).astype(float)
    counts.flags.writeable = False
    return counts


def _studentised(sums: Array, sizes: Array, counts: Array, value: float, confidence: float) -> tuple[float, float]:
    """Ends of the bootstrap-t interval (Efron and Tibshirani, eq. 12.22) of a ratio of sums; draws without any spread are left out."""
    own = float(_ratio_error(np.ones((1, len(sums))), sums, sizes, np.array([value]))[0])
    drawn = (counts @ sums) / (counts @ sizes)
    error = _ratio_error(counts, sums, sizes, drawn)
    spread = error > 1e-9 * own
    if own <= 1e-12 * max(1.0, abs(value)) or not spread.any():
        return math.nan, math.nan
    low, high = np.quantile((drawn[spread] - value) / error[spread], [(1 - confidence) / 2, (1 + confidence) / 2])
    return value - own * float(high), value - own * float(low)


def _ratio_error(counts: Array, sums: Array, sizes: Array, means: Array) -> Array:
    """(R,) standard errors of sum(sums) / sum(sizes) over units drawn `counts` (R, U) times."""
    squares = counts @ sums**2 - 2 * means * (counts @ (sums * sizes)) + means**2 * (counts @ sizes**2)
    units = len(sums)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0) * units / (units - 1)) / (counts @ sizes))


def _bca_tails(tails: Array, means: Array, value: float, left_out: Array) -> Array:
    """Tails moved for bias and skew (Efron and Tibshirani, eq. 14.10, 14.15); ties count half."""
    slack = 1e-12 * max(abs(value), 1e-300)
    below = ((means < value - slack).mean() + (means <= value + slack).mean()) / 2
    bias = stats.norm.ppf(np.clip(below, 1 / (len(means) + 1), len(means) / (len(means) + 1)))
    spread = left_out.mean() - left_out
    scale = (spread**2).sum() ** 1.5
    acceleration = (spread**3).sum() / (6 * scale) if scale > 0 else 0.0
    z = bias + stats.norm.ppf(tails)
    return np.asarray(stats.norm.cdf(bias + z / (1 - acceleration * z)), float)
