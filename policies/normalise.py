"""Per-channel mean and scale, kept in the checkpoint beside the weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from motion.errors import ShapeError, require

_ROWS = 16384


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
    def fit(self, data: Tensor, floor: Tensor | float) -> None:
        """Take mean and standard deviation of data (S, C), the deviation not below `floor` (scalar or (C,), > 0).

        Raises:
            ShapeError: another number of channels, no rows, or a floor that is not positive.
        """
        channels = len(self.mean)
        require(
            data.ndim == 2 and data.shape[1] == channels and len(data) > 0,
            ShapeError,
            f"data is {tuple(data.shape)}; (S, {channels}) was wanted.",
        )
        mean = _mean(data, lambda part: part)
        variance = _mean(data, lambda part: (part - mean).square())
        self.take(mean, variance.sqrt(), floor)

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


def _mean(data: Tensor, of: Callable[[Tensor], Tensor]) -> Tensor:
    """Mean over the rows in float64, some rows at a time: a copy of all of them might not fit into memory."""
    parts = (of(part.double()).sum(0) for part in torch.split(data, _ROWS))
    return torch.stack(list(parts)).sum(0) / len(data)
