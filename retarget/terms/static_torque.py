"""Static torque: no motor has to hold more than it can, as a share of its limit, the weight carried by what stands.

It is what the posture asks for when it is held still; movement adds to it. Off unless asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from retarget.terms.base import Normal
from robots.kinematics import LinkStates, Loads


@dataclass(frozen=True)
class StaticTorque:
    """Corners of soles carry the weight by their `strength` (T, C) 0..1; joints may use `share` of `effort_nm` (J,); `weight`."""

    loads: Loads
    strength: Array
    effort_nm: Array
    share: float
    weight: float

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """As Term.add."""
        for slot in range(len(states.q)):
            residual, jacobian = self.rows(states, slot, first + slot)
            r, slope = residual[:, 0], jacobian[:, :, 0]
            if r.any():
                square = self.weight**2
                normal.hessian[slot] += square * np.tril(slope.T @ slope)
                normal.gradient[slot] += square * r @ slope
                normal.cost[slot] += square * r @ r

    def rows(self, states: LinkStates, slot: int, frame: int) -> tuple[Array, Array]:
        """As Term.rows: one row per joint, of which only the first component counts."""
        joints = len(self.effort_nm)
        residual, jacobian = np.zeros((joints, 3)), np.zeros((joints, states.tangent_size, 3))
        carried = self.strength[frame].sum()
        if carried > 0:  # in the air nothing has to be held
            torque, slope = self.loads.static_torque(states.q[slot], self.strength[frame] / carried)
            use = torque / self.effort_nm
            over = np.maximum(np.abs(use) - self.share, 0.0)
            residual[:, 0] = np.sign(use) * over
            jacobian[:, :, 0] = np.where(over > 0, 1 / self.effort_nm, 0.0)[:, None] * slope
        return residual, jacobian
