"""Policies: learned actors. PyTorch lives here only."""

from policies.actor import PolicyActor
from policies.base import Policy, PolicyConfig, PolicySpec, find_policy, known_policies, make_config
from policies.checkpoint import Checkpoint, TrainingState, load_checkpoint, load_policy, save_checkpoint
from policies.tracking import Tracker
from policies.train import FitResult, TrainConfig, TrainingError, TrainingInterrupted, fit
from policies.windows import Batch, Windows, make_windows

__all__ = [
    "Batch",
    "Checkpoint",
    "FitResult",
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
