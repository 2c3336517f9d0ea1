"""Episodes that are written but not yet put into a data file: one file each, so that a kill loses at most the one in hand.

A file's name is its episode's index; the row of the episode table travels in the file's own notes. Whatever lies beside a
whole file (videos of an episode whose frames were never written, temporary files) is cleared away at the next start.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from motion.errors import FileFormatError, MotionError, require
from motion.lerobot.layout import PENDING, read_json
from motion.lerobot.tables import open_parquet, read_table, write_parquet
from motion.store import write_text

_ROW = b"understudy_episode"
_HEAD = "dataset.json"


@dataclass(frozen=True)
class Waiting:
    """One pending episode: its row, its size, and where its frames and videos lie."""

    row: Mapping[str, Any]
    frames: Path
    videos: Mapping[str, Path]

    @property
    def frames_bytes(self) -> int:
        """Size of its frames."""
        return self.frames.stat().st_size

    @property
    def video_bytes(self) -> int:
        """Size of its largest video; 0 without one."""
        return max((path.stat().st_size for path in self.videos.values()), default=0)


class Pending:
    """The room of pending episodes of one data set, locked against a second writer.

    Raises:
        MotionError: another writer is at work there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / PENDING
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock: IO[bytes] = open(self.folder / "lock", "wb")  # noqa: SIM115  held until `close`
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise MotionError(f"{folder}: another writer is at work in this data set. Let it finish first.") from error

    def head(self) -> dict[str, Any] | None:
        """What a data set that was never finished is, if it is one."""
        path = self.folder / _HEAD
        return read_json(path) if path.is_file() else None

    def write_head(self, head: Mapping[str, Any]) -> None:
        """Remember what the data set is."""
        write_text(self.folder / _HEAD, json.dumps(head))

    def video_path(self, episode: int, key: str) -> Path:
        """Where a video of an episode waits."""
        return self.folder / f"episode-{episode:09d}" / f"{key}.mp4"

    def add(self, row: Mapping[str, Any], frames: pa.Table, videos: tuple[str, ...]) -> Waiting:
        """Let an episode wait. Its videos have to lie there already: the frames are what makes it count."""
        path = self._frames_path(row["episode_index"])
        noted = frames.replace_schema_metadata({_ROW: json.dumps(row)})
        write_parquet(path, lambda writer: writer.write_table(noted), noted.schema)
        return self._waiting(path, row, videos)

    def found(self, first: int, videos: tuple[str, ...]) -> list[Waiting]:
        """What waits from episode `first` on, in order; earlier ones, and parts of episodes, are cleared away.

        Raises:
            FileFormatError: a file that no writer left there.
        """
        listed = {int(path.stem.removeprefix("episode-")): path for path in sorted(self.folder.glob("episode-*.parquet"))}
        kept = [self._waiting(path, self._row(path), videos) for number, path in listed.items() if number >= first]
        self._clear({path for waiting in kept for path in (waiting.frames, waiting.frames.with_suffix(""))})
        return kept

    def drop(self, waiting: Waiting) -> None:
        """Forget an episode that has been put into a data file."""
        waiting.frames.unlink()
        shutil.rmtree(waiting.frames.with_suffix(""), ignore_errors=True)

    def close(self, finished: bool) -> None:
        """Let the next writer in; a finished data set has no such room any more."""
        if finished:
            shutil.rmtree(self.folder)
        self._lock.close()

    def _frames_path(self, episode: int) -> Path:
        return self.folder / f"episode-{episode:09d}.parquet"

    def _waiting(self, path: Path, row: Mapping[str, Any], videos: tuple[str, ...]) -> Waiting:
        return Waiting(row, path, {key: self.video_path(row["episode_index"], key) for key in videos})

    def _row(self, path: Path) -> dict[str, Any]:
        with open_parquet(path) as file:
            notes = file.schema_arrow.metadata or {}
        require(_ROW in notes, FileFormatError, f"{path}: no episode that a writer left. Take it away.")
        row: dict[str, Any] = json.loads(notes[_ROW])
        return row

    def _clear(self, kept: set[Path]) -> None:
        for path in self.folder.iterdir():
            if path in kept or path.name in (_HEAD, "lock"):
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def frames_of(waiting: Waiting) -> pa.Table:
    """Frames of a pending episode."""
    return read_table(waiting.frames)
