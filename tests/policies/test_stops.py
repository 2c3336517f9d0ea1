"""Runs that are stopped, or killed, and go on: whatever ended them, to the same bits."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from motion.demonstration import Demonstration
from policies import Policy, TrainingInterrupted, fit, load_checkpoint
from policies.run_state import Run
from policies.steps import take_step
from policies.train import _validate
from policies.windows import Batch
from tests.policies.made_runs import CONFIG, StopAt, assert_bit_equal, rows_of


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_at_20_and_resumed_is_bit_equal_to_40_straight(
    pendulum_demonstrations: list[Demonstration], straight: Path, tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(TrainingInterrupted, match=f"stopped by {number.name} after step 20"):
        fit(pendulum_demonstrations, CONFIG, tmp_path, StopAt(tmp_path, 20, number))
    assert signal.getsignal(number) is before
    state = load_checkpoint(tmp_path / "last").state
    assert state is not None
    assert state.values["step"] == 20
    torch.rand(17)  # other work in between must not matter
    result = fit(pendulum_demonstrations, CONFIG, tmp_path)
    assert (result.resumed_from, result.steps) == (20, 40)
    assert_bit_equal(straight, tmp_path)


@pytest.mark.parametrize("step", [16, 21, 40])
def test_what_is_due_after_a_stop_is_done_after_the_resume(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Step 16 is validated, step 21 rolled out, step 40, the last, both: who stops then does not wait for that, and it is done once."""
    config, measured = replace(CONFIG, evaluate_every=7), list[str]()

    def evaluate(policy: Policy) -> Mapping[str, float]:
        measured.append("rolled out")
        return {"success": float(torch.rand(()) > 0.5), "reached": float(policy.state_dict()["enter.weight"].sum())}

    def validate(*told: Any) -> dict[str, float]:
        measured.append("validated")
        return _validate(*told)

    def stopping(run: Run, batch: Batch) -> dict[str, float]:
        if run.step == step - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return take_step(run, batch)

    fit(pendulum_demonstrations, config, tmp_path / "straight", evaluate=evaluate)
    monkeypatch.setattr("policies.train._validate", validate)
    monkeypatch.setattr("policies.train.take_step", stopping)
    before = len(measured)
    with pytest.raises(TrainingInterrupted, match=f"after step {step}"):
        fit(pendulum_demonstrations, config, tmp_path / "stopped", evaluate=evaluate)
    until = measured[before:]
    assert load_checkpoint(tmp_path / "stopped" / "last").state.values["step"] == step  # type: ignore[union-attr]
    assert [row for row in rows_of(tmp_path / "stopped") if int(row["step"]) >= step] == []
    assert fit(pendulum_demonstrations, config, tmp_path / "stopped", evaluate=evaluate).resumed_from == step
    assert_bit_equal(tmp_path / "straight", tmp_path / "stopped")
    assert Counter(measured[before:])["rolled out"] == before == 6
    assert Counter(until) == {"validated": {16: 3, 21: 4, 40: 9}[step], "rolled out": {16: 2, 21: 2, 40: 5}[step]}


@pytest.mark.parametrize("where", ["validation", "rollouts"])
def test_nobody_waits_for_what_is_measured_when_a_stop_is_asked_for(
    pendulum_demonstrations: list[Demonstration], straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """It is left in its middle, and is done after the resume."""
    left = []

    def stopped(*told: Any) -> dict[str, float]:
        torch.rand(3)
        os.kill(os.getpid(), signal.SIGTERM)
        left.append("nobody left")
        return {}

    config = replace(CONFIG, evaluate_every=16)
    with monkeypatch.context() as patch:
        if where == "validation":
            patch.setattr("policies.train.spread", stopped)
        with pytest.raises(TrainingInterrupted, match=f"after step {16 if where == 'rollouts' else 8}"):
            fit(pendulum_demonstrations, config, tmp_path, evaluate=stopped)
    assert not left
    fit(pendulum_demonstrations, config, tmp_path)
    assert_bit_equal(straight, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_windows_are_made_is_at_once_and_leaves_nothing(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    for place, demonstration in enumerate(pendulum_demonstrations):
        demonstration.save(tmp_path / "data" / f"{place}.npz")
    read = []

    def reading(demonstration: Demonstration, *told: str) -> Demonstration:
        read.append(demonstration.variant)
        if len(read) == 2:
            os.kill(os.getpid(), number)
        return demonstration

    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr("policies.train.without_labelled", reading)
        with pytest.raises(TrainingInterrupted, match=f"stopped by {number.name} before training began") as caught:
            fit(tmp_path / "data", CONFIG, tmp_path / "run")
    assert (len(read), caught.value.step, signal.getsignal(number)) == (2, 0, before)
    assert not list((tmp_path / "cache" / "windows").iterdir())
    assert not (tmp_path / "run" / "last").exists()
    assert fit(tmp_path / "data", replace(CONFIG, steps=2), tmp_path / "run").resumed_from == 0


def test_a_second_request_ends_the_process_at_once() -> None:
    """Not one that comes with the first, as from `timeout`, which signals the process and its group."""
    program = (
        "import os, signal, time; from policies.interrupt import stop_requests\n"
        "with stop_requests() as stop:\n"
        "    for _ in range(3): os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print(stop.signal.name, flush=True); time.sleep(0.6); os.kill(os.getpid(), signal.SIGINT); print('too late', flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGINT, "SIGTERM\n")


@pytest.mark.parametrize("change", [{"accumulate": 3}, {"precision": "bf16"}, {"precision": "fp16"}, {"balance": "kind,worker"}])
def test_resume_is_bit_equal_however_steps_are_made(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, change: dict[str, Any]
) -> None:
    config = replace(CONFIG, steps=12, **change)
    some = [replace(d, scene={"worker": "ab"[n % 2]}) for n, d in enumerate(pendulum_demonstrations)]
    fit(some, config, tmp_path / "straight")
    with pytest.raises(TrainingInterrupted, match="after step 8"):
        fit(some, config, tmp_path / "stopped", StopAt(tmp_path / "stopped", 8, signal.SIGTERM))
    assert fit(some, config, tmp_path / "stopped").resumed_from == 8
    assert_bit_equal(tmp_path / "straight", tmp_path / "stopped")
    scalers = [json.loads((tmp_path / run / "last" / "training_state.json").read_text())["scaler"] for run in ("straight", "stopped")]
    assert scalers[0] == scalers[1]
    assert bool(scalers[0]) == (config.precision == "fp16")


def test_a_gradient_that_is_none_survives_a_stop(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In fp16 a step is left out where its gradient is infinite; a stop just then keeps the number for the row of that step."""

    def stopping(run: Run, batch: Batch) -> dict[str, float]:
        values = take_step(run, batch)
        if run.step == 8:
            os.kill(os.getpid(), signal.SIGTERM)
        return {**values, "gradient_norm": math.inf}

    monkeypatch.setattr("policies.train.take_step", stopping)
    with pytest.raises(TrainingInterrupted, match="after step 8"):
        fit(pendulum_demonstrations, CONFIG, tmp_path)
    fit(pendulum_demonstrations, CONFIG, tmp_path)
    assert {row["gradient_norm"] for row in rows_of(tmp_path)} == {"inf"}


def test_killed_without_warning_and_resumed_is_bit_equal(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """A process killed at an unknown moment, perhaps in the middle of a write, leaves a whole checkpoint to go on from."""
    for number, demonstration in enumerate(pendulum_demonstrations):
        demonstration.save(tmp_path / "data" / f"{number}.npz")
    config = replace(CONFIG, steps=160, checkpoint_every=2, validate_every=50)
    program = (
        "import sys, torch; from pathlib import Path; from policies import TrainConfig, fit; torch.set_num_threads(1);"
        f"fit(sys.argv[1], TrainConfig(**{config.to_json()!r}), Path(sys.argv[2]))"
    )
    killed = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "data"), str(tmp_path / "killed")], stderr=subprocess.DEVNULL)
    metrics, deadline_s = tmp_path / "killed" / "metrics.csv", time.monotonic() + 60
    while not (metrics.is_file() and len(metrics.read_text().splitlines()) > 10) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    result = fit(tmp_path / "data", config, tmp_path / "killed")
    assert 0 < result.resumed_from < result.steps == 160
    fit(tmp_path / "data", replace(config, checkpoint_every=160), tmp_path / "straight")
    assert_bit_equal(tmp_path / "straight", tmp_path / "killed")
