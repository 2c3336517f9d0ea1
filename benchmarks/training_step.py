"""What the training loop costs beyond the bare network, and how fast windows are drawn: `python -m benchmarks.training_step`.

Bars: a step at most 1.3 times the bare network's forward, backward and fused AdamW; 5,000 batches of 64 windows per second.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.table import Row, run
from motion.provenance import Provenance
from policies import PolicySpec, Tracker, TrainConfig, Windows, find_policy, make_config
from policies.bc import BehaviourCloning
from policies.readers.follow import OBSERVATIONS, REFERENCE
from policies.run_state import Run
from policies.sampling import Sampler
from policies.steps import take_step
from policies.windows import Statistics

JOINTS, WINDOWS = 43, 24_000


def best_ms(work: Callable[[], object], repeats: int = 9, calls: int = 40) -> float:
    """Milliseconds of one call: the best of some rounds, as other programs only ever add to it."""
    rounds = []
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(calls):
            work()
        rounds.append(time.perf_counter() - began)
    return 1e3 * min(rounds) / calls


def policy_and_windows() -> tuple[BehaviourCloning, Windows]:
    """`bc` with its defaults for a robot of 43 joints, and random windows."""
    shapes = tuple((name, (25, JOINTS) if name == REFERENCE else (JOINTS,)) for name in OBSERVATIONS)
    config = make_config(find_policy("bc"), {})
    policy = BehaviourCloning(PolicySpec("robot", tuple(map(str, range(JOINTS))), shapes, config.chunk_n, 0.02), config)
    features = policy.input_normaliser.mean.numel()
    end = torch.arange(WINDOWS) // 240 * 240 + 240
    one = torch.ones(features), torch.ones(JOINTS)
    windows = Windows(
        inputs=torch.randn(WINDOWS, features),
        actions=0.1 * torch.randn(WINDOWS, JOINTS),
        anchor=torch.zeros(WINDOWS, config.chunk_n, JOINTS),
        trust=torch.ones(WINDOWS, 1),
        begin=end - 240,
        end=end,
        chunk_n=config.chunk_n,
        history_n=1,
        statistics=Statistics(0 * one[0], one[0], 0 * one[1], 0.1 * one[1]),
    )
    policy.fit_statistics(windows)
    return policy, windows


def bare_step(policy: BehaviourCloning, windows: Windows, batch_n: int) -> Callable[[], None]:
    """Forward, mean square, backward and fused AdamW of the same network on one batch that stays in the cache."""
    network = copy.deepcopy(policy)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    batch = windows.batch(torch.arange(batch_n))
    inputs, wanted = batch.inputs[:, 0].clone(), batch.offset_rad.flatten(1).clone()
    servo = network.servo
    assert servo is not None

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        linear = (inputs.view(batch_n, network.reader.channels_n, 1, JOINTS) * servo).sum(1).flatten(1)
        out = network.leave(network.blocks(network.enter(inputs))) + linear
        torch.autograd.backward((out - wanted).square().mean())
        optimizer.step()

    return step


def full_step(policy: BehaviourCloning, windows: Windows, batch_n: int, folder: Path) -> Callable[[], object]:
    """The training loop's own step: drawing, normalising, masked loss, clipping, checks, average."""
    config = TrainConfig(batch_n=batch_n, steps=10**6)
    network, sampler = copy.deepcopy(policy).train(), Sampler(windows, batch_n, 0)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    average = copy.deepcopy(policy).requires_grad_(False)
    run = Run(config, folder, Tracker(folder), Provenance("a benchmark"), network, average, optimizer)
    return lambda: take_step(run, sampler.batch(run.step))


def step_ratios() -> list[Row]:
    """The training loop's step over that of the bare network."""
    torch.manual_seed(0)
    policy, windows = policy_and_windows()
    rows = []
    for threads, batch_n in ((1, 64), (1, 128)):
        torch.set_num_threads(threads)
        with TemporaryDirectory() as folder:
            bare = best_ms(bare_step(policy, windows, batch_n))
            full = best_ms(full_step(policy, windows, batch_n, Path(folder)))
        rows.append(Row(f"step over bare network, batch {batch_n}, {threads} thread(s)", full / bare, 1.3, "x", False, f"{full:.2f} ms"))
    return rows


def sampling() -> list[Row]:
    """How fast windows are drawn."""
    _, windows = policy_and_windows()
    steps, sampler = iter(range(10**9)), Sampler(windows, 64, 0)
    rate = 1e3 / best_ms(lambda: sampler.batch(next(steps)), calls=400)
    return [Row("batches of 64 windows drawn", rate, 5000, "batches/s")]


if __name__ == "__main__":
    run("training_step", {"step": step_ratios, "sampling": sampling})
