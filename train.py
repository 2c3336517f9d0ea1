"""Door: `python train.py demonstrations=demonstrations/ output=runs/mine`. The same command goes on where it stopped."""

from __future__ import annotations

from typing import Any

import torch

from motion.errors import UnderstudyError
from policies import Tracker, TrainConfig, TrainingInterrupted, find_policy, fit
from understudy import build, check, door, files_of, listed, needed, output_of, plain


def main(config: dict[str, Any]) -> int:
    """Train a policy on demonstrations."""
    files = [file for pattern in listed(needed(config, "demonstrations", "demonstrations/")) for file in files_of(pattern)]
    output = output_of(config, "runs/mine")
    policy = dict(config["policy"])
    name = str(policy.pop("name"))
    check(find_policy(name).Config, policy, "policy")
    if {"policy", "settings"} & set(config["train"]):
        raise UnderstudyError("a policy is chosen with policy=NAME, and set with policy.KEY=VALUE.")
    training = build(TrainConfig, {**config["train"], "policy": name, "settings": policy}, "train")
    threads = plain(config, "threads", int | None, least=1)
    if threads:
        torch.set_num_threads(threads)
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


command = door("train", {"train": TrainConfig, "policy": find_policy(TrainConfig.policy).Config})(main)

if __name__ == "__main__":
    command()
