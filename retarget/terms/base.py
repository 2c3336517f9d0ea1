"""What a term is. One file per term; every term is a sum of squares of weighted residuals over the frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from motion.transform import Array
from robots.kinematics import LinkStates


@dataclass(frozen=True)
class Normal:
    """Normal equations of S frames, filled by terms: Hessian (S, N, N), lower triangle; gradient (S, N); cost (S,)."""

    hessian: Array
    gradient: Array
    cost: Array

    @classmethod
    def zeros(cls, frames: int, size: int) -> Normal:
        """Empty ones."""
        return cls(np.zeros((frames, size, size)), np.zeros((frames, size)), np.zeros(frames))

    @property
    def arrays(self) -> tuple[Array, Array, Array]:
        """Hessian, gradient, cost: what compiled functions take last."""
        return self.hessian, self.gradient, self.cost

    def clear(self) -> None:
        """Empty them."""
        self.hessian[:] = 0.0
        self.gradient[:] = 0.0
        self.cost[:] = 0.0


class Term(Protocol):
    """Residuals that depend on the kinematics of one frame each.

    Slot s of a LinkStates holds frame first + s of the clip.
    """

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """Add half the squared weighted residuals of every frame to the normal equations; the cost is the whole square."""

    def rows(self, states: LinkStates, slot: int, frame: int) -> tuple[Array, Array]:
        """Unweighted residuals (R, 3) and Jacobians (R, N, 3) of one frame. For looking and testing, not for speed."""
