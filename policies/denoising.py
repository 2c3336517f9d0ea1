"""What `diffusion` and `flow` share: chunks are drawn by cleaning noise step by step, by a network that is told what is seen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from motion.errors import ShapeError, UnknownNameError, require
from policies.base import Policy, PolicyConfig, PolicySpec
from policies.denoisers import DENOISERS, DenoiserSize, LookEncoder, TimeEncoder
from policies.networks import held

STARTS = ("zeros", "noise")
_SEED = 20_240_229
"""Of the noise that chunks start from, and of the noise that a loss is measured with in eval mode."""
Clean = Callable[[int, Tensor], Tensor]
"""From (number of the evaluation, noisy chunks (N, H, J)) to the network's answer (N, H, J)."""


@dataclass(frozen=True)
class DenoisingConfig(PolicyConfig):
    """Settings of policies that clean noise.

    Attributes:
        network: "mlp", "transformer" or "unet"; see `policies.denoisers`.
        width: of the hidden layers.
        depth: blocks of the network; of "unet" how often it halves the time axis.
        heads: of attention, in "transformer".
        look_depth: residual blocks over what is seen, run once per chunk.
        start: what a chunk starts from when acting: "zeros", the middle of all noise, or "noise", one draw for all time. The middle
            comes out near the middle of what people did; a draw is off to one side, in every chunk to the same.
    """

    network: str = "mlp"
    width: int = 256
    depth: int = 3
    heads: int = 4
    look_depth: int = 2
    start: str = "zeros"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_known("network", self.network, DENOISERS)
        require_known("start", self.start, STARTS)
        for name in ("width", "depth", "heads"):
            require(getattr(self, name) >= 1, ShapeError, f"{name} is {getattr(self, name)}; at least 1 was wanted.")
        require(self.look_depth >= 0, ShapeError, f"look_depth is {self.look_depth}; 0 or more was wanted.")


class DenoisingPolicy(Policy):
    """Trained to answer noisy chunks; acts by solving from one fixed start, so that the same look gives the same chunk.

    Attributes:
        start: (H, J) what every chunk starts from; kept in the checkpoint.
        asked: (E,) times at which the network is asked while one chunk is made.
    """

    Config: ClassVar[type[DenoisingConfig]]
    start: Tensor
    asked: Tensor

    def __init__(self, spec: PolicySpec, config: DenoisingConfig, asked: Tensor) -> None:
        super().__init__(spec, config)
        size = DenoiserSize(spec.chunk_n, spec.joints, config.width, config.depth, config.heads)
        self.look = LookEncoder(config.history_n, self.seen_n, config.width, config.look_depth)
        self.time = TimeEncoder(config.width)
        self.denoiser = DENOISERS[config.network](size)
        noise = torch.randn(spec.chunk_n, spec.joints, generator=torch.Generator().manual_seed(_SEED))
        self.register_buffer("start", noise if config.start == "noise" else torch.zeros_like(noise))
        self.register_buffer("asked", asked.float(), persistent=False)

    def errors(self, seen: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """Squared error of the network's answer, at one drawn time per chunk; in eval mode the same draws every time."""
        noise, share = self._draw(wanted)
        noisy, target, time = self.corrupted(held(wanted, weight), noise, share)
        film = self.denoiser.film(functional.silu(self.look(seen) + self.time(time)))
        return (self.denoiser(noisy, film) - target).square()

    def chunk(self, seen: Tensor) -> Tensor:
        """From the fixed start; what is seen is read once for all evaluations."""
        film = self.denoiser.film(functional.silu(self.look(seen)[:, None] + self.time(self.asked)))
        return self.solved(self.start.expand(seen.shape[0], -1, -1), lambda number, noisy: self.denoiser(noisy, film[:, number]))

    @abstractmethod
    def corrupted(self, wanted: Tensor, noise: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Noisy chunks (B, H, J), what the network is to answer (B, H, J), and the times (B,) it is told.

        Args:
            wanted, noise: (B, H, J).
            share: (B,) draws, uniform over 0..1.
        """

    @abstractmethod
    def solved(self, start: Tensor, clean: Clean) -> Tensor:
        """Chunks (N, H, J) from their start (N, H, J), asking the network at the times `asked` by their number."""

    def _draw(self, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Noise (B, H, J), and shares (B,): one from each of B equal parts of 0..1, in any order, which steadies the gradient."""
        rows, device = len(wanted), wanted.device
        generator = None if self.training else torch.Generator(device).manual_seed(_SEED)
        noise = torch.randn(wanted.shape, generator=generator, device=device, dtype=wanted.dtype)
        place = torch.rand(rows, generator=generator, device=device).argsort()
        return noise, (place + torch.rand(rows, generator=generator, device=device)) / rows


def require_known(kind: str, name: str, known: Collection[str]) -> None:
    """Refuse a name that is not among the known ones.

    Raises:
        UnknownNameError: listing them.
    """
    if name not in known:
        raise UnknownNameError(kind, name, known)
