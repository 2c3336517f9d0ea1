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
    """Chunks (B, H, J) whose places without weight repeat the last one that has some, whatever stood there.

    For networks that look at a whole chunk, and so at places that must not be learnt from. Before the first place with
    weight stands that one; a joint that has none is 0.

    Args:
        wanted: (B, H, J).
        weight: (B, H, 1 or J); 0 after an episode's end, and where an action is not believed.
    """
    known = weight > 0
    place = torch.arange(wanted.shape[1], device=wanted.device)[None, :, None]
    last = torch.where(known, place, -1).cummax(1).values
    source = torch.where(last < 0, known.byte().argmax(1, keepdim=True), last)
    return torch.where(known.any(1, keepdim=True), wanted.gather(1, source.expand_as(wanted)), 0)
