"""Policies against each other: pairing, tests, letters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import stats

from gap.episode import EpisodeResult
from gap.statistics import Interval, mcnemar_exact
from gap.suites.contest import Contest, adjusted, boschloo, contest, letters

ROW = EpisodeResult("g1", "stir_pot", "full", "nominal", "a", 0, 0.02, 3.0, True, True)


def rows(won: str, first: int = 0) -> list[EpisodeResult]:
    """An episode for each letter; "1" is a success."""
    return [replace(ROW, seed=first + k, success=letter == "1") for k, letter in enumerate(won)]


def test_the_same_episodes_are_paired_whatever_their_order() -> None:
    one, other = rows("1111100000"), rows("0000100000")
    found = contest("seen", "stir_pot", ("a", "b"), one, other[::-1])
    assert (found.pairs, found.test) == (10, "McNemar, exact")
    assert found.p == mcnemar_exact(4, 0)
    assert found.difference.value == pytest.approx(0.4)


def test_other_episodes_are_two_samples() -> None:
    found = contest("seen", "stir_pot", ("a", "b"), rows("1111111110"), rows("0000000001", first=50))
    assert (found.pairs, found.test) == (0, "Boschloo, exact")
    assert found.p == pytest.approx(stats.boschloo_exact([[9, 1], [1, 9]]).pvalue)
    assert boschloo(0, 10, 0, 12)[1] == 1.0
    assert boschloo(400, 800, 10, 800)[0] == "Fisher, exact"


def test_of_episodes_that_only_one_did_none_counts() -> None:
    """Ten of twenty are common; the other ten, all won, do not help the first."""
    found = contest("seen", "stir_pot", ("a", "b"), rows("11000000001111111111"), rows("1100000000"))
    assert (found.pairs, found.test, found.left_out) == (10, "McNemar, exact", (10, 0))
    assert (found.difference.value, found.p) == (0.0, 1.0)


def test_a_held_out_thing_at_the_same_place_is_no_other_layout() -> None:
    one = [*rows("1100"), *(replace(row, variant="full@objects", condition="heldout_objects") for row in rows("1010"))]
    assert contest("all", "stir_pot", ("a", "b"), one, one).pairs == 4


def test_layouts_under_several_conditions_count_once() -> None:
    """Ten layouts at four levels are ten pairs, not forty."""
    one = [replace(row, condition=f"level {k}") for k in range(4) for row in rows("1111111100")]
    other = [replace(row, condition=f"level {k}") for k in range(4) for row in rows("0000000000")]
    found = contest("robustness", "stir_pot", ("a", "b"), one, other)
    assert (found.pairs, found.test) == (10, "signs flipped, by layout")
    assert found.p == pytest.approx(2 / 2**8, rel=0.5)
    assert contest("robustness", "stir_pot", ("a", "b"), one, one[::-1]).p == 1.0


def test_other_layouts_under_several_conditions_count_once_each() -> None:
    """Forty conditions of eight layouts are eight layouts: by episodes, chance would be told for a difference."""
    one = [replace(row, condition=f"level {k}") for k in range(40) for row in rows("11111100")]
    other = [replace(row, condition=f"level {k}") for k in range(40) for row in rows("11100000", first=100)]
    found = contest("all", "stir_pot", ("a", "b"), one, other)
    assert (found.pairs, found.test, found.difference.n) == (0, "shuffled, by layout", 8)
    assert found.difference.value == pytest.approx(0.375)
    assert found.difference.low < 0 < found.difference.high
    assert found.p == pytest.approx(stats.fisher_exact([[6, 2], [3, 5]]).pvalue, abs=0.02)


def test_holm_over_a_table() -> None:
    base = contest("seen", "stir_pot", ("a", "b"), rows("1111111100"), rows("0000000000"))
    found = adjusted([base, replace(base, p=0.04), replace(base, p=0.03)])
    assert [round(one.p_holm, 4) for one in found] == [round(3 * base.p, 4), 0.06, 0.06]


@pytest.mark.parametrize(
    ("apart", "wanted"),
    [
        ((), {"a": "a", "b": "a", "c": "a"}),
        (("ac",), {"a": "a", "b": "ab", "c": "b"}),
        (("ac", "bc"), {"a": "a", "b": "a", "c": "b"}),
        (("ab", "ac", "bc"), {"a": "a", "b": "b", "c": "c"}),
        (("ab",), {"a": "a", "b": "b", "c": "ab"}),
    ],
)
def test_letters_are_shared_by_those_that_are_not_told_apart(apart: tuple[str, ...], wanted: dict[str, str]) -> None:
    none = Interval(0, 0, 0, 1, "")
    told = [Contest("seen", "x", *pair, 10, none, "", 0.0, 0.001 if pair[0] + pair[1] in apart else 0.5) for pair in ("ab", "ac", "bc")]
    assert letters({"c": 0.1, "b": 0.5, "a": 0.9}, told) == wanted
