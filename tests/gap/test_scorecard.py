"""The scorecard against arithmetic done by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from gap import EpisodeResult, Scorecard, ScoreError, score, scorecard_tables, scorecard_text
from gap.catalogue import metric
from gap.statistics import bootstrap_mean, newcombe_paired, wilson
from gap.tables import DASH, Table, number
from motion.errors import FileFormatError
from motion.provenance import Parent, Provenance

Row = Callable[..., EpisodeResult]
ORIGIN = Provenance("test", parents=(Parent("a.bvh", "00" * 32),))


@pytest.fixture
def rows(row: Row) -> list[EpisodeResult]:
    """Three recordings; bc and hold, in nominal and weak_motors. Errors in mm: bc 10 20 30 -> 14 22 36; hold 50 60 70 -> same."""
    out = []
    for variant, nominal, weak in (("a", 10.0, 14.0), ("b", 20.0, 22.0), ("c", 30.0, 36.0)):
        out.append(row("bc", "nominal", variant, mpjpe_root_mm=nominal, lag_s=0.02, safety={"peak_n": nominal}))
        out.append(row("bc", "weak_motors", variant, mpjpe_root_mm=weak, lag_s=0.03, success=variant != "c"))
        for plant in ("nominal", "weak_motors"):
            out.append(row("hold", plant, variant, mpjpe_root_mm=nominal + 40, success=False))
    return out


def test_cells_by_hand(rows: list[EpisodeResult]) -> None:
    card = score(rows, ORIGIN)
    cell = card.cell("bc", "nominal")
    assert (cell.episodes, cell.recordings, cell.successes, cell.unstable) == (3, 3, 3, 0)
    assert cell.success == wilson(3, 3)
    assert cell.metrics["mpjpe_root_mm"].value == pytest.approx(20.0)
    assert not cell.metrics["mpjpe_root_mm"].has_ends  # of three recordings there is no interval
    assert cell.worst == {"safety.peak_n": 30.0}
    assert cell.metrics["safety.peak_n"].value == pytest.approx(20.0)
    assert card.cell("bc", "weak_motors").success.value == pytest.approx(2 / 3)
    assert cell.unstable_bound.high == pytest.approx(1 - 0.05 ** (1 / 3))
    assert card.cell("hold", "nominal").metrics["lag_s"].n == 0  # no lag was measured: a gap in the data, not a zero


def test_gaps_are_nominal_minus_plant_by_pairs(rows: list[EpisodeResult]) -> None:
    card = score(rows, ORIGIN)
    gap = next(gap for gap in card.gaps if gap.actor == "bc")
    assert (gap.plant, gap.against_plant, gap.pairs) == ("nominal", "weak_motors", 3)
    assert gap.metrics["mpjpe_root_mm"].value == pytest.approx((-4 - 2 - 6) / 3)
    assert gap.metrics["lag_s"].value == pytest.approx(-0.01)
    assert gap.success == newcombe_paired(2, 1, 0, 0)
    assert gap.p_mcnemar == 1.0


def test_comparisons_are_actor_minus_baseline_per_plant(rows: list[EpisodeResult]) -> None:
    card = score(rows, ORIGIN)
    assert [(c.actor, c.against_actor, c.plant, c.pairs) for c in card.comparisons] == [
        ("bc", "hold", "nominal", 3),
        ("bc", "hold", "weak_motors", 3),
    ]
    nominal, weak = card.comparisons
    assert nominal.metrics["mpjpe_root_mm"].value == pytest.approx(-40.0)
    assert weak.metrics["mpjpe_root_mm"].value == pytest.approx((14 + 22 + 36 - 50 - 60 - 70) / 3)
    assert nominal.p_mcnemar == pytest.approx(2 * 0.5**3)  # three pairs, all won
    assert weak.p_mcnemar == pytest.approx(2 * 0.5**2)
    assert (nominal.p_holm, weak.p_holm) == pytest.approx((0.5, 0.5))  # 2 * .25, then at least as much


def test_unstable_episodes_count_and_are_named(rows: list[EpisodeResult], row: Row) -> None:
    broken = row("bc", "weak_motors", "d", stable=False, success=False)
    card = score([*rows, broken, row("bc", "nominal", "d", mpjpe_root_mm=40.0)], ORIGIN)
    cell = card.cell("bc", "weak_motors")
    assert (cell.episodes, cell.successes, cell.unstable, cell.metrics["mpjpe_root_mm"].n) == (4, 2, 1, 3)
    assert card.unstable == ("bc in weak_motors: d, seed 0",)
    gap = next(gap for gap in card.gaps if gap.actor == "bc")
    assert gap.pairs == 4
    assert gap.metrics["mpjpe_root_mm"].n == 3
    assert "bc in weak_motors: d, seed 0" in scorecard_text(card)


def test_episodes_without_partner_are_named(rows: list[EpisodeResult], row: Row) -> None:
    card = score([*rows, row("bc", "weak_motors", "z", mpjpe_root_mm=1.0)], ORIGIN)
    assert card.unpaired == ("bc in weak_motors: z, seed 0",)
    assert next(gap for gap in card.gaps if gap.actor == "bc").pairs == 3
    assert "no partner in nominal" in scorecard_text(card)


def test_seeds_of_one_recording_are_drawn_together(row: Row) -> None:
    energy = dict(zip("abcdef", (1.0, 3.0, 2.0, 5.0, 4.0, 2.5), strict=True))
    same = [row(variant=v, seed=s, energy_j=e) for v, e in energy.items() for s in range(10)]
    card = score(same, ORIGIN)
    interval = card.cell("bc", "nominal").metrics["energy_j"]
    assert card.drawn == "recording"
    alone = bootstrap_mean(list(energy.values()))
    assert interval.n == 60
    assert (interval.low, interval.high) == pytest.approx((alone.low, alone.high))
    assert score([r for r in same if r.variant == "a"], ORIGIN).drawn == "episode"


def test_order_of_plants_and_actors(row: Row) -> None:
    card = score([row(actor, plant) for plant in ("slow_link", "nominal") for actor in ("hold", "replay", "bc")], ORIGIN)
    assert card.plants == ("nominal", "slow_link")
    assert card.actors == ("bc", "hold", "replay")


def test_what_cannot_be_scored_is_refused(rows: list[EpisodeResult], row: Row) -> None:
    with pytest.raises(ScoreError, match=r"bc in nominal: a, seed 0.*twice"):
        score([*rows, rows[0]], ORIGIN)
    with pytest.raises(ScoreError, match="several robots"):
        score([*rows, row(robot="talos")], ORIGIN)
    with pytest.raises(ScoreError, match="no episodes"):
        score([], ORIGIN)


def test_the_same_rows_give_the_same_card(rows: list[EpisodeResult]) -> None:
    one, other = (json.dumps(score(rows, ORIGIN, seed=1).to_json()) for _ in range(2))
    assert one == other


def test_json_round_trip(rows: list[EpisodeResult], tmp_path: Path) -> None:
    card = score(rows, ORIGIN)
    card.save(tmp_path / "scorecard.json")
    text = (tmp_path / "scorecard.json").read_text()
    data = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert (data["kind"], data["version"], data["claim"]) == ("scorecard", 1, "sim-to-sim robustness")
    again = Scorecard.load(tmp_path / "scorecard.json")
    assert again.to_json() == card.to_json()
    assert again.provenance == card.provenance
    assert math.isnan(again.cell("hold", "nominal").metrics["lag_s"].value)


@pytest.mark.parametrize("content", ["", "[]", '{"kind": "scorecard", "format": "understudy", "version": 99}'])
def test_other_files_are_no_scorecards(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(FileFormatError):
        Scorecard.load(tmp_path / "x.json")


def test_the_card_says_sim_to_sim_and_never_sim_to_real(rows: list[EpisodeResult]) -> None:
    text = scorecard_text(score(rows, ORIGIN))
    assert text.startswith("Sim-to-sim robustness")
    assert "real" not in text.lower()


def test_printed_numbers(rows: list[EpisodeResult]) -> None:
    tables = {table.title: table for table in scorecard_tables(score(rows, ORIGIN))}
    assert tables["Success"].rows[0][:2] == ("bc", "3/3 [44, 100]")
    gap = tables["Gap in success and tracking"]
    assert gap.rows[0][gap.header.index("MPJPE root-relative (mm)")] == "-4.0"
    assert gap.rows[0][-1] == "-10"
    assert gap.rows[1][gap.header.index("MPJPE root-relative (mm)")] == "0.0"
    assert gap.rows[1][-1] == DASH  # hold has no lag
    assert number(-0.0001, metric("lag_s")) == "0"
    assert number(0.0364, metric("lag_s")) == "36"


def test_text_table_is_aligned() -> None:
    table = Table("T", ("name", "n"), (("a", "5"), ("long name", "12")), "note")
    assert table.text() == "T\nname        n\n---------  --\na           5\nlong name  12\nnote"
