"""Reading a data set in the LeRobot layout: ours back into Demonstrations, others' as far as they say what they hold."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from motion.demonstration import Demonstration, Outline
from motion.errors import FileFormatError, MotionError, UnknownNameError, require
from motion.lerobot import video
from motion.lerobot.columns import column_mirror
from motion.lerobot.describe import Head
from motion.lerobot.features import STRING, VIDEO, Feature, foreign_features, restored_track
from motion.lerobot.layout import ACTION, COUNTERS, INFO, OLD_VERSION, OUTCOMES, PENDING, SUCCESS, UNDERSTUDY, VERSION, read_json
from motion.lerobot.locate import Place, Places, locate
from motion.lerobot.tables import numbers, open_parquet
from motion.provenance import Provenance, file_sha256
from motion.store import entries_of

UNKNOWN = "unknown"
"""Chore, plant and actor of episodes in data sets that others made; their variant is the task, in words."""
_PLAIN = ("chore", "variant", "plant", "actor", "seed", "success", "progress")
_FACTS = (*_PLAIN, "safety", "violations", "scene", "provenance")
_WANTED = ("codebase_version", "fps", "features", "total_episodes", "total_frames", "data_path")


class Dataset:
    """A data set on the disk. Opening reads its descriptions alone; frames are read when they are asked for.

    Args:
        folder: of the data set, of LeRobot's version 3.0 or 2.1.
        robot: refuse a data set of any other robot.
        joint_names: refuse a data set whose actions are not for these joints in this order.

    Attributes:
        folder: of the data set.
        info: `info.json`.
        features: the columns that hold a Demonstration's tracks.
        head: what all episodes share; None for data sets that others made.
        tasks: in words, by index.
        episodes: one row per episode, without statistics; safety and facts of ours as JSON.

    Raises:
        FileFormatError: no such data set, one that was never finished, or one whose parts disagree.
        MotionError: of another robot or for other joints.
    """

    def __init__(self, folder: Path, robot: str | None = None, joint_names: Sequence[str] | None = None) -> None:
        self.folder = Path(folder)
        self.info = _read_info(self.folder)
        self.head = Head.load(self.folder)
        foreign = foreign_features(self.info["features"], str(self.folder / INFO))
        self.features: tuple[Feature, ...] = self.head.features if self.head else foreign
        _require_agreement(self.folder, self.features, foreign)
        self._places: Places = locate(self.folder, self.info, [f.key for f in self.features if f.stored == VIDEO])
        self.tasks, self.episodes = self._places.tasks, self._places.episodes
        self._require_robot(robot, joint_names)

    def __len__(self) -> int:
        return len(self._places.of)

    def __iter__(self) -> Iterator[Demonstration]:
        return (self.episode(index) for index in range(len(self)))

    @property
    def robot(self) -> str:
        """Name of the robot; "unknown" where nobody says."""
        return self.head.robot if self.head else str(self.info.get("robot_type") or "unknown")

    @property
    def period_s(self) -> float:
        """Control period."""
        return self.head.period_s if self.head else 1.0 / float(self.info["fps"])

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the actions' numbers; `action_0` .. where nobody says."""
        if self.head:
            return self.head.joint_names
        action = self.feature(ACTION)
        return action.names if action.names and len(action.names) == action.width else tuple(f"action_{i}" for i in range(action.width))

    @property
    def bounds(self) -> np.ndarray:
        """(E, 2) first frame of each episode and the one after its last, as rows of the columns."""
        ends = np.cumsum([place.length for place in self._places.of], dtype=int)
        return np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1)

    def feature(self, key: str) -> Feature:
        """The feature of a column.

        Raises:
            UnknownNameError: no such column.
        """
        for feature in self.features:
            if feature.key == key:
                return feature
        raise UnknownNameError("column", key, [feature.key for feature in self.features], str(self.folder))

    def column(self, key: str) -> np.ndarray:
        """One column of all frames (N, *shape), as it is stored, mapped from a file: what is not looked at is not read.

        The first time, the column is copied out of the data files into the cache folder, one row group at a time. The
        copy is made anew when the data set changes.

        Raises:
            UnknownNameError: no such column.
            MotionError: a column of words or of videos.
            FileFormatError: a data file is missing or broken.
        """
        if key in COUNTERS:
            feature = Feature(key, "signal", key, COUNTERS[key], (), COUNTERS[key])
        elif key in OUTCOMES and key in self.info["features"]:
            feature = Feature(key, "signal", key, OUTCOMES[key], (), OUTCOMES[key])
        else:
            feature = self.feature(key)
        require(
            feature.stored not in (VIDEO, STRING, "image"),
            MotionError,
            f"column {key!r} holds {feature.stored}s; only numbers can be mapped.",
        )
        return column_mirror(self.folder, self._places, feature)

    def episode(self, index: int, pictures: Collection[str] | None = None) -> Demonstration:
        """One episode. Success of data sets that others made is `next.success`, and false where they have none.

        Args:
            index: of the episode.
            pictures: names of the observations whose videos are read, which takes time; None: all.

        Raises:
            UnknownNameError: no such episode.
            FileFormatError: its file is missing or broken.
        """
        place = self._place(index)
        tracks = self._tracks(place, index, pictures)
        groups: dict[str, dict[str, np.ndarray]] = {"observation": {}, "signal": {}}
        for feature in self.features:
            if feature.group in groups and feature.key in tracks:  # pictures stored one by one are left out
                groups[feature.group][feature.name] = tracks[feature.key]
        facts = self._told(place, index)
        facts |= {"robot": self.robot, "period_s": self.period_s, "joint_names": self.joint_names, "actions": tracks[ACTION]}
        return Demonstration(**facts, observations=groups["observation"], signals=groups["signal"])

    def outline(self, index: int) -> Outline:
        """One episode without its tracks. `scene` names the worker where `facts` does.

        Raises:
            UnknownNameError: no such episode.
        """
        place = self._place(index)
        told = self._told(place, index)
        worker = self.facts(index).get("worker")
        scene = {**({"worker": worker} if worker else {}), **told.get("scene", {})}
        shapes = {feature.name: feature.shape for feature in self.features if feature.group == "observation"}
        own = {name: told[name] for name in ("chore", "variant", "seed", "success", "provenance")}
        own |= {"violations": tuple(told.get("violations", ())), "scene": scene, "shapes": shapes, "steps_n": place.length}
        return Outline(robot=self.robot, period_s=self.period_s, joint_names=self.joint_names, **own)

    def _told(self, place: Place, index: int) -> dict[str, Any]:
        """What is known of an episode beside its tracks; ours also where LeRobot's tools have merged data sets of ours."""
        return self._facts(index) if set(_FACTS) <= set(self.episodes.column_names) else self._foreign_facts(place, index)

    def _place(self, index: int) -> Place:
        if not 0 <= index < len(self):
            raise UnknownNameError("episode", index, [f"0 to {len(self) - 1}"], str(self.folder))
        return self._places.of[index]

    def _tracks(self, place: Place, index: int, pictures: Collection[str] | None) -> dict[str, np.ndarray]:
        columns = [feature for feature in self.features if feature.stored not in (VIDEO, "image")]
        table = read_rows(place, [feature.key for feature in columns] + ["episode_index"])
        whose = table["episode_index"].to_numpy()
        require(
            bool((whose == whose[0]).all()) and whose[0] == place.episode,
            FileFormatError,
            f"{place.path}: rows of episode {index} belong to others.",
        )
        tracks = {f.key: restored_track(f, numbers(table[f.key], f.width, f"{place.path}: {f.key}")) for f in columns}
        names = {feature.key: feature.name for feature in self.features}
        for key, (path, start_s) in place.videos.items():
            if pictures is not None and names[key] not in pictures:
                continue
            tracks[key] = video.decode(path, start_s, place.length, self.period_s)
        return tracks

    def _facts(self, index: int) -> dict[str, Any]:
        row = self.row(index)
        with entries_of(self.folder / "meta/episodes"):
            facts = {name: row[name] for name in _PLAIN} | {"violations": tuple(row["violations"])}
            facts |= {name: json.loads(row[name]) for name in ("safety", "scene")}
            return facts | {"provenance": Provenance.from_json(json.loads(row["provenance"]))}

    def _foreign_facts(self, place: Place, index: int) -> dict[str, Any]:
        task = (self.row(index).get("tasks") or ["unknown"])[0]
        success = False
        if SUCCESS in self.info["features"]:
            success = bool(numbers(read_rows(place, [SUCCESS])[SUCCESS], 1, f"{place.path}: {SUCCESS}")[-1, 0])
        origin = Provenance(source=f"LeRobot data set {self.folder.name}, episode {index}")
        named = {"chore": UNKNOWN, "variant": str(task), "plant": UNKNOWN, "actor": UNKNOWN, "seed": index}
        return named | {"success": success, "progress": float("nan"), "provenance": origin}

    def row(self, index: int) -> dict[str, Any]:
        """The episode's row of the episode table.

        Raises:
            UnknownNameError: no such episode.
        """
        self._place(index)
        found: dict[str, Any] = self.episodes.slice(index, 1).to_pylist()[0]
        return found

    def facts(self, index: int) -> dict[str, Any]:
        """What else the writer was told of the episode; empty for data sets that others made.

        Raises:
            UnknownNameError: no such episode.
        """
        told: dict[str, Any] = json.loads(self.row(index).get("facts") or "{}")
        return told

    def stats(self) -> dict[str, dict[str, np.ndarray]]:
        """Statistics by column: min, max, mean, std, count and quantiles.

        Raises:
            FileFormatError: no `meta/stats.json`.
        """
        data = read_json(self.folder / "meta/stats.json")
        return {key: {name: np.asarray(value) for name, value in entry.items()} for key, entry in data.items()}

    def verify(self) -> None:
        """Compare every file with the digests noted when the data set was finished.

        Raises:
            FileFormatError: a file is missing or has changed, or the data set has no digests.
        """
        noted = read_json(self.folder / UNDERSTUDY).get("files") if self.head else None
        require(isinstance(noted, Mapping), FileFormatError, f"{self.folder}: has no digests; nobody noted them.")
        for name, entry in (noted or {}).items():
            path = self.folder / name
            require(path.is_file(), FileFormatError, f"{path}: is missing.")
            require(file_sha256(path) == entry["sha256"], FileFormatError, f"{path}: has changed since the data set was finished.")

    def _require_robot(self, robot: str | None, joint_names: Sequence[str] | None) -> None:
        if robot is not None:
            require(robot == self.robot, MotionError, f"{self.folder}: is of the robot {self.robot!r}; {robot!r} was wanted.")
        if joint_names is not None and tuple(joint_names) != self.joint_names:
            other = sorted(set(joint_names) ^ set(self.joint_names))
            told = f"these are in one only: {', '.join(other)}" if other else "their order differs"
            raise MotionError(f"{self.folder}: its actions are for {len(self.joint_names)} joints, {len(joint_names)} were wanted; {told}.")


def read_rows(place: Place, columns: Sequence[str]) -> pa.Table:
    """An episode's rows of some columns, from the row groups that hold them.

    Raises:
        FileFormatError: the file is missing or broken, lacks a column, or is too short.
    """
    with open_parquet(place.path) as file:
        missing = [name for name in columns if name not in file.schema_arrow.names]
        require(not missing, FileFormatError, f"{place.path}: has no columns {', '.join(missing)}.")
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        ends = np.cumsum(sizes, dtype=int)
        total, end = int(ends[-1]) if sizes else 0, place.first_row + place.length
        require(end <= total, FileFormatError, f"{place.path}: has {total} rows; the episode table says at least {end}.")
        groups = [group for group, last in enumerate(ends) if last > place.first_row and last - sizes[group] < end]
        try:
            table = file.read_row_groups(groups, columns=list(columns))
        except (OSError, pa.ArrowException) as error:
            raise FileFormatError(f"{place.path}: cannot be read ({type(error).__name__}: {error}).") from error
        return table.slice(place.first_row - (int(ends[groups[0]]) - sizes[groups[0]]), place.length)


def _read_info(folder: Path) -> dict[str, Any]:
    require(folder.is_dir(), FileFormatError, f"{folder}: no such folder.")
    unfinished = (folder / PENDING / "dataset.json").is_file()
    require(not unfinished, FileFormatError, f"{folder}: was never finished. Finish it with `finish_dataset`, or go on writing.")
    require((folder / INFO).is_file(), FileFormatError, f"{folder}: has no {INFO}; it is no LeRobot data set.")
    info = read_json(folder / INFO)
    missing = [name for name in _WANTED if name not in info]
    require(not missing, FileFormatError, f"{folder / INFO}: lacks {', '.join(missing)}.")
    version = info["codebase_version"]
    require(
        version in (VERSION, OLD_VERSION), FileFormatError, f"{folder / INFO}: version {version}; {VERSION} and {OLD_VERSION} can be read."
    )
    fps = info["fps"]
    good = isinstance(fps, int | float) and not isinstance(fps, bool) and np.isfinite(fps) and fps > 0
    require(bool(good), FileFormatError, f"{folder / INFO}: fps is {fps!r}; a number above 0 was wanted.")
    features = info["features"]
    require(isinstance(features, Mapping) and ACTION in features, FileFormatError, f"{folder / INFO}: has no feature {ACTION!r}.")
    return info


def _require_agreement(folder: Path, features: Sequence[Feature], info: Sequence[Feature]) -> None:
    """What we noted of the columns has to be what `info.json` says of them."""
    described = {feature.key: feature for feature in info}
    for feature in features:
        other = described.get(feature.key)
        fits = other is not None and other.stored == feature.stored and (other.width == feature.width)
        require(fits, FileFormatError, f"{folder}: {INFO} and {UNDERSTUDY} disagree on {feature.key!r}; one of them was changed.")
    extra = sorted(set(described) - {feature.key for feature in features})
    require(not extra, FileFormatError, f"{folder}: {UNDERSTUDY} knows nothing of {', '.join(extra)}; the data set was changed.")
