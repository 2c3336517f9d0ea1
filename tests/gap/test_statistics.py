"""Intervals against published and hand-worked values, and their coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gap.errors import ScoreError
from gap.statistics import (
    bootstrap_difference,
    bootstrap_mean,
    clopper_pearson,
    holm,
    mcnemar_exact,
    newcombe,
    newcombe_means,
    newcombe_paired,
    wilson,
    wilson_mean,
)


def test_wilson_8_of_10_as_published() -> None:
    interval = wilson(8, 10)
    assert interval.value == 0.8
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.490, 0.943)


@pytest.mark.parametrize("trials", [1, 7, 50])
def test_wilson_stays_in_0_to_1_and_mirrors(trials: int) -> None:
    for k in range(trials + 1):
        one, other = wilson(k, trials), wilson(trials - k, trials)
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.low == pytest.approx(1 - other.high, abs=1e-12)


def test_wilson_of_nothing_is_no_number() -> None:
    assert math.isnan(wilson(0, 0).value)
    assert not wilson(0, 0).has_ends


def test_clopper_pearson_0_of_50_proves_only_below_5_8_percent() -> None:
    bound = clopper_pearson(0, 50, side="upper")
    assert bound.low == 0
    assert bound.high == pytest.approx(1 - 0.05 ** (1 / 50))  # solves (1 - p)^50 = 0.05
    assert round(bound.high, 3) == 0.058


def test_clopper_pearson_8_of_10_as_published() -> None:
    interval = clopper_pearson(8, 10)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.4439, 0.9748)


def test_clopper_pearson_inverts_the_binomial_tails() -> None:
    interval = clopper_pearson(3, 20)
    assert stats.binom.sf(2, 20, interval.low) == pytest.approx(0.025)
    assert stats.binom.cdf(3, 20, interval.high) == pytest.approx(0.025)
    assert clopper_pearson(20, 20, side="lower").high == 1.0


def test_newcombe_56_of_70_against_48_of_80_as_published() -> None:
    interval = newcombe(56, 70, 48, 80)  # Newcombe 1998 (17:873), example (a), method 10
    assert [round(v, 4) for v in (interval.value, interval.low, interval.high)] == [0.2, 0.0524, 0.3339]


@pytest.mark.parametrize(
    ("table", "published"),
    [
        ((14, 5, 0, 22), (0.122, 0.011, 0.226)),  # Altman et al., Statistics with Confidence (2000), table 6.2
        ((1, 1, 7, 12), (-0.286, -0.507, -0.026)),  # Bentur et al. 2009, in Fagerland, Lydersen and Laake (2014)
    ],
)
def test_newcombe_paired_as_published(table: tuple[int, int, int, int], published: tuple[float, float, float]) -> None:
    interval = newcombe_paired(*table)
    assert tuple(round(v, 3) for v in (interval.value, interval.low, interval.high)) == published


def test_newcombe_paired_keeps_a_width_where_all_pairs_agree() -> None:
    interval = newcombe_paired(20, 0, 0, 0)
    assert interval.low < -0.1 < 0 == interval.value < 0.1 < interval.high


def test_mcnemar_by_hand() -> None:
    assert mcnemar_exact(5, 0) == pytest.approx(2 * 0.5**5)
    assert mcnemar_exact(1, 3) == pytest.approx(2 * (1 + 4) / 16)  # P(X <= 1) of 4 fair coins is 5/16
    assert mcnemar_exact(0, 0) == 1.0


def test_holm_by_hand() -> None:
    # sorted .005*4, .01*3, .03*2, .04*1 = .02, .03, .06, .04 -> the last raised to .06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.9, 0.8]) == (1.0, 1.0)


def test_bootstrap_repeats_by_seed() -> None:
    values = np.random.default_rng(0).exponential(size=30)
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)
    assert bootstrap_mean(values, seed=3) != bootstrap_mean(values, seed=4)


def test_bca_agrees_with_scipy() -> None:
    values = np.random.default_rng(1).lognormal(size=40)
    ours = bootstrap_mean(values, resamples=20_000, method="bca")
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(2)).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.04 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.04 * width)


def test_bootstrap_of_equal_values_claims_no_interval() -> None:
    interval = bootstrap_mean([2.5] * 8)
    assert interval.value == 2.5
    assert not interval.has_ends


def test_a_score_interval_of_zeros_and_ones_is_wilsons() -> None:
    for won in (0, 1, 13, 20):
        found, wanted = wilson_mean([1.0] * won + [0.0] * (20 - won)), wilson(won, 20)
        assert (found.value, found.low, found.high) == pytest.approx((wanted.value, wanted.low, wanted.high))


def test_a_score_interval_of_means_is_narrower_the_less_they_scatter_and_never_nothing() -> None:
    halves, mixed = wilson_mean([0.5] * 10), wilson_mean([0.4, 0.6] * 5)
    assert 0.0 < halves.low < 0.5 < halves.high < 1.0
    assert wilson(5, 10).low < mixed.low < 0.5
    twice = wilson_mean([0.0, 0.0, 1.0, 1.0, 1.0, 1.0], ["a", "a", "b", "b", "c", "c"])
    assert (twice.low, twice.high) == pytest.approx((wilson(2, 3).low, wilson(2, 3).high))  # who was counted twice knows no more
    with pytest.raises(ScoreError, match=r"not in 0\.\.1"):
        wilson_mean([0.5, 1.2])
    with pytest.raises(ScoreError, match=r"not in 0\.\.1"):
        wilson_mean([0.5, math.nan])
    assert not wilson_mean([]).has_ends


@pytest.mark.parametrize("share", [0.8, 0.9, 0.95])
def test_a_score_interval_holds_where_few_break_half_way(share: float) -> None:
    """A bootstrap holds the truth in half of these."""
    rng, truth = np.random.default_rng(2), share + (1 - share) / 2
    found = [wilson_mean(np.where(rng.random(32) < share, 1.0, 0.5)) for _ in range(2000)]
    assert 0.93 <= np.mean([own.low <= truth <= own.high for own in found]) <= 0.99


def test_means_of_zeros_and_ones_differ_as_counts_do() -> None:
    first, second = [1.0] * 15 + [0.0] * 5, [1.0] * 6 + [0.0] * 14
    apart, wanted = newcombe_means(first, second, paired=False), newcombe(15, 20, 6, 20)
    assert (apart.low, apart.value, apart.high) == pytest.approx((wanted.low, wanted.value, wanted.high))
    perfect = newcombe_means([1.0] * 32, [1.0] * 32, paired=True)
    assert perfect.low == pytest.approx(-perfect.high)
    assert 0.05 < perfect.high < 0.2


def test_pairs_that_go_together_are_told_apart_by_less() -> None:
    rng = np.random.default_rng(3)
    hard = rng.random(40)
    better = np.clip(hard + 0.05, 0, 1)
    assert newcombe_means(better, hard, paired=True).low > 0 > newcombe_means(better, hard, paired=False).low
    with pytest.raises(ScoreError, match="pairs were wanted"):
        newcombe_means([0.5], [0.5, 1.0], paired=True)


def test_a_studentised_interval_by_hand() -> None:
    """Its ends are those of the drawn t statistics, turned about; five clusters of unlike size count as five."""
    values, sizes = np.array([1.0, 2.0, 4.0, 7.0, 11.0]), np.array([1, 2, 1, 3, 1])
    clusters = [label for label, size in zip("abcde", sizes, strict=True) for _ in range(size)]
    interval = bootstrap_mean(np.repeat(values, sizes), clusters, seed=4)
    counts = np.random.default_rng([4, 5]).multinomial(5, np.full(5, 0.2), size=4000)
    drawn = []
    for own in (np.ones((1, 5)), counts):
        weight = own * sizes
        mean = (weight * values).sum(1) / weight.sum(1)
        error = np.sqrt((own * (sizes * (values - mean[:, None])) ** 2).sum(1) * 5 / 4) / weight.sum(1)
        drawn.append((mean, error))
    ((mean,), (error,)), (means, errors) = drawn
    t = ((means - mean) / np.where(errors > 1e-9, errors, np.nan))[errors > 1e-9]
    assert interval.value == pytest.approx(mean)
    assert (interval.low, interval.high) == pytest.approx(tuple(mean - error * np.quantile(t, [0.975, 0.025])))


def test_few_units_give_no_interval() -> None:
    assert not bootstrap_mean([1.0]).has_ends
    assert not bootstrap_mean([1.0, 2.0, 3.0, 5.0]).has_ends
    assert bootstrap_mean([1.0, 2.0, 3.0, 5.0, 8.0]).has_ends
    assert not bootstrap_mean([1.0, 2.0, 3.0], clusters=["a", "a", "a"]).has_ends
    assert math.isnan(bootstrap_mean([]).value)


def test_paired_difference_removes_what_the_pairs_share() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.normal(0, 10, 25)
    nominal, plant = difficulty + rng.normal(0, 0.1, 25), difficulty + 1 + rng.normal(0, 0.1, 25)
    interval = bootstrap_difference(nominal, plant)
    assert interval.value == pytest.approx((nominal - plant).mean())
    assert -1.1 < interval.low < interval.high < -0.9


@pytest.mark.parametrize("bad", [[1.0, math.nan], [math.inf]])
def test_bootstrap_refuses_what_is_not_finite(bad: list[float]) -> None:
    with pytest.raises(ScoreError, match="not finite"):
        bootstrap_mean(bad)


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ScoreError, match="11 of 10"):
        wilson(11, 10)
    with pytest.raises(ScoreError, match="negative"):
        newcombe_paired(1, -1, 2, 2)
    with pytest.raises(ScoreError, match="pairs were wanted"):
        bootstrap_difference([1.0, 2.0], [1.0])
    with pytest.raises(ScoreError, match="2 cluster labels for 3"):
        bootstrap_mean([1.0, 2.0, 3.0], clusters=["a", "b"])


def test_wilson_covers() -> None:
    rng, p, n = np.random.default_rng(0), 0.85, 25
    inside = [wilson(int(k), n).low <= p <= wilson(int(k), n).high for k in rng.binomial(n, p, 800)]
    assert 0.92 < np.mean(inside) < 0.98


def test_clustered_bootstrap_covers_and_the_naive_one_does_not() -> None:
    """Four seeds of one recording share its difficulty: 15 recordings are 15 looks, not 60."""
    rng, recordings, seeds = np.random.default_rng(0), 15, 4
    labels = [r for r in range(recordings) for _ in range(seeds)]
    clustered, naive = [], []
    for _ in range(300):
        values = np.repeat(rng.normal(0, 1, recordings), seeds) + rng.normal(0, 0.3, recordings * seeds)
        for found, clusters in ((clustered, labels), (naive, None)):
            interval = bootstrap_mean(values, clusters, resamples=800)
            found.append(interval.low <= 0 <= interval.high)
    assert 0.88 < np.mean(clustered) < 0.98
    assert np.mean(naive) < 0.75


def test_a_studentised_interval_covers_a_skewed_mean_better_than_others() -> None:
    rng, truth = np.random.default_rng(1), math.exp(0.5)
    inside = {"t": 0, "bca": 0, "percentile": 0}
    for _ in range(400):
        values = rng.lognormal(size=25)
        for method in inside:
            interval = bootstrap_mean(values, method=method, resamples=800)  # type: ignore[arg-type]
            inside[method] += interval.low <= truth <= interval.high
    assert inside["t"] > inside["bca"] >= inside["percentile"]
    assert inside["bca"] / 400 > 0.86
