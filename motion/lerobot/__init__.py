"""Data sets in the layout of LeRobot v3.0: demonstrations written one at a time, and read back; see docs/datasets.md."""

from motion.lerobot.layout import DatasetSettings
from motion.lerobot.reader import Dataset
from motion.lerobot.writer import DatasetWriter, Written, episode_name, finish_dataset, task_text, write_dataset

__all__ = ["Dataset", "DatasetSettings", "DatasetWriter", "Written", "episode_name", "finish_dataset", "task_text", "write_dataset"]
