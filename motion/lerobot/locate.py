"""Where each episode's frames and videos lie, by the episode table of version 3.0 or the lists of version 2.1."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from motion.errors import FileFormatError, require
from motion.lerobot.describe import episode_files
from motion.lerobot.layout import INFO, OLD_VERSION, TASKS
from motion.lerobot.tables import open_parquet, read_table, read_tasks
from motion.store import entries_of

_NEEDED = ("episode_index", "length", "dataset_from_index", "dataset_to_index", "data/chunk_index", "data/file_index")


@dataclass(frozen=True)
class Place:
    """Where one episode lies.

    Attributes:
        episode: its index.
        path: of its data file.
        first_row: of the file.
        length: in frames.
        videos: column -> its file and the time at which the episode begins in it.
    """

    episode: int
    path: Path
    first_row: int
    length: int
    videos: Mapping[str, tuple[Path, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """All episodes: where they lie, their table, and the tasks' texts."""

    of: tuple[Place, ...]
    episodes: pa.Table
    tasks: tuple[str, ...]


def locate(folder: Path, info: Mapping[str, Any], videos: Sequence[str]) -> Places:
    """Find the episodes of a data set.

    Raises:
        FileFormatError: a table or a data file is missing, or they disagree with `info.json`.
    """
    with entries_of(folder / "meta"):
        found = _old(folder, info, videos) if info["codebase_version"] == OLD_VERSION else _new(folder, info, videos)
    for what, count in (("total_episodes", len(found.of)), ("total_frames", sum(place.length for place in found.of))):
        require(info[what] == count, FileFormatError, f"{folder / INFO}: says {what} {info[what]}; the episode table has {count}.")
    require(bool(found.of), FileFormatError, f"{folder}: holds no episodes.")
    for path in sorted({path for place in found.of for path in (place.path, *(video for video, _ in place.videos.values()))}):
        require(path.is_file(), FileFormatError, f"{path}: is missing; the episode table names it.")
    return found


def _new(folder: Path, info: Mapping[str, Any], videos: Sequence[str]) -> Places:
    table = _episode_table(folder)
    rows = table.select([name for name in table.column_names if name in _NEEDED or name.startswith("videos/")]).to_pylist()
    begins: dict[Path, int] = {}
    places = []
    for row in rows:
        path = _file(folder, info["data_path"], _indices(row, "data"))
        begin = begins.setdefault(path, row["dataset_from_index"])
        length = row["dataset_to_index"] - row["dataset_from_index"]
        good = length == row["length"] > 0 and row["dataset_from_index"] >= begin
        require(good, FileFormatError, f"{folder}: the episode table's lengths and indices disagree in episode {row['episode_index']}.")
        found = {key: _video(folder, info, row, key) for key in videos}
        places.append(Place(row["episode_index"], path, row["dataset_from_index"] - begin, length, found))
    return Places(tuple(places), table, read_tasks(folder / TASKS))


def _episode_table(folder: Path) -> pa.Table:
    files = episode_files(folder)
    require(bool(files), FileFormatError, f"{folder}: has no episode table (meta/episodes/chunk-000/file-000.parquet).")
    tables = []
    for path in files:
        with open_parquet(path) as file:
            names = file.schema_arrow.names
        missing = [name for name in _NEEDED if name not in names]
        require(not missing, FileFormatError, f"{path}: has no columns {', '.join(missing)}.")
        tables.append(read_table(path, [name for name in names if not name.startswith("stats/")]).replace_schema_metadata(None))
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise FileFormatError(f"{folder}: files of the episode table differ in their columns ({error}).") from error
    return table.sort_by("episode_index")


def _indices(row: Mapping[str, Any], part: str) -> dict[str, int]:
    return {name: row[f"{part}/{name}"] for name in ("chunk_index", "file_index")}


def _video(folder: Path, info: Mapping[str, Any], row: Mapping[str, Any], key: str) -> tuple[Path, float]:
    place = {"video_key": key, **_indices(row, f"videos/{key}")}
    return _file(folder, info["video_path"], place), float(row[f"videos/{key}/from_timestamp"])


def _file(folder: Path, template: str, values: Mapping[str, Any]) -> Path:
    """A file by `info.json`'s template, which may not lead out of the data set."""
    path = folder / template.format(**values)
    inside = path.resolve().is_relative_to(folder.resolve())
    require(inside, FileFormatError, f"{folder / INFO}: {template!r} leads out of the data set.")
    return path


def _old(folder: Path, info: Mapping[str, Any], videos: Sequence[str]) -> Places:
    """Version 2.1: one file per episode, lists as lines of JSON."""
    rows = sorted(_lines(folder / "meta/episodes.jsonl"), key=lambda row: row["episode_index"])
    tasks = {row["task_index"]: str(row["task"]) for row in _lines(folder / "meta/tasks.jsonl")}
    places = []
    for row in rows:
        index = row["episode_index"]
        values = {"episode_index": index, "episode_chunk": index // info["chunks_size"]}
        found = {key: (_file(folder, info["video_path"], {"video_key": key, **values}), 0.0) for key in videos}
        places.append(Place(index, _file(folder, info["data_path"], values), 0, row["length"], found))
    return Places(tuple(places), pa.Table.from_pylist(rows), tuple(tasks[index] for index in sorted(tasks)))


def _lines(path: Path) -> list[dict[str, Any]]:
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    try:
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except ValueError as error:
        raise FileFormatError(f"{path}: a line is no JSON ({error}).") from error
