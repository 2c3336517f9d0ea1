"""What others' data sets hold: one vector that says all there is to know, in units of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from policies.readers.base import Reader

if TYPE_CHECKING:
    from policies.base import PolicySpec

STATE = "state"
"""LeRobot's `observation.state`, in a data set that Understudy did not write."""
_FLOOR = 1e-4
"""Nobody says the units; a number that spreads less than this stands still in any that are usual."""


class StateReader(Reader):
    """The state as it is; actions are what was recorded, counted from nothing."""

    names: ClassVar[tuple[str, ...]] = (STATE,)
    offset_floor: float = _FLOOR

    def __init__(self, spec: PolicySpec, previous_action: bool) -> None:
        super().__init__(spec, previous_action)
        self.width = spec.shapes[STATE][0] if spec.shapes[STATE] else 1
        self.floor = torch.full((self.width,), _FLOOR)

    def inputs(self, observation: Mapping[str, Tensor]) -> Tensor:
        """(N, F), the state."""
        return observation[STATE].reshape(-1, self.width)

    def anchor_rad(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Nothing: (N, 1, J) zeros."""
        state = observation[STATE]
        return state.new_zeros(len(state), 1, self.spec.joints)
