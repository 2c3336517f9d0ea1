"""How fast windows are drawn, policies train and chunks are computed, beside LeRobot and robomimic on the same episodes.

64 numbers are seen, 43 are acted, chunks of 16, batches of 64, networks of width 128, two threads.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.table import Row
from motion.demonstration import Demonstration
from motion.lerobot import write_dataset
from motion.lerobot.layout import STATE_NAME, UNDERSTUDY
from motion.provenance import Provenance
from policies import Policy, PolicyActor, PolicySpec, Tracker, TrainConfig, Windows, find_policy, make_config, make_windows
from policies.bc import BehaviourCloning
from policies.data import data_key, list_entries
from policies.readers.state import STATE
from policies.run_state import Run
from policies.sampling import Sampler
from policies.steps import take_step

SEEN, ACTED, CHUNK, BATCH, WIDTH, THREADS = 64, 43, 16, 64, 128, 2
PEERS = {"lerobot": "UNDERSTUDY_LEROBOT_PYTHON", "robomimic": "UNDERSTUDY_ROBOMIMIC_PYTHON"}
_EPISODES, _STEPS = 100, 250
_ROUNDS = 9
_SAME_LAYERS = {"encoder_n": 4, "latent_n": 32}


def rows() -> list[Row]:
    """All of it, on one data set that is written for it."""
    torch.manual_seed(0)
    with two_threads(), TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["UNDERSTUDY_CACHE"] = str(folder / "cache")
        episodes = example_set(folder)
        np.savez(folder / "arrays.npz", state=[e.observations[STATE_NAME] for e in episodes], action=[e.actions for e in episodes])
        lerobot, robomimic = _peer("lerobot", folder / "set"), _peer("robomimic", folder / "arrays.npz")
        return [*_sampling(folder, lerobot, robomimic), *_act(folder, lerobot), _bare(folder), _chunk()]


@contextmanager
def two_threads() -> Iterator[None]:
    """Two threads of the CPU for PyTorch; afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def example_set(folder: Path) -> list[Demonstration]:
    """The episodes, written to `set/` there."""
    episodes = [_episode(seed) for seed in range(_EPISODES)]
    write_dataset(episodes, folder / "set")
    (folder / "set" / UNDERSTUDY).unlink()  # so that it is read as others' data sets are, ours and LeRobot's readers alike
    return episodes


def _episode(seed: int) -> Demonstration:
    rng = np.random.default_rng(seed)
    seen, acted = (np.cumsum(0.02 * rng.normal(size=(_STEPS, count)), axis=0) for count in (SEEN, ACTED))
    joints = tuple(f"joint_{number}" for number in range(ACTED))
    return Demonstration("robot", "chore", "one", "nominal", "expert", seed, 0.02, joints, {STATE_NAME: seen}, acted, {}, True, 1.0)


# Peers.


def _peer(name: str, data: Path) -> dict[str, Any] | None:
    """What the peer's script found; None where no Python that has it is named."""
    python = os.environ.get(PEERS[name], "")
    if not python:
        return None
    out, script = data.parent / f"{name}.json", Path(__file__).parent / f"with_{name}.py"
    threads = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS))}
    threads.pop("PYTHONPATH", None)  # the peer's packages alone
    done = subprocess.run([python, script, data, out], capture_output=True, text=True, env=threads)
    if done.returncode:
        raise SystemExit(f"{python} {script.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(out.read_text())
    return told


def _beside(name: str, told: dict[str, Any] | None) -> str:
    return f"{name} {told['version']}" if told else f"{name} not measured: name a Python that has it in {PEERS[name]}"


# Ours.


def policy_of(name: str, **settings: Any) -> Policy:
    """A policy at the size of this benchmark."""
    found = find_policy(name)
    spec = PolicySpec("robot", tuple(f"joint_{number}" for number in range(ACTED)), ((STATE, (SEEN,)),), CHUNK, 0.02)
    return found(spec, make_config(found, {"chunk_n": CHUNK, "width": WIDTH, **settings}))


def windows_of(policy: Policy, folder: Path) -> Windows:
    """Windows of the data set; the policy's statistics are fitted to them."""
    entries = list_entries(folder / "set")
    windows = make_windows(policy, (entry.read() for entry in entries), data_key(entries))
    policy.fit_statistics(windows)
    return windows


def training_step(policy: Policy, windows: Windows, folder: Path) -> Callable[[], object]:
    """The training loop's own step: drawing, normalising, weighted loss, clipping, checks, average."""
    network, sampler = copy.deepcopy(policy).train(), Sampler(windows, BATCH, 0)
    average = copy.deepcopy(policy).requires_grad_(False)
    config = TrainConfig(batch_n=BATCH, steps=10**6)
    run = Run(config, folder, Tracker(folder / "numbers"), Provenance("a benchmark"), network, average)
    return lambda: take_step(run, sampler.batch(run.step))


def best_ms(*work: Callable[[], object], calls: int = 40) -> list[float]:
    """Milliseconds of one call of each: the best of some rounds, in turns, as other programs only ever add to it."""
    found = np.zeros((_ROUNDS, len(work)))
    for turn in found:
        for place, one in enumerate(work):
            began_s = time.perf_counter()
            for _ in range(calls):
                one()
            turn[place] = 1e3 * (time.perf_counter() - began_s) / calls
    return [float(value) for value in found.min(axis=0)]


def _sampling(folder: Path, lerobot: dict[str, Any] | None, robomimic: dict[str, Any] | None) -> list[Row]:
    """Batches of windows per second, from the data set on the disk."""
    policy, steps = policy_of("bc"), iter(range(10**9))
    began_s = time.perf_counter()
    sampler = Sampler(windows_of(policy, folder), BATCH, 0)
    once_s = time.perf_counter() - began_s
    (each_ms,) = best_ms(lambda: sampler.batch(next(steps)), calls=400)
    found = [Row("sampling", 1e3 / each_ms, 5000, "batches/s", note=f"windows of {_EPISODES * _STEPS} steps made once in {once_s:.1f} s")]
    for name, told in (("lerobot", lerobot), ("robomimic", robomimic)):
        if told:
            note = f"{_beside(name, told)}, {told.get('workers', 0)} loading processes"
            found.append(Row(f"sampling_{name}", told["batches_per_s"], unit="batches/s", note=note))
    return found


def _act(folder: Path, lerobot: dict[str, Any] | None) -> list[Row]:
    """A training step of `act`, as it comes and with as many layers as LeRobot's; loading is in ours always."""
    usual, same = (policy_of("act", **settings) for settings in ({}, _SAME_LAYERS))
    steps = [training_step(policy, windows_of(policy, folder), folder) for policy in (usual, same)]
    usual_ms, same_ms = best_ms(*steps, calls=10)
    found = [Row("act_step", usual_ms, 83.0, "ms", False, f"as it comes, loading included; beside: {_beside('lerobot', lerobot)}")]
    if lerobot:
        told = f"{_beside('lerobot', lerobot)} ACT {lerobot['step_ms']:.1f} ms without"
        said = f"{same_ms:.1f} ms with 4 layers and a latent, loading included; {told}"
        found.append(Row("act_step_over_lerobot", usual_ms / lerobot["step_ms"], 1.0, "x", False, "as both come, at this width"))
        found.append(Row("act_same_layers_over_lerobot", same_ms / lerobot["step_ms"], 1.0, "x", False, said))
        said = f"{lerobot['whole_ms']:.1f} ms with loading by {lerobot['workers']} processes"
        found.append(Row("act_end_to_end", lerobot["whole_ms"] / usual_ms, 1.5, "x", note=said))
        found.append(Row("act_end_to_end_same_layers", lerobot["whole_ms"] / same_ms, 1.5, "x", note=said))
    return found


def _bare(folder: Path) -> Row:
    """The training loop's step of `bc` over forward, mean square, backward and fused AdamW of the same network on one batch."""
    policy = policy_of("bc")
    assert isinstance(policy, BehaviourCloning)
    windows, network = windows_of(policy, folder), copy.deepcopy(policy)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    batch = windows.batch(torch.arange(BATCH))
    inputs, wanted = batch.inputs[:, 0].clone(), batch.offset_rad.flatten(1).clone()

    def bare() -> None:
        optimizer.zero_grad(set_to_none=True)
        out = network.leave(network.blocks(network.enter(inputs)))
        torch.autograd.backward((out - wanted).square().mean())
        optimizer.step()

    full_ms, bare_ms = best_ms(training_step(policy, windows, folder), bare)
    return Row("bc_step_over_bare_network", full_ms / bare_ms, 1.3, "x", False, f"{full_ms:.2f} over {bare_ms:.2f} ms, loading included")


def _chunk() -> Row:
    """One look to one chunk of `flow` in five steps, through the actor that evaluation and robots use."""
    policy = policy_of("flow", sample_steps=5)
    actor, look = PolicyActor(policy, CHUNK), {STATE: np.zeros((1, SEEN))}
    actor.reset(1)
    (each_ms,) = best_ms(lambda: actor.act(look), calls=20)
    return Row("flow_chunk", each_ms, 5.0, "ms", False, "5 steps")
