"""Settings of a training run, and the learning rate that follows from them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from motion.errors import UnderstudyError, UnknownNameError, require
from policies.data import balance_names

_CHOICES = {
    "failures": ("use", "exclude"),
    "violations": ("use", "exclude"),
    "mistakes": ("use", "exclude"),
    "corrections": ("use", "exclude"),
    "device": ("auto", "cpu", "cuda"),
    "precision": ("fp32", "bf16", "fp16"),
}


class TrainingError(UnderstudyError):
    """Training cannot go on."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run.

    Attributes:
        policy: name of the policy.
        settings: of the policy, e.g. {"width": 256}.
        seed: of weights, order, split and dropout.
        start: checkpoint folder whose weights and statistics training begins with; "" begins with random weights.
        steps: optimizer steps.
        minutes: of training steps, after which the run ends although steps are left; validation, evaluation and saving do not
            count. The learning rate then falls with the steps or the time, whichever is further. 0: no limit.
        batch_n: windows per step, of all processes together.
        accumulate: parts that a step's batch is taken in, one after the other, where it does not fit into memory.
        learning_rate: peak; it rises over `warmup_steps`, then falls to 0 along a cosine.
        warmup_steps: see above.
        weight_decay: of AdamW.
        clip_norm: largest gradient norm.
        ema_decay: of the averaged weights, which are the ones kept.
        failures: "use", or "exclude" demonstrations that did not succeed.
        violations: "use", or "exclude" demonstrations in which a safety number went beyond its limit.
        mistakes: "use", or "exclude" the steps that the recording labels as a mistake; what follows them is learnt all the same.
        corrections: the same of those in which a mistake is put right.
        balance: what is drawn equally often, the first name first: "chore", "worker", "kind", "chore,worker", ... or "".
        grasp_emphasis: how many times as often as others the steps around a grasp, or where a hand lets go, are drawn
            (`policies.moments`); a small part of an episode decides it. 1: all alike.
        mirror: learn from every demonstration's mirror image, too; for robots and scenes that have one.
        validation_fraction: of the scenes or motions; 0 trains on everything and keeps the last weights as best.
        validate_every: steps between validations.
        validate_n: windows that a validation looks at, at most; of more held-out ones so many, evenly spread.
        evaluate_every: steps between evaluations, where something was given to evaluate with.
        checkpoint_every: steps between saves of all state.
        checkpoint_minutes: minutes between saves of all state, if that is sooner; 0: by steps alone.
        log_every: steps between logged rows.
        device: "cpu", "cuda", or "auto": a GPU where there is one.
        precision: of the networks' matrix products: "fp32", "bf16" or "fp16". Weights stay in float32.
        compile: let torch.compile make the loss faster; it takes a compiler, and a minute at the beginning.
    """

    policy: str = "bc"
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    start: str = ""
    steps: int = 2000
    minutes: float = 0.0
    batch_n: int = 128
    accumulate: int = 1
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-2
    clip_norm: float = 1.0
    ema_decay: float = 0.995
    failures: Literal["use", "exclude"] = "use"
    violations: Literal["use", "exclude"] = "use"
    mistakes: Literal["use", "exclude"] = "use"
    corrections: Literal["use", "exclude"] = "use"
    balance: str = ""
    grasp_emphasis: float = 1.0
    mirror: bool = False
    validation_fraction: float = 0.1
    validate_every: int = 100
    validate_n: int = 50_000
    evaluate_every: int = 500
    checkpoint_every: int = 500
    checkpoint_minutes: float = 10.0
    log_every: int = 20
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    compile: bool = False

    def __post_init__(self) -> None:
        counts = ("steps", "batch_n", "accumulate", "validate_every", "validate_n", "evaluate_every", "checkpoint_every", "log_every")
        for name in counts:
            require(getattr(self, name) >= 1, TrainingError, f"{name} is {getattr(self, name)}; at least 1 was wanted.")
        require(self.grasp_emphasis > 0, TrainingError, f"grasp_emphasis is {self.grasp_emphasis}; more than 0 was wanted.")
        for name in ("minutes", "checkpoint_minutes"):
            require(getattr(self, name) >= 0, TrainingError, f"{name} is {getattr(self, name)}; at least 0 was wanted.")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownNameError(name, getattr(self, name), known, "TrainConfig")
        balance_names(self.balance)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


ONLY_BOOKKEEPING = ("evaluate_every", "checkpoint_every", "checkpoint_minutes", "log_every", "device", "compile")
"""Settings that may change when a run is gone on with."""


def learning_rate(config: TrainConfig, step: int, time_share: float = 0.0) -> float:
    """Linear warm-up to the peak, then a cosine to 0 at the last step; a pure function of its arguments.

    Args:
        config: see `TrainConfig`.
        step: how many steps are done.
        time_share: share of `minutes` that is used up, 0..1.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = max((step - config.warmup_steps) / max(1, config.steps - config.warmup_steps), time_share)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
