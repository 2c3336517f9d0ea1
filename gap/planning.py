"""How many episodes are enough, before they are run; and when to stop, while they run."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

from gap.errors import ScoreError
from gap.statistics import CONFIDENCE, Interval
from motion.errors import require

POWER = 0.8
_MOST_LOG = 700.0
"""Evidence is no larger than e to this, so that it stays finite."""


def power_of_difference(rate_1: float, rate_2: float, trials: int, confidence: float = CONFIDENCE) -> float:
    """Chance that two actors of these true rates, tried `trials` times each, are told apart (pooled z test, two-sided).

    Summed over all outcomes, not approximated.

    Raises:
        ScoreError: no rates, or no trials.
    """
    require(
        0 <= rate_1 <= 1 and 0 <= rate_2 <= 1 and trials >= 1,
        ScoreError,
        f"{rate_1} and {rate_2} in {trials} trials; rates of 0 to 1 and a trial at least.",
    )
    counts = np.arange(trials + 1)
    chance = np.outer(stats.binom.pmf(counts, trials, rate_1), stats.binom.pmf(counts, trials, rate_2))
    return float(chance[_told_apart(trials, confidence)].sum())


@lru_cache(maxsize=32)
def _told_apart(trials: int, confidence: float) -> np.ndarray:
    """(trials + 1, trials + 1) bool: which two counts differ by more than chance."""
    first, second = np.meshgrid(np.arange(trials + 1), np.arange(trials + 1), indexing="ij")
    pooled = (first + second) / (2 * trials)
    error = np.sqrt(np.maximum(pooled * (1 - pooled) * 2 / trials, 1e-300))
    return np.asarray(np.abs(first - second) / trials / error > stats.norm.ppf((1 + confidence) / 2))


def detectable_drop(rate: float, trials: int, power: float = POWER, confidence: float = CONFIDENCE) -> float:
    """The smallest drop from `rate` that `trials` episodes of each would show with that power; NaN where no drop would.

    Raises:
        ScoreError: no rate, or no trials.
    """
    if power_of_difference(rate, 0.0, trials, confidence) < power:
        return math.nan
    return float(optimize.brentq(lambda drop: power_of_difference(rate, rate - drop, trials, confidence) - power, 0.0, rate, xtol=1e-4))


def confidence_sequence(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a proportion that holds at all times at once: one may look after every episode and stop when one likes.

    The rates p that the running count does not refute: those whose likelihood is more than `1 - confidence` of its mean
    under Jeffreys' prior. Wider than an interval for a number of episodes that was fixed beforehand.

    Source: H. Robbins, Ann. Math. Statist. 41:1397-1409 (1970), the mixture martingale; J. Ville (1939), the bound.

    Raises:
        ScoreError: not 0 <= successes <= trials.
    """
    require(0 <= successes <= trials, ScoreError, f"{successes} of {trials} is no count; 0 <= successes <= trials was wanted.")
    name = "Robbins, at all times"
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0, 0, name, confidence)
    value, failures = successes / trials, trials - successes
    mean = special.betaln(successes + 0.5, failures + 0.5) - special.betaln(0.5, 0.5)
    limit = mean + math.log(1 - confidence)

    def kept(p: float) -> float:
        return float(special.xlogy(successes, p) + special.xlogy(failures, 1 - p)) - limit

    low = 0.0 if successes == 0 else float(optimize.brentq(kept, 1e-12, value)) if kept(1e-12) < 0 else 0.0
    high = 1.0 if failures == 0 else float(optimize.brentq(kept, value, 1 - 1e-12)) if kept(1 - 1e-12) < 0 else 1.0
    return Interval(value, low, high, trials, name, confidence)


def sequence_over(groups: Sequence[Hashable], outcomes: Sequence[bool], confidence: float = CONFIDENCE) -> Interval:
    """The same of the mean rate of several groups, each weighed by how often it was tried: one may stop each of them when one likes.

    Each group's own sequence has its share of the error, so that all of them hold together (Bonferroni).

    Args:
        groups: (n,) labels, e.g. chores.
        outcomes: (n,) whether it happened.
        confidence: of the whole.

    Raises:
        ScoreError: labels that do not fit.
    """
    require(len(groups) == len(outcomes), ScoreError, f"{len(groups)} labels for {len(outcomes)} outcomes.")
    own: dict[Hashable, list[bool]] = {}
    for group, outcome in zip(groups, outcomes, strict=True):
        own.setdefault(group, []).append(outcome)
    sure = 1 - (1 - confidence) / max(1, len(own))
    each = [confidence_sequence(sum(some), len(some), sure) for some in own.values()] or [confidence_sequence(0, 0, sure)]
    count = len(outcomes)
    low, high = (sum(end * (one.n / count if count else 1) for one, end in zip(each, ends, strict=True)) for ends in _ends(each))
    return Interval(sum(outcomes) / count if count else math.nan, low, high, count, each[0].method, confidence)


def _ends(intervals: Sequence[Interval]) -> tuple[list[float], list[float]]:
    return [one.low for one in intervals], [one.high for one in intervals]


def difference_at_all_times(first: Interval, second: Interval, confidence: float = CONFIDENCE) -> Interval:
    """Difference of two rates from their sequences, each of which has half of the error, so that both hold together.

    Args:
        first, second: by `sequence_over` with `halved(confidence)`.
        confidence: of the difference.
    """
    ends = first.low - second.high, first.high - second.low
    return Interval(first.value - second.value, *ends, min(first.n, second.n), first.method, confidence)


def halved(confidence: float = CONFIDENCE) -> float:
    """The confidence of each of two intervals that hold together with this one."""
    return (1 + confidence) / 2


def evidence_of_difference(only_first: int, only_second: int) -> float:
    """How much the pairs seen so far speak against two actors being equally good, valid at all times: an e-value.

    Of pairs in which just one succeeded, equal actors share evenly; this is the mean likelihood of any other share under
    Jeffreys' prior, over that. With 20 or more one may stop and say that they differ: by chance it ever gets there in at
    most 1 of 20 comparisons of equals.

    Source: as `confidence_sequence`.

    Raises:
        ScoreError: a negative count.
    """
    require(min(only_first, only_second) >= 0, ScoreError, "a count of pairs is negative.")
    mean = special.betaln(only_first + 0.5, only_second + 0.5) - special.betaln(0.5, 0.5)
    return math.exp(min(mean + (only_first + only_second) * math.log(2), _MOST_LOG))
