"""A run: what stays the same in it, all that changes while training, and how that is kept and put back bit by bit."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from motion.errors import CheckpointError, require
from motion.provenance import Provenance
from policies.base import Policy
from policies.checkpoint import Checkpoint, TrainingState, load_checkpoint, save_checkpoint
from policies.devices import random_states, set_random_states
from policies.flat import in_one_vector
from policies.parallel import Group
from policies.settings import ONLY_BOOKKEEPING, TrainConfig, TrainingError
from policies.tracking import Tracker

BEST, LAST = "best", "last"


@dataclass
class Run:
    """One run, as one of its processes sees it.

    Attributes:
        config, out, provenance: of the run.
        tracker: where numbers go; None in processes that do not write.
        policy: that is trained.
        average: its averaged weights, in eval mode.
        group: of this process.
        mix: digest of what is drawn how often.
        step: optimizer steps done.
        skipped: of these, those whose batch held nothing that is believed.
        trained_s: time that they took.
        best_step: step of `best`.
        best: numbers of `best`, those that are finite; empty until there are any.
        unlogged: what the newest step came to, until all that was due after it is done: numbers are measured and logged.
    """

    config: TrainConfig
    out: Path
    tracker: Tracker | None
    provenance: Provenance
    policy: Policy
    average: Policy
    group: Group = field(default_factory=Group)
    mix: str = ""
    step: int = 0
    skipped: int = 0
    trained_s: float = 0.0
    best_step: int = 0
    best: dict[str, float] = field(default_factory=dict)
    unlogged: dict[str, float] | None = None

    def __post_init__(self) -> None:
        config = self.config
        pairs = zip(self.policy.parameters(), self.average.parameters(), strict=True)
        trained = [pair for pair in pairs if pair[0].requires_grad]
        require(bool(trained), TrainingError, f"policy {self.policy.name}: no weights of it are trained (`requires_grad`).")
        self.weights, self.average_weights = (in_one_vector(weights) for weights in zip(*trained, strict=True))
        self.optimizer = torch.optim.AdamW([self.weights], lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
        self.scaler = torch.amp.GradScaler(self.group.device.type, enabled=self.config.precision == "fp16")
        self.loss = torch.compile(self.policy.loss) if self.config.compile else self.policy.loss
        self.saved_s = time.monotonic()

    @property
    def time_share(self) -> float:
        """Share of the time that is used up; 0 where there is no limit."""
        return min(1.0, self.trained_s / (60 * self.config.minutes)) if self.config.minutes else 0.0

    @property
    def finished(self) -> bool:
        """Whether every step is done, or the time is over."""
        return self.step >= self.config.steps or self.time_share >= 1.0

    def due(self, every: int) -> bool:
        """Whether something done `every` so many steps, and at the end, is to be done now."""
        return self.finished or self.step % every == 0

    def time_to_save(self) -> bool:
        """Whether all state is to be saved now, by steps or by the clock; the same in all processes."""
        minutes, now = self.config.checkpoint_minutes, self.due(self.config.checkpoint_every)
        if not minutes:
            return now
        late = time.monotonic() - self.saved_s >= 60 * minutes
        return bool(self.group.largest(float(now or late)))

    def save(self, name: str, state: TrainingState | None = None) -> None:
        """Write the averaged weights, and the training state where given, as checkpoint `name`; only the first process does."""
        if self.group.first:
            save_checkpoint(self.out / name, Checkpoint(self.average, self.config.to_json(), self.provenance, state))

    def save_all(self) -> None:
        """Write all state as `last`."""
        self.save(LAST, _state(self))
        self.saved_s = time.monotonic()

    def log(self, values: Mapping[str, float]) -> None:
        """Numbers of this step; only the first process has somewhere to write them."""
        if self.tracker is not None:
            self.tracker.log(values, self.step)


def _state(run: Run) -> TrainingState:
    tensors = {f"policy/{name}": tensor for name, tensor in run.policy.state_dict().items()}
    for index, slots in run.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": tensor for name, tensor in slots.items()}
    tensors |= {f"random/{rank}": states for rank, states in enumerate(run.group.gathered(random_states(run.group.device)))}
    values = {"step": run.step, "best_step": run.best_step, "best": run.best, "trained_s": run.trained_s, "mix": run.mix}
    unlogged = None if run.unlogged is None else {name: repr(value) for name, value in run.unlogged.items()}
    values |= {"skipped": run.skipped, "unlogged": unlogged}
    return TrainingState(tensors, {**values, "scaler": run.scaler.state_dict()})


def started(run: Run) -> Policy:
    """The policy that a run begins with, from `config.start`.

    Raises:
        CheckpointError: it cannot be loaded, or is of another policy, other settings or another specification.
    """
    found, own = load_checkpoint(run.config.start).policy, run.policy
    pairs = {"policy": (found.name, own.name), "settings": (found.config, own.config), "specification": (found.spec, own.spec)}
    differing = [f"{kind}: {_apart(there, now)}" for kind, (there, now) in pairs.items() if there != now]
    if differing:
        raise CheckpointError(f"training cannot begin with {run.config.start}: it is of another {'; '.join(differing)}.")
    return found


def _apart(there: object, now: object) -> str:
    """In which fields two objects differ."""
    if type(there) is not type(now) or not is_dataclass(there) or not is_dataclass(now):
        return f"{there!r} there, {now!r} now"
    names = [own.name for own in fields(there) if getattr(there, own.name) != getattr(now, own.name)]
    return ", ".join(f"{name} {getattr(there, name)!r} there, {getattr(now, name)!r} now" for name in names)


def resume(run: Run) -> None:
    """Put back all that `save_all` kept; from here on, on the CPU, every bit is as if nothing had happened.

    Raises:
        CheckpointError: what is there is of another run, or cannot be gone on from.
    """
    last = run.out / LAST
    checkpoint = load_checkpoint(last)
    state = checkpoint.state
    if state is None:
        raise CheckpointError(f"{last} holds weights but no training state; it cannot be gone on from. Choose another output=.")
    _require_same_run(checkpoint, state, last, run)
    run.policy.load_state_dict(_under(state.tensors, "policy"))
    run.average.load_state_dict(checkpoint.policy.state_dict())
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under(state.tensors, "optimizer").items():
        index, _, slot = name.partition("/")
        slots.setdefault(int(index), {})[slot] = tensor
    if any(slot.shape not in ((), run.weights.shape) for kept in slots.values() for slot in kept.values()):
        raise CheckpointError(
            f"{last} was written by an older version, whose optimizer kept its state in another way. Begin with its weights: "
            f"train.start={last} and another output=."
        )
    run.optimizer.load_state_dict({"state": slots, "param_groups": run.optimizer.state_dict()["param_groups"]})
    values = state.values
    if run.scaler.is_enabled():
        run.scaler.load_state_dict(values["scaler"])
    states = _under(state.tensors, "random")
    if str(run.group.rank) in states:  # a run may go on with more processes than before
        set_random_states(states[str(run.group.rank)], run.group.device)
    run.step, run.best_step, run.best = values["step"], values["best_step"], dict(values["best"])
    run.trained_s, run.skipped = float(values["trained_s"]), int(values.get("skipped", 0))
    unlogged = values.get("unlogged")  # as text, since a gradient norm in fp16 may be infinite
    run.unlogged = None if unlogged is None else {name: float(value) for name, value in unlogged.items()}


def _under(tensors: Mapping[str, Tensor], group: str) -> dict[str, Tensor]:
    """Tensors whose name begins with `group/`, by the rest of their name."""
    return {name.removeprefix(f"{group}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{group}/")}


def _require_same_run(checkpoint: Checkpoint, state: TrainingState, last: Path, run: Run) -> None:
    differing = _differing(checkpoint.train, run.config)
    there, now = (_digests(provenance) for provenance in (checkpoint.provenance, run.provenance))
    if there != now:
        differing.append(f"demonstrations: {len(there)} there, {len(now)} now, not the same content")
    elif state.values.get("mix") != run.mix:
        differing.append("demonstrations: the same, but mixed in another way")
    if differing:
        raise CheckpointError(
            f"{last} is of another run ({'; '.join(differing)}). Choose another output=, or remove this one to start over."
        )


def _differing(before: Mapping[str, Any], config: TrainConfig) -> list[str]:
    shaping = {key: value for key, value in config.to_json().items() if key not in ONLY_BOOKKEEPING}
    there = {**TrainConfig().to_json(), **before}  # a setting that did not exist yet was at its default
    return [f"{key}: {there[key]!r} there, {value!r} now" for key, value in shaping.items() if there[key] != value]


def _digests(provenance: Provenance) -> Sequence[str]:
    return [parent.sha256 for parent in provenance.parents]
