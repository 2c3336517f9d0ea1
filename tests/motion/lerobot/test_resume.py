"""A writer may be stopped anywhere: at most the episode in hand is lost, and the next one goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from motion.errors import FileFormatError, MotionError
from motion.lerobot import Dataset, DatasetSettings, DatasetWriter, episode_name, finish_dataset, write_dataset
from tests.motion.lerobot.episodes import assert_same, episode, episodes

TINY = DatasetSettings(data_file_mb=0.02)
EVERY_NTH = {False: 3, True: 7}
"""Renames tried, without and with pictures; all of them hold, and take a minute."""
COUNT = 4
_KILLED = """
import os, signal, sys
from pathlib import Path
from motion.lerobot import DatasetSettings, DatasetWriter
from tests.motion.lerobot.episodes import episodes
writer = DatasetWriter(Path(sys.argv[1]), DatasetSettings(data_file_mb=0.02))
for number, demonstration in enumerate(episodes(9, pictures=True)):
    if number == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    writer.add(demonstration)
"""


def whole(folder: Path) -> dict[str, bytes]:
    """Every file of a data set, but for those that carry the commit."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("understudy.json", "README.md"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_after_a_kill_every_whole_episode_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(folder)], check=False)
    assert done.returncode == -9
    with pytest.raises(FileFormatError, match="never finished"):
        Dataset(folder)
    assert finish_dataset(folder) == 4
    for got, wanted in zip(Dataset(folder), episodes(4, pictures=True), strict=True):
        assert_same(got, wanted, but=("head",))


class _Stopped(BaseException):
    """A stop at a moment of the test's choice."""


@pytest.mark.parametrize("pictures", [False, True], ids=["numbers", "pictures"])
def test_stopped_at_any_rename_and_taken_up_again_nothing_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: bool
) -> None:
    """Renames are the only moments at which anything becomes visible: stop at each in turn, go on, compare."""
    settings = DatasetSettings(data_file_mb=0.03)
    renames, rename = [0, 0], os.replace

    def stopping(source: str, target: str) -> None:
        renames[0] += 1
        if renames[0] == renames[1]:
            raise _Stopped
        rename(source, target)

    monkeypatch.setattr(os, "replace", stopping)
    write_dataset(episodes(COUNT, pictures=pictures), tmp_path / "whole", settings)
    every = renames[0]
    assert every > 2 * COUNT
    for moment in range(1, every + 1, EVERY_NTH[pictures]):
        folder = tmp_path / str(moment)
        renames[:] = [0, moment]
        with pytest.raises(_Stopped):
            write_dataset(episodes(COUNT, pictures=pictures), folder, settings)
        write_dataset(episodes(COUNT, pictures=pictures), folder, settings)
        for got, wanted in zip(Dataset(folder), episodes(COUNT, pictures=pictures), strict=True):
            assert_same(got, wanted, but=("head",))
        Dataset(folder).verify()
        assert Dataset(folder).stats()["action"]["count"] == Dataset(tmp_path / "whole").stats()["action"]["count"]


def test_written_twice_the_bytes_are_the_same(tmp_path: Path) -> None:
    for name in "ab":
        write_dataset(episodes(4, pictures=True), tmp_path / name, TINY)
    assert whole(tmp_path / "a") == whole(tmp_path / "b")


def test_what_is_there_is_kept_and_named(tmp_path: Path) -> None:
    write_dataset(episodes(2), tmp_path)
    first = (tmp_path / "data/chunk-000/file-000.parquet").read_bytes()
    done = write_dataset(episodes(4), tmp_path)
    assert done.kept == tuple(episode_name(d) for d in episodes(2))
    assert len(done.added) == 2
    assert (tmp_path / "data/chunk-000/file-000.parquet").read_bytes() == first
    assert not (tmp_path / ".pending").exists()
    for got, wanted in zip(Dataset(tmp_path), episodes(4), strict=True):
        assert_same(got, wanted)


def test_after_an_error_the_episodes_wait_for_the_next_writer(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="robot is g1_dex3, and talos"):
        write_dataset([episode(0), episode(1, robot="talos")], tmp_path)
    with DatasetWriter(tmp_path) as writer:
        assert writer.names == (episode_name(episode(0)),)
        assert writer.add(episode(1)) == 1
    assert len(Dataset(tmp_path)) == 2


def test_temporary_files_of_a_killed_writer_are_cleared_away(tmp_path: Path) -> None:
    write_dataset([episode(0)], tmp_path)
    left = [tmp_path / "data/chunk-000/.file-001.parquet.x1y2", tmp_path / "meta/.info.json.ab"]
    for path in left:
        path.write_bytes(b"cut")
    write_dataset([episode(1)], tmp_path)
    assert not any(path.exists() for path in left)


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path)
    with pytest.raises(MotionError, match="another writer"):
        DatasetWriter(tmp_path)
    writer.add(episode(0))
    writer.close()
    assert len(Dataset(tmp_path)) == 1
