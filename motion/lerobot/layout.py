"""Where things lie in a LeRobot data set of version 3.0, and what they are called.

Source: the data set room of lerobot 0.4.4 (Apache-2.0) and its page "LeRobotDataset v3.0".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motion.errors import FileFormatError, MotionError, require

VERSION, OLD_VERSION = "v3.0", "v2.1"
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
UNDERSTUDY = "meta/understudy.json"
CARD = "README.md"
PENDING = ".pending"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
ACTION, STATE = "action", "observation.state"
STATE_NAME = "joint_position_rad"
"""The observation that becomes `observation.state`."""
IMAGES = "observation.images."
DONE, SUCCESS = "next.done", "next.success"
COUNTERS: Mapping[str, str] = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""Columns that every data set has, with their types."""
OUTCOMES: Mapping[str, str] = {DONE: "bool", SUCCESS: "bool"}
"""Columns that say how an episode ended: true in its last frame at most."""


@dataclass(frozen=True)
class DatasetSettings:
    """How a data set is cut into files and how pictures are packed.

    Attributes:
        data_file_mb: a data file is closed once it holds this much; LeRobot's own default.
        video_file_mb: the same for videos.
        chunk_files: files of one folder; LeRobot's own default.
        codec: of PyAV, for videos.
        crf: constant rate factor of the codec: lower is better and larger.
        picture_group: frames from one complete picture to the next; 2 makes any frame quick to reach, as in LeRobot.
    """

    data_file_mb: float = 100.0
    video_file_mb: float = 200.0
    chunk_files: int = 1000
    codec: str = "libx264"
    crf: int = 23
    picture_group: int = 2

    def __post_init__(self) -> None:
        sizes = min(self.data_file_mb, self.video_file_mb, self.chunk_files, self.picture_group)
        require(sizes > 0, MotionError, "sizes of files, of chunks and of picture groups have to be above 0.")


def place(number: int, chunk_files: int) -> dict[str, int]:
    """Chunk and file index of the `number`-th file."""
    return {"chunk_index": number // chunk_files, "file_index": number % chunk_files}


def read_json(path: Path) -> dict[str, Any]:
    """A JSON table.

    Raises:
        FileFormatError: no such file, no JSON, or no table.
    """
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path}: cannot be read as JSON ({type(error).__name__}: {error}).") from error
    require(isinstance(data, dict), FileFormatError, f"{path}: holds a {type(data).__name__}; a table of names and values was wanted.")
    return data
