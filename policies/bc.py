"""Behaviour cloning with action chunks: a residual network, and where a reference is followed a linear law per joint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.errors import ShapeError, require
from policies.base import Policy, PolicyConfig, PolicySpec
from policies.networks import Block
from policies.windows import Windows

_RIDGE, _SERVO_ROWS = 1e-3, 50_000


@dataclass(frozen=True)
class BcConfig(PolicyConfig):
    """Settings of `bc`.

    Attributes:
        width: of the hidden layers.
        depth: residual blocks.
        dropout: probability of dropping a hidden unit in training.
    """

    width: int = 256
    depth: int = 2
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.width >= 1 and self.depth >= 0, ShapeError, f"width {self.width} and depth {self.depth} make no network.")
        require(0 <= self.dropout < 1, ShapeError, f"dropout is {self.dropout}; 0 <= dropout < 1 was wanted.")


class BehaviourCloning(Policy):
    """Offset = network(all inputs), and where the inputs are channels of joints, + servo(joint's own channels).

    The servo is linear and joint by joint: the part of the law that holds however far the robot has strayed. The
    network adds what depends on the whole posture, e.g. gravity and inertia.
    """

    name: ClassVar[str] = "bc"
    Config: ClassVar[type[PolicyConfig]] = BcConfig

    def __init__(self, spec: PolicySpec, config: BcConfig) -> None:
        super().__init__(spec, config)
        outputs = spec.chunk_n * spec.joints
        self.enter = nn.Linear(config.history_n * self.seen_n, config.width)
        self.blocks = nn.Sequential(
            *(Block(config.width, config.dropout) for _ in range(config.depth)), nn.LayerNorm(config.width), nn.SiLU()
        )
        self.leave = nn.Linear(config.width, outputs)
        self.servo = nn.Parameter(torch.zeros(self.reader.channels_n, spec.chunk_n, spec.joints)) if self.reader.channels_n else None
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def fit_statistics(self, windows: Windows) -> None:
        """As every policy; the servo then begins with the best linear law."""
        super().fit_statistics(windows)
        if self.servo is not None:
            self._fit_servo(windows, self.servo)

    def seen(self, looks: Tensor) -> Tensor:
        """Looks (N, T, S) normalised; only the network's are kept within `clip`, the servo sees them whole."""
        return self.normalised(looks)

    def errors(self, seen: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """Smooth L1 of every offset."""
        return functional.smooth_l1_loss(self.chunk(seen), wanted, reduction="none")

    def chunk(self, seen: Tensor) -> Tensor:
        """Network and servo together."""
        near = seen.flatten(1).clamp(-self.config.clip, self.config.clip)
        network: Tensor = self.leave(self.blocks(self.enter(near))).view(-1, self.spec.chunk_n, self.spec.joints)
        return network if self.servo is None else network + (self._own_channels(seen[:, -1]) * self.servo).sum(1)

    @torch.no_grad()
    def _fit_servo(self, windows: Windows, servo: nn.Parameter) -> None:
        """Begin with the best linear law per joint (ridge regression): exact at once, where steps of gradient are slow."""
        whole = windows.whole()
        some = windows.batch(whole[:: 1 + len(whole) // _SERVO_ROWS])
        own = self._own_channels(self.input_normaliser(some.inputs[:, -1])).squeeze(2).double()
        wanted = self.offset_normaliser(some.offset_rad.flatten(1)).unflatten(1, servo.shape[1:]).double()
        gram = torch.einsum("scj,sdj->jcd", own, own) + _RIDGE * max(1, len(own)) * torch.eye(len(servo), dtype=torch.float64)
        moment = torch.einsum("scj,shj->jch", own, wanted)
        servo.copy_(torch.linalg.solve(gram, moment).permute(1, 2, 0))

    def _own_channels(self, newest: Tensor) -> Tensor:
        count, joints = self.reader.channels_n, self.spec.joints
        return newest[:, : count * joints].reshape(len(newest), count, 1, joints)
