"""Action-chunking transformer: what was seen becomes tokens, and each place of the chunk asks them what to do.

Source: Zhao et al. 2023, "Learning fine-grained bimanual manipulation with low-cost hardware" (the chunk, the latent, L1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.errors import ShapeError, require
from policies.base import Policy, PolicyConfig, PolicySpec
from policies.networks import held

_SETTLED = 0.2
"""Errors below so many scales count by their squares: L1 alone pushes as hard when nearly right, and never settles."""


@dataclass(frozen=True)
class ActConfig(PolicyConfig):
    """Settings of `act`.

    Attributes:
        chunk_n: H, actions predicted at once; see `PolicyConfig`.
        width: of the tokens.
        heads_n: of attention; they share the width evenly.
        tokens_n: tokens per look, each its own linear map of all of it.
        encoder_n: layers over the tokens of the looks.
        decoder_n: layers over the places of the chunk.
        dropout: probability of dropping a number of a layer's change in training.
        latent_n: numbers that tell, in training, which of several ways was recorded; 0 in use, and none with `latent_n=0`.
        kl_weight: how much a latent costs that tells something, per nat.
    """

    chunk_n: int = 16
    width: int = 128
    heads_n: int = 4
    tokens_n: int = 4
    encoder_n: int = 1
    decoder_n: int = 1
    dropout: float = 0.0
    latent_n: int = 0
    kl_weight: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = {name: getattr(self, name) for name in ("width", "heads_n", "tokens_n", "decoder_n")}
        require(min(sizes.values()) >= 1, ShapeError, f"{sizes}: at least 1 of each was wanted.")
        require(self.encoder_n >= 0 and self.latent_n >= 0, ShapeError, "encoder_n and latent_n cannot be negative.")
        require(self.width % self.heads_n == 0, ShapeError, f"width {self.width} cannot be shared by {self.heads_n} heads.")
        require(0 <= self.dropout < 1, ShapeError, f"dropout is {self.dropout}; 0 <= dropout < 1 was wanted.")
        require(self.kl_weight >= 0, ShapeError, f"kl_weight is {self.kl_weight}; it cannot be negative.")


class ActionChunkingTransformer(Policy):
    """Tokens of the looks, and of the latent where there is one; learned queries, one per place of the chunk."""

    name: ClassVar[str] = "act"
    Config: ClassVar[type[PolicyConfig]] = ActConfig

    def __init__(self, spec: PolicySpec, config: ActConfig) -> None:
        super().__init__(spec, config)
        width, self.shape = config.width, (config.tokens_n, config.width)
        self.enter = nn.Linear(self.seen_n, config.tokens_n * width)
        self.moment = nn.Parameter(0.02 * torch.randn(config.history_n, 1, width))
        self.encoder = nn.ModuleList(Layer(config) for _ in range(config.encoder_n))
        self.remember = nn.LayerNorm(width)
        self.place = nn.Parameter(0.02 * torch.randn(spec.chunk_n, width))
        self.decoder = nn.ModuleList(Layer(config, crossed=True) for _ in range(config.decoder_n))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, spec.joints))
        self.latent = Latent(spec, config) if config.latent_n else None
        self.kl_weight = config.kl_weight

    def errors(self, seen: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """L1 of every offset; in training what the latent tells is added, the same to all. In eval mode there is none to tell."""
        if self.latent is None or not self.training:
            return _l1(self.chunk(seen), wanted)
        tokens = self._tokens(seen)
        token, nats = self.latent(tokens, held(wanted, weight))
        return _l1(self._decoded(tokens, token), wanted) + self.kl_weight * nats[:, None, None]

    def chunk(self, seen: Tensor) -> Tensor:
        """With a latent of 0."""
        return self._decoded(self._tokens(seen), None if self.latent is None else self.latent.nothing(len(seen)))

    def _tokens(self, seen: Tensor) -> Tensor:
        """(N, T * tokens_n, W) of looks (N, T, S)."""
        return (self.enter(seen).unflatten(-1, self.shape) + self.moment).flatten(1, 2)

    def _decoded(self, tokens: Tensor, latent: Tensor | None) -> Tensor:
        """Chunks (N, H, J)."""
        memory = tokens if latent is None else torch.cat([latent, tokens], dim=1)
        for layer in self.encoder:
            memory = layer(memory)
        memory, places = self.remember(memory), self.place.expand(len(tokens), -1, -1)
        for layer in self.decoder:
            places = layer(places, memory)
        chunk: Tensor = self.leave(places)
        return chunk


def _l1(chunk: Tensor, wanted: Tensor) -> Tensor:
    return functional.smooth_l1_loss(chunk, wanted, reduction="none", beta=_SETTLED)


class Latent(nn.Module):
    """Which of several ways was recorded, seen in the recorded chunk: a normal distribution near the standard one."""

    def __init__(self, spec: PolicySpec, config: ActConfig) -> None:
        super().__init__()
        self.latent_n, width = config.latent_n, config.width
        self.enter = nn.Linear(spec.joints, width)
        self.place = nn.Parameter(0.02 * torch.randn(spec.chunk_n + 1, width))
        self.layer, self.norm = Layer(config), nn.LayerNorm(width)
        self.told = nn.Linear(width, 2 * config.latent_n)
        self.token = nn.Linear(config.latent_n, width)

    def forward(self, tokens: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """A token (B, 1, W) of a draw, and what it tells beside nothing, in nats (B,).

        Args:
            tokens: (B, M, W) of the looks.
            wanted: (B, H, J) recorded chunks, held after their end.
        """
        read = torch.cat([tokens.mean(1, keepdim=True), self.enter(wanted)], dim=1) + self.place
        mean, log_variance = self.told(self.norm(self.layer(read).mean(1))).clamp(-10, 10).chunk(2, dim=1)
        nats = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        drawn = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        return self.token(drawn)[:, None], nats

    def nothing(self, count: int) -> Tensor:
        """The token (count, 1, W) of a latent of 0."""
        return self.token.bias.expand(count, 1, -1)


class Layer(nn.Module):
    """One layer of a transformer, normalised before each part: look at what was seen (where `crossed`), at each other, think."""

    def __init__(self, config: ActConfig, crossed: bool = False) -> None:
        super().__init__()
        width = config.width
        self.cross = Attention(width, config.heads_n) if crossed else None
        self.cross_norm = nn.LayerNorm(width) if crossed else nn.Identity()
        self.own, self.own_norm = Attention(width, config.heads_n), nn.LayerNorm(width)
        self.think = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, memory: Tensor | None = None) -> Tensor:
        """(N, L, W) -> (N, L, W), with (N, M, W) to look at where it is crossed."""
        if self.cross is not None:
            hidden = hidden + self.dropout(self.cross(self.cross_norm(hidden), memory))
        hidden = hidden + self.dropout(self.own(self.own_norm(hidden)))
        changed: Tensor = hidden + self.dropout(self.think(hidden))
        return changed


class Attention(nn.Module):
    """Attention of several heads."""

    def __init__(self, width: int, heads_n: int) -> None:
        super().__init__()
        self.heads_n = heads_n
        self.ask, self.tell, self.mix = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)

    def forward(self, asking: Tensor, told: Tensor | None = None) -> Tensor:
        """What (N, L, W) learn from (N, M, W), from each other where nothing else is given."""
        key, value = self.tell(asking if told is None else told).chunk(2, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads_n, -1)).transpose(1, 2) for part in (self.ask(asking), key, value))
        found = functional.scaled_dot_product_attention(query, key, value)
        mixed: Tensor = self.mix(found.transpose(1, 2).flatten(2))
        return mixed
