"""The bars on intervals judge what they say, and published tables are met."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.gap_coverage import Within, _holds, _row
from benchmarks.gap_coverage_runs import BY_CHANCE, _count
from benchmarks.gap_simpler import simpler
from gap.statistics import wilson


def test_too_wide_is_missed_like_too_narrow() -> None:
    assert [Within("a", value, 93.0).met for value in (92.9, 93.0, 97.0, 97.1)] == [False, True, True, False]


def test_a_row_weighs_cells_by_their_simulations() -> None:
    row = _row("bootstrap mean", [(0.9, 100), (0.96, 300)])
    assert row.measured == pytest.approx(94.5)
    assert row.note.startswith("least 90.0, most 96.0 over 2 cells; 400 simulations")
    promised = _row("sequence (promises at least)", [(0.96, 0), (0.94, 0)])
    assert (promised.measured, promised.met) == (pytest.approx(94.0), False)


def test_coverage_by_hand() -> None:
    """Wilson's ends after 0 of 3 are 0 and 0.56, after 3 of 3 0.44 and 1: a rate of 0.6 is held unless all fail, 1 - 0.4^3."""
    hits = [_holds(wilson(k, 3), 0.6) for k in range(4)]
    assert hits == [False, True, True, True]
    assert float(stats.binom.pmf(np.arange(4), 3, 0.6) @ hits) == pytest.approx(1 - 0.4**3)


def test_intervals_where_there_should_be_none_are_told_apart() -> None:
    cells: dict[str, list[tuple[float, int]]] = {}
    ends = np.full((100, 2), np.nan)
    _count(cells, "a", ends, 0.0)
    assert cells == {}
    ends[:2] = (-1, 1)
    _count(cells, "a", ends, 0.0)
    ends[:50] = (-1, 1)
    _count(cells, "a", ends, 2.0)
    assert cells == {f"a {BY_CHANCE}": [(0.02, 100)], "a": [(0.0, 50)]}


def test_simplers_tables_are_met() -> None:
    assert [row.met for row in simpler()] == [True] * 5
