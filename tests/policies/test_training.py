"""The training loop: refusal of what cannot go on, the best weights kept, what a run says of itself."""

from __future__ import annotations

import csv
import json
import math
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch._dynamo.backends.registry import lookup_backend

from motion.demonstration import Demonstration
from motion.errors import CheckpointError, MotionError, UnknownNameError
from policies import Mix, Policy, Tracker, TrainConfig, TrainingError, TrainingInterrupted, fit, load_checkpoint
from policies.checkpoint import save_checkpoint
from policies.sampling import spread
from policies.settings import learning_rate
from policies.windows import Windows
from tests.policies.made_runs import CONFIG, StopAt, assert_bit_equal, rows_of, tensors_of


def test_a_batch_in_parts_is_the_batch(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """16 windows in 3 parts of 6, 5 and 5, whose believed actions differ in number; without dropout nothing else differs."""
    config = replace(CONFIG, settings={"width": 24, "chunk_n": 4}, steps=10)
    fit(pendulum_demonstrations, config, tmp_path / "whole")
    fit(pendulum_demonstrations, replace(config, accumulate=3), tmp_path / "parts")
    whole, parts = tensors_of(tmp_path / "whole" / "last"), tensors_of(tmp_path / "parts" / "last")
    for name in (name for name in whole if name.startswith("policy/")):
        torch.testing.assert_close(parts[name], whole[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision_learns_and_keeps_weights_in_float32(
    pendulum_demonstrations: list[Demonstration], straight: Path, tmp_path: Path, precision: Any
) -> None:
    result = fit(pendulum_demonstrations, replace(CONFIG, precision=precision), tmp_path)
    tensors = tensors_of(tmp_path / "last")
    assert {tensor.dtype for name, tensor in tensors.items() if name.startswith("policy/")} == {torch.float32}
    assert not torch.equal(tensors["policy/enter.weight"], tensors_of(straight / "last")["policy/enter.weight"])
    assert result.validation["loss"] < 1.5 * fit(pendulum_demonstrations, CONFIG, straight).validation["loss"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own, of its own parts
def test_a_compiled_loss_is_the_same_loss(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a graph, forward and backward; PyTorch's own C++ of it would take a minute."""
    graphs: list[int] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Any:
        graphs.append(len(inputs))
        return lookup_backend("aot_eager")(graph, inputs)

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    config = replace(CONFIG, settings={"width": 24, "chunk_n": 4}, steps=4, device="cpu")
    fit(pendulum_demonstrations, config, tmp_path / "as_it_is")
    assert not graphs
    fit(pendulum_demonstrations, replace(config, compile=True), tmp_path / "faster")
    assert len(graphs) == 1
    plain, compiled = tensors_of(tmp_path / "as_it_is" / "last"), tensors_of(tmp_path / "faster" / "last")
    for name in (name for name in plain if name.startswith("policy/")):
        torch.testing.assert_close(compiled[name], plain[name], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_one_clear_error(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="device is 'cuda', but PyTorch finds no GPU"):
        fit(pendulum_demonstrations, replace(CONFIG, device="cuda"), tmp_path)


def test_time_ends_a_run_and_its_schedule(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """A million steps in 0.6 s: the last ones are nearly 0, all is saved, and the same call does not go on."""
    config = replace(CONFIG, steps=10**6, minutes=0.01, warmup_steps=0)
    result = fit(pendulum_demonstrations, config, tmp_path)
    assert 1 < result.steps < 10**6
    with open(tmp_path / "metrics.csv", newline="") as stream:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(stream)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.1 * rates[0]
    assert load_checkpoint(result.last).state.values["step"] == result.steps  # type: ignore[union-attr]
    assert fit(pendulum_demonstrations, config, tmp_path).resumed_from == result.steps


def test_all_is_saved_by_the_clock_too(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    def fail(policy: Policy) -> Mapping[str, float]:
        raise RuntimeError("the simulation broke")

    config = replace(CONFIG, checkpoint_every=10**6, checkpoint_minutes=1e-9, evaluate_every=7)
    with pytest.raises(RuntimeError, match="broke"):
        fit(pendulum_demonstrations, config, tmp_path, evaluate=fail)
    assert load_checkpoint(tmp_path / "last").state.values["step"] == 6  # type: ignore[union-attr]


def test_best_is_the_highest_success_where_there_is_one(
    pendulum_demonstrations: list[Demonstration], straight: Path, tmp_path: Path
) -> None:
    """Success 0.2, 0.8, 0.5, 0.8 at steps 10, 20, 30, 40. The run itself goes on as if nobody had looked, whatever they drew."""
    told, seen = iter((0.2, 0.8, 0.5, 0.8)), []

    def evaluate(policy: Policy) -> Mapping[str, float]:
        seen.append((policy.training, next(policy.parameters()).device.type, torch.rand(3)))
        return {"success": next(told), "reached": 0.5}

    result = fit(pendulum_demonstrations, replace(CONFIG, evaluate_every=10), tmp_path, evaluate=evaluate)
    assert [one[:2] for one in seen] == [(False, "cpu")] * 4
    assert (result.validation["success"], result.validation["reached"]) == (0.8, 0.5)
    losses = {int(row["step"]): float(row["validation_loss"]) for row in rows_of(tmp_path) if row["success"]}
    assert result.best_step == min((20, 40), key=lambda step: losses[step])
    first, second = tensors_of(straight / "last"), tensors_of(tmp_path / "last")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_numbers_that_are_none_are_logged_and_never_best(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    told = iter((0.25, math.nan, 0.5, math.nan))
    config = replace(CONFIG, evaluate_every=10, checkpoint_every=10)
    measure = partial(_told_of, told)
    result = fit(pendulum_demonstrations, config, tmp_path / "success", evaluate=measure)
    assert (result.best_step, result.validation["success"], "reached" in result.validation) == (30, 0.5, False)
    rows = [row for row in rows_of(tmp_path / "success") if row["success"]]
    assert [(row["success"], row["reached"]) for row in rows] == [("0.25", "inf"), ("nan", "inf"), ("0.5", "inf"), ("nan", "inf")]
    assert load_checkpoint(tmp_path / "success" / "last").state.values["best"] == result.validation  # type: ignore[union-attr]
    config = replace(config, validation_fraction=0)
    nothing = fit(pendulum_demonstrations, config, tmp_path / "none", evaluate=lambda _: {"success": math.nan})
    assert (nothing.best_step, nothing.validation) == (40, {})  # there is nothing else to keep
    assert nothing.best.is_dir()


def test_a_validation_loss_that_is_none_is_never_best(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter((0.5, math.nan, -math.inf, 0.25, math.nan))
    monkeypatch.setattr("policies.train._validate", lambda *_: {"loss": next(losses), "first_action_rmse_rad": math.nan})
    result = fit(pendulum_demonstrations, CONFIG, tmp_path)
    assert (result.best_step, result.validation) == (32, {"loss": 0.25})
    assert [row["validation_loss"] for row in rows_of(tmp_path) if row["validation_loss"]] == ["0.5", "nan", "-inf", "0.25", "nan"]


def _told_of(successes: Iterator[float], policy: Policy) -> dict[str, float]:
    return {"success": next(successes), "reached": math.inf}


def test_validation_looks_at_so_many_windows_evenly_spread(
    pendulum_demonstrations: list[Demonstration], straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [spread(10, most_n).tolist() for most_n in (1, 4, 10, 50)] == [[0], [0, 2, 5, 7], list(range(10)), list(range(10))]
    looked = []
    batch = Windows.batch
    monkeypatch.setattr("policies.train._VALIDATION_BLOCK", 3)
    monkeypatch.setattr(Windows, "batch", lambda own, index: [looked.append(index.tolist()), batch(own, index)][1])
    fit(pendulum_demonstrations, replace(CONFIG, steps=1, validate_n=5), tmp_path)
    held_out = len(pendulum_demonstrations[0].actions)
    assert [len(index) for index in looked[-2:]] == [3, 2]
    assert looked[-2] + looked[-1] == [number * held_out // 5 for number in range(5)]
    with pytest.raises(TrainingError, match="validate_n is 0"):
        replace(CONFIG, validate_n=0)
    with pytest.raises(CheckpointError, match="validate_n: 50000 there, 5 now"):  # what is best depends on it
        fit(pendulum_demonstrations, replace(CONFIG, validate_n=5), straight)


def test_windows_for_validation_do_not_push_out_those_for_training(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both together are more than the cache may hold."""
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNDERSTUDY_WINDOWS_GB", "0.000001")
    for number, demonstration in enumerate(pendulum_demonstrations):
        demonstration.save(tmp_path / "data" / f"{number}.npz")
    fit(tmp_path / "data", replace(CONFIG, steps=1), tmp_path / "run")
    assert len(list((tmp_path / "cache" / "windows").iterdir())) == 2
    fit(tmp_path / "data", replace(CONFIG, steps=1, seed=1), tmp_path / "other")  # held out are others
    assert len(list((tmp_path / "cache" / "windows").iterdir())) == 2


def test_success_decides_without_validation_too(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    told = iter((0.5, 0.5, 0.25))
    config = replace(CONFIG, steps=9, evaluate_every=3, validation_fraction=0)
    result = fit(pendulum_demonstrations, config, tmp_path, evaluate=lambda policy: {"success": next(told)})
    assert (result.best_step, result.validation) == (6, {"success": 0.5})  # of equals the later


def test_another_mix_of_the_same_data_is_another_run(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    for number, demonstration in enumerate(pendulum_demonstrations):
        demonstration.save(tmp_path / "data" / f"{number}.npz")
    config = replace(CONFIG, steps=2)
    fit(Mix(str(tmp_path / "data")), config, tmp_path / "run")
    with pytest.raises(CheckpointError, match="the same, but mixed in another way"):
        fit(Mix(str(tmp_path / "data"), kind="robot"), config, tmp_path / "run")


def test_training_leaves_the_random_state_of_its_caller_alone(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    fit(pendulum_demonstrations, replace(CONFIG, steps=2), tmp_path)
    assert torch.equal(torch.rand(3), wanted)


def test_another_seed_gives_other_weights(pendulum_demonstrations: list[Demonstration], straight: Path, tmp_path: Path) -> None:
    fit(pendulum_demonstrations, replace(CONFIG, seed=1), tmp_path)
    assert not torch.equal(tensors_of(tmp_path / "last")["policy/enter.weight"], tensors_of(straight / "last")["policy/enter.weight"])


def test_a_finished_run_is_not_trained_again(pendulum_demonstrations: list[Demonstration], straight: Path) -> None:
    before = (straight / "last" / "config.json").stat().st_mtime_ns
    result = fit(pendulum_demonstrations, CONFIG, straight)
    assert (result.resumed_from, result.steps) == (40, 40)
    assert (straight / "last" / "config.json").stat().st_mtime_ns == before


def test_a_run_of_another_config_or_other_data_is_refused(pendulum_demonstrations: list[Demonstration], straight: Path) -> None:
    with pytest.raises(CheckpointError, match=r"another run \(learning_rate: 0.001 there, 0.01 now\). Choose another output="):
        fit(pendulum_demonstrations, replace(CONFIG, learning_rate=1e-2), straight)
    with pytest.raises(CheckpointError, match="demonstrations: 6 there, 5 now"):
        fit(pendulum_demonstrations[:5], CONFIG, straight)
    fit(pendulum_demonstrations, replace(CONFIG, checkpoint_every=7), straight)  # how often to save does not shape the weights


def test_a_run_of_another_version_is_refused(pendulum_demonstrations: list[Demonstration], straight: Path, tmp_path: Path) -> None:
    """Whose optimizer kept one moment per weight, not one vector of all."""
    found = load_checkpoint(straight / "last")
    assert found.state is not None
    weight = found.state.tensors["policy/enter.weight"]
    moments = {f"optimizer/0/{name}": torch.zeros_like(weight) for name in ("exp_avg", "exp_avg_sq")}
    save_checkpoint(tmp_path / "last", replace(found, state=replace(found.state, tensors={**found.state.tensors, **moments})))
    with pytest.raises(CheckpointError, match=r"last was written by an older version, .* train.start=.*last and another output="):
        fit(pendulum_demonstrations, CONFIG, tmp_path)


def test_best_is_the_lowest_validation_loss(pendulum_demonstrations: list[Demonstration], straight: Path) -> None:
    with open(straight / "metrics.csv", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["validation_loss"]]
    lowest = min(rows, key=lambda row: float(row["validation_loss"]))
    result = fit(pendulum_demonstrations, CONFIG, straight)
    assert [int(row["step"]) for row in rows] == [8, 16, 24, 32, 40]
    assert (result.best_step, result.validation["loss"]) == (int(lowest["step"]), float(lowest["validation_loss"]))


def test_without_validation_the_last_average_is_kept(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    result = fit(pendulum_demonstrations[0], replace(CONFIG, steps=3, validation_fraction=0), tmp_path)
    best, last = load_checkpoint(result.best).policy.state_dict(), load_checkpoint(result.last).policy.state_dict()
    assert all(torch.equal(best[name], last[name]) for name in best)
    assert (result.best_step, result.validation) == (3, {})


def test_the_average_differs_from_the_live_weights(straight: Path) -> None:
    tensors = tensors_of(straight / "last")
    assert not torch.equal(tensors["average/enter.weight"], tensors["policy/enter.weight"])
    assert torch.equal(tensors["average/input_normaliser.scale"], tensors["policy/input_normaliser.scale"])


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_batch(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"step \d+: loss (nan|inf)") as caught:
        fit(pendulum_demonstrations, replace(CONFIG, learning_rate=1e30, warmup_steps=0), tmp_path)
    assert "no `last` was saved before" in str(caught.value)
    batch = safetensors.torch.load_file(tmp_path / "bad_batch.safetensors")
    assert batch["inputs"].shape[0] == batch["offset_rad"].shape[0] == 16
    assert "bad_batch.safetensors" in str(caught.value)
    with pytest.raises(TrainingError, match="`last` beside it holds the last good state"):
        fit(pendulum_demonstrations, replace(CONFIG, learning_rate=1e30, warmup_steps=0, checkpoint_every=1), tmp_path / "saved")


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_batch_of_which_nothing_is_believed_changes_nothing(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, accumulate: int
) -> None:
    """Of six episodes one is believed, so most batches of two windows hold nothing that is. A resume counts on."""
    config = replace(CONFIG, steps=12, batch_n=2, accumulate=accumulate, log_every=1, ema_decay=0.0)
    some = [believed(d, float(n == 0)) for n, d in enumerate(pendulum_demonstrations)]
    fit(some, config, tmp_path / "straight")
    with pytest.raises(TrainingInterrupted, match="after step 8"):
        fit(some, config, tmp_path / "stopped", StopAt(tmp_path / "stopped", 8, signal.SIGTERM))
    fit(some, config, tmp_path / "stopped")
    assert_bit_equal(tmp_path / "straight", tmp_path / "stopped")
    skipped = [row for row in rows_of(tmp_path / "straight") if not row["loss"]]
    assert 0 < len(skipped) < 12
    for run in ("straight", "stopped"):
        assert json.loads((tmp_path / run / "run.json").read_text())["summary"]["skipped_steps"] == len(skipped)
    assert all(bool(tensor.isfinite().all()) for tensor in tensors_of(tmp_path / "straight" / "last").values())


def test_demonstrations_of_which_nothing_is_believed_are_refused(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="none of the .* actions is believed: action_confidence is 0"):
        fit([believed(d, 0.0) for d in pendulum_demonstrations], CONFIG, tmp_path)


def believed(demonstration: Demonstration, confidence: float) -> Demonstration:
    """The same, all of its actions believed as much."""
    return replace(demonstration, signals={"action_confidence": np.full(len(demonstration.actions), confidence)})


def test_learning_rate_by_hand() -> None:
    """Warm-up of 4 steps to 8, then a cosine over the 8 left: half-way 4, at the end nearly 0."""
    config = TrainConfig(learning_rate=8.0, warmup_steps=4, steps=12)
    assert [learning_rate(config, step) for step in range(4)] == [2, 4, 6, 8]
    assert learning_rate(config, 4) == 8
    assert learning_rate(config, 8) == pytest.approx(4)
    assert learning_rate(config, 8, time_share=0.25) == pytest.approx(4)  # the steps are further
    assert learning_rate(config, 5, time_share=0.5) == pytest.approx(4)  # the time is further
    assert learning_rate(config, 3, time_share=0.9) == 8
    assert 0 < learning_rate(config, 11) < 0.4


def test_what_the_checkpoint_says_of_its_origin(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    for number, demonstration in enumerate(pendulum_demonstrations[:3]):
        demonstration.save(tmp_path / "data" / f"{number}.npz")
    result = fit(tmp_path / "data", replace(CONFIG, steps=2), tmp_path / "run")
    provenance = load_checkpoint(result.best).provenance
    assert [parent.name for parent in provenance.parents] == ["0.npz", "1.npz", "2.npz"]
    assert all(len(parent.sha256) == 64 for parent in provenance.parents)
    assert provenance.config["steps"] == 2
    assert "torch" in provenance.versions


def test_what_the_run_says_of_itself(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    """Every setting of the policy, what it learns from, and the code; and what the tracker was told beside."""
    tracker = Tracker(tmp_path / "run", beside={"evaluate": {"seeds": 3}})
    fit(pendulum_demonstrations[:3], replace(CONFIG, steps=2), tmp_path / "run", tracker)
    told = json.loads((tmp_path / "run" / "run.json").read_text())["config"]
    assert (told["settings"]["width"], told["settings"]["history_n"], told["learning_rate"]) == (24, 1, 1e-3)
    assert [mix["path"] for mix in told["demonstrations"]] == [f"follow/sines 3/{n}/nominal/3" for n in range(3)]
    assert told["versions"]["torch"] == version("torch")
    assert {"git_commit", "tool"} <= set(told)
    assert told["evaluate"] == {"seeds": 3}


def test_mirror_images_need_to_know_the_robot(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="mirror_of"):
        fit(pendulum_demonstrations, replace(CONFIG, mirror=True), tmp_path / "run")


def test_settings_that_cannot_be_are_refused(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="steps is 0"):
        replace(CONFIG, steps=0)
    with pytest.raises(UnknownNameError, match="unknown setting 'widht'"):
        fit(pendulum_demonstrations, replace(CONFIG, settings={"widht": 3}), tmp_path)
    with pytest.raises(MotionError, match="cannot be split"):
        fit(pendulum_demonstrations[:1], CONFIG, tmp_path)


PARTLY_FROZEN = """
from torch import nn

from policies.bc import BehaviourCloning


class {name}(BehaviourCloning):
    name = "{name}"

    def __init__(self, spec, config):
        super().__init__(spec, config)
        nn.init.ones_(self.enter.weight)
        self{part}.requires_grad_(False)
"""


@pytest.fixture
def plugin_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two policies from outside: one with a part that is not trained, one of which nothing is."""
    described = tmp_path / "frozen_parts-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: frozen-parts\nVersion: 1.0\n")
    for name, part in {"partly": ".enter", "wholly": ""}.items():
        (tmp_path / f"frozen_{name}.py").write_text(PARTLY_FROZEN.format(name=name, part=part))
    (described / "entry_points.txt").write_text(
        "[understudy.plugins]\npolicy.partly = frozen_partly:partly\npolicy.wholly = frozen_wholly:wholly\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("plugin_policies")
def test_weights_that_are_frozen_stay_as_they_were(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    config = replace(CONFIG, policy="partly", weight_decay=0.5, learning_rate=0.01)
    result = fit(pendulum_demonstrations, config, tmp_path / "run")
    for name, tensor in tensors_of(result.last).items():
        if name.endswith("enter.weight"):
            assert torch.equal(tensor, torch.ones_like(tensor)), name
        if name.endswith("leave.weight"):
            assert tensor.abs().max() > 0, name


@pytest.mark.usefixtures("plugin_policies")
def test_a_policy_of_which_nothing_is_trained_is_refused(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="policy wholly: no weights of it are trained"):
        fit(pendulum_demonstrations, replace(CONFIG, policy="wholly"), tmp_path / "run")
