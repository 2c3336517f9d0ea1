"""Per-channel mean and scale, kept in the checkpoint beside the weights."""

from __future__ import annotations

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
        floor = torch.as_tensor(floor, dtype=torch.float64).expand(channels)
        require(bool((floor > 0).all()), ShapeError, f"the floor of a scale has to be positive; the smallest is {float(floor.min())}.")
        exact = data.double()
        self.mean.copy_(exact.mean(0))
        self.scale.copy_(torch.maximum(exact.std(0, correction=0), floor))

    def forward(self, raw: Tensor) -> Tensor:
        """Normalised values of raw ones (..., C)."""
        return (raw - self.mean) / self.scale

    def inverse(self, normalised: Tensor) -> Tensor:
        """Raw values of normalised ones (..., C)."""
        return normalised * self.scale + self.mean
