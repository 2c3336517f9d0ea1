"""Real beside simulated success: published tables, ties, and the coverage of every interval that is printed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.gap_simpler import TABLES
from gap.errors import ScoreError
from gap.paired import PairedSuccess, kendall, mmrv, mmrv_interval, mmrv_signed, pearson, prediction_powered, read_paired, spearman
from gap.statistics import Interval
from motion.errors import FileFormatError, UnknownNameError

HEAD = "policy,task,real_successes,real_trials,sim_successes,sim_trials\n"


@pytest.mark.parametrize("task", TABLES)
def test_published_tables(task: str) -> None:
    told = TABLES[task]
    s, r = np.array(told.sim) / 1000, np.array(told.real) / 1000
    assert pearson(s, r).value == pytest.approx(told.pearson, abs=1e-6)
    assert mmrv(s, r) == pytest.approx(told.mmrv, abs=1e-6)
    assert pearson(s, r).value == pytest.approx(correlation_by_hand(told.sim, told.real), abs=1e-12)
    assert mmrv(s, r) == pytest.approx(violation_by_hand(told.sim, told.real), abs=1e-12)


def correlation_by_hand(sim: tuple[int, ...], real: tuple[int, ...]) -> float:
    """In whole numbers up to the root."""
    n, both = len(sim), sum(s * r for s, r in zip(sim, real, strict=True))
    spread = [n * sum(v * v for v in values) - sum(values) ** 2 for values in (sim, real)]
    return (n * both - sum(sim) * sum(real)) / math.sqrt(spread[0] * spread[1])


def violation_by_hand(sim: tuple[int, ...], real: tuple[int, ...]) -> float:
    """The paper's sum, in whole numbers."""
    worst = []
    for i in range(len(sim)):
        wrong = [abs(real[i] - real[j]) for j in range(len(sim)) if (sim[i] > sim[j]) != (real[i] > real[j])]
        worst.append(max(wrong, default=0))
    return sum(worst) / 1000 / len(worst)


def test_ties_count_in_one_form_and_not_in_the_other() -> None:
    assert mmrv([0.5, 0.5], [0.2, 0.8]) == pytest.approx(0.3)  # only the second policy sees a violation, of 0.6
    assert mmrv_signed([0.5, 0.5], [0.2, 0.8]) == 0
    assert mmrv([0.2, 0.8], [0.9, 0.1]) == mmrv_signed([0.2, 0.8], [0.9, 0.1]) == pytest.approx(0.8)


def test_perfect_order_and_worst_order() -> None:
    rates = np.linspace(0.1, 0.9, 6)
    assert mmrv(rates**2, rates) == 0
    assert [measure(rates**2, rates).value for measure in (spearman, kendall)] == pytest.approx([1, 1])
    assert spearman(-rates, rates).value == pytest.approx(-1)


def test_six_policies_prove_little() -> None:
    """r = 0.77 of six: Fisher's interval reaches below 0."""
    found = pearson([1, 2, 3, 4, 5, 6], [2.0, 0.9, 4.4, 2.2, 3.6, 5.0])
    half = 1.959964 / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((math.tanh(math.atanh(found.value) - half), math.tanh(math.atanh(found.value) + half)))
    assert found.low < 0 < found.value
    assert found.n == 6


@pytest.mark.parametrize("measure", [pearson, spearman, kendall])
def test_too_few_or_all_alike_have_no_interval(measure: Callable[..., Interval]) -> None:
    assert math.isnan(measure([0.5, 0.5, 0.5], [0.1, 0.2, 0.3]).value)
    assert not measure([0.1, 0.3, 0.2], [0.1, 0.2, 0.3]).has_ends
    with pytest.raises(ScoreError, match="two lists of the same length"):
        measure([0.1], [0.1, 0.2])


def test_a_perfect_order_of_few_is_no_certainty() -> None:
    """Six in perfect order: the next best order of ranks has 1 - 12 / (6 * 35); the interval is that of half way to it, and reaches 1."""
    rates, half = np.linspace(0.1, 0.9, 6) ** 2, 1 - 6 / (6 * 35)
    found = spearman(rates, np.sqrt(rates))
    assert (found.value, found.high) == pytest.approx((1.0, 1.0))
    assert found.low == pytest.approx(math.tanh(math.atanh(half) - 1.959964 * math.sqrt((1 + half**2 / 2) / 3)))
    assert kendall(-rates, rates).low == -1
    assert -1 < kendall(-rates, rates).high < 0
    assert not pearson(2 * rates, rates).has_ends


@pytest.mark.parametrize(
    ("measure", "truth"),
    [
        (pearson, lambda r: r),
        (spearman, lambda r: 6 / math.pi * math.asin(r / 2)),
        (kendall, lambda r: 2 / math.pi * math.asin(r)),
    ],
    ids=["pearson", "spearman", "kendall"],
)
@pytest.mark.parametrize("correlation", [0.3, 0.7])
def test_coverage_of_correlations(measure: Callable[..., Interval], truth: Callable[[float], float], correlation: float) -> None:
    """Of 2,000 samples of 20 policies from a normal population."""
    rng, wanted, hits = np.random.default_rng(0), truth(correlation), 0
    for _ in range(2000):
        a, b = rng.normal(size=(2, 20))
        found = measure(a, correlation * a + math.sqrt(1 - correlation**2) * b)
        hits += found.low <= wanted <= found.high
    assert 0.93 <= hits / 2000 <= 0.97


def test_coverage_of_rank_violations() -> None:
    """Of 500 sets of five policies whose true rates are drawn as the prior says."""
    rng, hits = np.random.default_rng(1), 0
    for number in range(500):
        s, r = rng.beta(0.5, 0.5, size=(2, 5))
        rows = [PairedSuccess(str(i), "t", int(rng.binomial(20, r[i])), 20, int(rng.binomial(50, s[i])), 50) for i in range(5)]
        found = mmrv_interval(rows, signed=True, seed=number)
        hits += found.low <= mmrv_signed(s, r) <= found.high
    assert 0.93 <= hits / 500 <= 0.97


def trials(rng: np.random.Generator, count: int, alike: float) -> tuple[np.ndarray, np.ndarray]:
    """Real and simulated success of the same trials; `alike`: correlation of what decides them."""
    shared, own, other = rng.normal(size=(3, count))
    decide = math.sqrt(alike) * shared
    return decide + math.sqrt(1 - alike) * own > -0.3, decide + math.sqrt(1 - alike) * other > -0.6


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.9])
def test_coverage_of_prediction_powered_rates(alike: float) -> None:
    rng, truth, hits = np.random.default_rng(2), float(stats.norm.cdf(0.3)), 0
    for _ in range(2000):
        real, sim = trials(rng, 40, alike)
        _, more = trials(rng, 500, alike)
        found = prediction_powered(real, sim, more)
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / 2000 <= 0.97


def test_a_good_simulation_narrows_the_interval_and_a_bad_one_does_not_harm() -> None:
    rng, widths = np.random.default_rng(3), {0.0: [], 0.9: []}  # type: dict[float, list[float]]
    for alike, found in widths.items():
        for _ in range(200):
            real, sim = trials(rng, 40, alike)
            interval = prediction_powered(real, sim, trials(rng, 500, alike)[1])
            found.append(interval.high - interval.low)
    alone = 2 * stats.t.ppf(0.975, 39) * math.sqrt(stats.norm.cdf(0.3) * stats.norm.cdf(-0.3) / 39)
    assert np.mean(widths[0.9]) < 0.8 * alone
    assert np.mean(widths[0.0]) < 1.03 * alone


def test_where_all_succeed_little_is_certain() -> None:
    """Five pairs that all succeed say no more than some five trials: Wilson's lower end of 5 of 5 is 0.57."""
    found = prediction_powered([1] * 5, [1] * 5, [1, 1, 1, 1, 0] * 20)
    assert found.high == pytest.approx(1, abs=0.03)
    assert 0.4 < found.low < 0.65


def test_gap_of_a_policy() -> None:
    found = PairedSuccess("a", "t", 25, 50, 35, 50).gap()
    assert found.value == pytest.approx(0.2)
    assert found.low > 0


def test_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "paired.csv"
    path.write_text(HEAD + "act,stir,5,10,70,100\nbc,stir,3,10,40,100\n")
    first, second = read_paired(path)
    assert (first.real, first.sim, second.policy) == (0.5, 0.7, "bc")


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ("policy,task\na,b\n", UnknownNameError, "unknown column 'real_successes'"),
        (HEAD, FileFormatError, "no rows"),
        (
            HEAD + "a,b,0.5,10,1,2\n",
            FileFormatError,
            "line 2: counts have to be whole",
        ),
        (HEAD + "a,b,11,10,1,2\n", ScoreError, "11 of 10 real trials"),
        (
            HEAD + "a,b,1,2,1,2\na,b,1,2,1,2\n",
            ScoreError,
            "'a' is there twice in task 'b'",
        ),
    ],
)
def test_tables_that_cannot_be(content: str, error: type[Exception], said: str, tmp_path: Path) -> None:
    (tmp_path / "paired.csv").write_text(content)
    with pytest.raises(error, match=said):
        read_paired(tmp_path / "paired.csv")
