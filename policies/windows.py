"""From demonstrations to training windows: every step of every episode, with the chunk of actions that begins there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motion.demonstration import Demonstration
from motion.errors import MotionError, require

if TYPE_CHECKING:
    from policies.base import Policy


@dataclass(frozen=True)
class Batch:
    """B windows.

    Attributes:
        inputs: (B, F) what the network is fed, raw units.
        offset_rad: (B, H, J) recorded action minus the policy's anchor; after the episode's end the last action is held.
        valid: (B, H) 1.0 where the action was recorded, 0.0 where it is held.
    """

    inputs: Tensor
    offset_rad: Tensor
    valid: Tensor

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Windows(Batch):
    """All S windows of some episodes, float32, contiguous, in the order of the episodes."""

    def batch(self, index: Tensor) -> Batch:
        """The windows at `index` (B,), in its order."""
        return Batch(self.inputs.index_select(0, index), self.offset_rad.index_select(0, index), self.valid.index_select(0, index))


def chunk_index(lengths: Sequence[int], chunk_n: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which step each place of each chunk comes from, in episodes laid end to end.

    Args:
        lengths: steps of each episode.
        chunk_n: H.

    Returns:
        step (S, H) and valid (S, H); a place after its episode's end names the last step and is not valid.
    """
    end = np.repeat(np.cumsum(lengths), lengths)[:, None]
    step = np.arange(len(end))[:, None] + np.arange(chunk_n)
    return np.minimum(step, end - 1), step < end


def make_windows(policy: Policy, demonstrations: Sequence[Demonstration]) -> Windows:
    """Every step of every demonstration as one window, with the policy's own inputs and anchor.

    Raises:
        MotionError: an observation or an action is not finite, with the place of the first.
    """
    parts = [_encode(policy, demonstration) for demonstration in demonstrations]
    actions = torch.cat([torch.from_numpy(np.array(d.actions, float)) for d in demonstrations])
    step, valid = chunk_index([len(d.actions) for d in demonstrations], policy.spec.chunk_n)
    anchor = torch.cat([anchor for _, anchor in parts])
    offset = actions[torch.from_numpy(step)] - anchor
    return Windows(torch.cat([inputs for inputs, _ in parts]), offset.float().contiguous(), torch.from_numpy(valid).float())


def _encode(policy: Policy, demonstration: Demonstration) -> tuple[Tensor, Tensor]:
    tracks = {name: np.array(demonstration.observations[name], float) for name in policy.spec.shapes}
    for name, track in {**tracks, "actions": np.asarray(demonstration.actions)}.items():
        finite = np.isfinite(track).reshape(len(track), -1).all(1)
        require(bool(finite.all()), MotionError, f"{demonstration.variant}: {name} is not finite at step {int(np.argmin(finite))}.")
    observation = {name: torch.from_numpy(track) for name, track in tracks.items()}
    with torch.no_grad():
        return policy.inputs(observation).float().contiguous(), policy.anchor_rad(observation)


def epoch_order(windows_n: int, seed: int, epoch: int) -> Tensor:
    """The order (S,) in which the windows come in one epoch: a pure function of seed and epoch, so that a resume is exact."""
    return torch.from_numpy(np.random.default_rng((seed, epoch)).permutation(windows_n))


class Sampler:
    """The batch of any training step, by its number. The last, incomplete batch of an epoch is left out.

    Args:
        windows: what to draw from.
        batch_n: windows per batch; fewer where there are not so many.
        seed: of the order.
    """

    def __init__(self, windows: Windows, batch_n: int, seed: int) -> None:
        self.windows, self.seed = windows, seed
        self.batch_n = min(batch_n, len(windows))
        self.batches_per_epoch = len(windows) // self.batch_n
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    def index(self, step: int) -> Tensor:
        """Which windows (B,) make the batch of training step `step`."""
        epoch, place = divmod(step, self.batches_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, epoch_order(len(self.windows), self.seed, epoch)
        return self._order[place * self.batch_n : (place + 1) * self.batch_n]

    def batch(self, step: int) -> Batch:
        """The batch of training step `step`."""
        return self.windows.batch(self.index(step))
