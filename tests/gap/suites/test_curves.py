"""Robustness curves against counting by hand, another library, and truth by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.statistics import wilson
from gap.suites.conditions import load_suites
from gap.suites.curves import antitonic, curve, half_lost


def rows(condition: str, won: list[int]) -> list[EpisodeResult]:
    """Episodes of seeds 0, 1, ..."""
    return [
        EpisodeResult("g1", "stir_pot", "full", condition, "bc", seed, 0.02, 3.0, True, bool(success), True, condition=condition)
        for seed, success in enumerate(won)
    ]


def test_area_and_half_by_hand() -> None:
    """Delays of 0, 20, 50, 100, 200 ms: 6, 6, 3, 0, 0 of 6."""
    rule = load_suites().curve("dynamics/delay")
    won = ([1] * 6, [1] * 6, [1] * 3 + [0] * 3, [0] * 6, [0] * 6)
    names = ("seen", *(rule.condition(level).name for level in rule.levels))
    found = curve("bc", "stir_pot", rule, dict(zip(names, (rows(name, own) for name, own in zip(names, won, strict=True)), strict=True)))
    assert [rate.value for rate in found.success] == [1, 1, 0.5, 0, 0]
    assert found.area.value == pytest.approx((0.02 * 1 + 0.03 * 0.75 + 0.05 * 0.25) / 0.2)
    assert found.s50.value == pytest.approx(0.05)
    assert found.s50.low < 0.05 < found.s50.high
    assert found.area.low < found.area.value < found.area.high


def test_a_curve_of_few_episodes_that_never_falls_is_not_sure_of_it() -> None:
    rule = load_suites().curve("dynamics/delay")
    names = ("seen", *(rule.condition(level).name for level in rule.levels))
    found = curve("bc", "stir_pot", rule, {name: rows(name, [1] * 4) for name in names})
    assert found.area.value == found.area.high == 1
    assert found.area.low == pytest.approx(wilson(4, 4).low)
    assert not found.s50.has_ends


def test_levels_that_fall_and_curves_that_never_reach_half() -> None:
    rule = load_suites().curve("dynamics/gains")
    names = ("seen", *(rule.condition(level).name for level in rule.levels))
    lasting = curve("bc", "stir_pot", rule, {name: rows(name, [1, 1, 1]) for name in names})
    assert (lasting.area.value, lasting.s50.value) == (1, -math.inf)
    falling = curve("bc", "stir_pot", rule, {name: rows(name, [1, 1] if k < 2 else [0, 0]) for k, name in enumerate(names)})
    assert falling.s50.value == pytest.approx(0.7)
    never = curve("bc", "stir_pot", rule, {name: rows(name, [0, 0]) for name in names})
    assert math.isnan(never.s50.value)


def test_only_episodes_of_every_level_count() -> None:
    rule = load_suites().curve("dynamics/delay")
    names = ("seen", *(rule.condition(level).name for level in rule.levels))
    found = curve("bc", "stir_pot", rule, {name: rows(name, [1] * (8 if name == "seen" else 3)) for name in names})
    assert found.success[0].n == 3
    with pytest.raises(ScoreError, match="every level"):
        curve("bc", "stir_pot", rule, {name: rows(name, [1]) for name in names[:-1]})


def test_monotone_curves_are_those_of_scipy() -> None:
    rates = np.random.default_rng(0).random((200, 6))
    wanted = np.stack([isotonic_regression(row, increasing=False).x for row in rates])
    np.testing.assert_allclose(antitonic(rates), wanted, atol=1e-12)


def test_the_interval_of_the_half_way_level_holds_what_it_should() -> None:
    """Episodes with a breaking point each: the true half-way level is the median; about 95 % of the intervals hold it."""
    rng, away, held = np.random.default_rng(1), np.array([0.0, 1.0, 2.0, 3.0, 4.0]), 0
    truth = half_lost((rng.normal(2.2, 0.9, (200_000, 1)) > away).astype(float), away, resamples=10).value
    for trial in range(400):
        found = half_lost((rng.normal(2.2, 0.9, (32, 1)) > away).astype(float), away, seed=trial, resamples=500)
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.985
