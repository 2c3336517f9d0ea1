"""Power against simulation; sequences of intervals and e-values that hold however often one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gap.errors import ScoreError
from gap.planning import (
    confidence_sequence,
    detectable_drop,
    difference_at_all_times,
    evidence_of_difference,
    halved,
    power_of_difference,
    sequence_over,
)
from gap.statistics import wilson


def test_power_is_what_simulation_finds() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.binomial(50, 0.7, 20000), rng.binomial(50, 0.5, 20000)
    pooled = (first + second) / 100
    apart = np.abs(first - second) / 50 > 1.959964 * np.sqrt(pooled * (1 - pooled) * 2 / 50)
    assert power_of_difference(0.7, 0.5, 50) == pytest.approx(apart.mean(), abs=0.01)


def test_equal_actors_are_told_apart_as_often_as_the_level_says() -> None:
    assert power_of_difference(0.5, 0.5, 100) == pytest.approx(0.05, abs=0.01)


def test_detectable_drop_has_that_power() -> None:
    drop = detectable_drop(0.9, 100)
    assert power_of_difference(0.9, 0.9 - drop, 100) == pytest.approx(0.8, abs=1e-3)
    assert 0.1 < drop < 0.2 < detectable_drop(0.9, 25)


def test_three_episodes_show_no_drop() -> None:
    assert math.isnan(detectable_drop(0.5, 3))


def test_sequence_contains_the_rate_at_all_times_at_once() -> None:
    """Of 400 runs of 300 episodes, looked at after each: at least 95 % never exclude the truth."""
    rng, missed = np.random.default_rng(1), 0
    ends = {}
    for _ in range(400):
        successes = np.cumsum(rng.random(300) < 0.8)
        for trials, count in enumerate(successes.tolist(), start=1):
            found = ends.setdefault((count, trials), confidence_sequence(count, trials))
            if not found.low <= 0.8 <= found.high:
                missed += 1
                break
    assert missed / 400 <= 0.05
    assert missed > 0


def test_looking_at_wilson_all_the_time_misses_far_more_often() -> None:
    """Why there is a sequence at all."""
    rng, missed, ends = np.random.default_rng(1), 0, {}
    for _ in range(200):
        for trials, count in enumerate(np.cumsum(rng.random(300) < 0.8).tolist(), start=1):
            found = ends.setdefault((count, trials), wilson(count, trials))
            if not found.low <= 0.8 <= found.high:
                missed += 1
                break
    assert missed / 200 > 0.25


@pytest.mark.parametrize("trials", [1, 10, 200])
def test_sequence_mirrors_and_is_wider_than_wilson(trials: int) -> None:
    for count in range(0, trials + 1, max(1, trials // 10)):
        one, other = confidence_sequence(count, trials), confidence_sequence(trials - count, trials)
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.low == pytest.approx(1 - other.high, abs=1e-6)
        assert one.high - one.low >= wilson(count, trials).high - wilson(count, trials).low - 1e-9
    assert confidence_sequence(0, 0).low == 0


def test_groups_that_stop_when_they_like_keep_the_mean_rate() -> None:
    """Two chores of 30 and 90 %, each stopped as soon as it looks its worst; the interval of their mean holds all the same."""
    rng, missed = np.random.default_rng(0), 0
    for _ in range(200):
        tried = {rate: rng.random(60) < rate for rate in (0.3, 0.9)}
        counts = {rate: 5 + int(np.argmin(np.cumsum(won)[5:] / np.arange(6, 61))) + 1 for rate, won in tried.items()}
        labels = [rate for rate, count in counts.items() for _ in range(count)]
        found = sequence_over(labels, [bool(won) for rate, count in counts.items() for won in tried[rate][:count]])
        missed += not found.low <= np.mean(labels) <= found.high
    assert missed <= 0.05 * 200
    assert sequence_over("aaa", [True, False, True]) == confidence_sequence(2, 3)
    assert np.isnan(sequence_over([], []).value)


def test_a_difference_takes_half_of_the_error_from_either_side() -> None:
    one, other = confidence_sequence(30, 40, halved()), confidence_sequence(10, 40, halved())
    found = difference_at_all_times(one, other)
    assert halved() == 0.975
    assert (found.value, found.low, found.high) == (0.5, one.low - other.high, one.high - other.low)


def test_evidence_by_hand() -> None:
    """One pair: mean likelihood 1/2 over 1/2. Two for the first: 3/8 over 1/4."""
    assert evidence_of_difference(1, 0) == pytest.approx(1)
    assert evidence_of_difference(2, 0) == pytest.approx(1.5)
    assert evidence_of_difference(0, 2) == pytest.approx(1.5)
    assert evidence_of_difference(5, 5) < 1 < 1000 < evidence_of_difference(20, 0)


def test_much_evidence_is_a_number_all_the_same() -> None:
    assert 1e300 < evidence_of_difference(3000, 0) < np.inf


def test_evidence_reaches_20_between_equals_in_less_than_one_of_20() -> None:
    rng = np.random.default_rng(2)
    first = np.cumsum(rng.random((2000, 400)) < 0.5, axis=1)
    seen = np.arange(1, 401)
    log_mean = stats.betabinom.logpmf(first, seen, 0.5, 0.5) - stats.binom.logpmf(first, seen, 0.5)
    assert math.exp(log_mean[0, 9]) == pytest.approx(evidence_of_difference(int(first[0, 9]), int(10 - first[0, 9])))
    assert 0.005 < (log_mean.max(axis=1) >= math.log(20)).mean() <= 0.05


def test_counts_that_cannot_be() -> None:
    with pytest.raises(ScoreError, match="5 of 4 is no count"):
        confidence_sequence(5, 4)
    with pytest.raises(ScoreError, match="negative"):
        evidence_of_difference(-1, 0)
    with pytest.raises(ScoreError, match="rates of 0 to 1"):
        power_of_difference(1.2, 0.5, 10)
