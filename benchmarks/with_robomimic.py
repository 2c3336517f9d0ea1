"""Run by a Python that has robomimic: how fast it loads windows. `python with_robomimic.py ARRAYS.npz OUT.json`."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import robomimic
import robomimic.utils.obs_utils as obs_utils
import torch
from robomimic.utils.dataset import SequenceDataset
from torch.utils.data import DataLoader

CHUNK, BATCH, THREADS = 16, 64, 2
_WARM, _LOADED = 20, 200


def write(arrays: Path, to: Path) -> None:
    """The same episodes in robomimic's layout."""
    held = np.load(arrays)
    with h5py.File(to, "w") as file:
        data = file.create_group("data")
        for number, (state, action) in enumerate(zip(held["state"], held["action"], strict=True)):
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = len(action)
            demo.create_dataset("obs/state", data=state)
            demo.create_dataset("actions", data=action)


def batches_per_s(file: Path) -> float:
    """Batches drawn per second, everything in memory (`hdf5_cache_mode="all"`)."""
    obs_utils.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": ["state"], "rgb": []}})
    dataset = SequenceDataset(
        str(file), ["state"], ["actions"], frame_stack=1, seq_length=CHUNK, hdf5_cache_mode="all", load_next_obs=False
    )
    batches = iter(DataLoader(dataset, BATCH, shuffle=True, num_workers=0, drop_last=True))
    for _ in range(_WARM):
        next(batches)
    began_s = time.perf_counter()
    for _ in range(_LOADED):
        next(batches)
    return _LOADED / (time.perf_counter() - began_s)


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demos.hdf5"
        write(Path(sys.argv[1]), path)
        Path(sys.argv[2]).write_text(json.dumps({"version": robomimic.__version__, "batches_per_s": batches_per_s(path)}))
