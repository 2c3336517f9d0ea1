"""The frozen numbers of suites: what they hold, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from envs.plants import Change
from gap.errors import ScoreError
from gap.suites.conditions import FOLDER, PARTS, freeze, load_suites
from motion.errors import FileFormatError, UnknownNameError

MASS, COLOUR = [{"field": "mass"}], [{"field": "colour"}]
FEW_SEEN = {"seen": 10, "robustness": 20, "heldout_objects": 1, "heldout_layouts": 1, "safety": 1}


def changed(tmp_path: Path, name: str = "w1", **parts: Any) -> Path:
    """A folder with a version of its own, unfrozen."""
    data = yaml.safe_load((FOLDER / "v1.yaml").read_text()) | {"version": name} | parts
    (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(data))
    return tmp_path


def test_suites_begin_with_what_was_seen() -> None:
    suites = load_suites()
    for suite in suites.suites:
        found = suites.conditions(suite)
        assert found[0].name == "seen"
        assert len({condition.name for condition in found}) == len(found)
    assert [condition.axis for condition in suites.conditions("heldout")] == ["", "objects", "layouts", "", ""]
    assert {condition.part for condition in suites.conditions("all")} == set(PARTS)


def test_a_level_reaches_plant_delay_and_disturbance() -> None:
    suites = load_suites()
    own = {condition.name: condition for condition in suites.conditions("robustness")}
    assert own["dynamics/gains=0.4"].plant.changes == (Change("kp", ranges=(0.4, 0.4)),)
    assert own["dynamics/delay=0.1"].plant.action_delay_s == (0.1, 0.1)
    assert own["body/start_posture=0.2"].disturbance.start_noise_rad == 0.2
    assert own["appearance/camera_moved=0.05"].appearance.camera_moved_m == 0.05
    assert [own[f"semantics/words={level}"].words for level in (1, 2)] == ["rephrased", "another chore's"]
    noise = {change.selection: change.ranges[0] for change in own["dynamics/sensor_noise=4"].plant.changes}
    assert noise["thing_position_m"] == pytest.approx(0.012)
    assert noise["joint_position_rad"] == pytest.approx(0.008)


def test_words_of_another_chore_are_no_level_to_succeed_at(tmp_path: Path) -> None:
    rule = load_suites().curve("semantics/words")
    assert (rule.levels, rule.asked) == ((1, 2), (1,))
    assert [rule.condition(level).told_part for level in rule.levels] == ["robustness", ""]
    told = {"unit": "", "neutral": 0, "levels": [1, 2], "words": ["another chore's", "rephrased"]}
    folder = changed(tmp_path, curves={"semantics/words": told})
    with pytest.raises(FileFormatError, match="come last, and not alone"):
        freeze("w1", folder)


def test_some_curves_alone() -> None:
    names = {condition.curve for condition in load_suites().conditions("robustness", ["dynamics/delay"])}
    assert names == {"", "dynamics/delay"}
    with pytest.raises(UnknownNameError, match="dynamics/delai"):
        load_suites().conditions("robustness", ["dynamics/delai"])
    with pytest.raises(UnknownNameError, match="held_out"):
        load_suites().conditions("held_out")


def test_a_version_is_frozen_once_and_never_changes(tmp_path: Path) -> None:
    folder = changed(tmp_path)
    with pytest.raises(ScoreError, match="never frozen"):
        load_suites("w1", folder)
    digest = freeze("w1", folder)
    assert load_suites("w1", folder).sha256 == digest
    with pytest.raises(ScoreError, match="are frozen"):
        freeze("w1", folder)
    load_suites.cache_clear()
    changed(tmp_path, block=8)
    with pytest.raises(ScoreError, match="has changed since"):
        load_suites("w1", folder)


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        (
            {"curves": {"body/x": {"unit": "x", "neutral": 1, "levels": [2, 1.5], "changes": [{"field": "mass"}]}}},
            FileFormatError,
            "further",
        ),
        ({"curves": {"body/x": {"unit": "x", "neutral": 1, "levels": [2]}}}, FileFormatError, "one of"),
        ({"curves": {"body/x": {"unit": "x", "neutral": 0, "levels": [2], "disturbance": "wind"}}}, UnknownNameError, "wind"),
        ({"curves": {"body/x": {"unit": "x", "neutral": 1, "levels": [2], "changes": [{"field": "colour"}]}}}, UnknownNameError, "colour"),
        ({"curves": {"body/x": {"unit": "x", "neutral": 0, "levels": [1], "words": ["louder"]}}}, UnknownNameError, "louder"),
        ({"curves": {"body/x": {"unit": "x", "neutral": 0, "levels": [1, 2], "words": ["rephrased"]}}}, FileFormatError, "1 kinds"),
        ({"curves": {"body/x": {"unit": "x", "neutral": 0, "levels": [2], "appearance": "mood"}}}, UnknownNameError, "mood"),
        ({"suites": {"mine": ["heldout_objects"]}}, FileFormatError, "first part"),
        ({"suites": {"mine": ["seen", "heldout_moods"]}}, UnknownNameError, "heldout_moods"),
        ({"safety_plants": ["moon"]}, UnknownNameError, "moon"),
        ({"splits": "v0"}, UnknownNameError, "v0"),
        (
            {"parts": {"seen": 10, "robustness": 20, "heldout_objects": 1, "heldout_layouts": 1, "safety": 1}},
            FileFormatError,
            "neutral level",
        ),
        ({"extra": 1}, FileFormatError, "extra"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, parts: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        freeze("w1", changed(tmp_path, **parts))
