"""`python -m retarget score`: one pair and folders of pairs, cards and pages on disk, and what it says of wrong input."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from motion.errors import UnderstudyError
from retarget.body_map import BodyMap, body_map
from retarget.corpus_report import Clip, corpus_json, strip, write_page
from retarget.measure import GATES, Finding, Gate, card_of
from retarget.score import find_pairs, main, score_pair
from robots import load_robot
from tests.retarget.test_measure import person_of, standing


@pytest.fixture(scope="module")
def body() -> BodyMap:
    return body_map(load_robot("g1"))


@pytest.fixture(scope="module")
def studio(body: BodyMap, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """people/a, people/b, people/lonely and robots/a, robots/b (which is no motion at all)."""
    folder = tmp_path_factory.mktemp("studio")
    still = standing(body, 31)
    for name in ("a", "b", "lonely"):
        person_of(body, still).save(folder / "people" / f"{name}.npz")
    still.save(folder / "robots" / "a.npz")
    (folder / "robots" / "b.csv").write_text("1,2,3\n")
    return folder


def test_one_pair_gives_a_card_and_a_page(studio: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--human", f"{studio}/people/a.npz", "--robot", f"{studio}/robots/a.npz"]
    assert main([*words, "--output", f"{tmp_path}/card.json", "--html", f"{tmp_path}/page.html"]) == 0
    said = capsys.readouterr().out
    assert "robot layout: Understudy robot motion" in said
    assert "a.npz: pass" in said
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["verdict"] == "pass"
    assert card["numbers"]["limb_deg"] == pytest.approx(0, abs=1e-6)
    assert card["gates"]["slip_mm_s"] == [GATES["slip_mm_s"].review, GATES["slip_mm_s"].reject]
    assert "<td>a.npz</td>" in (tmp_path / "page.html").read_text()


def test_folders_are_paired_by_name_and_a_bad_file_stops_nobody(studio: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--human", f"{studio}/people", "--robot", f"{studio}/robots", "--output", f"{tmp_path}/out", "--no-self-contact"]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "no partner of that name: lonely.npz" in said
    corpus = json.loads((tmp_path / "out" / "corpus.json").read_text())
    assert [(clip["name"], clip["verdict"]) for clip in corpus["clips"]] == [("a", "pass"), ("b", "failed")]
    assert "xyz, quaternion xyzw and joints were wanted" in corpus["clips"][1]["error"]
    assert corpus["verdicts"]["pass"] == {"clips": 1, "pct": 50.0}
    assert "self_contact_pct" not in corpus["numbers"]
    assert corpus["numbers"]["float_mm"]["clips"] == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.card.json", "corpus.html", "corpus.json"]


def test_a_foreign_motion_starts_with_its_recording_and_says_what_it_lacks(asap: list[Path], body: BodyMap) -> None:
    done = score_pair(asap[0], asap[0], body)
    assert done.card.verdict == "review"
    assert done.card.numbers["inferred_pct"] == pytest.approx(100 * 6 / 29)
    assert done.card.numbers["limb_deg"] < 12
    assert done.card.reasons[-1].startswith("the file has no angles for left_wrist_roll_joint")
    assert done.frames_n == 230


def test_wrong_input_is_one_error(studio: Path, tmp_path: Path) -> None:
    people, robots = studio / "people", studio / "robots"
    for words, message in (
        ([people / "x.npz", robots / "a.npz"], "x.npz: no such file or folder"),
        ([people, robots / "a.npz"], "two files or two folders are wanted"),
        ([people, robots], "folders want --output FOLDER"),
        ([people / "a.npz", robots / "a.npz", "--output", robots / "a.npz"], "would be overwritten"),
        ([people / "a.npz", robots / "b.csv", "--robot-model", "g7"], "unknown robot 'g7'"),
        ([people / "a.npz", people / "a.npz"], "no known layout of a robot's motion"),
    ):
        human, robot, *more = map(str, words)
        with pytest.raises(UnderstudyError, match=message):
            main(["--human", human, "--robot", robot, *more])
    with pytest.raises(UnderstudyError, match="have the same name"):
        find_pairs(people, tmp_path)


def clip(name: str, slip: float) -> Clip:
    return Clip(name, card_of({"slip_mm_s": Finding(slip), "limb_deg": Finding(math.nan)}), 30, 1.0)


def test_the_page_asks_nothing_of_a_network_and_escapes_names(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "<b>", [clip("<script>x</script>", 50.0), clip("b", 400.0), Clip("c", None, error="broken & gone")])
    page = (tmp_path / "page.html").read_text()
    assert not re.search(r"https?:|src=|href=|url\(", page)
    assert "default-src 'none'" in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script>x" not in page
    assert "broken &amp; gone" in page
    assert page.count("<circle") == 2
    assert 'class="reject" data-value="400.0"' in page


def test_numbers_and_shares_of_a_corpus() -> None:
    corpus = corpus_json("t", [clip("a", 50.0), clip("b", 150.0), clip("c", 400.0)])
    assert {verdict: share["clips"] for verdict, share in corpus["verdicts"].items()} == {"pass": 1, "review": 1, "reject": 1}
    slip = corpus["numbers"]["slip_mm_s"]
    assert (slip["mean"], slip["median"], slip["least"], slip["most"]) == (200, 150, 50, 400)
    assert "limb_deg" not in corpus["numbers"]  # never measured


def test_a_strip_has_the_zones_of_its_gate() -> None:
    drawn = strip("slip_mm_s", [clip("a", 50.0), clip("b", 400.0)], Gate(100, 300))
    assert [zone[2] for zone in drawn.zones] == ["pass", "review", "reject"]
    assert sum(zone[1] for zone in drawn.zones) == pytest.approx(drawn.width - 2 * drawn.zones[0][0])
    assert [dot.verdict for dot in drawn.dots] == ["pass", "reject"]
    assert [zone[2] for zone in strip("slip_mm_s", [clip("a", 50.0)], Gate(100, 300)).zones] == ["pass"]  # the rest is far away
    assert [zone[2] for zone in strip("slip_mm_s", [clip("a", 50.0)], Gate(40, 20)).zones] == ["reject", "review", "pass"]
