"""Per-channel mean, scale and range, kept in the checkpoint beside the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from motion.errors import ShapeError, require


class Normaliser(nn.Module):
    """Brings each channel to mean 0 and scale 1, except that no scale is smaller than its floor.

    Without the floor a joint that hardly moved in the data (spread 1e-4 rad) turns its first real movement into
    thousands. The floor says in the channel's own unit what counts as a movement.

    Args:
        channels: C.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))

    @torch.no_grad()
    def take(self, mean: Tensor, deviation: Tensor, floor: Tensor | float) -> None:
        """Take a mean and a standard deviation (C,), the latter not below `floor` (scalar or (C,), > 0).

        Raises:
            ShapeError: another number of channels, or a floor that is not positive.
        """
        require(mean.shape == self.mean.shape, ShapeError, f"statistics of {tuple(mean.shape)} channels; {len(self.mean)} were wanted.")
        floor = torch.as_tensor(floor, dtype=torch.float64).expand(len(mean))
        require(bool((floor > 0).all()), ShapeError, f"the floor of a scale has to be positive; the smallest is {float(floor.min())}.")
        self.mean.copy_(mean)
        self.scale.copy_(torch.maximum(deviation.double(), floor))

    def forward(self, raw: Tensor) -> Tensor:
        """Normalised values of raw ones (..., C)."""
        return (raw - self.mean) / self.scale

    def inverse(self, normalised: Tensor) -> Tensor:
        """Raw values of normalised ones (..., C)."""
        return normalised * self.scale + self.mean


class Shown(nn.Module):
    """Keeps some channels within what was shown: what lies beyond counts as the nearest value that was.

    A network says nothing sensible of a pot that is larger than all it has seen; of the largest of those it does.

    Args:
        kept: (C,) which channels.
    """

    least: Tensor
    most: Tensor

    def __init__(self, kept: Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", kept, persistent=False)
        self.register_buffer("least", torch.full((len(kept),), -math.inf))
        self.register_buffer("most", torch.full((len(kept),), math.inf))

    @torch.no_grad()
    def take(self, least: Tensor, most: Tensor) -> None:
        """Take the range (C,), (C,) of each channel; those that are not kept have none."""
        kept = self.get_buffer("kept")
        self.least.copy_(torch.where(kept, least.to(self.least), -math.inf))
        self.most.copy_(torch.where(kept, most.to(self.most), math.inf))

    def forward(self, raw: Tensor) -> Tensor:
        """The same (..., C), kept within; 0 stands for what is not there, and stays."""
        return torch.where(raw == 0, raw, torch.minimum(torch.maximum(raw, self.least), self.most))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        """Checkpoints that were written before there were ranges have none."""
        for name in ("least", "most"):
            state_dict.setdefault(prefix + name, getattr(self, name))
        super()._load_from_state_dict(state_dict, prefix, *others)


@dataclass
class Moments:
    """Mean, deviation and range over rows that come in parts, in float64. Source: Chan, Golub and LeVeque 1979, the pairwise update."""

    count: int = 0
    mean: np.ndarray | float = 0.0
    square: np.ndarray | float = 0.0
    least: np.ndarray | float = math.inf
    most: np.ndarray | float = -math.inf

    def add(self, rows: np.ndarray) -> None:
        """Take in rows (n, C).

        Raises:
            ShapeError: no rows.
        """
        require(rows.ndim == 2 and len(rows) > 0, ShapeError, f"rows are {rows.shape}; (n, C) with at least one row was wanted.")
        rows = rows.astype(np.float64)
        mean, total = rows.mean(0), self.count + len(rows)
        apart = mean - self.mean
        self.square = self.square + ((rows - mean) ** 2).sum(0) + apart**2 * (self.count * len(rows) / total)
        self.mean, self.count = self.mean + apart * (len(rows) / total), total
        self.least, self.most = np.minimum(self.least, rows.min(0)), np.maximum(self.most, rows.max(0))

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation (C,)."""
        return np.asarray(np.sqrt(np.asarray(self.square) / self.count))

    def to_json(self) -> dict[str, list[float]]:
        """As plain values."""
        found = {"mean": self.mean, "deviation": self.deviation, "least": self.least, "most": self.most}
        return {name: np.asarray(values).tolist() for name, values in found.items()}
