"""A loaded policy as an Actor: numpy in, numpy out, the same in training, evaluation and deployment."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from motion.errors import ShapeError, UnknownNameError, require
from policies.base import Policy

_BLOCK = 16
"""Rows per pass through the network. A fixed number: matrix products of another size may round differently, and an
episode must not depend on how many others run beside it."""


class PolicyActor:
    """Acts by a policy. It remembers the newest looks where the policy is shown several, and nothing else.

    Args:
        policy: e.g. from `load_policy`.
        execute_n: how many actions of each chunk are carried out before the next look.
        name: for reports; the policy's own where empty.

    Raises:
        ShapeError: `execute_n` is not in 1..chunk_n.
    """

    def __init__(self, policy: Policy, execute_n: int = 1, name: str = "") -> None:
        chunk_n = policy.spec.chunk_n
        require(1 <= execute_n <= chunk_n, ShapeError, f"execute_n is {execute_n}; the policy predicts chunks of {chunk_n}: 1..{chunk_n}.")
        self.policy, self.execute_n, self.name = policy.eval(), execute_n, name or policy.name
        self._looks: Tensor | None = None

    def reset(self, episodes: int) -> None:
        """Begin `episodes` parallel episodes: what was seen before is forgotten."""
        self._looks = None

    def watch(self, observation: Mapping[str, np.ndarray]) -> None:
        """See a period in which nothing is asked, as a chunk is being carried out; see `act`."""
        if self.policy.config.history_n > 1:
            self._looked(self._checked(observation))

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Joint-position targets (N, H, J), rad, float64, from observations (N, ...).

        Raises:
            UnknownNameError: an observation that the policy reads is not there.
            ShapeError: an observation of another shape.
        """
        tensors = self._checked(observation)
        with torch.inference_mode():
            inputs, anchor = self._looked(tensors), self.policy.anchor_rad(tensors)
            offset = torch.cat([_in_block(self.policy, rows) for rows in torch.split(inputs, _BLOCK)])
            return (anchor + offset.double()).numpy()

    def _looked(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """The newest T looks (N, T, F); before an episode's first look that one is repeated."""
        with torch.inference_mode():
            newest = self.policy.inputs(tensors).float()[:, None]
            history_n = self.policy.config.history_n
            if history_n == 1:
                return newest
            before = newest.expand(-1, history_n, -1) if self._looks is None else self._looks
            require(len(before) == len(newest), ShapeError, f"{len(newest)} episodes were seen, {len(before)} before; begin anew by reset.")
            self._looks = torch.cat([before[:, 1:], newest], dim=1)
            return self._looks

    def _checked(self, observation: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
        tensors = {}
        for name, shape in self.policy.spec.observations:
            if name not in observation:
                raise UnknownNameError("observation", name, observation, f"what policy {self.name!r} was given")
            array = np.array(observation[name], np.float64)  # a copy: what an environment hands out may be read-only
            require(
                array.ndim == len(shape) + 1 and array.shape[1:] == shape,
                ShapeError,
                f"observation {name!r} is {array.shape}; policy {self.name!r} was trained on (N, {', '.join(map(str, shape))}).",
            )
            tensors[name] = torch.from_numpy(array)
        counts = {name: len(tensor) for name, tensor in tensors.items()}
        require(len(set(counts.values())) == 1, ShapeError, f"observations differ in their number of episodes: {counts}.")
        return tensors


def _in_block(policy: Policy, rows: Tensor) -> Tensor:
    padded = torch.cat([rows, rows.new_zeros(_BLOCK - len(rows), *rows.shape[1:])])
    return policy.predict(padded)[: len(rows)]
