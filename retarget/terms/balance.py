"""Balance: the centre of mass stays over what stands, in m. The way, on the floor, from the standing soles' hull to it.

It holds for slow movement; a walking person is out of balance all the time. Off unless asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from motion.transform import Array
from retarget.terms.base import Normal
from robots.kinematics import LinkStates, Loads

_STANDS = 0.25


@dataclass(frozen=True)
class Balance:
    """Corners of soles that stand: places `place_m` (T, C, 3), `strength` (T, C) 0..1; `weight` per m."""

    loads: Loads
    place_m: Array
    strength: Array
    weight: float

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """As Term.add."""
        for slot in range(len(states.q)):
            residual, jacobian = (part[0] for part in self.rows(states, slot, first + slot))
            if residual.any():
                square = self.weight**2
                normal.hessian[slot] += square * np.tril(jacobian @ jacobian.T)
                normal.gradient[slot] += square * jacobian @ residual
                normal.cost[slot] += square * residual @ residual

    def rows(self, states: LinkStates, slot: int, frame: int) -> tuple[Array, Array]:
        """As Term.rows."""
        stands = self.strength[frame] > _STANDS
        residual, jacobian = np.zeros((1, 3)), np.zeros((1, states.tangent_size, 3))
        if stands.sum() >= 3:
            centre, slope = self.loads.centre_of_mass(states.q[slot])
            way, along = _outside(centre[:2], self.place_m[frame, stands, :2])
            residual[0, :2], jacobian[0, :, :2] = way, (along @ slope[:2]).T
        return residual, jacobian


def _outside(point: Array, corners: Array) -> tuple[Array, Array]:
    """Vector (2,) from the nearest point of the corners' hull to a point, 0 within, and its derivative (2, 2) by the point."""
    try:
        hull = ConvexHull(corners)
    except QhullError:  # all on one line: nothing to stand over
        return np.zeros(2), np.zeros((2, 2))
    if (hull.equations[:, :2] @ point + hull.equations[:, 2] <= 0).all():
        return np.zeros(2), np.zeros((2, 2))
    ring = corners[hull.vertices]
    edges = np.roll(ring, -1, axis=0) - ring
    share = np.clip(((point - ring) * edges).sum(1) / (edges**2).sum(1), 0, 1)
    ways = point - ring - share[:, None] * edges
    nearest = int(np.argmin((ways**2).sum(1)))
    if 0 < share[nearest] < 1:
        across = ways[nearest] / np.linalg.norm(ways[nearest])
        return ways[nearest], np.outer(across, across)
    return ways[nearest], np.eye(2)
