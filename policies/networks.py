"""Parts that several policies are built from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """One residual block: normalise, bend, mix."""

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm, self.mix = nn.LayerNorm(width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., W) -> (..., W)."""
        change: Tensor = self.dropout(self.mix(functional.silu(self.norm(hidden))))
        return hidden + change


def held(wanted: Tensor, weight: Tensor) -> Tensor:
    """Chunks (B, H, J) whose places after the episode's end repeat the last recorded one, whatever stood there.

    For networks that look at a whole chunk, and so at places that must not be learnt from.

    Args:
        wanted: (B, H, J).
        weight: (B, H, 1 or J); 0 for every joint after an episode's end.
    """
    place = torch.arange(wanted.shape[1], device=wanted.device)
    last = (place * (weight.amax(-1) > 0)).amax(1, keepdim=True)
    return wanted.gather(1, torch.minimum(place, last)[..., None].expand_as(wanted))
