"""A small data set, made whole and made after a stop: the same, and everything that describes it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from envs.household.splits import LeakError
from motion.errors import FileFormatError
from motion.handling import Handling
from motion.lerobot import Dataset
from motion.lerobot.layout import PENDING
from motion.provenance import file_sha256
from workers.dataset import run
from workers.dataset.make import do_job
from workers.dataset.plan import Recipe

RECIPE = Recipe(("fragile_glass",), workers=2, layouts=3, recorded=0.3)
PART = Path("test_chores/fragile_glass")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "whole"
    run.make_dataset(RECIPE, folder, 1)
    return folder


def test_one_recording_becomes_three_demonstrations(whole: Path) -> None:
    dataset = Dataset(whole / PART)
    dataset.verify()
    facts = [dataset.facts(index) for index in range(len(dataset))]
    assert [fact["kind"] for fact in facts] == ["recorded", "augmented", "augmented"]
    assert {fact["worker"] for fact in facts} == {"worker_000"}
    assert all(demonstration.success for demonstration in dataset)


def test_lineage_names_the_recording_and_the_segments(whole: Path) -> None:
    demonstration = Dataset(whole / PART).episode(1)
    told = demonstration.provenance.config["handling"]
    assert [(segment["thing"], segment["follows"]) for segment in told["segments"]] == [("glass", "home"), ("glass", "mark")]
    recording = whole / "recordings" / PART / f"{told['parent']}.npz"
    assert demonstration.provenance.parents[0].sha256 == file_sha256(recording)
    assert demonstration.provenance.consent == "not a person"


def test_it_is_described(whole: Path) -> None:
    index = json.loads((whole / "index.json").read_text())
    assert [(part["folder"], part["episodes"]) for part in index["datasets"]] == [(PART.as_posix(), 3)]
    assert index["datasets"][0]["sha256"] == file_sha256(whole / PART / "meta" / "understudy.json")
    with open(whole / "coverage.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert sum(int(row["recorded"]) + int(row["augmented"]) for row in rows) == 3
    assert (whole / "coverage.png").read_bytes().startswith(b"\x89PNG")
    card = (whole / "README.md").read_text()
    assert all(word in card for word in ("CC0-1.0", "not a person", "test_chores", "python -m workers dataset", index["git_commit"]))


def test_a_stop_loses_one_demonstration_and_the_rest_is_the_same(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def stopped(*task: object) -> object:
        if done:
            raise KeyboardInterrupt
        done.append(do_job(*task))  # type: ignore[arg-type]
        return done[-1]

    folder = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        patch.setattr(run, "do_job", stopped)
        with pytest.raises(KeyboardInterrupt):
            run.make_dataset(RECIPE, folder, 1)
    kept = sorted(path.name for path in (folder / ".work" / PART).glob("*.json"))
    assert kept == ["recorded_400000.json"]
    run.make_dataset(RECIPE, folder, 2)  # two processes, and on from there
    assert not (folder / PART / PENDING).exists()
    for name in ("index.json", "jobs.json", "coverage.csv", "README.md", f"{PART}/meta/understudy.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_finished_data_set_is_left_as_it_is(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*task: object) -> None:
        raise AssertionError(task)

    monkeypatch.setattr(run, "do_job", never)
    before = file_sha256(whole / "index.json")
    run.make_dataset(RECIPE, whole, 1)
    assert file_sha256(whole / "index.json") == before


def test_another_recipe_in_the_same_folder_is_refused(whole: Path) -> None:
    with pytest.raises(FileFormatError, match="layouts"):
        run.make_dataset(Recipe(("fragile_glass",), workers=2, layouts=5, recorded=0.3), whole, 1)


def test_a_leak_is_said_loudly(whole: Path, tmp_path: Path) -> None:
    leaking = tmp_path / "leaking"
    for split in ("train", "test_chores"):
        (leaking / split).mkdir(parents=True)
        (leaking / split / "fragile_glass").symlink_to(whole / PART)
    with pytest.raises(LeakError, match="fragile_glass"):
        run._check(leaking)


def test_handlings_of_recordings_are_kept_for_others_to_be_made_from(whole: Path) -> None:
    files = sorted((whole / ".work" / PART).glob("*.handling.npz"))
    assert len(files) == 1
    assert {hold.thing for hold in Handling.load(files[0]).holds} == {"glass"}
