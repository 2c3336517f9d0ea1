"""Data sets that others made: version 3.0 without our notes, and version 2.1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from motion.errors import FileFormatError
from motion.lerobot import Dataset, write_dataset
from tests.motion.lerobot.episodes import episode, episodes

LENGTHS = (5, 7)


def columns(episode_index: int, first: int, length: int) -> pa.Table:
    """Frames as a follower arm's recorder writes them: lists of any length, a picture of numbers, a reward."""
    frame = np.arange(length)
    return pa.table(
        {
            "action": [[float(t), -float(t)] for t in frame],
            "observation.state": [[t + 0.5, 0.0] for t in frame],
            "observation.grid": [[[t, 1.0], [2.0, 3.0]] for t in frame.astype(float)],
            "next.reward": pa.array(frame / 10, pa.float32()),
            "next.success": (frame == length - 1) & (episode_index == 1),
            "timestamp": pa.array(frame / 30, pa.float32()),
            "frame_index": frame,
            "episode_index": np.full(length, episode_index),
            "index": first + frame,
            "task_index": np.full(length, episode_index),
        }
    )


def info(version: str, **change: Any) -> dict[str, Any]:
    motors = {"motors": ["shoulder.pos", "gripper.pos"]}
    features: dict[str, Any] = {name: {"dtype": "float32", "shape": [2], "names": motors} for name in ("action", "observation.state")}
    features |= {"observation.grid": {"dtype": "float32", "shape": [2, 2], "names": None}}
    features |= {name: {"dtype": "float32", "shape": [1], "names": None} for name in ("next.reward", "timestamp")}
    features |= {"next.success": {"dtype": "bool", "shape": [1], "names": None}}
    features |= {name: {"dtype": "int64", "shape": [1]} for name in ("frame_index", "episode_index", "index", "task_index")}
    told = {"codebase_version": version, "fps": 30, "features": features, "robot_type": "so101", "chunks_size": 1000, "video_path": None}
    return told | {"total_episodes": len(LENGTHS), "total_frames": sum(LENGTHS)} | change


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Version 3.0: both episodes in one row group of one file."""
    for name in ("meta/episodes/chunk-000", "data/chunk-000"):
        (tmp_path / name).mkdir(parents=True)
    data_path = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
    (tmp_path / "meta/info.json").write_text(json.dumps(info("v3.0", data_path=data_path)))
    pq.write_table(pa.concat_tables([columns(0, 0, 5), columns(1, 5, 7)]).combine_chunks(), tmp_path / "data/chunk-000/file-000.parquet")
    pq.write_table(pa.table({"task_index": [1, 0], "task": ["lift", "push"]}), tmp_path / "meta/tasks.parquet")
    rows = {"episode_index": [0, 1], "length": LENGTHS, "dataset_from_index": [0, 5], "dataset_to_index": [5, 12]}
    rows |= {"data/chunk_index": [0, 0], "data/file_index": [0, 0], "tasks": [["push"], ["lift"]]}
    pq.write_table(pa.table(rows), tmp_path / "meta/episodes/chunk-000/file-000.parquet")
    return tmp_path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Version 2.1: a file per episode, lists as lines."""
    for name in ("meta", "data/chunk-000"):
        (tmp_path / name).mkdir(parents=True)
    data_path = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
    (tmp_path / "meta/info.json").write_text(json.dumps(info("v2.1", data_path=data_path)))
    lines = [{"episode_index": i, "tasks": [task], "length": LENGTHS[i]} for i, task in enumerate(("push", "lift"))]
    (tmp_path / "meta/episodes.jsonl").write_text("\n".join(map(json.dumps, lines)))
    tasks = [{"task_index": 0, "task": "push"}, {"task_index": 1, "task": "lift"}]
    (tmp_path / "meta/tasks.jsonl").write_text("\n".join(map(json.dumps, tasks)) + "\n")
    pq.write_table(columns(0, 0, 5), tmp_path / "data/chunk-000/episode_000000.parquet")
    pq.write_table(columns(1, 5, 7), tmp_path / "data/chunk-000/episode_000001.parquet")
    return tmp_path


@pytest.mark.parametrize("version", ["new", "old"])
def test_states_and_actions_of_others(version: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = request.getfixturevalue(version)
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(folder / "cache"))
    dataset = Dataset(folder, robot="so101")
    assert (len(dataset), dataset.tasks, dataset.joint_names) == (2, ("push", "lift"), ("shoulder.pos", "gripper.pos"))
    assert dataset.period_s == pytest.approx(1 / 30)
    lift = dataset.episode(1)
    assert (lift.robot, lift.chore, lift.variant, lift.seed, lift.success) == ("so101", "unknown", "lift", 1, True)
    assert not dataset.episode(0).success
    assert np.isnan(lift.progress)  # nobody judged it
    np.testing.assert_array_equal(lift.actions, [[t, -t] for t in range(7)])
    np.testing.assert_array_equal(lift.observations["state"][:, 0], np.arange(7) + 0.5)
    np.testing.assert_array_equal(lift.observations["grid"][3], [[3, 1], [2, 3]])
    np.testing.assert_allclose(lift.signals["next.reward"], np.arange(7) / 10, rtol=1e-6)
    assert dataset.column("observation.grid").shape == (12, 2, 2)
    np.testing.assert_array_equal(dataset.column("action")[5:], lift.actions)
    np.testing.assert_array_equal(dataset.bounds, [[0, 5], [5, 12]])


def test_data_of_others_has_no_digests(new: Path) -> None:
    with pytest.raises(FileFormatError, match="has no digests"):
        Dataset(new).verify()


def test_we_do_not_write_into_data_of_others(new: Path) -> None:
    with pytest.raises(FileFormatError, match="no data set of ours"):
        write_dataset([episode()], new)


def test_a_line_that_is_no_json(old: Path) -> None:
    (old / "meta/tasks.jsonl").write_text("{")
    with pytest.raises(FileFormatError, match=r"tasks.jsonl: a line is no JSON"):
        Dataset(old)


def test_pictures_stored_one_by_one_are_left_out(new: Path) -> None:
    data = json.loads((new / "meta/info.json").read_text())
    data["features"]["observation.images.wrist"] = {"dtype": "image", "shape": [4, 4, 3], "names": ["height", "width", "channels"]}
    (new / "meta/info.json").write_text(json.dumps(data))
    path = new / "data/chunk-000/file-000.parquet"
    pictures = pa.array([{"bytes": b"png", "path": None}] * 12)
    pq.write_table(pq.read_table(path).append_column("observation.images.wrist", pictures), path)
    assert set(Dataset(new).episode(0).observations) == {"state", "grid"}


def test_actions_without_names_are_numbered(new: Path) -> None:
    data = json.loads((new / "meta/info.json").read_text())
    data["features"]["action"]["names"] = None
    (new / "meta/info.json").write_text(json.dumps(data))
    assert Dataset(new).joint_names == ("action_0", "action_1")


def test_ours_without_our_notes_still_says_how_it_went(tmp_path: Path) -> None:
    """LeRobot's tools merge data sets and leave our notes behind; the episode table still has what it says."""
    wanted = list(episodes(3, pictures=True))
    write_dataset(wanted, tmp_path)
    (tmp_path / "meta/understudy.json").unlink()
    for got, demonstration in zip(Dataset(tmp_path), wanted, strict=True):
        assert (got.chore, got.variant, got.success) == (demonstration.chore, demonstration.variant, demonstration.success)
        assert got.provenance == demonstration.provenance
        assert got.safety == demonstration.safety
        assert got.observations["image_head"].shape == demonstration.observations["head"].shape
        np.testing.assert_array_equal(got.actions, demonstration.actions.astype(np.float32))
        np.testing.assert_array_equal(
            got.observations["object.pose"].reshape(-1, 2, 7), demonstration.observations["object/pose"].astype("f4")
        )
