"""The files against LeRobot's definition of version 3.0, column by column and type by type."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from motion.lerobot import DatasetSettings, write_dataset
from tests.motion.lerobot.episodes import JOINTS, episode, episodes

COUNT = 6
FILES = DatasetSettings(data_file_mb=0.04, chunk_files=2)
INFO_KEYS = {
    "codebase_version",
    "robot_type",
    "total_episodes",
    "total_frames",
    "total_tasks",
    "chunks_size",
    "data_files_size_in_mb",
    "video_files_size_in_mb",
    "fps",
    "splits",
    "data_path",
    "video_path",
    "features",
}
STATISTICS = {"min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("layout") / "set"
    write_dataset(episodes(COUNT, pictures=True), target, FILES)
    return target


def rows(folder: Path) -> list[dict[str, object]]:
    return [row for path in sorted(folder.glob("meta/episodes/*/*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_info(folder: Path) -> None:
    info = json.loads((folder / "meta/info.json").read_text())
    assert set(info) == INFO_KEYS
    assert (info["codebase_version"], info["robot_type"], info["fps"], info["chunks_size"]) == ("v3.0", "g1_dex3", 50, 2)
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (COUNT, 63, 2)
    assert info["splits"] == {"train": f"0:{COUNT}"}
    assert info["data_path"] == "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    assert info["video_path"] == "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
    features = info["features"]
    assert features["action"] == {"dtype": "float32", "shape": [3], "names": list(JOINTS)}
    assert features["observation.state"] == features["action"]
    assert features["observation.object.pose"]["shape"] == [14]
    assert features["observation.stage"] == {"dtype": "string", "shape": [1], "names": None}
    assert features["index"] == {"dtype": "int64", "shape": [1], "names": None}
    head = features["observation.images.head"]
    assert (head["dtype"], head["shape"], head["names"]) == ("video", [32, 48, 3], ["height", "width", "channels"])
    assert (head["info"]["video.fps"], head["info"]["video.codec"], head["info"]["video.pix_fmt"]) == (50, "h264", "yuv420p")
    assert not any("/" in key for key in features)


def test_frames(folder: Path) -> None:
    features = json.loads((folder / "meta/info.json").read_text())["features"]
    paths = sorted(folder.glob("data/*/*.parquet"))
    assert [path.relative_to(folder / "data").as_posix() for path in paths][:3] == [
        "chunk-000/file-000.parquet",
        "chunk-000/file-001.parquet",
        "chunk-001/file-000.parquet",
    ]
    table = pa.concat_tables([pq.read_table(path) for path in paths])
    assert set(table.column_names) == {key for key, entry in features.items() if entry["dtype"] != "video"}
    for field in table.schema:
        assert field.type == arrow_type(features[field.name]), field.name
    assert table["index"].to_pylist() == list(range(63))
    first = table.slice(0, 8)
    assert first["timestamp"].to_pylist() == pytest.approx(np.arange(8) / 50)
    assert first["next.done"].to_pylist() == [False] * 7 + [True]
    assert set(table["task_index"].to_pylist()) == {0, 1}


def arrow_type(entry: dict[str, object]) -> pa.DataType:
    """What LeRobot expects of a feature: a number, or a list of a fixed length."""
    kind = pa.type_for_alias(str(entry["dtype"]))
    (width,) = entry["shape"]  # type: ignore[misc]
    return kind if width == 1 else pa.list_(kind, width)


def test_the_episode_table(folder: Path) -> None:
    table = rows(folder)
    at = 0
    for index, row in enumerate(table):
        assert (row["episode_index"], row["dataset_from_index"], row["dataset_to_index"]) == (index, at, at + 8 + index)
        assert row["length"] == 8 + index
        assert row["tasks"] == [["pour cup: one", "pour cup: full"][index % 2]]
        assert row["meta/episodes/file_index"] == row["data/file_index"] == row["videos/observation.images.head/file_index"]
        data = folder / f"data/chunk-{row['data/chunk_index']:03d}/file-{row['data/file_index']:03d}.parquet"
        assert index in pq.read_table(data)["episode_index"].to_pylist()
        at = row["dataset_to_index"]  # type: ignore[assignment]


def test_every_file_of_the_episode_table_has_the_same_columns(folder: Path) -> None:
    schemas = [pq.read_schema(path) for path in sorted(folder.glob("meta/episodes/*/*.parquet"))]
    assert len(schemas) > 1
    assert all(schema.equals(schemas[0]) for schema in schemas)


def test_statistics_of_each_episode_and_of_all(folder: Path) -> None:
    features = json.loads((folder / "meta/info.json").read_text())["features"]
    numeric = {key for key, entry in features.items() if entry["dtype"] != "string"}
    row = rows(folder)[0]
    assert {name for name in row if name.startswith("stats/")} == {f"stats/{key}/{name}" for key in numeric for name in STATISTICS}
    stats = json.loads((folder / "meta/stats.json").read_text())
    assert set(stats) == numeric
    for key, entry in stats.items():
        assert set(entry) == STATISTICS
        wanted = (3, 1, 1) if key == "observation.images.head" else tuple(features[key]["shape"])
        assert all(np.shape(value) == wanted for name, value in entry.items() if name != "count")
        assert np.shape(entry["count"]) == (1,)
        assert np.shape(row[f"stats/{key}/mean"]) == wanted


def test_tasks_are_the_index_that_pandas_looks_for(folder: Path) -> None:
    table = pq.read_table(folder / "meta/tasks.parquet")
    note = json.loads(table.schema.metadata[b"pandas"])
    (index,) = note["index_columns"]
    assert table[index].to_pylist() == ["pour cup: one", "pour cup: full"]
    assert table["task_index"].to_pylist() == [0, 1]


def test_videos_of_a_file_follow_each_other(folder: Path) -> None:
    key = "videos/observation.images.head"
    ends: dict[tuple[object, object], float] = {}
    for row in rows(folder):
        file = (row[f"{key}/chunk_index"], row[f"{key}/file_index"])
        assert row[f"{key}/from_timestamp"] == pytest.approx(ends.get(file, 0.0))
        ends[file] = float(row[f"{key}/to_timestamp"])  # type: ignore[arg-type]
        assert ends[file] - float(row[f"{key}/from_timestamp"]) == pytest.approx(0.02 * int(row["length"]))  # type: ignore[arg-type, call-overload]
    assert len(ends) > 1


def test_each_episode_is_a_row_group(folder: Path) -> None:
    sizes = []
    for path in sorted(folder.glob("data/*/*.parquet")):
        metadata = pq.read_metadata(path)
        sizes += [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert sizes == [8 + seed for seed in range(COUNT)]


def test_a_period_that_is_no_whole_rate(tmp_path: Path) -> None:
    write_dataset([episode(period_s=1 / 30), episode(1, period_s=1 / 30)], tmp_path / "a")
    write_dataset([episode(period_s=0.015)], tmp_path / "b")
    assert json.loads((tmp_path / "a/meta/info.json").read_text())["fps"] == 30
    assert json.loads((tmp_path / "b/meta/info.json").read_text())["fps"] == pytest.approx(66.6667, abs=1e-4)
