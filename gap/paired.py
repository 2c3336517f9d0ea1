"""Success on the real robot beside success in simulation, policy by policy: is the simulation a good predictor?

Two things are uncertain. Which policies were compared: the intervals of the correlations, which need at least five, Kendall's six. And
how often each was tried: the gap of each policy, and the rank violation's credible interval.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from gap.errors import ScoreError
from gap.statistics import CONFIDENCE, Interval, newcombe
from motion.errors import FileFormatError, UnknownNameError, require
from motion.transform import Array

_DRAWS = 4000
_JEFFREYS = 0.5
_PERFECT = 1e-12
"""Correlations nearer to 1 than this are 1, but for rounding."""
_COLUMNS = ("policy", "task", "real_successes", "real_trials", "sim_successes", "sim_trials")


@dataclass(frozen=True)
class PairedSuccess:
    """How often one policy succeeded in one task, on the real robot and in simulation.

    Raises:
        ScoreError: counts that cannot be.
    """

    policy: str
    task: str
    real_successes: int
    real_trials: int
    sim_successes: int
    sim_trials: int

    def __post_init__(self) -> None:
        for kind, successes, trials in (
            ("real", self.real_successes, self.real_trials),
            ("simulated", self.sim_successes, self.sim_trials),
        ):
            good = 0 <= successes <= trials and trials > 0
            said = f"policy {self.policy!r} in {self.task!r}: {successes} of {trials} {kind} trials is no count."
            require(good, ScoreError, f"{said} 0 <= successes <= trials was wanted.")

    @property
    def real(self) -> float:
        """Rate of success on the real robot."""
        return self.real_successes / self.real_trials

    @property
    def sim(self) -> float:
        """Rate of success in simulation."""
        return self.sim_successes / self.sim_trials

    def gap(self) -> Interval:
        """Simulated minus real rate, with Newcombe's interval."""
        return newcombe(self.sim_successes, self.sim_trials, self.real_successes, self.real_trials)


def read_paired(path: Path) -> tuple[PairedSuccess, ...]:
    """Rows of a `.csv` with the columns policy, task, real_successes, real_trials, sim_successes, sim_trials.

    Raises:
        FileFormatError: no such file, or a cell that is no whole number.
        UnknownNameError: a column that is missing.
        ScoreError: counts that cannot be, or a policy twice in a task.
    """
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    with open(path, newline="", encoding="utf-8-sig") as stream:
        table = csv.DictReader(stream)
        for name in _COLUMNS:
            if name not in (table.fieldnames or ()):
                raise UnknownNameError("column", name, table.fieldnames or (), str(path))
        rows = [_row(path, number, row) for number, row in enumerate(table, start=2)]
    require(bool(rows), FileFormatError, f"{path}: no rows.")
    keys = [(row.policy, row.task) for row in rows]
    for policy, task in keys:
        require(keys.count((policy, task)) == 1, ScoreError, f"{path}: policy {policy!r} is there twice in task {task!r}.")
    return tuple(rows)


def _row(path: Path, number: int, row: dict[str, Any]) -> PairedSuccess:
    try:
        counts = [int(row[name]) for name in _COLUMNS[2:]]
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{path}, line {number}: counts have to be whole numbers ({error}).") from error
    return PairedSuccess(row["policy"], row["task"], *counts)


# Correlations over policies.


def pearson(sim: ArrayLike, real: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Linear correlation of N rates, with Fisher's interval: the policies are a sample of policies that might have been compared.

    Rates that all lie on a line have none.

    Raises:
        ScoreError: not two lists of the same length.
    """
    return _correlation(sim, real, stats.pearsonr, 3, lambda _: 1.0, lambda _: 0.0, "Fisher", confidence)


def spearman(sim: ArrayLike, real: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Correlation of N ranks. Source: D. G. Bonett and T. A. Wright, Psychometrika 65:23-28 (2000).

    Raises:
        ScoreError: not two lists of the same length.
    """
    return _correlation(
        sim, real, stats.spearmanr, 3, lambda value: 1 + value**2 / 2, lambda n: 12 / (n * (n * n - 1)), "Bonett and Wright", confidence
    )


def kendall(sim: ArrayLike, real: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Kendall's tau-b of N rates. Source: as `spearman`; the variance is Fieller, Hartley and Pearson's.

    Raises:
        ScoreError: not two lists of the same length.
    """
    return _correlation(sim, real, stats.kendalltau, 4, lambda _: 0.437, lambda n: 4 / (n * (n - 1)), "Fieller", confidence)


def _correlation(
    sim: ArrayLike,
    real: ArrayLike,
    measure: Callable[[Array, Array], Any],
    spent: int,
    variance: Callable[[float], float],
    step: Callable[[int], float],
    method: str,
    confidence: float,
) -> Interval:
    """A correlation whose inverse hyperbolic tangent is nearly normal, with a variance of `variance(value) / (N - spent)`.

    `step(N)` is by how much the next best order of N ranks falls short of the perfect one. A perfect order is judged as half a step less
    than perfect, and its interval reaches to 1: few policies come out in perfect order often enough where the truth is far from it.
    """
    a, b = _pair(sim, real)
    count = len(a)
    value = float(measure(a, b).statistic) if count >= 2 and np.ptp(a) > 0 and np.ptp(b) > 0 else math.nan
    if not math.isfinite(value) or count <= spent + 1:
        return Interval(value, math.nan, math.nan, count, method, confidence)
    most = 1 - step(count) / 2
    if most == 1 and abs(value) >= 1 - _PERFECT:
        return Interval(value, math.nan, math.nan, count, method, confidence)
    judged = min(max(value, -most), most)
    half = float(stats.norm.ppf((1 + confidence) / 2)) * math.sqrt(variance(judged) / (count - spent))
    low, high = math.tanh(math.atanh(judged) - half), math.tanh(math.atanh(judged) + half)
    return Interval(value, -1.0 if value < -most else low, 1.0 if value > most else high, count, method, confidence)


# Violations of rank.


def mmrv(sim: ArrayLike, real: ArrayLike) -> float:
    """Mean maximum rank violation: how much real success the worst wrong order of two policies costs, on average over policies.

    A tie in one of the two counts as a violation or not by which of the policies comes first: `mmrv_signed` has no such case.

    Source: X. Li et al., "Evaluating real-world robot manipulation policies in simulation" (SIMPLER), CoRL 2024, eq. 2.

    Raises:
        ScoreError: not two lists of the same length.
    """
    a, b = _pair(sim, real)
    return float(_mmrv(a, b))


def mmrv_signed(sim: ArrayLike, real: ArrayLike) -> float:
    """The same where only a strictly opposite order is a violation; ties are none.

    Raises:
        ScoreError: not two lists of the same length.
    """
    a, b = _pair(sim, real)
    return float(_mmrv(a, b, signed=True))


def _mmrv(sim: Array, real: Array, signed: bool = False) -> Array:
    """Over the last axis."""
    s, r = sim[..., :, None] - sim[..., None, :], real[..., :, None] - real[..., None, :]
    wrong = s * r < 0 if signed else (s > 0) != (r > 0)
    return np.asarray((np.abs(r) * wrong).max(-1).mean(-1))


def mmrv_interval(rows: Sequence[PairedSuccess], signed: bool = False, seed: int = 0, confidence: float = CONFIDENCE) -> Interval:
    """As `mmrv_over_tasks`, of one task."""
    return mmrv_over_tasks([rows], signed, seed, confidence)


def mmrv_over_tasks(
    tasks: Sequence[Sequence[PairedSuccess]], signed: bool = False, seed: int = 0, confidence: float = CONFIDENCE
) -> Interval:
    """The rank violation of policies by their mean rates over tasks, with a credible interval for what it would be without the luck of
    few trials.

    True rates are drawn from what the counts say of them (Jeffreys' prior, each rate by itself). The measured value may lie
    above the interval: chance alone puts equal policies in the wrong order.

    Args:
        tasks: of each task, the same policies in the same order.
        signed: only a strictly opposite order is a violation.
        seed: of the draws.
        confidence: of the interval.

    Raises:
        ScoreError: fewer than two policies, or other ones in another task.
    """
    names = [[row.policy for row in rows] for rows in tasks]
    same = bool(names) and all(own == names[0] for own in names) and len(names[0]) >= 2
    require(same, ScoreError, f"policies {names}; at least 2 are wanted to have an order, the same ones in every task.")
    rng = np.random.default_rng(seed)
    drawn = [
        [_true_rates(rng, [row.sim_successes for row in rows], [row.sim_trials for row in rows]) for rows in tasks],
        [_true_rates(rng, [row.real_successes for row in rows], [row.real_trials for row in rows]) for rows in tasks],
    ]
    sim, real = (np.mean(own, axis=0) for own in drawn)
    low, high = np.quantile(_mmrv(sim, real, signed), [(1 - confidence) / 2, (1 + confidence) / 2])
    told = [np.mean([[getattr(row, kind) for row in rows] for rows in tasks], axis=0) for kind in ("sim", "real")]
    return Interval(float(_mmrv(told[0], told[1], signed)), float(low), float(high), len(names[0]), "credible, Jeffreys", confidence)


def _true_rates(rng: np.random.Generator, successes: Sequence[int], trials: Sequence[int]) -> Array:
    """(draws, policies)"""
    won, count = np.array(successes), np.array(trials)
    return rng.beta(won + _JEFFREYS, count - won + _JEFFREYS, (_DRAWS, len(won)))


# A real rate from few real and many simulated trials.


def prediction_powered(real: ArrayLike, sim: ArrayLike, more_sim: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Real success from n trials that were run in both worlds, and N more that were run in simulation alone.

    The simulation's error is measured on the pairs and taken off what it says of the others; it counts for as much as it
    agrees with reality, and for nothing where it does not.

    Args:
        real: (n,) 0 or 1.
        sim: (n,) of the same trials (layout, object, seed), in simulation.
        more_sim: (N,) of other trials of the same kind.
        confidence: two-sided level.

    The interval is Wilson's, for as many real trials alone as would leave the same variance: it holds near 0 and 1, too.

    Source: A. N. Angelopoulos, J. C. Duchi and T. Zrnic, "PPI++" (2023), eq. 6 and proposition 2, estimate and variance; E. L. Korn and
    B. I. Graubard, Survey Methodology 24:193-201 (1998), so many trials in place of a variance.

    Raises:
        ScoreError: lists that do not pair, or fewer than two pairs or others.
    """
    y, f = _pair(real, sim)
    others = np.asarray(more_sim, float)
    n, more = len(y), len(others)
    require(n >= 2 and more >= 2, ScoreError, f"{n} pairs and {more} simulated trials; at least 2 of each are wanted.")
    spread = float(np.var(np.concatenate([f, others]), ddof=1))
    covariance = _pairs_covariance(y, f)
    share = float(np.clip(covariance[0, 1] / ((1 + n / more) * spread), 0, 1)) if spread > 0 else 0.0
    value = float(np.clip(y.mean() + share * (others.mean() - f.mean()), 0.0, 1.0))
    left = float(covariance[0, 0] - 2 * share * covariance[0, 1] + share**2 * covariance[1, 1])
    error = left / n + share**2 * float(np.var(others, ddof=1)) / more
    worth = float(covariance[0, 0]) / error
    low, high = _score_ends(value, worth, float(stats.norm.ppf((1 + confidence) / 2)))
    return Interval(value, low, high, n, f"prediction-powered, {more} simulated beside", confidence)


def _pairs_covariance(real: Array, sim: Array) -> Array:
    """(2, 2) of pairs of outcomes, with half a pair of either kind that disagrees among them: few pairs that all agree prove little.

    Source: D. G. Bonett and R. M. Price, J. Educ. Behav. Stat. 37:479-488 (2012), such pairs added to a table of agreement.
    """
    outcomes = np.stack([np.append(real, [1.0, 0.0]), np.append(sim, [0.0, 1.0])])
    weight = np.append(np.ones(len(real)), [0.5, 0.5])
    centred = outcomes - (outcomes @ weight / weight.sum())[:, None]
    return np.asarray((weight * centred) @ centred.T / (weight.sum() - 1))


def _score_ends(rate: float, trials: float, width: float) -> tuple[float, float]:
    """Wilson's ends of a rate that is known as well as from so many trials."""
    spread = width * width / trials
    middle = (rate + spread / 2) / (1 + spread)
    half = math.sqrt(spread * rate * (1 - rate) + spread * spread / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array]:
    a, b = np.asarray(first, float), np.asarray(second, float)
    require(a.ndim == 1 and a.shape == b.shape, ScoreError, f"two lists of the same length were wanted; got {a.shape} and {b.shape}.")
    return a, b
