"""Door: `python train.py demonstrations=demonstrations/ output=runs/mine`. The same command goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from policies import Tracker, TrainConfig, TrainingInterrupted, fit
from understudy import build, door, files_of, needed


def main(config: dict[str, Any]) -> int:
    """Train a policy on demonstrations."""
    files = [file for pattern in _listed(needed(config, "demonstrations", "demonstrations/")) for file in files_of(pattern)]
    output = Path(needed(config, "output", "runs/mine"))
    policy = dict(config["policy"])
    training = build(TrainConfig, {**config["train"], "policy": policy.pop("name"), "settings": policy}, "train")
    if config["threads"]:
        torch.set_num_threads(config["threads"])
    tracker = Tracker(output, **config["wandb"])
    try:
        done = fit(files, training, output, tracker)
    except TrainingInterrupted as stopped:
        print(stopped)
        return 128 + stopped.signal
    finally:
        tracker.close()
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in done.validation.items())
    print(f"{done.steps} steps, {done.duration_s:.0f} s; best at step {done.best_step} ({numbers or 'nothing held out'}): {done.best}")
    return 0


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


command = door("train", {"train": TrainConfig})(main)

if __name__ == "__main__":
    command()
