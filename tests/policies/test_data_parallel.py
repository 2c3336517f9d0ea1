"""Several processes that train one policy: the same weights as one process, one writer, and a stop that all agree on.

The processes are forked here, with the names in their environment that torchrun gives them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motion.demonstration import Demonstration
from policies import Tracker, TrainConfig, TrainingError, TrainingInterrupted, fit, load_checkpoint
from policies.data import list_entries
from policies.devices import find_device
from policies.parallel import process_group, rank_here

CONFIG = TrainConfig(
    settings={"width": 24, "chunk_n": 4}, steps=12, batch_n=16, warmup_steps=3, validate_every=4, checkpoint_every=6, log_every=2
)
_FORKED = multiprocessing.get_context("fork")


def _process(rank: int, ranks: int, port: int, work: Callable[[int], int]) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    os._exit(work(rank))


def together(work: Callable[[int], int], ranks: int = 2) -> list[int | None]:
    """Exit status of each process that does `work(rank)`."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    started = [_FORKED.Process(target=_process, args=(rank, ranks, port, work)) for rank in range(ranks)]
    for one in started:
        one.start()
    for one in started:
        one.join(120)
        if one.exitcode is None:
            one.kill()
    return [one.exitcode for one in started]


def torchrun(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What two processes of torchrun say, which end well."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *words]
    given = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    """Live weights of a run's last state."""
    state = load_checkpoint(run / "last").state
    assert state is not None
    return {name: tensor for name, tensor in state.tensors.items() if name.startswith("policy/")}


def trained(demonstrations: list[Demonstration], config: TrainConfig, out: Path) -> Callable[[int], int]:
    """Train; only the first process is given a tracker, as the door does it."""

    def work(rank: int) -> int:
        torch.set_num_threads(1)
        return 0 if fit(demonstrations, config, out, Tracker(out) if rank_here() == 0 else None).steps == config.steps else 1

    return work


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_give_the_weights_of_one(pendulum_demonstrations: list[Demonstration], tmp_path: Path, accumulate: int) -> None:
    config = replace(CONFIG, accumulate=accumulate)
    assert together(trained(pendulum_demonstrations, config, tmp_path / "two")) == [0, 0]
    fit(pendulum_demonstrations, CONFIG, tmp_path / "one")
    one, two = weights_of(tmp_path / "one"), weights_of(tmp_path / "two")
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-5)
    rows = [(tmp_path / run / "metrics.csv").read_text().splitlines() for run in ("one", "two")]
    assert len(rows[0]) == len(rows[1])  # one process alone has written, and as much
    assert {name for name in load_checkpoint(tmp_path / "two" / "last").state.tensors if "random" in name} == {"random/0", "random/1"}  # type: ignore[union-attr]


def test_a_signal_to_any_process_stops_all_for_an_exact_resume(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """The second process alone is told to stop. Each drops out other units, so that each one's random numbers have to be kept."""
    config = replace(CONFIG, settings={"width": 24, "chunk_n": 4, "dropout": 0.1}, evaluate_every=1)

    def stopped(rank: int) -> int:
        torch.set_num_threads(1)
        steps = iter(range(100))

        def look(policy: object) -> dict[str, float]:
            if next(steps) == 4:
                os.kill(second(), signal.SIGTERM)
            return {}

        _note_pid(tmp_path, rank)
        try:
            fit(pendulum_demonstrations, config, tmp_path / "stopped", evaluate=look)
        except TrainingInterrupted as error:
            return error.step
        return 0

    def second() -> int:
        return int((tmp_path / "1.pid").read_text())

    steps = together(stopped)
    assert steps[0] == steps[1]
    assert 0 < (steps[0] or 0) < config.steps
    assert together(trained(pendulum_demonstrations, config, tmp_path / "stopped")) == [0, 0]
    assert together(trained(pendulum_demonstrations, config, tmp_path / "straight")) == [0, 0]
    stopped_then, straight = weights_of(tmp_path / "stopped"), weights_of(tmp_path / "straight")
    assert all(torch.equal(stopped_then[name], straight[name]) for name in straight)


def test_torchrun_trains_as_one_process_does(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """The command as the documentation gives it, in processes of its own."""
    for number, demonstration in enumerate(pendulum_demonstrations):
        demonstration.save(tmp_path / "data" / f"{number}.npz")
    door = Path(__file__).resolve().parents[2] / "train.py"
    words = [str(door), f"demonstrations={tmp_path / 'data'}", "threads=1", "policy.width=24", "policy.chunk_n=4"]
    words += ["train.steps=4", "train.batch_n=16", "train.warmup_steps=1", "train.device=cpu"]
    done = torchrun(*words, f"output={tmp_path / 'two'}", UNDERSTUDY_CACHE=str(tmp_path / "cache"))
    assert done.stdout.count("4 steps") == 1  # one of them says how it went
    fit(tmp_path / "data", replace(CONFIG, steps=4, warmup_steps=1), tmp_path / "one")
    one, two = weights_of(tmp_path / "one"), weights_of(tmp_path / "two")
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-5)


_LEFT_OVER = """
from pathlib import Path
import torch
from policies.parallel import process_group

def gloo():
    return sum("gloo" in task.joinpath("comm").read_text() for task in Path("/proc/self/task").iterdir())

with process_group(torch.device("cpu")) as group:
    torch.optim.AdamW([torch.zeros(1)])  # reads much of torch.distributed
    group.total(1.0)
    during = gloo()
print(f"threads: {during > 0} {gloo()}.", flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted where Linux lists them")
def test_a_group_leaves_no_threads_that_could_disturb_the_end_of_the_process(tmp_path: Path) -> None:
    """Such a thread wants the interpreter once more, and where that is closing already it takes the process down."""
    script = tmp_path / "left_over.py"
    script.write_text(_LEFT_OVER)
    root = str(Path(__file__).resolve().parents[2])
    assert torchrun(str(script), PYTHONPATH=root).stdout.count("threads: True 0.") == 2


def test_more_processes_than_gpus_are_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every process, also in those that would have found a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for number in ("0", "2"):
        monkeypatch.setenv("LOCAL_RANK", number)
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
        with pytest.raises(TrainingError, match=r"3 processes on this computer, but 2 GPU.* --nproc-per-node, or say train.device=cpu"):
            find_device(CONFIG)
        assert find_device(replace(CONFIG, device="cpu")).type == "cpu"


def _note_pid(folder: Path, rank: int) -> None:
    (folder / f"{rank}.pid").write_text(str(os.getpid()))


def test_what_the_first_knows_all_are_told_and_sums_are_of_all() -> None:
    def work(rank: int) -> int:
        with process_group(torch.device("cpu")) as group:
            parts = [torch.full((2,), float(rank + 1)), torch.tensor(float(rank))]
            group.add_up(parts)
            right = [
                group.told({"rank": rank}) == {"rank": 0},
                (group.total(rank + 1), group.largest(rank)) == (3.0, 1.0),
                [part.tolist() for part in parts] == [[3.0, 3.0], 1.0],
                [part.item() for part in group.gathered(torch.tensor(rank))] == [0, 1],
            ]
        return 0 if all(right) else 1

    assert together(work) == [0, 0]


def test_windows_are_made_once_and_found_by_the_others(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    for number, demonstration in enumerate(pendulum_demonstrations):
        demonstration.save(tmp_path / "data" / f"{number}.npz")

    def work(rank: int) -> int:
        torch.set_num_threads(1)
        return fit(tmp_path / "data", replace(CONFIG, steps=2), tmp_path / "run").steps

    assert together(work) == [2, 2]
    assert len(list((tmp_path / "cache" / "windows").iterdir())) == 2
    assert len(load_checkpoint(tmp_path / "run" / "last").provenance.parents) == len(list_entries(tmp_path / "data"))
