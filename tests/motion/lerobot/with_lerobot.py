"""Run by a Python that has LeRobot: opens a data set with it, and writes one with it. Not a test by itself.

python with_lerobot.py read FOLDER OUT.npz       every 7th frame as LeRobot gives it, and chunks of actions
python with_lerobot.py write FOLDER              a small data set of LeRobot's own
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from lerobot.datasets.compute_stats import aggregate_stats
from lerobot.datasets.lerobot_dataset import LeRobotDataset

EVERY = 7


def read(folder: Path, out: Path) -> None:
    dataset = LeRobotDataset("local/ours", root=folder, video_backend="pyav")
    items = [dataset[index] for index in range(0, len(dataset), EVERY)]
    arrays: dict[str, Any] = {key: np.stack([np.asarray(item[key]) for item in items]) for key in items[0]}
    chunks = LeRobotDataset("local/ours", root=folder, video_backend="pyav", delta_timestamps={"action": [0.0, 0.02, 0.04]})
    last = int(chunks.meta.episodes[0]["dataset_to_index"]) - 1
    arrays |= {"chunk": chunks[last]["action"].numpy(), "chunk_is_pad": chunks[last]["action_is_pad"].numpy()}
    some = LeRobotDataset("local/ours", root=folder, video_backend="pyav", episodes=[1])
    pooled = aggregate_stats([dataset.meta.stats, dataset.meta.stats])
    arrays |= {"frames_of_episode_1": len(some), "pooled_mean": pooled["action"]["mean"], "total": len(dataset)}
    np.savez(out, **arrays)


def write(folder: Path) -> None:
    motors = {"motors": ["a", "b"]}
    features: dict[str, Any] = {key: {"dtype": "float32", "shape": (2,), "names": motors} for key in ("action", "observation.state")}
    features["observation.grid"] = {"dtype": "float32", "shape": (2, 3), "names": None}
    dataset = LeRobotDataset.create("local/theirs", fps=30, features=features, root=folder, robot_type="so100", use_videos=False)
    for episode in range(3):
        for step in range(4 + episode):
            state = np.array([step, episode], np.float32)
            grid = np.arange(6, dtype=np.float32).reshape(2, 3) + step
            dataset.add_frame({"action": -state, "observation.state": state, "observation.grid": grid, "task": f"task {episode % 2}"})
        dataset.save_episode()
    dataset.finalize()


if __name__ == "__main__":
    if sys.argv[1] == "read":
        read(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        write(Path(sys.argv[2]))
