"""A checkpoint is a folder of safetensors and JSON. Loading one runs no code; writing one leaves all of it or nothing.

Its files::

    weights.safetensors         averaged (EMA) weights and the normalisers
    config.json                 policy, settings, specification with joint names, training settings, provenance, digests
    training_state.safetensors  what a resume needs: live weights, optimizer moments, random state
    training_state.json         step, best so far
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from motion.errors import CheckpointError, UnderstudyError
from motion.provenance import Provenance
from motion.store import write_atomically, write_text
from policies.base import Policy, PolicySpec, find_policy, make_config
from policies.sealed import existing_folder, read_sealed, require_files, whole_folder, write_sealed

WEIGHTS, CONFIG = "weights.safetensors", "config.json"
STATE_TENSORS, STATE_VALUES = "training_state.safetensors", "training_state.json"
KIND, VERSION = "policy", 1


@dataclass(frozen=True)
class TrainingState:
    """What a resume needs beyond the averaged weights: named tensors and plain values."""

    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory.

    Attributes:
        policy: with its averaged weights, in eval mode.
        train: the training settings, as plain values.
        provenance: of the checkpoint; its parents are the demonstrations.
        state: None where training cannot go on from it.
    """

    policy: Policy
    train: Mapping[str, Any]
    provenance: Provenance
    state: TrainingState | None = None


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the folder `path`, in place of what was there, whole or not at all."""
    with whole_folder(Path(path)) as folder:
        _write(folder, checkpoint)


def load_policy(path: Path | str, joint_names: Sequence[str] | None = None, period_s: float | None = None) -> Policy:
    """The policy of a checkpoint, in eval mode.

    Args:
        path: the folder.
        joint_names: of the robot that it shall move; checked by name where given.
        period_s: the control period that it shall act at; checked where given.

    Raises:
        CheckpointError: missing, damaged, of an unknown policy, or made for other joints or another period.
    """
    policy = load_checkpoint(path).policy
    if joint_names is not None:
        policy.spec.require_joints(joint_names)
    if period_s is not None:
        policy.spec.require_period(period_s)
    return policy


def load_checkpoint(path: Path | str) -> Checkpoint:
    """All of a checkpoint.

    Raises:
        CheckpointError: missing, damaged or of an unknown policy.
    """
    path = _existing(Path(path))
    config = read_config(path)
    require_files(path, config["files"])
    policy = _build(path, config)
    state = None
    if STATE_VALUES in config["files"]:
        state = TrainingState(_read_tensors(path / STATE_TENSORS), json.loads((path / STATE_VALUES).read_text()))
    return Checkpoint(policy, config["train"], Provenance.from_json(config["provenance"]), state)


def read_config(path: Path | str) -> dict[str, Any]:
    """`config.json` of a checkpoint, checked, without its weights.

    Raises:
        CheckpointError: missing or damaged.
    """
    return read_sealed(_existing(Path(path)) / CONFIG, KIND, VERSION)


def exists(path: Path) -> bool:
    """Whether a checkpoint was written at `path`."""
    return existing_folder(Path(path)) is not None


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    policy = checkpoint.policy
    _write_tensors(folder / WEIGHTS, policy.state_dict())
    if checkpoint.state is not None:
        _write_tensors(folder / STATE_TENSORS, checkpoint.state.tensors)
        write_text(folder / STATE_VALUES, json.dumps(dict(checkpoint.state.values), indent=1, allow_nan=False))
    config = {
        "policy": policy.name,
        "settings": asdict(policy.config),
        "spec": policy.spec.to_json(),
        "train": dict(checkpoint.train),
        "provenance": checkpoint.provenance.to_json(),
    }
    write_sealed(folder / CONFIG, KIND, VERSION, config)


def _build(path: Path, config: Mapping[str, Any]) -> Policy:
    try:
        policy_class = find_policy(config["policy"])
        policy = policy_class(PolicySpec.from_json(config["spec"]), make_config(policy_class, config["settings"]))
        policy.load_state_dict(_read_tensors(path / WEIGHTS))
    except CheckpointError:
        raise
    except (UnderstudyError, RuntimeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: the policy cannot be rebuilt ({error}).") from error
    return policy.eval().requires_grad_(False)


def _write_tensors(file: Path, tensors: Mapping[str, Tensor]) -> None:
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(file, lambda stream: stream.write(safetensors.torch.save(plain)))


def _read_tensors(file: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(file)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file} cannot be read as safetensors ({error}).") from error


def _existing(path: Path) -> Path:
    found = existing_folder(path)
    if found is not None:
        return found
    beside = sorted(found.name for found in path.parent.glob("*") if (found / CONFIG).is_file()) if path.parent.is_dir() else []
    raise CheckpointError(f"{path}: no checkpoint folder there. Checkpoints beside it: {', '.join(beside) or 'none'}.")
