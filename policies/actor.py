"""A loaded policy as an Actor: numpy in, numpy out, the same in training, evaluation and deployment."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from motion.transform import Array
from policies.base import Policy
from policies.deploy.chunk_actor import ChunkActor
from policies.deploy.handover import Handover, usual

_BLOCK = 16
"""Rows per pass through the network. A fixed number: matrix products of another size may round differently, and an
episode must not depend on how many others run beside it."""


class PolicyPredictor:
    """A policy as two functions of arrays (`policies.deploy.predictor.Predictor`), in eval mode, on the CPU."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.spec, self.name = policy.eval(), policy.spec, policy.name
        self.history_n = policy.config.history_n

    def read(self, observation: Mapping[str, Array]) -> tuple[np.ndarray, Array]:
        """One look (N, F), float32, and the anchor (N, H or 1, A), float64."""
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(array) for name, array in observation.items()}
            return self.policy.read(tensors).numpy(), self.policy.anchor_rad(tensors).numpy()

    def predict(self, looks: np.ndarray) -> Array:
        """Offsets (N, H, A), float64, of looks (N, T, F)."""
        with torch.inference_mode():
            parts = torch.split(torch.from_numpy(looks), _BLOCK)
            return torch.cat([_in_block(self.policy, rows) for rows in parts]).double().numpy()


class PolicyActor(ChunkActor):
    """Acts by a policy. It remembers the newest looks where the policy is shown several, and what is committed.

    Args:
        policy: e.g. from `load_policy`.
        execute_n: how many actions of each chunk are carried out before the next look; None: as many as is usual for the policy
            (`Policy.execute_n`), or with `ensemble` 1.
        name: for reports; the policy's own where empty.
        latency_n, blend_n, ensemble: see `Handover`.

    Raises:
        ShapeError: the policy's chunks are too short for that.
    """

    def __init__(
        self,
        policy: Policy,
        execute_n: int | None = None,
        name: str = "",
        latency_n: int = 0,
        blend_n: int = 0,
        ensemble: float | None = None,
    ) -> None:
        self.policy = policy.eval()
        chosen_n = usual(policy.execute_n, ensemble) if execute_n is None else execute_n
        super().__init__(PolicyPredictor(policy), Handover(chosen_n, latency_n, blend_n, ensemble), name)


def _in_block(policy: Policy, rows: Tensor) -> Tensor:
    padded = torch.cat([rows, rows.new_zeros(_BLOCK - len(rows), *rows.shape[1:])])
    return policy.predict(padded)[: len(rows)]
