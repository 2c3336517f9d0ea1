"""What describes a finished data set: info.json, stats.json, understudy.json and the data card, all made from the episode table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, require
from motion.lerobot import video
from motion.lerobot.card import card_text
from motion.lerobot.features import VIDEO, Feature
from motion.lerobot.layout import (
    CARD,
    COUNTERS,
    DATA_PATH,
    INFO,
    OUTCOMES,
    PENDING,
    STATS,
    UNDERSTUDY,
    VERSION,
    VIDEO_PATH,
    DatasetSettings,
    read_json,
)
from motion.lerobot.stats import NAMES, pooled_stats
from motion.lerobot.tables import numbers, read_table, stats_depths
from motion.provenance import Provenance, file_sha256, record
from motion.store import FORMAT, entries_of, write_text

KIND = "dataset"
_PLACES = ("chunk_index", "file_index")


@dataclass(frozen=True)
class Head:
    """What all episodes of a data set share.

    Attributes:
        robot: name of the robot.
        period_s: control period.
        joint_names: J names, the order of the actions.
        features: the columns.
        split: what the data set is for.
    """

    robot: str
    period_s: float
    joint_names: tuple[str, ...]
    features: tuple[Feature, ...]
    split: str = "train"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        shared = {"robot": self.robot, "period_s": self.period_s, "joint_names": list(self.joint_names), "split": self.split}
        return {"format": FORMAT, "kind": KIND, **shared, "features": [feature.to_json() for feature in self.features]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], path: Path) -> Head:
        """From what `to_json` gave.

        Raises:
            FileFormatError: something else.
        """
        good = data.get("format") == FORMAT and data.get("kind") == KIND
        require(good, FileFormatError, f"{path}: is not what Understudy notes of a data set.")
        with entries_of(path):
            features = tuple(Feature.from_json(feature) for feature in data["features"])
            return cls(data["robot"], float(data["period_s"]), tuple(data["joint_names"]), features, data["split"])

    @classmethod
    def load(cls, folder: Path) -> Head | None:
        """Of a finished data set of ours; None where there is none."""
        path = folder / UNDERSTUDY
        return cls.from_json(read_json(path), path) if path.is_file() else None


def episode_files(folder: Path) -> list[Path]:
    """Files of the episode table, in order."""
    return sorted(folder.glob("meta/episodes/chunk-*/file-*.parquet"))


def describe_dataset(folder: Path, head: Head, tasks: Sequence[str], settings: DatasetSettings) -> None:
    """Write what describes the data set; every file whole or not at all, the one that readers ask for first last."""
    episodes = read_episodes(folder, head)
    info = _info(folder, head, tasks, settings, episodes)
    write_text(folder / STATS, json.dumps(_stats(folder, head), indent=1))
    provenance = dataset_provenance(head, episodes)
    write_text(folder / CARD, card_text(head.to_json(), info, tasks, episodes, provenance))
    write_text(folder / INFO, json.dumps(info, indent=2))
    noted = head.to_json() | {"provenance": provenance.to_json(), "files": _digests(folder)}
    write_text(folder / UNDERSTUDY, json.dumps(noted, indent=1))


def read_episodes(folder: Path, head: Head) -> list[dict[str, Any]]:
    """Rows of the episode table without statistics."""
    columns = ["length", "chore", "variant", "plant", "actor", "seed", "success", "violations", "scene", "facts", "provenance"]
    return [row for path in episode_files(folder) for row in read_table(path, columns).to_pylist()]


def _info(
    folder: Path, head: Head, tasks: Sequence[str], settings: DatasetSettings, episodes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    features = {feature.key: feature.to_info() for feature in head.features}
    for key in (feature.key for feature in head.features if feature.stored == VIDEO):
        features[key]["info"] = video.describe(folder / VIDEO_PATH.format(video_key=key, chunk_index=0, file_index=0))
    features |= {name: {"dtype": dtype, "shape": [1], "names": None} for name, dtype in {**OUTCOMES, **COUNTERS}.items()}
    totals = {"total_episodes": len(episodes), "total_frames": sum(row["length"] for row in episodes), "total_tasks": len(tasks)}
    sizes = {"data_files_size_in_mb": settings.data_file_mb, "video_files_size_in_mb": settings.video_file_mb}
    return {
        "codebase_version": VERSION,
        "robot_type": head.robot,
        **totals,
        "chunks_size": settings.chunk_files,
        **{name: int(size) if size == int(size) else size for name, size in sizes.items()},
        "fps": video.plain(video.rate(head.period_s)),
        "splits": {head.split: f"0:{len(episodes)}"},
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH if any(feature.stored == VIDEO for feature in head.features) else None,
        "features": features,
    }


def _stats(folder: Path, head: Head) -> dict[str, dict[str, Any]]:
    """Statistics of all frames, one feature after the other, so that no more than one is in memory."""
    widths = {feature.key: 3 if feature.stored == VIDEO else feature.width for feature in head.features}
    files, found = episode_files(folder), {}
    for key, depth in stats_depths(head.features).items():
        names = [f"stats/{key}/{name}" for name in NAMES]
        tables = [read_table(path, names) for path in files]
        columns = {}
        for name, column in zip(NAMES, names, strict=True):
            width = 1 if name == "count" else widths.get(key, 1)
            columns[name] = np.concatenate([numbers(table[column], width, column) for table in tables])
        shape = (3, 1, 1) if depth > 1 else (-1,)
        pooled = pooled_stats(columns)
        found[key] = {name: value.reshape(shape).tolist() for name, value in pooled.items() if name != "count"}
        found[key]["count"] = [int(pooled["count"][0])]
    return found


def dataset_provenance(head: Head, episodes: Sequence[Mapping[str, Any]]) -> Provenance:
    """Provenance of the whole: what its episodes say, each kind named once."""
    known = [Provenance.from_json(json.loads(row["provenance"])) for row in episodes]
    licence, consent = (" + ".join(sorted({getattr(one, what) for one in known})) for what in ("licence", "consent"))
    chores = ", ".join(sorted({row["chore"] for row in episodes}))
    return record(f"{len(episodes)} demonstrations of {chores} by {head.robot}", "motion.lerobot", (), None, licence, consent)


def _digests(folder: Path) -> dict[str, dict[str, Any]]:
    """Digest and size of every file but this one."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    skipped = (f"{PENDING}/", UNDERSTUDY, CARD)
    return {
        name: {"sha256": file_sha256(path), "bytes": path.stat().st_size} for name, path in named.items() if not name.startswith(skipped)
    }
