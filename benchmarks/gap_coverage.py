"""How often the 95 % intervals that are printed hold the truth, by simulation with truths that are known: rates, means, correlations.

Bar: 93 to 97 % on average over true values and sizes; those that promise more hold at least 95 % everywhere. `benchmarks.gap_coverage_runs`
does the same for runs and plants.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from benchmarks.gap_coverage_runs import BY_CHANCE, IDENTIFIED, identified_coverage, run_coverage
from benchmarks.parallel import in_order
from benchmarks.table import Row
from gap.paired import PairedSuccess, kendall, mmrv, mmrv_interval, pearson, prediction_powered, spearman
from gap.planning import confidence_sequence
from gap.statistics import (
    Interval,
    bootstrap_difference,
    bootstrap_mean,
    clopper_pearson,
    newcombe,
    newcombe_means,
    newcombe_paired,
    wilson,
    wilson_mean,
)
from gap.suites.curves import half_lost

LEAST, MOST, SURE, RARE = 93.0, 97.0, 95.0, 1.0
Cells = dict[str, list[tuple[float, int]]]
"""Kind of interval -> share of hits and number of simulations in each cell of its grid; 0 simulations: summed over all outcomes."""
_RATES = np.round(np.arange(0.02, 0.981, 0.02), 2)


@dataclass(frozen=True)
class Within(Row):
    """A share that may be neither below its bar nor above `MOST`."""

    @property
    def met(self) -> bool:
        """Whether it lies between."""
        return LEAST <= self.measured <= MOST


def coverage(jobs: int, scale: float = 1.0, kinds: Sequence[str] = ()) -> list[Row]:
    """Every kind of interval, or some of `KINDS`; `scale` multiplies the simulations."""
    tasks = [(name, part, scale) for name, (parts, _) in KINDS.items() for part in range(parts) if not kinds or name in kinds]
    cells: Cells = {}
    for told in in_order(_part, tasks, jobs, "part", "coverage"):
        for kind, own in told.items():
            cells.setdefault(kind, []).extend(own)
    identified = [cell for kind in cells if kind.startswith(IDENTIFIED) for cell in cells[kind]]
    cells |= {"identified: all numbers": identified} if identified else {}
    return [_row(kind, cells[kind]) for kind in sorted(cells)]


def _row(kind: str, cells: list[tuple[float, int]]) -> Row:
    shares, counts = 100 * np.array([share for share, _ in cells]), np.array([count for _, count in cells])
    counted = f"{counts.sum()} simulations" if counts.any() else "summed over all outcomes"
    note = f"least {shares.min():.1f}, most {shares.max():.1f} over {len(cells)} cells; {counted}"
    if kind.endswith(BY_CHANCE):
        return Row(kind, float(np.average(shares, weights=counts)), RARE, "%", at_least=False, note=note)
    if kind.startswith(IDENTIFIED):
        return Row(kind, float(np.average(shares, weights=counts)), unit="%", note=f"{counted}; judged together")
    if kind.endswith(_PROMISES):
        return Row(kind, float(shares.min()), SURE, "%", note=f"{note}; the least is judged")
    return Within(kind, float(np.average(shares, weights=counts if counts.any() else None)), LEAST, "%", note=f"{note}; at most {MOST:g}")


_PROMISES = "(promises at least)"


def _part(name: str, part: int, scale: float) -> Cells:
    return KINDS[name][1](part, scale)


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low - 1e-12 <= truth <= interval.high + 1e-12


# Rates: all outcomes, none drawn.


def _rates(_: int, __: float) -> Cells:
    cells: Cells = {}
    kinds: dict[str, Callable[[int, int], Interval]] = {
        "Wilson": wilson,
        f"Clopper-Pearson, two-sided {_PROMISES}": clopper_pearson,
        f"Clopper-Pearson, upper {_PROMISES}": lambda k, n: clopper_pearson(k, n, side="upper"),
        f"Clopper-Pearson, lower {_PROMISES}": lambda k, n: clopper_pearson(k, n, side="lower"),
    }
    for (name, kind), trials in itertools.product(kinds.items(), (5, 10, 20, 50, 100)):
        found = [kind(k, trials) for k in range(trials + 1)]
        for rate in _RATES:
            chance = stats.binom.pmf(np.arange(trials + 1), trials, rate)
            hits = np.array([_holds(own, float(rate)) for own in found])
            cells.setdefault(name, []).append((float(chance @ hits), 0))
    for trials_1, trials_2 in ((10, 10), (20, 20), (20, 50), (50, 50)):
        pairs = itertools.product(range(trials_1 + 1), range(trials_2 + 1))
        ends = np.array([[own.low, own.high] for own in (newcombe(a, trials_1, b, trials_2) for a, b in pairs)])
        for rate_1, rate_2 in itertools.product(np.arange(0.05, 0.96, 0.1), repeat=2):
            chance = np.outer(*(stats.binom.pmf(np.arange(n + 1), n, p) for n, p in ((trials_1, rate_1), (trials_2, rate_2)))).ravel()
            hits = (ends[:, 0] <= rate_1 - rate_2 + 1e-12) & (rate_1 - rate_2 - 1e-12 <= ends[:, 1])
            cells.setdefault("Newcombe", []).append((float(chance @ hits), 0))
    return cells


def _paired_rates(_: int, __: float) -> Cells:
    cells: list[tuple[float, int]] = []
    for pairs in (9, 12, 20, 30):
        tables = np.array([(a, b, c, pairs - a - b - c) for a, b, c in np.ndindex(*(pairs + 1,) * 3) if a + b + c <= pairs])
        ends = np.array([[own.low, own.high] for own in (newcombe_paired(*map(int, table)) for table in tables)])
        for rate_1, rate_2, alike in itertools.product((0.2, 0.5, 0.8, 0.9), (0.2, 0.5, 0.8, 0.9), (0.0, 0.4, 0.8)):
            both = rate_1 * rate_2 + alike * math.sqrt(rate_1 * (1 - rate_1) * rate_2 * (1 - rate_2))
            shares = np.array([both, rate_1 - both, rate_2 - both, 1 - rate_1 - rate_2 + both])
            if shares.min() > 0:
                hits = (ends[:, 0] <= rate_1 - rate_2 + 1e-12) & (rate_1 - rate_2 - 1e-12 <= ends[:, 1])
                cells.append((float(stats.multinomial.pmf(tables, pairs, shares) @ hits), 0))
    return {"Newcombe, paired": cells}


def _always(_: int, __: float) -> Cells:
    """Share of runs of 200 episodes in which the sequence holds the truth after every single one."""
    ends = {(k, n): confidence_sequence(k, n) for n in range(1, 201) for k in range(n + 1)}
    cells = []
    for rate in (0.02, 0.05, 0.1, 0.3, 0.5):  # beyond, by symmetry
        alive = np.ones(1)
        for n in range(1, 201):
            alive = np.append(alive * (1 - rate), 0.0) + np.append(0.0, alive * rate)
            alive *= [_holds(ends[k, n], rate) for k in range(n + 1)]
        cells.append((float(alive.sum()), 0))
    return {f"confidence sequence, at all of 200 looks {_PROMISES}": cells}


# Means.

_POPULATIONS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.uniform(-1, 1, n),
    "log-normal 0.5": lambda rng, n: rng.lognormal(0, 0.5, n) - math.exp(0.125),
    "exponential": lambda rng, n: rng.exponential(size=n) - 1,
}


def _means(part: int, scale: float) -> Cells:
    draw = list(_POPULATIONS.values())[part]
    rng, cells = np.random.default_rng([1, part]), {}
    count = round(1000 * scale)
    for size in (5, 9, 12, 20, 50, 100):
        found = [bootstrap_mean(draw(rng, size), seed=k) for k in range(count)]
        cells.setdefault("bootstrap mean", []).append((float(np.mean([_holds(own, 0.0) for own in found])), count))
    for recordings in (6, 9, 12, 20):
        hits = 0
        for k in range(count):
            sizes = rng.integers(1, 5, recordings)
            values = np.repeat(draw(rng, recordings), sizes) + 0.5 * rng.normal(size=sizes.sum())
            hits += _holds(bootstrap_mean(values, np.repeat(np.arange(recordings), sizes).tolist(), seed=k), 0.0)
        cells.setdefault("bootstrap mean, clusters of 1 to 4", []).append((hits / count, count))
    for pairs in (9, 12, 20):
        hits = 0
        for k in range(count):
            shared = draw(rng, pairs)
            first, second = shared + draw(rng, pairs), shared + 0.5 * draw(rng, pairs)
            hits += _holds(bootstrap_difference(first, second, seed=k), 0.0)
        cells.setdefault("bootstrap difference", []).append((hits / count, count))
    return cells


# Shares: numbers in 0..1, many of them 0 or 1.

_SHARES: dict[str, tuple[Callable[[np.random.Generator, int], np.ndarray], float]] = {
    "progress": (lambda rng, n: np.where(rng.random(n) < 0.6, 1.0, rng.random(n)), 0.8),
    "progress of the good": (lambda rng, n: np.where(rng.random(n) < 0.9, 1.0, rng.random(n)), 0.95),
    "any": (lambda rng, n: rng.random(n), 0.5),
}
_LAYOUT_SPREAD = 3.0
"""How much layouts differ in difficulty, in logits."""


def _broken(rate: float, left: float) -> tuple[Callable[[np.random.Generator, int], np.ndarray], float]:
    """Layouts that are done at all levels of a curve, or break and have only a part of it."""
    return (lambda rng, n: np.where(rng.random(n) < rate, 1.0, left)), rate + (1 - rate) * left


def _shares(_: int, scale: float) -> Cells:
    rng, count, cells = np.random.default_rng(5), round(1000 * scale), []
    kinds = [*_SHARES.values(), *(_broken(rate, left) for rate in (0.5, 0.8, 0.9, 0.95, 0.98) for left in (0.0, 0.25, 0.5))]
    for (draw, truth), size in itertools.product(kinds, (5, 9, 16, 32, 100)):
        cells.append((float(np.mean([_holds(wilson_mean(draw(rng, size)), truth) for _ in range(count)])), count))
    return {"Wilson, of means": cells}


def _differences_of_shares(_: int, scale: float) -> Cells:
    """Two policies over layouts of unlike difficulty, each at several levels."""
    rng, count, cells = np.random.default_rng(6), round(300 * scale), {}
    noise = rng.normal(size=100_000)
    truth = {logit: float(special.expit(logit + _LAYOUT_SPREAD * noise).mean()) for logit in (0.0, 2.0, 5.0)}
    for levels, size, (one, other), paired in itertools.product(
        (2, 5, 10), (9, 16, 32, 100), ((0.0, 0.0), (2.0, 0.0), (5.0, 5.0), (5.0, 2.0)), (True, False)
    ):
        hits = 0
        for _ in range(count):
            shared, own, others = rng.normal(size=(3, size, 1))
            alike = math.sqrt(0.5) * shared if paired else np.zeros((size, 1))
            apart = math.sqrt(0.5) if paired else 1.0
            first, second = (
                (rng.random((size, levels)) < special.expit(logit + _LAYOUT_SPREAD * (alike + apart * mine))).mean(axis=1)
                for logit, mine in ((one, own), (other, others))
            )
            hits += _holds(newcombe_means(first, second, paired), truth[one] - truth[other])
        cells.setdefault(f"Newcombe, of means{', paired' if paired else ''}", []).append((hits / count, count))
    return cells


def _halves(_: int, scale: float) -> Cells:
    """Half-way levels of curves over layouts of unlike difficulty; where the truth lies beyond the last level, its interval has to, too."""
    rng, count, cells = np.random.default_rng(7), round(300 * scale), []
    away, noise = np.array([0.0, 1.0, 2.0, 4.0, 8.0]), rng.normal(size=(50_000, 1))
    for size, first, slope in itertools.product((9, 16, 32, 100), (1.0, 3.0), (0.5, 1.0, 2.0)):
        truth = half_lost(special.expit(first + _LAYOUT_SPREAD / 2 * noise - slope * away).mean(axis=0, keepdims=True), away).value
        hits = 0
        for k in range(count):
            likely = special.expit(first + _LAYOUT_SPREAD / 2 * rng.normal(size=(size, 1)) - slope * away)
            hits += _holds(half_lost((rng.random(likely.shape) < likely).astype(float), away, seed=k), truth)
        cells.append((hits / count, count))
    return {"half-way levels of curves": cells}


# Policies.

_CORRELATIONS: tuple[tuple[str, Callable[..., Interval], Callable[[float], float]], ...] = (
    ("Pearson, Fisher", pearson, lambda r: r),
    ("Spearman, Bonett-Wright", spearman, lambda r: 6 / math.pi * math.asin(r / 2)),
    ("Kendall, Fieller", kendall, lambda r: 2 / math.pi * math.asin(r)),
)


def _correlations(part: int, scale: float) -> Cells:
    """Policies from a normal population."""
    name, measure, truth = _CORRELATIONS[part]
    rng, count, cells = np.random.default_rng([2, part]), round(700 * scale), []
    for size, r in itertools.product((6, 8, 10, 20), (0.0, 0.3, 0.6, 0.8, 0.9)):
        hits = 0
        for _ in range(count):
            a, b = rng.normal(size=(2, size))
            hits += _holds(measure(a, r * a + math.sqrt(1 - r * r) * b), truth(r))
        cells.append((hits / count, count))
    return {name: cells}


def _violations(_: int, scale: float) -> Cells:
    """True rates drawn as the prior says: a credible interval promises no more."""
    rng, count = np.random.default_rng(3), round(400 * scale)
    cells: Cells = {}
    for (policies, trials), signed in itertools.product(((4, 10), (6, 25), (8, 50)), (False, True)):
        hits = 0
        for k in range(count):
            sim, real = rng.beta(0.5, 0.5, (2, policies))
            counts = zip(rng.binomial(trials, real), rng.binomial(100, sim), strict=True)
            rows = [PairedSuccess(str(i), "t", int(y), trials, int(f), 100) for i, (y, f) in enumerate(counts)]
            hits += _holds(mmrv_interval(rows, signed, seed=k), mmrv(sim, real))
        cells.setdefault("MMRV, credible", []).append((hits / count, count))
    return cells


def _powered(_: int, scale: float) -> Cells:
    """Real and simulated trials that are decided by what they share, by halves, or by each its own."""
    rng, count, cells = np.random.default_rng(4), round(500 * scale), []
    for pairs, rate, alike in itertools.product((10, 20, 50), (0.5, 0.7, 0.9), (0.0, 0.5, 0.9)):
        hits = 0
        for _ in range(count):
            shared, own, other = rng.normal(size=(3, pairs + 500))
            real, sim = (math.sqrt(alike) * shared + math.sqrt(1 - alike) * each for each in (own, other))
            real, sim = real < stats.norm.ppf(rate), sim < stats.norm.ppf(rate) + 0.3
            hits += _holds(prediction_powered(real[:pairs], sim[:pairs], sim[pairs:]), rate)
        cells.append((hits / count, count))
    return {"prediction-powered": cells}


def _runs(part: int, scale: float) -> Cells:
    return run_coverage(part, scale)


def _plants(part: int, scale: float) -> Cells:
    return identified_coverage(part, scale)


KINDS: dict[str, tuple[int, Callable[[int, float], Cells]]] = {
    "plants": (24, _plants),
    "runs": (6, _runs),
    "means": (len(_POPULATIONS), _means),
    "violations": (1, _violations),
    "correlations": (len(_CORRELATIONS), _correlations),
    "powered": (1, _powered),
    "differences of shares": (1, _differences_of_shares),
    "shares": (1, _shares),
    "halves": (1, _halves),
    "rates": (1, _rates),
    "paired rates": (1, _paired_rates),
    "always": (1, _always),
}
"""Name -> number of parts, and what does one; the longest first."""
