"""From demonstrations to training windows: every step of every episode, with the looks before it and the chunk of actions after it.

Windows lie in files that are mapped, not read. What is kept in memory of each step is its place in the order (`policies.sampling`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from motion.demonstration import CONFIDENCE, Demonstration
from motion.errors import MotionError, require
from motion.store import cache_folder
from policies.moments import grasp_moments
from policies.normalise import Moments
from policies.observed import observed
from policies.spec import FORCE
from policies.tidy import tidy

if TYPE_CHECKING:
    from policies.base import Policy

_PARTS = ("inputs", "actions", "anchor", "trust", "moment")
_PICTURES = "pictures"
_ABOUT = "windows.json"
_TAKEN = {"inputs": ("mean", "deviation", "least", "most"), "offset": ("mean", "deviation")}
"""Whose statistics are taken, and which; `Statistics` names them so."""
_VERSION = 8


@dataclass(frozen=True)
class Batch:
    """B windows.

    Attributes:
        inputs: (B, T, F) the newest T looks, raw units, the newest last; before an episode's first look that one is repeated.
        offset_rad: (B, H, J) recorded action minus the policy's anchor; after the episode's end the last action is held.
        weight: (B, H, 1 or J) how much each action counts: 0 after the episode's end, below 1 where it is less believed.
        pictures: (B, T, C, 3, h, w), uint8, of the same looks, C cameras; None for policies that look at none.
    """

    inputs: Tensor
    offset_rad: Tensor
    weight: Tensor
    pictures: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def parts(self, count: int) -> list[Batch]:
        """The same in `count` parts, one after the other; fewer where there are fewer windows."""
        split = {name: torch.tensor_split(part, min(count, len(self))) for name, part in self.tensors().items()}
        return [Batch(**dict(zip(split, part, strict=True))) for part in zip(*split.values(), strict=True)]

    def tensors(self) -> dict[str, Tensor]:
        """What it holds, by name."""
        return {name: part for name, part in vars(self).items() if part is not None}

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(**{name: part.to(device, non_blocking=True) for name, part in self.tensors().items()})


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation, over all steps, of the inputs (F,) and of the first offset of each chunk (J,); inputs' ends, too."""

    inputs_mean: Tensor
    inputs_deviation: Tensor
    inputs_least: Tensor
    inputs_most: Tensor
    offset_mean: Tensor
    offset_deviation: Tensor


@dataclass(frozen=True)
class Windows:
    """All S windows of some episodes, in the order of the episodes; float32, pictures uint8, usually mapped from files.

    Attributes:
        inputs: (S, F) one look per step.
        actions: (S, J).
        anchor: (S, H, J) or (S, 1, J).
        trust: (S, J), 0..1; (S, 1) where all joints of every step are believed alike.
        moment: (S, 1), 1 around a grasp and where a hand lets go (`policies.moments`), else 0.
        starts: (E + 1,) first step of each of the E episodes, and S.
        chunk_n, history_n: H and T.
        statistics: taken once, when the windows were made.
        pictures: (S, C, 3, h, w), one look per step; None where the policy looks at none.
    """

    inputs: Tensor
    actions: Tensor
    anchor: Tensor
    trust: Tensor
    moment: Tensor
    starts: Tensor
    chunk_n: int
    history_n: int
    statistics: Statistics
    pictures: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def believed(self) -> bool:
        """Whether any action is; looked at block by block until one is found."""
        return any(bool(block.any()) for block in self.trust.split(1 << 16))

    def batch(self, index: Tensor) -> Batch:
        """The windows at `index` (B,), in its order."""
        step = index[:, None] + torch.arange(self.chunk_n)
        last = self._ends(index)[:, None] - 1
        flat = torch.minimum(step, last).flatten()
        actions = self.actions.index_select(0, flat).view(len(index), self.chunk_n, -1)
        recorded = (step <= last)[..., None]
        weight = self.trust.index_select(0, flat).view(len(index), self.chunk_n, -1) * recorded
        pictures = None if self.pictures is None else self._looks(self.pictures, index)
        return Batch(self._looks(self.inputs, index), actions - self.anchor.index_select(0, index), weight, pictures)

    def _looks(self, track: Tensor, index: Tensor) -> Tensor:
        """(B, T, ...) of a track (S, ...)."""
        if self.history_n == 1:
            return track.index_select(0, index)[:, None]
        step = index[:, None] - torch.arange(self.history_n - 1, -1, -1)
        begin = self.starts[torch.searchsorted(self.starts, index, right=True) - 1]
        flat = torch.maximum(step, begin[:, None]).flatten()
        return track.index_select(0, flat).unflatten(0, (len(index), self.history_n))

    def whole(self) -> Tensor:
        """Which windows' chunks end before their episode does."""
        index = torch.arange(len(self))
        return (index + self.chunk_n <= self._ends(index)).nonzero()[:, 0]

    def _ends(self, index: Tensor) -> Tensor:
        """(B,) the step after the last one of the episode that each step at `index` (B,) is of."""
        return self.starts[torch.searchsorted(self.starts, index, right=True)]


def make_windows(policy: Policy, demonstrations: Iterable[Demonstration], key: str = "", others: Collection[str] = ()) -> Windows:
    """Every step of every demonstration as one window, with the policy's own inputs and anchor.

    Args:
        policy: whose.
        demonstrations: looked at one by one, so that memory does not grow with their number.
        key: digest of what the demonstrations are. Windows of the same demonstrations for the same reader are made once and
            kept in the cache folder; without a key they are gone with the program.
        others: keys of windows of the same policy that are not deleted either, however large the cache becomes.

    Raises:
        MotionError: no demonstrations, or an observation or an action is not finite, with the place of the first.
    """
    if not key:
        with tempfile.TemporaryDirectory(prefix="understudy_windows_") as gone:
            _write(policy, demonstrations, Path(gone))
            return _mapped(Path(gone), policy)  # mapped files live on until nobody looks at them
    folder = _folder(policy, key)
    if (folder / _ABOUT).is_file():
        os.utime(folder / _ABOUT)
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
        try:
            _write(policy, demonstrations, fresh)
            _into_place(fresh, folder)
            tidy(folder.parent, _ABOUT, keep=[folder, *(_folder(policy, other) for other in others)])
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return _mapped(folder, policy)


def _folder(policy: Policy, key: str) -> Path:
    """Where windows are kept."""
    about = {"version": _VERSION, "spec": policy.spec.to_json(), "previous_action": policy.config.previous_action, "data": key}
    about |= {"width": policy.reader.width}
    about |= {"pictures": policy.eyes.shape} if policy.eyes is not None else {}
    return cache_folder() / "windows" / hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]


def _into_place(fresh: Path, folder: Path) -> None:
    """Rename; where another process was faster, its windows are the same."""
    try:
        os.rename(fresh, folder)
    except OSError:
        if not (folder / _ABOUT).is_file():
            raise


def _write(policy: Policy, demonstrations: Iterable[Demonstration], folder: Path) -> None:
    """One file per part, rows end to end; lengths and shapes beside."""
    lengths: list[int] = []
    shapes: dict[str, tuple[int, ...]] = {}
    inputs, offset, alike = Moments(), Moments(), True
    with ExitStack() as stack:
        files = {name: stack.enter_context(open(folder / f"{name}.bin", "wb")) for name in _parts(policy)}
        for demonstration in demonstrations:
            parts = _encode(policy, demonstration)
            for name, values in parts.items():
                require(
                    shapes.setdefault(name, values.shape[1:]) == values.shape[1:],
                    MotionError,
                    f"{demonstration.variant}: {name} is {values.shape[1:]}; {shapes[name]} before. Train on one kind at a time.",
                )
                _append(files[name], values)
            lengths.append(len(parts["actions"]))
            alike = alike and bool((parts["trust"] == parts["trust"][:, :1]).all())
            inputs.add(parts["inputs"])
            offset.add(parts["actions"] - parts["anchor"][:, 0])
    require(bool(lengths), MotionError, "no demonstrations were given; record some, or check the path.")
    statistics = {"inputs": inputs.to_json(), "offset": offset.to_json()}
    about = {"lengths": lengths, "shapes": shapes, "statistics": statistics, "trust_alike": alike}
    (folder / _ABOUT).write_text(json.dumps(about))


def _parts(policy: Policy) -> tuple[str, ...]:
    return _PARTS if policy.eyes is None else (*_PARTS, _PICTURES)


def _type(part: str) -> type[np.generic]:
    return np.uint8 if part == _PICTURES else np.float32


def _append(file: BinaryIO, values: np.ndarray) -> None:
    file.write(np.ascontiguousarray(values).tobytes())


def _mapped(folder: Path, policy: Policy) -> Windows:
    about = json.loads((folder / _ABOUT).read_text())
    lengths = torch.tensor(about["lengths"])
    starts = functional.pad(torch.cumsum(lengths, 0), (1, 0))
    steps = int(starts[-1])
    parts = {name: _map(folder / f"{name}.bin", (steps, *about["shapes"][name]), _type(name)) for name in _parts(policy)}
    if about["trust_alike"]:
        parts["trust"] = parts["trust"][:, :1]
    found = about["statistics"]
    told = [(part, what) for part in _TAKEN for what in _TAKEN[part]]
    statistics = Statistics(**{f"{part}_{what}": torch.tensor(found[part][what], dtype=torch.float64) for part, what in told})
    return Windows(
        **parts,
        starts=starts,
        chunk_n=policy.spec.chunk_n,
        history_n=policy.config.history_n,
        statistics=statistics,
    )


def _map(path: Path, shape: Sequence[int], kind: type[np.generic]) -> Tensor:
    """Copy on write, as torch wants memory that could be written; nobody writes."""
    if not path.stat().st_size:
        return torch.zeros(*shape)
    return torch.from_numpy(np.memmap(path, kind, "c", shape=tuple(shape)))


def _encode(policy: Policy, demonstration: Demonstration) -> dict[str, np.ndarray]:
    tracks = observed(policy.spec, demonstration)
    actions = np.asarray(demonstration.actions, float)
    trust = np.asarray(demonstration.signals.get(CONFIDENCE, np.ones(len(actions))), float)
    for name, track in {**tracks, "actions": actions, CONFIDENCE: trust}.items():
        finite = np.isfinite(track).reshape(len(track), -1).all(1)
        require(bool(finite.all()), MotionError, f"{demonstration.variant}: {name} is not finite at step {int(np.argmin(finite))}.")
    observation = {name: torch.from_numpy(track) for name, track in tracks.items()}
    with torch.no_grad():
        parts = {"inputs": policy.inputs(observation), "actions": torch.from_numpy(actions), "anchor": policy.anchor_rad(observation)}
        parts["trust"] = torch.from_numpy(trust.reshape(len(trust), -1)).expand(-1, actions.shape[1])
        parts["moment"] = torch.from_numpy(_moments(demonstration))[:, None]
        pictures = {} if policy.eyes is None else {_PICTURES: policy.eyes.gather(observation).numpy()}
    return {**{name: part.float().numpy() for name, part in parts.items()}, **pictures}


def _moments(demonstration: Demonstration) -> np.ndarray:
    """(T,) whether a grasp or its end is near; nowhere where nobody recorded how hard the hands were pressed."""
    force = demonstration.observations.get(FORCE)
    return np.zeros(len(demonstration.actions), bool) if force is None else grasp_moments(np.asarray(force, float), demonstration.period_s)
