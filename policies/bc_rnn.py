"""Behaviour cloning with a memory: a recurrent network over the newest looks, then a chunk of actions or a mixture of chunks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.errors import ShapeError, UnknownNameError, require
from policies.base import Policy, PolicyConfig, PolicySpec
from policies.networks import Block

HEADS = ("deterministic", "gmm")
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
_SCALE_GAIN = 10.0
"""Scales are single numbers, and an optimizer's step moves each by so little that they would lag behind the means."""


@dataclass(frozen=True)
class BcRnnConfig(PolicyConfig):
    """Settings of `bc_rnn`.

    Attributes:
        history_n: T, looks in a row; see `PolicyConfig`.
        width: of the hidden layers and of the recurrent state.
        layers_n: recurrent layers.
        depth: residual blocks after them.
        dropout: probability of dropping a hidden unit in training.
        head: "deterministic", one chunk, or "gmm", a mixture of chunks.
        modes_n: K, chunks in the mixture.
        scale_floor: smallest standard deviation of a mixture's action, in scales of the data; without it the likelihood of what
            the network knows by heart has no bound.
    """

    history_n: int = 10
    width: int = 256
    layers_n: int = 1
    depth: int = 1
    dropout: float = 0.0
    head: str = "gmm"
    modes_n: int = 5
    scale_floor: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = {name: getattr(self, name) for name in ("width", "layers_n", "modes_n")}
        require(min(sizes.values()) >= 1 and self.depth >= 0, ShapeError, f"{sizes} and depth {self.depth} make no network.")
        require(0 <= self.dropout < 1, ShapeError, f"dropout is {self.dropout}; 0 <= dropout < 1 was wanted.")
        require(self.scale_floor > 0, ShapeError, f"scale_floor is {self.scale_floor}; more than 0 was wanted.")
        if self.head not in HEADS:
            raise UnknownNameError("head", self.head, HEADS, "policy 'bc_rnn'")


class RecurrentCloning(Policy):
    """GRU over the looks; its last state decides.

    The mixture is over whole chunks, not over each of their actions: one chunk goes left or right of the obstacle, and never
    half of it left and half of it right.
    """

    name: ClassVar[str] = "bc_rnn"
    Config: ClassVar[type[PolicyConfig]] = BcRnnConfig

    def __init__(self, spec: PolicySpec, config: BcRnnConfig) -> None:
        super().__init__(spec, config)
        width = config.width
        between = config.dropout if config.layers_n > 1 else 0.0
        self.enter = nn.Linear(self.seen_n, width)
        self.memory = nn.GRU(width, width, config.layers_n, batch_first=True, dropout=between)
        self.blocks = nn.Sequential(*(Block(width, config.dropout) for _ in range(config.depth)), nn.LayerNorm(width), nn.SiLU())
        self.head: Head = (GmmHead if config.head == "gmm" else DeterministicHead)(spec, config)

    def errors(self, seen: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """Smooth L1, or the mixture's negative log-likelihood, of every offset."""
        return self.head.errors(self._state(seen), wanted, weight)

    def chunk(self, seen: Tensor) -> Tensor:
        """The chunk, or the middle of the likeliest one."""
        return self.head.chunk(self._state(seen))

    def _state(self, seen: Tensor) -> Tensor:
        states, _ = self.memory(functional.silu(self.enter(seen)))
        state: Tensor = self.blocks(states[:, -1])
        return state


class Head(nn.Module, ABC):
    """From the last state (N, W) to what is wanted."""

    @abstractmethod
    def errors(self, state: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """As `Policy.errors`: (B, H, J)."""

    @abstractmethod
    def chunk(self, state: Tensor) -> Tensor:
        """(N, H, J), normalised."""


class DeterministicHead(Head):
    """One chunk."""

    def __init__(self, spec: PolicySpec, config: BcRnnConfig) -> None:
        super().__init__()
        self.shape = (spec.chunk_n, spec.joints)
        self.leave = nn.Linear(config.width, spec.chunk_n * spec.joints)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def errors(self, state: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """Smooth L1."""
        return functional.smooth_l1_loss(self.chunk(state), wanted, reduction="none")

    def chunk(self, state: Tensor) -> Tensor:
        """The chunk."""
        chunk: Tensor = self.leave(state)
        return chunk.unflatten(1, self.shape)


class GmmHead(Head):
    """K chunks, each with its share. How far an action is off is learnt for its place and joint, not for what is seen.

    Scales that depend on what is seen would weigh a window by one over its square, so that what is hard is learnt last: the
    first action was off twice as far after as many steps.
    """

    def __init__(self, spec: PolicySpec, config: BcRnnConfig) -> None:
        super().__init__()
        self.shape, self.floor = (config.modes_n, spec.chunk_n, spec.joints), config.scale_floor
        self.share, self.mean = nn.Linear(config.width, config.modes_n), nn.Linear(config.width, math.prod(self.shape))
        self.spread = nn.Parameter(torch.zeros(self.shape[1:]))
        for part in (self.share, self.mean):
            nn.init.normal_(part.weight, std=1e-2)
            nn.init.zeros_(part.bias)

    def errors(self, state: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """Their sum over what counts is the negative log-likelihood of the chunk.

        By the identity of expectation maximisation: with the modes' responsibilities r for what was recorded, the negative
        log-likelihood is the expectation under r of each number's own, plus the divergence of r from the shares, which
        all numbers bear alike; and its gradient is that of this sum with r held. Numbers of weight 0 have no part in r.
        """
        known = (weight > 0).expand_as(wanted)
        likelihood = self._log_likelihood(state, torch.where(known, wanted, 0.0))
        log_share = functional.log_softmax(self.share(state), dim=1)
        with torch.no_grad():
            log_mode = functional.log_softmax(log_share + (likelihood * known[:, None]).sum((2, 3)), dim=1)
            mode = log_mode.exp()
        apart = (mode * (log_mode - log_share)).sum(1) / known.sum((1, 2)).clamp(min=1)
        expected = (mode[:, :, None, None] * likelihood).sum(1)  # as a product of matrices it might be in fp16, which is too small for it
        return apart[:, None, None] - expected

    def chunk(self, state: Tensor) -> Tensor:
        """The mean of the likeliest."""
        likeliest = self.share(state).argmax(1)[:, None, None, None]
        means: Tensor = self.mean(state).unflatten(1, self.shape)
        return means.gather(1, likeliest.expand(-1, 1, *self.shape[1:]))[:, 0]

    def scale(self) -> Tensor:
        """Standard deviations (H, J), normalised."""
        return self.floor + functional.softplus(_SCALE_GAIN * self.spread)

    def _log_likelihood(self, state: Tensor, wanted: Tensor) -> Tensor:
        """Of every number under every mode: (B, K, H, J)."""
        scale = self.scale()
        away = (wanted[:, None] - self.mean(state).unflatten(1, self.shape)) / scale
        return -0.5 * away.square() - scale.log() - _HALF_LOG_TAU
