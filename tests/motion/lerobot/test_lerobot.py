"""LeRobot itself opens what we write, and we read what it writes.

LeRobot cannot be installed beside Understudy (it wants an older torch), so it runs in a Python of its own, named by
UNDERSTUDY_LEROBOT_PYTHON; docs/datasets.md says how to make one. Without either these tests are skipped.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motion.lerobot import Dataset, DatasetSettings, write_dataset
from tests.motion.lerobot.episodes import episodes

SCRIPT = Path(__file__).parent / "with_lerobot.py"
EVERY = 7
ROUNDING = 2.0
"""Levels of 255 by which two decoders may differ in a picture."""


@pytest.fixture(scope="module")
def python() -> str:
    """A Python that has LeRobot."""
    named = os.environ.get("UNDERSTUDY_LEROBOT_PYTHON")
    if named:
        return named
    if importlib.util.find_spec("lerobot") is None:
        pytest.skip("LeRobot is not installed here; name a Python that has it in UNDERSTUDY_LEROBOT_PYTHON")
    return sys.executable


def run(python: str, *words: object) -> None:
    done = subprocess.run([python, str(SCRIPT), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_lerobot_reads_what_we_write(python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    wanted = list(episodes(5, pictures=True))
    write_dataset(wanted, tmp_path / "set", DatasetSettings(data_file_mb=0.04))
    run(python, "read", tmp_path / "set", tmp_path / "seen.npz")
    dataset, seen = Dataset(tmp_path / "set"), np.load(tmp_path / "seen.npz")
    assert seen["total"] == 50
    numeric = [feature.key for feature in dataset.features if feature.stored not in ("video", "string")]
    for key in (*numeric, "index", "timestamp", "next.success", "task_index"):
        ours = np.asarray(dataset.column(key))[::EVERY]
        np.testing.assert_array_equal(seen[key].reshape(len(ours), -1), ours.reshape(len(ours), -1), err_msg=key)
    pictures = np.concatenate([d.observations["head"] for d in dataset])[::EVERY]
    apart = np.abs(seen["observation.images.head"].transpose(0, 2, 3, 1) * 255 - pictures)
    assert apart.max() <= ROUNDING
    assert seen["task"].tolist() == [dataset.tasks[index] for index in np.asarray(dataset.column("task_index"))[::EVERY]]
    assert seen["observation.stage"].tolist() == np.concatenate([d.observations["stage"] for d in wanted])[::EVERY].tolist()
    np.testing.assert_array_equal(seen["chunk"], np.tile(wanted[0].actions[-1].astype(np.float32), (3, 1)))
    assert seen["chunk_is_pad"].tolist() == [False, True, True]
    assert seen["frames_of_episode_1"] == len(wanted[1].actions)
    np.testing.assert_allclose(seen["pooled_mean"], dataset.stats()["action"]["mean"])


def test_we_read_what_lerobot_writes(python: str, tmp_path: Path) -> None:
    run(python, "write", tmp_path / "set")
    dataset = Dataset(tmp_path / "set", robot="so100", joint_names=("a", "b"))
    assert [len(d.actions) for d in dataset] == [4, 5, 6]
    last = dataset.episode(2)
    np.testing.assert_array_equal(last.actions, [[-step, -2] for step in range(6)])
    np.testing.assert_array_equal(last.observations["grid"][5], np.arange(6).reshape(2, 3) + 5)
    assert last.variant == "task 0"
