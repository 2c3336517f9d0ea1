"""What acts by chunks, whatever computes them: PyTorch, or an exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from motion.errors import ShapeError, require
from motion.transform import Array
from policies.observed import dtype_of, fitted
from policies.spec import PolicySpec

Looks = np.ndarray
"""float32 (N, F), or (N, T, F): what a network is fed of one look, or of T in a row."""


class Predictor(Protocol):
    """A policy as two pure functions of arrays.

    Attributes:
        spec: what it was made for.
        history_n: T, looks in a row that it is shown.
        name: the policy's.
    """

    spec: PolicySpec
    history_n: int
    name: str

    def read(self, observation: Mapping[str, Array]) -> tuple[Looks, Array]:
        """One look (N, F), and what its actions are counted from, (N, H or 1, A), rad, of checked observations (N, ...)."""
        ...

    def predict(self, looks: Looks) -> Array:
        """Offsets (N, H, A), rad, from looks (N, T, F); each row by itself."""
        ...


def checked(spec: PolicySpec, observation: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Copies of the observations that policy `name` reads, as `policies.observed.fitted` makes them."""
    return fitted(spec, observation, f"what policy {name!r} was given")


def blank(spec: PolicySpec) -> dict[str, np.ndarray]:
    """Observations (1, ...) of nothing."""
    return {name: np.zeros((1, *shape), dtype_of(name)) for name, shape in spec.observations}


class Memory:
    """The newest T looks; before an episode's first look that one is repeated."""

    def __init__(self, history_n: int) -> None:
        self.history_n = history_n
        self.clear()

    def clear(self) -> None:
        """Forget what was seen."""
        self._looks: Looks | None = None

    def see(self, newest: Looks) -> Looks:
        """Looks (N, T, F) that end with the newest (N, F).

        Raises:
            ShapeError: of another number of episodes than before.
        """
        if self.history_n == 1:
            return newest[:, None]
        before = np.repeat(newest[:, None], self.history_n, axis=1) if self._looks is None else self._looks
        require(len(before) == len(newest), ShapeError, f"{len(newest)} episodes were seen, {len(before)} before; begin anew by reset.")
        self._looks = np.concatenate([before[:, 1:], newest[:, None]], axis=1)
        return self._looks
