"""Policies: learned actors. PyTorch lives here only, and is loaded when something that needs it is asked for.

So `policies.deploy`, which runs exported policies, can be imported where PyTorch is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from policies.actor import PolicyActor
    from policies.base import Policy, PolicyConfig, PolicySpec, find_policy, known_policies, make_config
    from policies.checkpoint import Checkpoint, TrainingState, load_checkpoint, load_policy, save_checkpoint
    from policies.data import Mix
    from policies.tracking import Tracker
    from policies.train import Evaluate, FitResult, TrainConfig, TrainingError, TrainingInterrupted, fit
    from policies.windows import Batch, Windows, make_windows

_HOMES = ("base", "windows", "checkpoint", "actor", "tracking", "data", "train")
"""Modules that names are looked up in; a new one has to stand here, too."""

__all__ = [
    "Batch",
    "Checkpoint",
    "Evaluate",
    "FitResult",
    "Mix",
    "Policy",
    "PolicyActor",
    "PolicyConfig",
    "PolicySpec",
    "Tracker",
    "TrainConfig",
    "TrainingError",
    "TrainingInterrupted",
    "TrainingState",
    "Windows",
    "find_policy",
    "fit",
    "known_policies",
    "load_checkpoint",
    "load_policy",
    "make_config",
    "make_windows",
    "save_checkpoint",
]


def __getattr__(name: str) -> Any:
    """Names of `__all__`, from the module that has them."""
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"policies.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'policies' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
