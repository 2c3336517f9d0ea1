"""Broken, foreign and unfit data sets: one clear error each, and nothing half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from motion.errors import FileFormatError, MotionError, UnderstudyError, UnknownNameError
from motion.lerobot import Dataset, DatasetSettings, DatasetWriter, finish_dataset, write_dataset
from tests.motion.lerobot.episodes import episode, episodes

DATA, EPISODES = "data/chunk-000/file-000.parquet", "meta/episodes/chunk-000/file-000.parquet"
VIDEO = "videos/observation.images.head/chunk-000/file-000.mp4"
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set without fault."""
    folder = tmp_path_factory.mktemp("good") / "set"
    write_dataset(episodes(3, pictures=True), folder)
    return folder


def info(**change: Any) -> Change:
    """Change entries of info.json; None takes one away."""

    def edit(folder: Path) -> None:
        path = folder / "meta/info.json"
        data = json.loads(path.read_text()) | change
        path.write_text(json.dumps({name: value for name, value in data.items() if value is not None}))

    return edit


def feature(key: str, **change: Any) -> Change:
    """Change a feature of info.json."""

    def edit(folder: Path) -> None:
        features = json.loads((folder / "meta/info.json").read_text())["features"]
        features[key] = features.get(key, {}) | change
        info(features=features)(folder)

    return edit


def table(name: str, edit: Callable[[pa.Table], pa.Table]) -> Change:
    """Change a Parquet file."""
    return lambda folder: pq.write_table(edit(pq.read_table(folder / name)), folder / name)


def text(name: str, content: str) -> Change:
    return lambda folder: (folder / name).write_text(content)


def cut(name: str) -> Change:
    """Leave the first half of a file."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[: (folder / name).stat().st_size // 2])


def gone(name: str) -> Change:
    return lambda folder: shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


def replaced(column: str, values: list[Any]) -> Callable[[pa.Table], pa.Table]:
    return lambda rows: rows.set_column(rows.column_names.index(column), column, pa.array(values))


BROKEN: dict[str, tuple[Change, str]] = {
    "no meta": (gone("meta"), "no LeRobot data set"),
    "info is no JSON": (text("meta/info.json", "{"), "cannot be read as JSON"),
    "info is a list": (text("meta/info.json", "[]"), "holds a list"),
    "info lacks entries": (info(fps=None, features=None), "lacks fps, features"),
    "too new": (info(codebase_version="v4.0"), "version v4.0; v3.0 and v2.1 can be read"),
    "too old": (info(codebase_version="v1.6"), "version v1.6"),
    "no rate": (info(fps=0), "fps is 0"),
    "no actions": (info(features={}), "has no feature 'action'"),
    "a feature without shape": (feature("extra", dtype="float32"), "'extra' has no dtype and shape"),
    "a feature of another width": (feature("action", shape=[4]), "disagree on 'action'"),
    "a feature more": (feature("observation.more", dtype="float32", shape=[1]), "knows nothing of observation.more"),
    "other totals": (info(total_episodes=9), "says total_episodes 9; the episode table has 3"),
    "other frames": (info(total_frames=9), "says total_frames 9"),
    "a way out": (info(data_path="../{chunk_index}/{file_index}"), "leads out of the data set"),
    "an unknown place": (info(data_path="data/{nowhere}"), "KeyError"),
    "no episode table": (gone("meta/episodes"), "has no episode table"),
    "episode table cut": (cut(EPISODES), "no Parquet file, or one cut off"),
    "episode table without lengths": (table(EPISODES, lambda rows: rows.drop_columns(["length"])), "has no columns length"),
    "lengths that disagree": (table(EPISODES, replaced("length", [8, 9, 99])), "disagree in episode 2"),
    "no tasks": (gone("meta/tasks.parquet"), "no such file"),
    "tasks with holes": (table("meta/tasks.parquet", replaced("task_index", [0, 7])), r"task indices are \[0, 7\]"),
    "no data": (gone(DATA), "is missing; the episode table names it"),
    "no video": (gone(VIDEO), "is missing; the episode table names it"),
    "our notes are another's": (text("meta/understudy.json", "{}"), "not what Understudy notes"),
    "our notes lack a part": (text("meta/understudy.json", '{"format": "understudy", "kind": "dataset"}'), "KeyError"),
}
UNREADABLE: dict[str, tuple[Change, str]] = {
    "data cut": (cut(DATA), "no Parquet file, or one cut off"),
    "data too short": (table(DATA, lambda rows: rows.slice(0, 20)), "has 20 rows; the episode table says at least 27"),
    "data without a column": (table(DATA, lambda rows: rows.drop_columns(["action"])), "has no columns action"),
    "data in another order": (table(DATA, lambda rows: rows.take(np.arange(rows.num_rows)[::-1])), "belong to others"),
    "data of another width": (table(DATA, replaced("action", [[0.0, 1.0]] * 27)), "8 rows hold 16 numbers; 3 in each"),
    "data with empty places": (table(DATA, replaced("signal.saturated", [None] * 27)), "has empty places"),
    "video cut": (cut(VIDEO), "cannot be read as a video|pictures from"),
    "video of another episode": (lambda folder: _other_video(folder), "holds 0 pictures|holds [0-9] pictures"),
    "provenance is no JSON": (table(EPISODES, replaced("provenance", ["{"] * 3)), "not of the kind it should be"),
}


def _other_video(folder: Path) -> None:
    write_dataset([episode(0, 4, pictures=True)], folder / "other")
    shutil.copy(folder / "other" / VIDEO, folder / VIDEO)


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_data_set_is_not_opened(good: Path, tmp_path: Path, case: str) -> None:
    change, message = BROKEN[case]
    folder = shutil.copytree(good, tmp_path / "set")
    change(folder)
    with pytest.raises(FileFormatError, match=message):
        Dataset(folder)


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_broken_file_is_not_read(good: Path, tmp_path: Path, case: str) -> None:
    change, message = UNREADABLE[case]
    folder = shutil.copytree(good, tmp_path / "set")
    change(folder)
    with pytest.raises(FileFormatError, match=message):
        list(Dataset(folder))


def test_no_folder_a_file_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for name, message in (("nowhere", "no such folder"), ("file", "no such folder"), ("empty", "no LeRobot data set")):
        with pytest.raises(FileFormatError, match=message):
            Dataset(tmp_path / name)
    with pytest.raises(FileFormatError, match="no data set that was begun"):
        finish_dataset(tmp_path / "empty")


def test_other_robots_and_other_joints_are_refused(good: Path) -> None:
    assert Dataset(good, "g1_dex3", ("shoulder", "elbow", "thumb")).robot == "g1_dex3"
    for joints, message in ((("elbow", "shoulder", "thumb"), "order differs"), (("elbow", "knee"), "knee, shoulder, thumb")):
        with pytest.raises(MotionError, match=message):
            Dataset(good, joint_names=joints)
    with pytest.raises(MotionError, match="of the robot 'g1_dex3'; 'talos' was wanted"):
        Dataset(good, "talos")


@pytest.mark.parametrize("index", [-1, 3])
def test_an_episode_that_is_not_there(good: Path, index: int) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown episode .* Known: 0 to 2"):
        Dataset(good).episode(index)


UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "another robot": ({"robot": "talos"}, "robot is g1_dex3, and talos"),
    "another period": ({"period_s": 0.01}, "period_s is 0.02, and 0.01"),
    "other joints": ({"joint_names": ("a", "b", "c")}, "joint_names is"),
    "a track less": ({"signals": {}}, "lacks signal.grip_force_n; lacks signal.saturated"),
    "a track of another shape": ({"signals": {"saturated": np.ones((12, 2), bool), "grip_force_n": np.ones(12)}}, r"is bool \(2,\), not"),
}
IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "actions that are not finite": ({"actions": np.full((12, 3), np.nan)}, "actions are not finite"),
    "too large for float32": ({"signals": {"x": np.full(12, 1e300)}}, "too large for float32"),
    "no numbers": ({"actions": np.ones((12, 0)), "joint_names": ()}, "a column of no numbers"),
    "objects": ({"signals": {"x": np.array([None] * 12)}}, "numbers, bools and words can be stored"),
    "words in rows": ({"signals": {"x": np.array([["a", "b"]] * 12)}}, "only one word per frame"),
    "odd pictures": ({"observations": {"x": np.zeros((12, 5, 4, 3), np.uint8)}}, "are 4x5; a video wants even numbers"),
    "two tracks for one column": ({"observations": {"joint_position_rad": np.ones((12, 3)), "state": np.ones(12)}}, "observation.state"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_an_episode_that_does_not_fit_leaves_the_others_alone(tmp_path: Path, case: str) -> None:
    change, message = UNFIT[case]
    with DatasetWriter(tmp_path) as writer:
        writer.add(episode(0))
        with pytest.raises(MotionError, match=message):
            writer.add(episode(2, **change))
    assert len(Dataset(tmp_path)) == 1


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_no_data_set_can_hold_is_refused_and_decides_nothing(tmp_path: Path, case: str) -> None:
    change, message = IMPOSSIBLE[case]
    with DatasetWriter(tmp_path) as writer:
        with pytest.raises(MotionError, match=message):
            writer.add(episode(1, **change))
        writer.add(episode(0))
    assert len(Dataset(tmp_path)) == 1


def test_an_episode_is_not_written_twice(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path) as writer:
        writer.add(episode(0))
        with pytest.raises(MotionError, match="'pour_cup/one/0/nominal/replay' is there already"):
            writer.add(episode(0))
    assert len(Dataset(tmp_path)) == 1


def test_facts_that_are_no_json(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path) as writer, pytest.raises(MotionError, match="facts holds more than plain JSON"):
        writer.add(episode(0), facts={"worker": object()})
    assert not any(tmp_path.iterdir())


def test_a_folder_of_something_else_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    for folder in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(FileFormatError, match="no data set of ours|is a file"):
            write_dataset([episode()], folder)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_no_demonstrations(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="no demonstrations were given"):
        write_dataset([], tmp_path / "set")
    assert not any((tmp_path / "set").iterdir())


def test_another_split_goes_into_another_folder(tmp_path: Path) -> None:
    write_dataset([episode(0)], tmp_path, split="val")
    assert write_dataset([episode(1)], tmp_path).episodes == 2
    with pytest.raises(MotionError, match="of another split than 'test'"):
        write_dataset([episode(2)], tmp_path, split="test")
    assert Dataset(tmp_path).info["splits"] == {"val": "0:2"}


@pytest.mark.parametrize("change", [{"data_file_mb": 0}, {"chunk_files": -1}, {"picture_group": 0}])
def test_sizes_have_to_be_above_0(change: dict[str, Any]) -> None:
    with pytest.raises(UnderstudyError, match="above 0"):
        DatasetSettings(**change)
