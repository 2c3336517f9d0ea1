"""The one training loop. `fit` reads top to bottom: data, begin or resume, then step after step."""

from __future__ import annotations

import copy
import json
import math
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn
from tqdm import tqdm

from motion.demonstration import Demonstration
from motion.errors import CheckpointError, UnderstudyError, require
from motion.provenance import Parent, Provenance, record
from motion.store import write_atomically
from policies.base import Policy, PolicySpec, find_policy, make_config
from policies.checkpoint import Checkpoint, TrainingState, exists, load_checkpoint, save_checkpoint
from policies.data import Source, load_demonstrations, split_episodes
from policies.interrupt import StopRequest, stop_requests
from policies.sampling import Sampler
from policies.tracking import Tracker
from policies.windows import Batch, Windows, make_windows

BEST, LAST, BAD_BATCH = "best", "last", "bad_batch.safetensors"
_ONLY_BOOKKEEPING = ("log_every", "checkpoint_every")
_VALIDATION_BLOCK = 1024


class TrainingError(UnderstudyError):
    """Training cannot go on."""


class TrainingInterrupted(TrainingError):
    """Training was asked to stop and has saved all of its state; the same call goes on from there."""

    def __init__(self, number: signal.Signals, step: int, last: Path) -> None:
        super().__init__(f"stopped by {number.name} after step {step}; all is saved in {last}. Run the same command again to go on.")
        self.signal, self.step, self.last = number, step, last


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run.

    Attributes:
        policy: name of the policy.
        settings: of the policy, e.g. {"width": 256}.
        seed: of weights, order, split and dropout.
        steps: optimizer steps.
        batch_n: windows per step.
        learning_rate: peak; it rises over `warmup_steps`, then falls to 0 along a cosine.
        warmup_steps: see above.
        weight_decay: of AdamW.
        clip_norm: largest gradient norm.
        ema_decay: of the averaged weights, which are the ones kept.
        validation_fraction: of the variants (motions); 0 trains on everything and keeps the last weights as best.
        validate_every: steps between validations.
        checkpoint_every: steps between saves of all state.
        log_every: steps between logged rows.
    """

    policy: str = "bc"
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    steps: int = 2000
    batch_n: int = 128
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-2
    clip_norm: float = 1.0
    ema_decay: float = 0.995
    validation_fraction: float = 0.1
    validate_every: int = 100
    checkpoint_every: int = 500
    log_every: int = 20

    def __post_init__(self) -> None:
        for name in ("steps", "batch_n", "validate_every", "checkpoint_every", "log_every"):
            require(getattr(self, name) >= 1, TrainingError, f"{name} is {getattr(self, name)}; at least 1 was wanted.")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


@dataclass(frozen=True)
class FitResult:
    """What a training run came to.

    Attributes:
        best: checkpoint folder with the averaged weights of the lowest validation loss.
        last: checkpoint folder with all state after the last step.
        steps: steps done, over all resumes.
        best_step: step of `best`.
        validation: of `best`: "loss", "first_action_rmse_rad" and "anchor_rmse_rad" (the same for playing the anchor,
            i.e. the reference, as it is); empty where nothing was held out.
        resumed_from: step that this call went on from; 0 for a fresh run.
        duration_s: of this call.
    """

    best: Path
    last: Path
    steps: int
    best_step: int
    validation: Mapping[str, float]
    resumed_from: int
    duration_s: float


@dataclass
class _Run:
    """One run: what stays the same, then all that changes while training."""

    config: TrainConfig
    out: Path
    tracker: Tracker
    provenance: Provenance
    policy: Policy
    average: Policy
    optimizer: torch.optim.Optimizer
    step: int = 0
    best_step: int = 0
    best: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.weights, self.average_weights = list(self.policy.parameters()), list(self.average.parameters())

    @property
    def finished(self) -> bool:
        """Whether every step is done."""
        return self.step >= self.config.steps

    def due(self, every: int) -> bool:
        """Whether something done `every` so many steps, and at the end, is to be done now."""
        return self.finished or self.step % every == 0

    def save(self, name: str, state: TrainingState | None = None) -> None:
        """Write the averaged weights, and the training state where given, as checkpoint `name`."""
        save_checkpoint(self.out / name, Checkpoint(self.average, self.config.to_json(), self.provenance, state))


def fit(source: Source, config: TrainConfig, out_dir: Path | str, tracker: Tracker | None = None) -> FitResult:
    """Train a policy; go on where an unfinished run of the same config and data in `out_dir` stopped.

    Args:
        source: demonstrations, files of them, or folders.
        config: see `TrainConfig`.
        out_dir: `best/`, `last/`, `metrics.csv` and `run.json` are written there.
        tracker: where numbers go; files in `out_dir` by default.

    Raises:
        MotionError: the demonstrations cannot be trained on.
        CheckpointError: `out_dir` holds a run of another config or other data.
        TrainingInterrupted: SIGTERM or SIGINT came; everything is saved.
        TrainingError: loss or gradient is not finite; the offending batch is saved.
    """
    began_s, out = time.monotonic(), Path(out_dir)
    demonstrations, parents = load_demonstrations(source)
    training, validation = split_episodes(demonstrations, config.validation_fraction, config.seed)
    with torch.random.fork_rng(devices=[]), stop_requests() as stop:
        torch.manual_seed(config.seed)
        run = _build(config, demonstrations, parents, out, tracker or Tracker(out))
        windows = make_windows(run.policy, training)
        held_out = make_windows(run.policy, validation) if validation else None
        if exists(out / LAST):
            _resume(run)
        else:
            run.policy.fit_statistics(windows)
            run.average.load_state_dict(run.policy.state_dict())
        resumed_from = run.step
        run.tracker.rewind(run.step)
        run.tracker.describe(config.to_json(), parents)
        _train(run, windows, held_out, stop)
    run.tracker.summarise({"best_step": run.best_step, **{f"best_{name}": value for name, value in run.best.items()}})
    return FitResult(out / BEST, out / LAST, run.step, run.best_step, dict(run.best), resumed_from, time.monotonic() - began_s)


def _train(run: _Run, windows: Windows, held_out: Windows | None, stop: StopRequest) -> None:
    config, sampler = run.config, Sampler(windows, run.config.batch_n, run.config.seed)
    run.policy.train()
    with tqdm(total=config.steps, initial=run.step, desc=f"train {config.policy}", unit="step", disable=None) as bar:
        while not run.finished:
            values = _step(run, sampler.batch(run.step))
            bar.update()
            if held_out is not None and run.due(config.validate_every):
                values |= _keep_best(run, _validate(run.average, held_out))
                bar.set_postfix(validation=f"{values['validation_loss']:.4f}", best=run.best_step)
            if held_out is None and run.finished:
                run.best_step = run.step
                run.save(BEST)
            if "validation_loss" in values or run.due(config.log_every):
                run.tracker.log(values, run.step)
            if stop.signal or run.due(config.checkpoint_every):
                run.save(LAST, _state(run))
            if stop.signal and not run.finished:
                raise TrainingInterrupted(stop.signal, run.step, run.out / LAST)


def _step(run: _Run, batch: Batch) -> dict[str, float]:
    """One optimizer step; what to log of it."""
    rate = learning_rate(run.config, run.step)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.optimizer.zero_grad(set_to_none=True)
    loss = run.policy.loss(batch)
    torch.autograd.backward(loss)
    norm = torch.nn.utils.get_total_norm([weight.grad for weight in run.weights if weight.grad is not None])
    values = {"loss": loss.item(), "gradient_norm": norm.item(), "learning_rate": rate}
    if not (math.isfinite(values["loss"]) and math.isfinite(values["gradient_norm"])):
        _refuse(run, values, batch)
    if values["gradient_norm"] > run.config.clip_norm:
        torch.nn.utils.clip_grads_with_norm_(run.weights, run.config.clip_norm, norm)
    run.optimizer.step()
    _average(run)
    run.step += 1
    return values


def _average(run: _Run) -> None:
    """Move the averaged weights; faster in the beginning, when the first weights would weigh too much."""
    decay = min(run.config.ema_decay, (1 + run.step) / (10 + run.step))
    get_ema_multi_avg_fn(decay)(run.average_weights, run.weights, 0)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up to the peak, then a cosine to 0 at the last step; a pure function of the step."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


@torch.inference_mode()
def _validate(policy: Policy, windows: Windows) -> dict[str, float]:
    """Loss over the held-out windows, and the error of the first action of each chunk beside that of the bare anchor."""
    policy.eval()
    blocks = [windows.batch(index) for index in torch.split(torch.arange(len(windows)), _VALIDATION_BLOCK)]
    weight = [float(block.weight.sum()) for block in blocks]
    loss = sum(float(policy.loss(block)) * w for block, w in zip(blocks, weight, strict=True)) / sum(weight)
    error = torch.cat([policy.predict(block.inputs)[:, 0] - block.offset_rad[:, 0] for block in blocks])
    anchor = torch.cat([block.offset_rad[:, 0] for block in blocks])
    return {"loss": loss, "first_action_rmse_rad": _rms(error), "anchor_rmse_rad": _rms(anchor)}


def _rms(values: Tensor) -> float:
    return float(values.double().square().mean().sqrt())


def _keep_best(run: _Run, found: dict[str, float]) -> dict[str, float]:
    if not run.best or found["loss"] < run.best["loss"]:
        run.best, run.best_step = found, run.step
        run.save(BEST)
    return {f"validation_{name}": value for name, value in found.items()}


def _build(config: TrainConfig, demonstrations: Sequence[Demonstration], parents: Sequence[Parent], out: Path, tracker: Tracker) -> _Run:
    policy_class = find_policy(config.policy)
    settings = make_config(policy_class, config.settings)
    policy = policy_class(PolicySpec.of(demonstrations, settings.chunk_n), settings)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
    provenance = record(f"policy {config.policy}, trained on {len(parents)} demonstrations", "train", parents, config.to_json())
    return _Run(config, out, tracker, provenance, policy, copy.deepcopy(policy).eval().requires_grad_(False), optimizer)


def _state(run: _Run) -> TrainingState:
    tensors = {f"policy/{name}": tensor for name, tensor in run.policy.state_dict().items()}
    for index, slots in run.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": tensor for name, tensor in slots.items()}
    tensors["random"] = torch.get_rng_state()
    return TrainingState(tensors, {"step": run.step, "best_step": run.best_step, "best": run.best})


def _resume(run: _Run) -> None:
    """Put back all that `_state` kept; from here on every bit is as if nothing had happened."""
    last = run.out / LAST
    checkpoint = load_checkpoint(last)
    _require_same_run(checkpoint, last, run)
    state = checkpoint.state
    if state is None:
        raise CheckpointError(f"{last} holds weights but no training state; it cannot be gone on from. Choose another out_dir.")
    groups: dict[str, dict[str, Tensor]] = {"policy": {}, "optimizer": {}}
    for name, tensor in state.tensors.items():
        place, _, rest = name.partition("/")
        if place in groups:
            groups[place][rest] = tensor
    run.policy.load_state_dict(groups["policy"])
    run.average.load_state_dict(checkpoint.policy.state_dict())
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in groups["optimizer"].items():
        index, _, slot = name.partition("/")
        slots.setdefault(int(index), {})[slot] = tensor
    run.optimizer.load_state_dict({"state": slots, "param_groups": run.optimizer.state_dict()["param_groups"]})
    torch.set_rng_state(state.tensors["random"])
    run.step, run.best_step, run.best = state.values["step"], state.values["best_step"], dict(state.values["best"])


def _require_same_run(checkpoint: Checkpoint, last: Path, run: _Run) -> None:
    before, there, now = checkpoint.train, checkpoint.provenance.parents, run.provenance.parents
    differing = [
        f"{key}: {before.get(key)!r} there, {value!r} now"
        for key, value in run.config.to_json().items()
        if key not in _ONLY_BOOKKEEPING and before.get(key) != value
    ]
    if [parent.sha256 for parent in there] != [parent.sha256 for parent in now]:
        differing.append(f"demonstrations: {len(there)} there, {len(now)} now, not the same content")
    if differing:
        raise CheckpointError(
            f"{last} is of another run ({'; '.join(differing)}). Choose another out_dir, or remove this one to start over."
        )


def _refuse(run: _Run, values: Mapping[str, float], batch: Batch) -> None:
    file = run.out / BAD_BATCH
    tensors = {name: getattr(batch, name) for name in ("inputs", "offset_rad", "weight")}
    write_atomically(file, lambda stream: stream.write(safetensors.torch.save(tensors)))
    raise TrainingError(
        f"step {run.step}: loss {values['loss']}, gradient norm {values['gradient_norm']}; not a finite number. The batch is saved in "
        f"{file}; `{LAST}` beside it holds the last good state. A lower learning_rate than {values['learning_rate']:g} may help."
    )
