"""A checkpoint is a folder of safetensors and JSON. Loading one runs no code; writing one leaves all of it or nothing.

Its files::

    weights.safetensors         averaged (EMA) weights and the normalisers
    config.json                 policy, settings, specification with joint names, training settings, provenance, digests
    training_state.safetensors  what a resume needs: live weights, optimizer moments, random state
    training_state.json         step, best so far
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from motion.errors import CheckpointError, UnderstudyError, require
from motion.provenance import Provenance, file_sha256
from motion.store import write_atomically, write_text
from policies.base import Policy, PolicySpec, find_policy, make_config

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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        _write(temporary, checkpoint)
        temporary.chmod(0o755)
        _swap(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


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
    for name, digest in config["files"].items():
        require((path / name).is_file(), CheckpointError, f"{path}: {name} is missing; the checkpoint is incomplete.")
        require(file_sha256(path / name) == digest, CheckpointError, f"{path / name} is not the file that was saved (sha256 differs).")
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
    file = _existing(Path(path)) / CONFIG
    try:
        config: dict[str, Any] = json.loads(file.read_text())
        digest = config.pop("sha256")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{file} cannot be read as a policy's checkpoint ({type(error).__name__}: {error}).") from error
    require(config.get("kind") == KIND, CheckpointError, f"{file} describes {config.get('kind')!r}; {KIND!r} was wanted.")
    require(digest == _digest(config), CheckpointError, f"{file} was changed after it was saved (sha256 differs).")
    require(config["version"] == VERSION, CheckpointError, f"{file} has version {config['version']}; this program reads {VERSION}.")
    return config


def exists(path: Path) -> bool:
    """Whether a checkpoint was written at `path`."""
    return Path(path).is_dir() or _aside(Path(path)).is_dir()


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    policy = checkpoint.policy
    _write_tensors(folder / WEIGHTS, policy.state_dict())
    if checkpoint.state is not None:
        _write_tensors(folder / STATE_TENSORS, checkpoint.state.tensors)
        write_text(folder / STATE_VALUES, json.dumps(dict(checkpoint.state.values), indent=1, allow_nan=False))
    config = {
        "format": "understudy",
        "kind": KIND,
        "version": VERSION,
        "policy": policy.name,
        "settings": asdict(policy.config),
        "spec": policy.spec.to_json(),
        "train": dict(checkpoint.train),
        "provenance": checkpoint.provenance.to_json(),
        "files": {file.name: file_sha256(file) for file in sorted(folder.iterdir())},
    }
    write_text(folder / CONFIG, json.dumps({**config, "sha256": _digest(config)}, indent=1, allow_nan=False))


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


def _digest(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _swap(temporary: Path, path: Path) -> None:
    """Put a finished folder into place. Between the two renames the old one waits at `_aside`, where `_existing` finds it."""
    aside = _aside(path)
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)
    temporary.rename(path)
    shutil.rmtree(aside, ignore_errors=True)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _existing(path: Path) -> Path:
    for candidate in (path, _aside(path)):
        if candidate.is_dir():
            return candidate
    beside = sorted(found.name for found in path.parent.glob("*") if (found / CONFIG).is_file()) if path.parent.is_dir() else []
    raise CheckpointError(f"{path}: no checkpoint folder there. Checkpoints beside it: {', '.join(beside) or 'none'}.")
