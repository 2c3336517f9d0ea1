"""Intervals of one run's numbers: by hand, and their coverage where moments depend on each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal, stats

from gap.blocks import BLOCKS, blocks_of, ends_of, ends_of_rms, means_without, pieces


def test_short_runs_have_no_blocks() -> None:
    assert blocks_of(599, 0.02) is None
    blocks = blocks_of(601, 0.02)
    assert blocks is not None
    assert np.bincount(blocks).tolist() == [101, 100, 100, 100, 100, 100]
    assert all(math.isnan(end) for end in ends_of(1.0, None))
    assert all(math.isnan(end) for end in ends_of_rms(np.ones(10), None))


def test_a_jackknife_by_hand() -> None:
    """Of a mean it is Student's interval of the blocks' means; of a size, of the logarithm."""
    values = np.array([1.0, 2.0, 4.0, 3.0, 6.0, 2.0])
    without = means_without(np.repeat(values, 2), np.repeat(np.arange(BLOCKS), 2))
    assert without[2] == pytest.approx(14 / 5)
    half = stats.t.ppf(0.975, 5) * values.std(ddof=1) / math.sqrt(6)
    assert ends_of(3.0, without, size=False) == pytest.approx((3 - half, 3 + half))
    error = math.sqrt(5 / 6 * ((np.log(without) - np.log(without).mean()) ** 2).sum())
    factor = math.exp(stats.t.ppf(0.975, 5) * error)
    assert ends_of(3.0, without) == pytest.approx((3 / factor, 3 * factor))


def test_a_size_that_is_all_of_one_block_has_no_ends() -> None:
    """As the energy of a joint that moved once: without that block it is next to nothing."""
    blocks = np.repeat(np.arange(BLOCKS), 2)
    for rest, known in ((0.5, True), (1e-6, False)):
        values = np.where(blocks == 2, 1.0, rest)
        assert math.isfinite(ends_of(values.mean(), means_without(values, blocks))[1]) == known
        assert math.isfinite(ends_of(values.mean(), means_without(values, blocks), size=False)[1])


def test_what_is_not_known_is_left_out() -> None:
    values = np.arange(12.0)
    values[3] = np.nan
    blocks = np.repeat(np.arange(BLOCKS), 2)
    assert means_without(values, blocks)[1] == pytest.approx((66 - 3 - 2) / 10)
    assert means_without(values, blocks)[0] == pytest.approx((66 - 3 - 1) / 9)
    values[2:] = np.nan
    assert math.isnan(ends_of(0.5, means_without(values, blocks))[0])


def test_pieces_cover_the_run() -> None:
    assert pieces(50, 0.02) == [slice(0, 50)]
    cut = pieces(330, 0.02)
    assert [own.stop - own.start for own in cut] == [110, 110, 110]
    assert cut[-1].stop == 330


def test_dependent_moments_are_covered_and_would_not_be_one_by_one() -> None:
    """Differences that forget themselves in 0.2 s, runs of 24 s."""
    rng, moments, keep = np.random.default_rng(0), 1200, math.exp(-0.02 / 0.2)
    blocks, truth, hits, naive = blocks_of(moments, 0.02), math.sqrt(1.25), 0, 0
    for _ in range(600):
        noise = rng.normal(size=moments) * math.sqrt(1 - keep**2)
        noise[0] = rng.normal()
        apart = 0.5 + signal.lfilter([1], [1, -keep], noise)
        low, high = ends_of_rms(apart, blocks)
        hits += low <= truth <= high
        naive += abs((apart**2).mean() - 1.25) <= 1.96 * (apart**2).std() / math.sqrt(moments)
    assert 0.92 <= hits / 600 <= 0.97
    assert naive / 600 < 0.6
