"""Scoring actors in a chore with things: rows, resume, films, rates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envs.actors import HoldActor
from envs.chores.registry import make_household
from envs.household.chore import Household
from envs.rollout import all_episodes
from gap import EpisodeResult
from gap.attempts import rates
from gap.chores import rates_table, score_in_chore
from gap.statistics import clopper_pearson, wilson


@pytest.fixture(scope="module")
def glass() -> Household:
    """A chore with few things."""
    return make_household("fragile_glass", "g1_dex3")


def test_rows_are_kept_as_they_end_and_not_run_again(glass: Household, tmp_path: Path) -> None:
    seen: list[EpisodeResult] = []
    two = all_episodes(glass, seeds=(0, 1), variants=("full",))
    rows = score_in_chore(glass, [HoldActor()], two[:1], tmp_path, on_row=seen.append)
    assert [(row.actor, row.variant, row.seed, row.success) for row in rows] == [("hold", "full", 0, False)]
    film = tmp_path / "films" / "hold" / "nominal" / "full.0.mp4"
    assert film.stat().st_size > 10_000
    film.unlink()
    more = score_in_chore(glass, [HoldActor()], two, tmp_path, slots=1, filmed=0, on_row=seen.append)
    assert [row.seed for row in seen] == [0, 1]
    assert more[0] == rows[0]
    assert [row.seed for row in more] == [0, 1]
    assert not film.exists()


def test_a_group_that_lacks_a_row_is_run_as_a_whole(glass: Household, tmp_path: Path) -> None:
    """So that a run that was stopped in the middle of writing ends as any other."""
    two = all_episodes(glass, seeds=(0, 1), variants=("full",))
    rows = score_in_chore(glass, [HoldActor()], two, tmp_path, filmed=0)
    (tmp_path / "rows" / "hold" / "nominal" / "full.1.json").unlink()
    seen: list[EpisodeResult] = []
    assert score_in_chore(glass, [HoldActor()], two, tmp_path, filmed=0, on_row=seen.append) == rows
    assert [row.seed for row in seen] == [0, 1]


def test_rates_by_hand() -> None:
    """Three of four succeed, one of them unsafely."""
    row = EpisodeResult("g1", "fragile_glass", "full", "nominal", "bc", 0, 0.02, 3.0, True, True, True, 1.0)
    rows = [row, replace(row, seed=1), replace(row, seed=2, safe=False), replace(row, seed=3, success=False, progress=0.2)]
    found = rates(rows)
    assert (found.episodes, found.success.value, found.safe.value) == (4, 0.75, 0.5)
    assert found.progress == pytest.approx(0.8)
    assert (found.success, found.safe) == (wilson(3, 4), clopper_pearson(2, 4))
    table = rates_table([*rows, replace(row, actor="hold", success=False, progress=0.0)])
    assert [line[:4] for line in table.rows] == [("bc", "full", "nominal", "4"), ("hold", "full", "nominal", "1")]
    assert table.rows[0][4].startswith("75 % [")
    assert table.rows[0][5].startswith("50 % [")
