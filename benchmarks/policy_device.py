"""How fast each policy trains on the device that is here, and how much of a GPU's memory it takes; quoted apart from what a CPU does.

The data and the sizes are those of `benchmarks.policy_speed`, and besides batches and networks that fill a GPU.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.policy_runs import Options
from benchmarks.policy_speed import BATCH, WIDTH, example_set, policy_of, windows_of
from benchmarks.table import Row
from motion.provenance import Provenance
from policies import Tracker, TrainConfig
from policies.devices import find_device
from policies.parallel import Group
from policies.run_state import Run
from policies.sampling import Sampler
from policies.steps import take_step

LARGE_BATCH, LARGE_WIDTH = 1024, 512
_WARM, _STEPS, _LONGEST_S = 5, 200, 20.0


def rows(options: Options) -> list[Row]:
    """Training steps per second of each policy, small and large; with a GPU also large in bf16."""
    torch.manual_seed(0)
    sizes = [("small", WIDTH, BATCH, "fp32"), ("large", LARGE_WIDTH, LARGE_BATCH, "fp32")]
    sizes += [("large_bf16", LARGE_WIDTH, LARGE_BATCH, "bf16")] if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else []
    with TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["UNDERSTUDY_CACHE"] = str(folder / "cache")
        example_set(folder)
        return [_row(name, *size, folder) for name in options.policies for size in sizes]


def _row(name: str, size: str, width: int, batch_n: int, precision: str, folder: Path) -> Row:
    config = TrainConfig(batch_n=batch_n, steps=10**6, precision=precision)  # type: ignore[arg-type]
    device = find_device(config)
    policy = policy_of(name, width=width)
    windows = windows_of(policy, folder)
    network, average = policy.to(device).train(), policy_of(name, width=width).to(device).requires_grad_(False)
    run = Run(config, folder, Tracker(folder / "numbers"), Provenance("a benchmark"), network, average, Group(device=device))
    sampler = Sampler(windows, batch_n, 0)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(_WARM):
        take_step(run, sampler.batch(run.step))
    _finish(device)
    began_s, first = time.perf_counter(), run.step
    while run.step - first < _STEPS and time.perf_counter() - began_s < _LONGEST_S:
        take_step(run, sampler.batch(run.step))
    _finish(device)
    rate = (run.step - first) / (time.perf_counter() - began_s)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    held = f", {torch.cuda.max_memory_allocated(device) / 2**20:.0f} MiB at most" if device.type == "cuda" else ""
    return Row(
        f"{name}_{size}",
        rate,
        unit="steps/s",
        note=f"width {width}, batches of {batch_n}, {precision}: {rate * batch_n:.0f} windows/s{held}; {where}",
    )


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
