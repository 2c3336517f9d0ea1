"""Networks that clean a noisy chunk of actions, told what is seen and how noisy it is: three shapes, one interface."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.errors import ShapeError, require
from policies.networks import Block

_FREQUENCIES, _FASTEST = 32, 1000.0
_GROUPS, _KERNEL = 8, 3


@dataclass(frozen=True)
class DenoiserSize:
    """How large a denoiser is.

    Attributes:
        chunk_n, joints: H and J.
        width: W, of its hidden layers, and of the condition that it is told.
        depth: blocks; of a U-Net how often it halves the time axis.
        heads: of attention.
    """

    chunk_n: int
    joints: int
    width: int
    depth: int
    heads: int


class Denoiser(nn.Module, ABC):
    """What every denoiser has: one linear layer that turns the condition into scale and shift of every place that wants them.

    It is apart from `forward`, so that a sampler takes it once for all of its steps.

    Args:
        condition_n: W.
        modulated: widths of the places that are scaled and shifted, in order.
    """

    def __init__(self, condition_n: int, modulated: Sequence[int]) -> None:
        super().__init__()
        self.modulated = [width for width in modulated for _ in range(2)]
        self.film = nn.Linear(condition_n, sum(self.modulated))

    def films(self, film: Tensor) -> tuple[Tensor, ...]:
        """Scale and shift of each place in turn, (B, width) each, of what `film` gave (B, P)."""
        return torch.split(film, self.modulated, dim=-1)

    @abstractmethod
    def forward(self, noisy: Tensor, film: Tensor) -> Tensor:
        """(B, H, J) from noisy chunks (B, H, J) and `film` of their conditions (B, P)."""


class MlpDenoiser(Denoiser):
    """Residual blocks over the whole chunk as one vector."""

    def __init__(self, size: DenoiserSize) -> None:
        super().__init__(size.width, [size.width] * (1 + size.depth))
        self.enter = nn.Linear(size.chunk_n * size.joints, size.width)
        self.norms = nn.ModuleList(nn.LayerNorm(size.width, elementwise_affine=False) for _ in range(size.depth))
        self.mixes = nn.ModuleList(nn.Linear(size.width, size.width) for _ in range(size.depth))
        self.leave = _leave(nn.LayerNorm(size.width), nn.Linear(size.width, size.chunk_n * size.joints))

    def forward(self, noisy: Tensor, film: Tensor) -> Tensor:
        """See `Denoiser`."""
        scale, shift, *films = self.films(film)
        hidden = torch.addcmul(shift, self.enter(noisy.flatten(1)), 1 + scale)
        for place, (norm, mix) in enumerate(zip(self.norms, self.mixes, strict=True)):
            scale, shift = films[2 * place : 2 * place + 2]
            hidden = hidden + mix(functional.silu(torch.addcmul(shift, norm(hidden), 1 + scale)))
        chunk: Tensor = self.leave(hidden).view_as(noisy)
        return chunk


class TransformerDenoiser(Denoiser):
    """A token for each place of the chunk; every token sees every other."""

    def __init__(self, size: DenoiserSize) -> None:
        super().__init__(size.width, [size.width] * (1 + 2 * size.depth))
        require(size.width % size.heads == 0, ShapeError, f"width {size.width} cannot be shared by {size.heads} heads evenly.")
        self.heads = size.heads
        self.enter = nn.Linear(size.joints, size.width)
        self.place = nn.Parameter(0.02 * torch.randn(size.chunk_n, size.width))
        self.norms = nn.ModuleList(nn.LayerNorm(size.width, elementwise_affine=False) for _ in range(2 * size.depth))
        self.attend = nn.ModuleList(nn.Linear(size.width, 3 * size.width) for _ in range(size.depth))
        self.join = nn.ModuleList(nn.Linear(size.width, size.width) for _ in range(size.depth))
        self.mixes = nn.ModuleList(_mix(size.width) for _ in range(size.depth))
        self.leave = _leave(nn.LayerNorm(size.width), nn.Linear(size.width, size.joints))

    def forward(self, noisy: Tensor, film: Tensor) -> Tensor:
        """See `Denoiser`."""
        scale, shift, *films = (part[:, None] for part in self.films(film))
        hidden = torch.addcmul(shift, self.enter(noisy), 1 + scale) + self.place
        for layer, (attend, join, mix) in enumerate(zip(self.attend, self.join, self.mixes, strict=True)):
            scale, shift, mix_scale, mix_shift = films[4 * layer : 4 * layer + 4]
            told = torch.addcmul(shift, self.norms[2 * layer](hidden), 1 + scale)
            query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in attend(told).chunk(3, dim=-1))
            seen = functional.scaled_dot_product_attention(query, key, value)
            hidden = hidden + join(seen.transpose(1, 2).flatten(2))
            hidden = hidden + mix(torch.addcmul(mix_shift, self.norms[2 * layer + 1](hidden), 1 + mix_scale))
        chunk: Tensor = self.leave(hidden)
        return chunk


class UnetDenoiser(Denoiser):
    """A 1-D U-Net over time: `depth` halvings of the time axis, each with twice the channels, and back with what was there before."""

    def __init__(self, size: DenoiserSize) -> None:
        widths = [size.width * 2**level for level in range(size.depth + 1)]
        pairs = [*zip([size.width, *widths], widths, strict=False), *((2 * width, width) for width in reversed(widths[:-1]))]
        super().__init__(size.width, [leaving for _, leaving in pairs])
        require(size.width % _GROUPS == 0, ShapeError, f"width is {size.width}; a U-Net wants a multiple of {_GROUPS}.")
        self.depth = size.depth
        self.enter = nn.Conv1d(size.joints, size.width, 1)
        self.blocks = nn.ModuleList(_UnetBlock(entering, leaving) for entering, leaving in pairs)
        self.down = nn.ModuleList(nn.Conv1d(width, width, _KERNEL, 2, _KERNEL // 2) for width in widths[:-1])
        self.up = nn.ModuleList(nn.Conv1d(2 * width, width, 1) for width in reversed(widths[:-1]))
        self.leave = _leave(nn.GroupNorm(_GROUPS, size.width), nn.Conv1d(size.width, size.joints, 1))

    def forward(self, noisy: Tensor, film: Tensor) -> Tensor:
        """See `Denoiser`."""
        films = [part[..., None] for part in self.films(film)]
        hidden = self.enter(noisy.transpose(1, 2))
        before: list[Tensor] = []
        for place, block in enumerate(self.blocks):
            if place > self.depth:
                skipped = before.pop()
                # To the very length that was there before: a chunk need not be a power of two.
                wide = functional.interpolate(self.up[place - self.depth - 1](hidden), size=skipped.shape[-1])
                hidden = torch.cat([wide, skipped], dim=1)
            hidden = block(hidden, *films[2 * place : 2 * place + 2])
            if place < self.depth:
                before.append(hidden)
                hidden = self.down[place](hidden)
        chunk: Tensor = self.leave(hidden).transpose(1, 2)
        return chunk


class _UnetBlock(nn.Module):
    """Two convolutions over time with scale and shift between them, and the way past them."""

    def __init__(self, entering: int, leaving: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(entering, leaving, _KERNEL, padding=_KERNEL // 2)
        self.norm = nn.GroupNorm(_GROUPS, leaving, affine=False)
        self.second = nn.Conv1d(leaving, leaving, _KERNEL, padding=_KERNEL // 2)
        self.past = nn.Conv1d(entering, leaving, 1) if entering != leaving else nn.Identity()

    def forward(self, hidden: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        told = torch.addcmul(shift, self.norm(self.first(hidden)), 1 + scale)
        change: Tensor = self.second(functional.silu(told))
        return self.past(hidden) + change


class LookEncoder(nn.Sequential):
    """What is seen (N, T, S) -> (N, W): once per chunk, however many sampling steps follow."""

    def __init__(self, history_n: int, inputs_n: int, width: int, depth: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(history_n * inputs_n, width), *(Block(width) for _ in range(depth)))


class TimeEncoder(nn.Module):
    """Times 0..1 (N,) -> (N, W), by waves from 1 to 1000 rad per unit of time."""

    rate: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("rate", torch.logspace(0, math.log10(_FASTEST), _FREQUENCIES), persistent=False)
        self.mix = nn.Sequential(nn.Linear(2 * _FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time: Tensor) -> Tensor:
        """See the class."""
        angle = time[:, None] * self.rate
        embedded: Tensor = self.mix(torch.cat([angle.sin(), angle.cos()], dim=1))
        return embedded


DENOISERS: dict[str, type[MlpDenoiser | TransformerDenoiser | UnetDenoiser]] = {
    "mlp": MlpDenoiser,
    "transformer": TransformerDenoiser,
    "unet": UnetDenoiser,
}
"""Name -> class. A fresh one answers 0 everywhere."""


def _leave(norm: nn.Module, out: nn.Linear | nn.Conv1d) -> nn.Sequential:
    nn.init.zeros_(out.weight)
    if out.bias is not None:
        nn.init.zeros_(out.bias)
    return nn.Sequential(norm, nn.SiLU(), out)


def _mix(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
