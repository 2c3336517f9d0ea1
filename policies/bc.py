"""Behaviour cloning with action chunks: feed-forward from the reference ahead, feedback from the tracking error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.errors import ShapeError, require
from policies.base import Policy, PolicyConfig, PolicySpec
from policies.features import (
    BASE_OBSERVATIONS,
    CHANNELS,
    FLOORS,
    OBSERVATIONS,
    follow_channels,
    reference_anchor_rad,
    require_reference_rows,
)
from policies.normalise import Normaliser
from policies.windows import Batch, Windows

_OFFSET_FLOOR_RAD = 0.005
_RIDGE, _SERVO_ROWS = 1e-3, 50_000


@dataclass(frozen=True)
class BcConfig(PolicyConfig):
    """Settings of `bc`.

    Attributes:
        width: of the hidden layers.
        depth: residual blocks.
        dropout: probability of dropping a hidden unit in training.
        previous_action: whether the policy is told its previous action. It says how hard the motors pull, and so what
            the load is; but a policy that is told may also learn to repeat itself instead of looking at the robot.
        clip: normalised inputs of the network are kept within this many scales; the servo sees them whole.
    """

    width: int = 256
    depth: int = 2
    dropout: float = 0.0
    previous_action: bool = False
    clip: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.width >= 1 and self.depth >= 0, ShapeError, f"width {self.width} and depth {self.depth} make no network.")
        require(0 <= self.dropout < 1, ShapeError, f"dropout is {self.dropout}; 0 <= dropout < 1 was wanted.")


class Block(nn.Module):
    """One residual block: normalise, bend, mix."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.mix = nn.LayerNorm(width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, hidden: Tensor) -> Tensor:
        """(N, W) -> (N, W)."""
        change: Tensor = self.dropout(self.mix(functional.silu(self.norm(hidden))))
        return hidden + change


class BehaviourCloning(Policy):
    """Offset from the reference = servo(joint's own channels) + network(all channels).

    The servo is linear and joint by joint: the part of the law that holds however far the robot has strayed. The
    network adds what depends on the whole posture, e.g. gravity and inertia.
    """

    name: ClassVar[str] = "bc"
    Config: ClassVar[type[PolicyConfig]] = BcConfig
    observation_names: ClassVar[tuple[str, ...]] = OBSERVATIONS
    optional_names: ClassVar[tuple[str, ...]] = BASE_OBSERVATIONS

    def __init__(self, spec: PolicySpec, config: BcConfig) -> None:
        super().__init__(spec, config)
        require_reference_rows(spec.shapes, spec.chunk_n)
        self.channels = tuple(name for name in CHANNELS if config.previous_action or name != "previous_offset_rad")
        features, outputs = len(self.channels) * spec.joints, spec.chunk_n * spec.joints
        self.clip = config.clip
        self.input_normaliser, self.offset_normaliser = Normaliser(features), Normaliser(outputs)
        self.enter = nn.Linear(features, config.width)
        self.blocks = nn.Sequential(
            *(Block(config.width, config.dropout) for _ in range(config.depth)), nn.LayerNorm(config.width), nn.SiLU()
        )
        self.leave = nn.Linear(config.width, outputs)
        self.servo = nn.Parameter(torch.zeros(len(self.channels), spec.chunk_n, spec.joints))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def inputs(self, observation: Mapping[str, Tensor]) -> Tensor:
        """The channels of every joint, (N, C * J), channel by channel."""
        channels = follow_channels(observation, self.spec.period_s)
        chosen = [CHANNELS.index(name) for name in self.channels]
        return channels[:, chosen].flatten(1)

    def anchor_rad(self, observation: Mapping[str, Tensor]) -> Tensor:
        """The reference at the matching steps, (N, H, J)."""
        return reference_anchor_rad(observation, self.spec.chunk_n, self.spec.period_s)

    def fit_statistics(self, windows: Windows) -> None:
        """Statistics after the transform, of recorded actions only; all places of the chunk share their joint's."""
        floor = torch.tensor([FLOORS[name] for name in self.channels]).repeat_interleave(self.spec.joints)
        self.input_normaliser.fit(windows.inputs, floor)
        first = Normaliser(self.spec.joints)
        first.fit(windows.offset_rad[:, 0], _OFFSET_FLOOR_RAD)
        self.offset_normaliser.mean.copy_(first.mean.repeat(self.spec.chunk_n))
        self.offset_normaliser.scale.copy_(first.scale.repeat(self.spec.chunk_n))
        self._fit_servo(windows)

    def loss(self, batch: Batch) -> Tensor:
        """Smooth L1 of the normalised offsets, divided by the number of recorded values."""
        wanted = self.offset_normaliser(batch.offset_rad.flatten(1))
        error = functional.smooth_l1_loss(self._normalised(batch.inputs), wanted, reduction="none")
        per_step = error.view(len(batch), self.spec.chunk_n, self.spec.joints).mean(-1)
        return (per_step * batch.valid).sum() / batch.valid.sum()

    def predict(self, inputs: Tensor) -> Tensor:
        """Offsets (N, H, J), rad."""
        return self.offset_normaliser.inverse(self._normalised(inputs)).view(-1, self.spec.chunk_n, self.spec.joints)

    @torch.no_grad()
    def _fit_servo(self, windows: Windows) -> None:
        """Begin with the best linear law per joint (ridge regression): exact at once, where steps of gradient are slow."""
        whole = windows.valid.all(1).nonzero()[:, 0]
        some = windows.batch(whole[:: 1 + len(whole) // _SERVO_ROWS])
        own = self._own_channels(self.input_normaliser(some.inputs)).squeeze(2).double()
        wanted = self.offset_normaliser(some.offset_rad.flatten(1)).unflatten(1, self.servo.shape[1:]).double()
        gram = torch.einsum("scj,sdj->jcd", own, own) + _RIDGE * max(1, len(own)) * torch.eye(len(self.channels), dtype=torch.float64)
        moment = torch.einsum("scj,shj->jch", own, wanted)
        self.servo.copy_(torch.linalg.solve(gram, moment).permute(1, 2, 0))

    def _own_channels(self, whole: Tensor) -> Tensor:
        return whole.view(len(whole), len(self.channels), 1, self.spec.joints)

    def _normalised(self, inputs: Tensor) -> Tensor:
        whole = self.input_normaliser(inputs)
        network: Tensor = self.leave(self.blocks(self.enter(whole.clamp(-self.clip, self.clip))))
        servo: Tensor = (self._own_channels(whole) * self.servo).sum(1)
        return network + servo.flatten(1)
