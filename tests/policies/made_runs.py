"""Short runs of training, and what they leave."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import torch

from policies import Tracker, TrainConfig, load_checkpoint

CONFIG = TrainConfig(
    settings={"width": 24, "chunk_n": 4, "dropout": 0.1},
    steps=40,
    batch_n=16,
    warmup_steps=5,
    validate_every=8,
    checkpoint_every=16,
    log_every=4,
)


class StopAt(Tracker):
    """A tracker in a process that is told to stop when step `step` is logged."""

    def __init__(self, folder: Path, step: int, number: signal.Signals) -> None:
        super().__init__(folder)
        self.step, self.number = step, number

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log, then send the signal."""
        super().log(values, step)
        if step == self.step:
            os.kill(os.getpid(), self.number)


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a `last` checkpoint: averaged weights, live weights, moments, random state."""
    checkpoint = load_checkpoint(folder)
    assert checkpoint.state is not None
    return {**{f"average/{k}": v for k, v in checkpoint.policy.state_dict().items()}, **checkpoint.state.tensors}


def assert_bit_equal(a: Path, b: Path) -> None:
    """Both runs ended in the same bits, and wrote the same rows."""
    first, second = tensors_of(a / "last"), tensors_of(b / "last")
    assert first.keys() == second.keys()
    assert {name.split("/")[0] for name in first} == {"average", "policy", "optimizer", "random"}
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert (a / "metrics.csv").read_text() == (b / "metrics.csv").read_text()
    assert (a / "best" / "weights.safetensors").read_bytes() == (b / "best" / "weights.safetensors").read_bytes()


def rows_of(run: Path) -> list[dict[str, str]]:
    with open(run / "metrics.csv", newline="") as stream:
        return list(csv.DictReader(stream))
