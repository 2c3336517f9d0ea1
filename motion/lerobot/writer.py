"""Writing a data set in the LeRobot v3.0 layout, one episode at a time, so that it can be stopped anywhere and taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from motion.demonstration import Demonstration
from motion.errors import FileFormatError, MotionError, require
from motion.lerobot import video
from motion.lerobot.describe import Head, describe_dataset, episode_files
from motion.lerobot.features import VIDEO, Feature, difference, features_of, tracks_of
from motion.lerobot.layout import (
    CARD,
    DATA_PATH,
    EPISODES_PATH,
    INFO,
    PENDING,
    STATS,
    TASKS,
    UNDERSTUDY,
    VIDEO_PATH,
    DatasetSettings,
    place,
)
from motion.lerobot.pending import Pending, Waiting, frames_of
from motion.lerobot.rows import episode_row, placed_rows
from motion.lerobot.tables import (
    episodes_schema,
    frame_columns,
    frames_schema,
    frames_table,
    read_table,
    read_tasks,
    rows_table,
    tasks_table,
    write_parquet,
)

SETTINGS = DatasetSettings()
_MEGABYTE = 1024**2
TaskOf = Callable[[Demonstration], str]


@dataclass(frozen=True)
class Written:
    """What `write_dataset` did.

    Attributes:
        folder: the data set.
        added: names of the episodes written now.
        kept: names of those given that were there already.
        episodes: of the whole data set.
    """

    folder: Path
    added: tuple[str, ...]
    kept: tuple[str, ...]
    episodes: int


def episode_name(demonstration: Demonstration) -> str:
    """What tells an episode from all others: chore, variant, seed, plant, actor."""
    d = demonstration
    return f"{d.chore}/{d.variant}/{d.seed}/{d.plant}/{d.actor}"


def task_text(demonstration: Demonstration) -> str:
    """The task in words: the scene's own ("text"), or else the chore's name, and the variant's up to its held-out axis."""
    return (
        str(demonstration.scene.get("text", ""))
        or f"{demonstration.chore.replace('_', ' ')}: {demonstration.variant.split('@')[0].replace('_', ' ')}"
    )


def write_dataset(
    demonstrations: Iterable[Demonstration],
    folder: Path,
    settings: DatasetSettings = SETTINGS,
    split: str | None = None,
    task_of: TaskOf = task_text,
    videos: bool = True,
) -> Written:
    """Write demonstrations of one robot as a data set; those that are there already (by name) are kept and passed over.

    Args:
        demonstrations: read one at a time, so they may come from a generator.
        folder: of the data set; a new one, or one that this function began.
        settings: of its files.
        split: what the data set is for ("train", "val", "test"); "train" unless it says otherwise already.
        task_of: the task in words.
        videos: store uint8 (T, H, W, 3) observations as videos, which loses a little; otherwise as numbers.

    Raises:
        MotionError: no demonstrations, or one that does not fit the others.
        FileFormatError: the folder holds something else.
    """
    added: list[str] = []
    kept: list[str] = []
    with DatasetWriter(folder, settings, split, task_of, videos) as writer:
        for demonstration in demonstrations:
            name = episode_name(demonstration)
            (kept if name in writer else added).append(name)
            if name not in writer:
                writer.add(demonstration)
        require(len(writer) > 0, MotionError, f"{folder}: no demonstrations were given; there is nothing to write.")
    return Written(Path(folder), tuple(added), tuple(kept), len(writer))


def finish_dataset(folder: Path) -> int:
    """Finish a data set whose writer was stopped; every whole episode is kept. Returns how many there are.

    Raises:
        FileFormatError: no data set of ours.
    """
    known = (Path(folder) / UNDERSTUDY).is_file() or (Path(folder) / PENDING).is_dir()
    require(known, FileFormatError, f"{folder}: holds no data set that was begun by Understudy.")
    with DatasetWriter(folder) as writer:
        return len(writer)


class DatasetWriter:
    """Adds episodes to a data set. Each is on the disk, whole, when `add` returns; `close` makes it a data set for readers.

    As a context manager it closes at the end; after an error the episodes wait for the next writer instead.

    Args:
        folder: of the data set; new, or begun by a writer before, whose episodes are kept.
        settings: of its files.
        split: what the data set is for; "train" unless it says otherwise already.
        task_of: the task in words.
        videos: store pictures as videos.

    Raises:
        FileFormatError: the folder holds something else.
        MotionError: another writer is at work in it, or it is of another split.
    """

    def __init__(
        self,
        folder: Path,
        settings: DatasetSettings = SETTINGS,
        split: str | None = None,
        task_of: TaskOf = task_text,
        videos: bool = True,
    ) -> None:
        self.folder, self.settings = Path(folder), settings
        self._split, self._task_of, self._videos = split, task_of, videos
        _require_room(self.folder)
        self._pending = Pending(self.folder)
        try:
            self._take_up()
        except BaseException:
            self._pending.close(finished=False)
            raise

    def _take_up(self) -> None:
        """Find out what is there already."""
        noted = self._pending.head()
        self._noted = noted is not None
        self._head = Head.load(self.folder) if noted is None else Head.from_json(noted, self.folder)
        other = self._head is not None and self._split not in (None, self._head.split)
        require(not other, MotionError, f"{self.folder}: is a data set of another split than {self._split!r}. Name a new folder.")
        _clear_temporary(self.folder)
        files = episode_files(self.folder)
        tables = [read_table(path, ["name", "dataset_to_index"]) for path in files]
        self._names = {name for table in tables for name in table["name"].to_pylist()}
        self._files, self._done = len(files), sum(table.num_rows for table in tables)
        self._frames = max((max(table["dataset_to_index"].to_pylist()) for table in tables), default=0)
        self._tasks = list(read_tasks(self.folder / TASKS)) if (self.folder / TASKS).is_file() else []
        self._waiting = self._pending.found(self._done, self._video_keys)
        for waiting in self._waiting:
            self._count(waiting.row)

    def __len__(self) -> int:
        return self._done + len(self._waiting)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the episodes that are there, sorted."""
        return tuple(sorted(self._names))

    @property
    def _video_keys(self) -> tuple[str, ...]:
        return tuple(f.key for f in self._head.features if f.stored == VIDEO) if self._head else ()

    def _count(self, row: Mapping[str, Any]) -> None:
        self._names.add(row["name"])
        self._frames = row["dataset_to_index"]
        if row["task_index"] == len(self._tasks):
            self._tasks.append(row["tasks"][0])

    def add(self, demonstration: Demonstration, name: str | None = None, facts: Mapping[str, Any] | None = None) -> int:
        """Write an episode and return its index.

        Args:
            demonstration: of the same robot, period and tracks as the others.
            name: what tells it from the others; by default `episode_name`.
            facts: what else is known of it, as plain JSON values ({"worker": "w03"}).

        Raises:
            MotionError: it does not fit the others, or is there already.
        """
        name = name or episode_name(demonstration)
        require(name not in self._names, MotionError, f"{self.folder}: episode {name!r} is there already.")
        head = self._fitting(demonstration)
        task = self._task_of(demonstration)
        index = self._tasks.index(task) if task in self._tasks else len(self._tasks)
        columns = frame_columns(demonstration, head.features, len(self), self._frames, index)
        row = episode_row(demonstration, head.features, columns, name, task, facts or {})
        self._note(head)
        self._write_videos(demonstration, head.features, len(self))
        self._waiting.append(self._pending.add(row, frames_table(columns, frames_schema(head.features)), self._video_keys))
        self._count(row)
        if self._full():
            self.flush()
        return len(self) - 1

    def _fitting(self, demonstration: Demonstration) -> Head:
        """What all episodes share; the first one says what it is, and the others have to fit."""
        d, features = demonstration, features_of(demonstration, self._videos)
        head = self._head or Head(d.robot, d.period_s, d.joint_names, features, self._split or "train")
        for what in ("robot", "period_s", "joint_names"):
            ours, theirs = getattr(head, what), getattr(d, what)
            require(
                ours == theirs, MotionError, f"{self.folder}: {what} is {ours}, and {theirs} in the episode. Write a data set for each."
            )
        differs = difference(head.features, features)
        require(not differs, MotionError, f"{self.folder}: the episode {differs}. Write a data set for each set of tracks.")
        return head

    def _note(self, head: Head) -> None:
        """Remember what the data set is, before its first episode waits: the next writer has to know."""
        if not self._noted:
            self._pending.write_head(head.to_json())
            self._head, self._noted = head, True

    def _write_videos(self, demonstration: Demonstration, features: Sequence[Feature], episode: int) -> None:
        tracks = tracks_of(demonstration)
        for feature in features:
            if feature.stored == VIDEO:
                pictures = tracks[feature.group, feature.name]
                video.encode(self._pending.video_path(episode, feature.key), pictures, demonstration.period_s, self.settings)

    def _full(self) -> bool:
        frames, videos = (sum(getattr(waiting, part) for waiting in self._waiting) / _MEGABYTE for part in ("frames_bytes", "video_bytes"))
        return frames >= self.settings.data_file_mb or videos >= self.settings.video_file_mb

    def flush(self) -> None:
        """Put the waiting episodes into one data file, one video file per camera and one file of the episode table.

        The last of these makes them count: whatever is stopped before is done again from the waiting episodes.
        """
        if not self._waiting or self._head is None:
            return
        at = place(self._files, self.settings.chunk_files)
        _write_frames(self.folder / DATA_PATH.format(**at), self._waiting, frames_schema(self._head.features))
        lengths = [waiting.row["length"] for waiting in self._waiting]
        for key in self._video_keys:
            parts = [waiting.videos[key] for waiting in self._waiting]
            video.join(self.folder / VIDEO_PATH.format(video_key=key, **at), parts, lengths, self._head.period_s)
        self._write_table(TASKS, tasks_table(self._tasks))
        rows = placed_rows([waiting.row for waiting in self._waiting], at, self._video_keys, self._head.period_s)
        self._write_table(EPISODES_PATH.format(**at), rows_table(rows, episodes_schema(self._head.features)))
        self._files, self._done = self._files + 1, self._done + len(self._waiting)
        while self._waiting:
            self._pending.drop(self._waiting.pop())

    def _write_table(self, path: str, table: pa.Table) -> None:
        write_parquet(self.folder / path, lambda writer: writer.write_table(table), table.schema)

    def close(self) -> None:
        """Put away what waits, and write what describes the data set: info, statistics, digests and the data card."""
        try:
            self.flush()
            if self._head is not None and len(self):
                describe_dataset(self.folder, self._head, self._tasks, self.settings)
        except BaseException:
            self.abandon()
            raise
        self._pending.close(finished=True)

    def abandon(self) -> None:
        """Stop without finishing: whole episodes wait for the next writer."""
        self._pending.close(finished=not self._noted)

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def _require_room(folder: Path) -> None:
    require(not folder.exists() or folder.is_dir(), FileFormatError, f"{folder}: is a file; a folder was wanted.")
    ours = (folder / UNDERSTUDY).is_file() or (folder / PENDING).is_dir()
    free = not folder.exists() or not any(folder.iterdir())
    require(ours or free, FileFormatError, f"{folder}: holds files, but no data set of ours to go on with. Name a new folder.")


def _clear_temporary(folder: Path) -> None:
    """Take away the temporary files of a writer that was killed."""
    for name in (".file-*", *(f".{Path(path).name}.*" for path in (INFO, STATS, TASKS, UNDERSTUDY, CARD))):
        for path in folder.rglob(name):
            path.unlink()


def _write_frames(path: Path, waiting: Sequence[Waiting], schema: pa.Schema) -> None:
    """Episodes behind each other, each a row group, so that one is read without the others."""

    def fill(writer: Any) -> None:
        for one in waiting:
            frames = frames_of(one).replace_schema_metadata(None)
            writer.write_table(frames, row_group_size=frames.num_rows)

    write_parquet(path, fill, schema)
