"""The card and the page of an evaluation, from rows made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gap.episode import EpisodeResult, write_episodes
from gap.errors import ScoreError
from gap.planning import confidence_sequence, evidence_of_difference
from gap.report import Video
from gap.safety import screen
from gap.statistics import clopper_pearson, newcombe, wilson, wilson_mean
from gap.suites.card import SuiteCard, suite_card
from gap.suites.compare import TABLE, compared, rates_of, read_evaluations
from gap.suites.conditions import load_suites
from gap.suites.contest import ALL
from gap.suites.kept_back import held_out_table, splits_said
from gap.suites.page import write_suite_page
from gap.suites.plan import Block, plan_suite
from gap.suites.run import Stop, run_plan
from gap.suites.tables import reading, suite_tables, suite_text
from motion.provenance import record


def play(policy: str, block: Block) -> list[EpisodeResult]:
    """ "good" fails every fourth held-out layout and all at long delays; "bad" fails half of everything; one is unstable."""
    rows = []
    for variant, seed in block.episodes:
        late = block.condition.level > 0.06
        won = not late and (seed % 4 > 0 or not block.condition.axis) if policy == "good" else seed % 2 == 0
        odd = policy == "bad" and seed == 900001 and block.condition.name == "seen"
        rows.append(
            EpisodeResult("g1", block.chore, variant, "p", "", seed, 0.02, 3.0, not odd, won and not odd, seed % 10 > 0, 0.5 + 0.5 * won)
        )
    return rows


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> SuiteCard:
    """Two policies, two chores, everything but the plants of safety."""
    suites = load_suites()
    plan = plan_suite(suites, "all", {"stir_pot": "full", "pour_cup": "full"}, 40, curves=["dynamics/delay"])
    rows = run_plan(plan, ["good", "bad"], play, tmp_path_factory.mktemp("run"), 1)
    return suite_card(plan, suites, rows, {"good": {"sha256": "1"}, "bad": {"sha256": "2"}}, record("test", "test"), ["words: none"])


def test_rates_and_drops_by_hand(card: SuiteCard) -> None:
    rate = card.rate("good", "stir_pot", "heldout_layouts")
    assert (rate.successes, rate.episodes, rate.success) == (30, 40, wilson(30, 40))
    assert card.rate("good", ALL, "seen").episodes == 80
    assert card.rate("good", "stir_pot", "seen").safe.value == 0.9
    drop = next(one for one in card.drops if (one.policy, one.chore, one.part) == ("good", "stir_pot", "heldout_layouts"))
    assert drop.drop == newcombe(40, 40, 30, 40)
    assert 0.1 < rate.detectable < 0.4
    assert {one.part for one in card.drops} == {"heldout_objects", "heldout_layouts", *(f"safety/{p}" for p in load_suites().safety_plants)}


def test_curves_contests_letters_and_what_is_to_know(card: SuiteCard) -> None:
    own = next(one for one in card.curves if (one.policy, one.chore) == ("good", "stir_pot"))
    assert [rate.value for rate in own.success] == [1, 1, 1, 0, 0]
    assert own.s50.value == pytest.approx(0.075)
    assert own.success[0].n == 32
    seen = next(one for one in card.contests if (one.part, one.chore) == ("seen", "stir_pot"))
    assert (seen.pairs, seen.difference.value) == (40, 0.5)
    assert seen.p_holm < 0.01
    assert card.letters["seen"] == {"good": "a", "bad": "b"}
    assert len(card.unstable) == 2
    assert "bad in p: full, seed 900001 (seen)" in card.unstable


def test_who_does_not_listen_to_words_of_another_chore_gains_nothing_by_it(tmp_path: Path) -> None:
    """Both do what they are asked; asked for something else, one does it all the same."""

    def listens(policy: str, block: Block) -> list[EpisodeResult]:
        asked = block.condition.words != "another chore's"
        return [
            EpisodeResult("g1", block.chore, variant, "p", "", seed, 0.02, 3.0, True, asked or policy == "deaf", True, 1.0)
            for variant, seed in block.episodes
        ]

    suites = load_suites()
    plan = plan_suite(suites, "robustness", {"stir_pot": "full"}, 20, curves=["semantics/words"])
    rows = run_plan(plan, ["listens", "deaf"], listens, tmp_path, 1)
    card = suite_card(plan, suites, rows, {"listens": {}, "deaf": {}}, record("test", "test"))
    for own in card.curves:
        assert (own.area.value, own.last) == (1, 1)
    assert [rate.value for rate in card.curves[0].success] == [1, 1, 0]
    assert card.rate("deaf", "stir_pot", "semantics/words=2").success.value == 1
    assert card.parts == ("seen", "robustness")
    assert all(one.difference.value == 0 for one in card.contests)
    for name, episodes in rows.items():
        (tmp_path / name).mkdir(exist_ok=True)
        write_episodes(tmp_path / name / TABLE, episodes, record("test", "test"))
        (tmp_path / name / "episodes.json").write_text((tmp_path / "episodes.json").read_text())
    told, _ = read_evaluations([tmp_path / "listens", tmp_path / "deaf"])
    assert all(one.difference.value == 0 for one in compared(told))


def test_it_is_plain_json_and_the_same_again(card: SuiteCard, tmp_path: Path) -> None:
    card.save(tmp_path / "card.json")
    data = json.loads((tmp_path / "card.json").read_text())
    assert data["claim"] == "sim-to-sim robustness"
    assert data["sha256"] == card.sha256
    assert json.dumps(data) == json.dumps(card.to_json())


def test_tables_and_sentences(card: SuiteCard) -> None:
    text = suite_text(card)
    assert "words: none" in text
    assert "100 [95, 100]" in text
    told = " ".join(reading(card))
    assert "good does 80 of 80 episodes" in told
    assert "good loses 25 points" in told
    assert "good is better than bad in seen, all chores" in told
    assert all(len(row) == len(table.header) for table in suite_tables(card) for row in table.rows)


def test_rows_of_two_versions_of_the_code_are_said_to_be(card: SuiteCard, tmp_path: Path) -> None:
    page = write_suite_page(tmp_path / "a.html", replace(card, code={"0123456789abcdef": 400}), "A title").read_text()
    assert "0123456789ab" in page
    assert "more than one version" not in page
    mixed = suite_text(replace(card, code={"0123456789abcdef": 384, "fedcba": 16}))
    assert "more than one version of the code  0123456789ab: 384 episodes" in mixed


def test_the_page_holds_everything_and_asks_nothing_of_the_network(card: SuiteCard, tmp_path: Path) -> None:
    film = Video(b"\0\0\0\x18ftypisom" + bytes(1000), "good, stir_pot", "a.mp4")
    page = write_suite_page(tmp_path / "report.html", card, "A title", [film] * 3).read_text()
    assert page.count("data:video/mp4") == 3
    assert page.count("data:image/png") == 2 + 2
    assert 'src="http' not in page
    large = Video(film.mp4 + bytes(4_000_000), "large", "b.mp4")
    crowded = write_suite_page(tmp_path / "report.html", card, "A title", [large] * 5).read_text()
    assert len(crowded) < 15_000_000
    assert crowded.count("data:video/mp4") == 1
    assert "4 more films of worst episodes lie in films/" in crowded
    assert "more films" not in page


def test_what_was_held_out_is_said_in_numbers(card: SuiteCard, tmp_path: Path) -> None:
    table = held_out_table(card)
    assert ("heldout_objects", "stir_pot", "spoon mass (kg)", "0.05 to 0.1", "0.12 to 0.16") in table.rows
    assert ("heldout_objects", "pour_cup", "kinds of things", "all others", "wet mug, basin") in table.rows
    assert ("heldout_layouts", "stir_pot", "holder: x (m)", "0.11 to 0.175", "0.185 to 0.215") in table.rows
    assert all(row[3] != row[4] for row in table.rows)
    assert "of seeds 0 to 900 record for training, of 900 to 1000 for the test" in table.note
    page = write_suite_page(tmp_path / "report.html", card, "A title").read_text()
    assert "spoon mass (kg)" in page
    assert splits_said(card) in page


def test_finished_evaluations_are_compared(tmp_path: Path) -> None:
    plan = plan_suite(load_suites(), "heldout_objects", {"stir_pot": "full"}, 40)
    rows = run_plan(plan, ["good", "bad"], play, tmp_path, 1)
    contests = compared(rows)
    assert [(one.part, one.pairs) for one in contests] == [("seen", 40), ("heldout_objects", 40), ("all", 40)]
    table = rates_of(rows, contests)
    assert [row[:2] for row in table.rows] == [("good", "a"), ("bad", "b")]
    assert contests[0].p < contests[0].p_holm < 0.001


def test_only_what_all_of_them_did_is_compared(tmp_path: Path) -> None:
    """One wins its 40 layouts; the other half of them, and a curve beside, which must not hide that it is worse."""
    more = plan_suite(load_suites(), "robustness", {"stir_pot": "full"}, 60, curves=["dynamics/delay"])
    less = plan_suite(load_suites(), "seen", {"stir_pot": "full"}, 40)
    rows = {**run_plan(less, ["good"], play, tmp_path / "a", 1), **run_plan(more, ["bad"], play, tmp_path / "b", 1)}
    (found,) = compared(rows)
    assert (found.part, found.pairs) == ("seen", 40)
    table = rates_of(rows, [found])
    assert [row[:5] for row in table.rows] == [("good", "a", "40", "40", "0"), ("bad", "b", "40", "40", str(20 + 4 * 32))]
    assert table.rows[0][5] == "100 [91, 100]"


def test_layouts_under_several_conditions_count_once_in_a_rate(tmp_path: Path) -> None:
    plan = plan_suite(load_suites(), "robustness", {"stir_pot": "full"}, 20, curves=["dynamics/delay"])
    rows = run_plan(plan, ["good", "bad"], play, tmp_path, 1)
    good = rates_of(rows, compared(rows)).rows[0]
    rate = wilson_mean([0.6] * 20)
    assert good[2:] == ("100", "20", "0", f"60 [{100 * rate.low:.0f}, {100 * rate.high:.0f}]")


def test_lists_that_mean_other_things_by_a_name_are_refused(tmp_path: Path) -> None:
    plan = plan_suite(load_suites(), "seen", {"stir_pot": "full"}, 4)
    for name, splits in (("good", "v1"), ("bad", "v1"), ("other", "v2")):
        rows = run_plan(plan, [name], play, tmp_path / name, 1)[name]
        write_episodes(tmp_path / name / TABLE, rows, record("test", "test", config={"version": "v1", "splits": splits}))
    assert list(read_evaluations([tmp_path / "good", tmp_path / "bad"])[0]) == [str(tmp_path / "good"), str(tmp_path / "bad")]
    with pytest.raises(ScoreError, match=r"other numbers of the suites \(splits v1, not v2\)"):
        read_evaluations([tmp_path / "good", tmp_path / "other"])
    listed = tmp_path / "bad" / "episodes.json"
    listed.write_text(listed.read_text().replace('"axis": ""', '"axis": "objects"'))
    with pytest.raises(ScoreError, match="mean different things by condition 'seen'"):
        read_evaluations([tmp_path / "good", tmp_path / "bad"])


def test_a_card_that_could_stop_early_says_what_holds_at_all_times(tmp_path: Path) -> None:
    suites, chores = load_suites(), {"stir_pot": "full", "pour_cup": "full"}
    plan = plan_suite(suites, "all", chores, 100, curves=["dynamics/delay"])
    rows = run_plan(plan, ["good", "bad"], play, tmp_path, 1, Stop(evidence=20))
    known: dict[str, dict[str, str]] = {"good": {}, "bad": {}}
    card = suite_card(plan, suites, rows, known, record("test", "test"), stopped=True)
    rate = card.rate("good", "stir_pot", "seen")
    assert 0 < rate.episodes < 100
    safely = [row for row in rows["good"] if (row.chore, row.condition) == ("stir_pot", "seen")]
    assert rate.safe == confidence_sequence(sum(row.success and row.safe for row in safely), rate.episodes)
    assert rate.success.method == rate.unstable_bound.method == "Robbins, at all times"
    assert {one.drop.method for one in card.drops} == {"Robbins, at all times"}
    seen = next(one for one in card.contests if (one.part, one.chore) == ("seen", "stir_pot"))
    assert (seen.test, seen.p) == ("e-value, at all times", pytest.approx(1 / evidence_of_difference(rate.episodes // 2, 0)))
    assert seen.difference.low < 0.5 < seen.difference.high
    tests = {one.test for one in card.contests if one.part in ("robustness", "safety")}
    assert tests == {"signs flipped, by layout; fixed n"}
    text = " ".join(table.text() for table in suite_tables(card))
    assert "Wilson" not in text
    assert "Clopper" not in text
    (events, *_) = screen(safely, stopped=True).actors[0].conditions
    assert events.safe_success == rate.safe
    assert events.violated.rate.high > clopper_pearson(events.violated.happened, rate.episodes, side="upper").high
