"""Run by a Python that has LeRobot: how fast it loads a data set and trains its ACT. `python with_lerobot.py FOLDER OUT.json`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import lerobot
import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from torch.utils.data import DataLoader

CHUNK, BATCH, WIDTH, THREADS = 16, 64, 128, 2
STATE, SEEN = "observation.state", "observation.environment_state"
_WARM, _LOADED, _STEPS = 2, 15, 15


def loader(folder: Path, workers: int) -> DataLoader[Any]:
    """Shuffled batches of windows, as LeRobot's own training script draws them."""
    times = {"action": [0.02 * place for place in range(CHUNK)]}
    dataset = LeRobotDataset("local/ours", root=folder, delta_timestamps=times)
    return DataLoader(dataset, BATCH, shuffle=True, num_workers=workers, drop_last=True)


def batches_per_s(folder: Path, workers: int) -> float:
    """Batches drawn per second."""
    batches = endless(loader(folder, workers))
    for _ in range(_WARM):
        next(batches)
    began_s = time.perf_counter()
    for _ in range(_LOADED):
        next(batches)
    return _LOADED / (time.perf_counter() - began_s)


def endless(batches: DataLoader[Any]) -> Iterator[Any]:
    """Epoch after epoch."""
    return chain.from_iterable(repeat(batches))


def act(observation_n: int, action_n: int) -> ACTPolicy:
    """ACT as it comes, at our width and chunk; what is seen is an "environment state", as it takes no
    other without pictures."""
    config = ACTConfig(chunk_size=CHUNK, n_action_steps=CHUNK, dim_model=WIDTH, dim_feedforward=4 * WIDTH, n_heads=4, device="cpu")
    config.input_features = {SEEN: PolicyFeature(FeatureType.ENV, (observation_n,))}
    config.output_features = {"action": PolicyFeature(FeatureType.ACTION, (action_n,))}
    return ACTPolicy(config).train()


def step_ms(folder: Path, workers: int) -> tuple[float, float]:
    """Milliseconds of a training step on one batch that stays, and of one with loading."""
    batches = endless(loader(folder, workers))
    batch = next(batches)
    policy = act(batch[STATE].shape[-1], batch["action"].shape[-1])
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-5, fused=True)

    def step(seen: Any) -> None:
        loss, _ = policy.forward({SEEN: seen[STATE], STATE: seen[STATE], "action": seen["action"], "action_is_pad": seen["action_is_pad"]})
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 10.0)
        optimizer.step()

    found = []
    for source in (repeat(batch), batches):
        for _ in range(_WARM):
            step(next(source))
        began_s = time.perf_counter()
        for _ in range(_STEPS):
            step(next(source))
        found.append(1e3 * (time.perf_counter() - began_s) / _STEPS)
    return found[0], found[1]


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    root = Path(sys.argv[1])
    rates = {workers: batches_per_s(root, workers) for workers in (0, 2)}
    best = max(rates, key=lambda workers: rates[workers])
    alone_ms, whole_ms = step_ms(root, best)
    told = {"version": lerobot.__version__, "batches_per_s": rates[best], "workers": best, "step_ms": alone_ms, "whole_ms": whole_ms}
    Path(sys.argv[2]).write_text(json.dumps(told))
