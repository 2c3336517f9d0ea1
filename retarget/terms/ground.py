"""Ground: a point of a sole under the floor is pushed up. One-sided: residual min(0, height), in m, the kink rounded off.

Within a millimetre of the floor the residual is a parabola, so that a solver does not chatter between in and out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.compiled import compiled
from motion.transform import Array
from retarget.terms.base import Normal
from retarget.terms.compiled import accumulate, add_point_jacobian, point_of, touched_by
from robots.kinematics import LinkStates
from robots.robot import FramePoint

_ROUND_M = 1e-3


@compiled
def ground_row(placement, columns, start, support, factor, link, offset, level, residual, jacobian):  # type: ignore[no-untyped-def]
    """Fill residual (3,), of which only z counts, and add to the Jacobian (N, 3); returns whether the point is that low."""
    place = np.empty(3)
    point_of(placement[link], offset, place)
    residual[:] = 0.0
    height, slope = place[2] - level, 1.0
    if height >= _ROUND_M:
        return False
    residual[2] = height
    if height > -_ROUND_M:
        residual[2] = -((_ROUND_M - height) ** 2) / (4 * _ROUND_M)
        slope = (_ROUND_M - height) / (2 * _ROUND_M)
    add_point_jacobian(columns, support, factor, start[link], start[link + 1], place, slope, jacobian)
    for e in range(start[link], start[link + 1]):
        jacobian[support[e, 1], 0] = jacobian[support[e, 1], 1] = 0.0
    return True


@compiled
def add_ground_rows(  # type: ignore[no-untyped-def]
    placement, columns, start, support, factor, links, offset, level, weight, row_start, touched, first, hessian, gradient, cost
):
    """Add all rows of all frames to the normal equations."""
    jacobian, residual = np.zeros((hessian.shape[1], 3)), np.empty(3)
    for s in range(placement.shape[0]):
        for r in range(len(links)):
            low = ground_row(placement[s], columns[s], start, support, factor, links[r], offset[r], level[r], residual, jacobian)
            if low:
                own = touched[row_start[r] : row_start[r + 1]]
                cost[s] += accumulate(residual, jacobian, own, weight, hessian[s], gradient[s])


@dataclass(frozen=True)
class Ground:
    """P points that stay above `level_m` (P,); `weight` per m."""

    links: np.ndarray
    offset_m: Array
    level_m: Array
    weight: float
    row_start: np.ndarray
    touched: np.ndarray

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """As Term.add."""
        add_ground_rows(
            *states.arrays,
            self.links,
            self.offset_m,
            self.level_m,
            self.weight,
            self.row_start,
            self.touched,
            first,
            *normal.arrays,
        )

    def rows(self, states: LinkStates, slot: int, frame: int) -> tuple[Array, Array]:
        """As Term.rows."""
        residual, jacobian = np.empty((len(self.links), 3)), np.zeros((len(self.links), states.tangent_size, 3))
        kinematic = states.at(slot)
        for r, link in enumerate(self.links):
            ground_row(*kinematic, link, self.offset_m[r], self.level_m[r], residual[r], jacobian[r])
        return residual, jacobian


def ground(states: LinkStates, points: Sequence[FramePoint], weight: float, level_m: Array | None = None) -> Ground:
    """The term for points named; the floor is at z = 0 unless `level_m` (P,) says otherwise."""
    links = np.array([states.links.index(point.frame) for point in points], np.int64)
    row_start, touched = touched_by(states.start, states.support, links[:, None])
    offsets = np.array([point.offset_m for point in points], float).reshape(-1, 3)
    return Ground(links, offsets, np.zeros(len(links)) if level_m is None else level_m, weight, row_start, touched)
