"""Edge: points of a robot stay out of what lies beyond a front edge and under a top, as a counter's body does.

A point that is inside is pushed out by the nearer way, up or back. Residual: what is missing, in m; it sets in as a
parabola, so that a solver does not chatter between in and out.
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

_ROUND_M = 4e-3


@dataclass(frozen=True)
class Corner:
    """Where things stand in a robot's way: beyond a front face, and under a top.

    Attributes:
        points: of the robot, that keep out.
        origin_m: (3,) a point of the edge.
        back, up: (3,) unit vectors out of it: towards the robot, and upwards.
        margin_m: that the points keep.
    """

    points: tuple[FramePoint, ...]
    origin_m: Array
    back: Array
    up: Array
    margin_m: float


@compiled
def clearances(place, origin, back, up, margin):  # type: ignore[no-untyped-def]
    """How far a point is behind the front face, and above the top, less the margin."""
    behind, above = -margin, -margin
    for i in range(3):
        behind += (place[i] - origin[i]) * back[i]
        above += (place[i] - origin[i]) * up[i]
    return behind, above


@compiled
def edge_row(  # type: ignore[no-untyped-def]
    placement, columns, start, support, factor, link, offset, origin, back, up, margin, residual, jacobian
):
    """Fill residual (3,), of which only the first counts, and add to the Jacobian (N, 3); returns whether the point is inside."""
    place = np.empty(3)
    residual[:] = 0.0
    point_of(placement[link], offset, place)
    behind, above = clearances(place, origin, back, up, margin)
    if behind >= 0.0 or above >= 0.0:
        return False
    out, missing = (up, -above) if above > behind else (back, -behind)
    slope = min(missing / _ROUND_M, 1.0)
    residual[0] = -missing * slope / 2 if slope < 1.0 else -(missing - _ROUND_M / 2)
    add_point_jacobian(columns, support, factor, start[link], start[link + 1], place, slope, jacobian)
    for e in range(start[link], start[link + 1]):
        n = support[e, 1]
        jacobian[n, 0] = out[0] * jacobian[n, 0] + out[1] * jacobian[n, 1] + out[2] * jacobian[n, 2]
        jacobian[n, 1] = jacobian[n, 2] = 0.0
    return True


@compiled
def add_edge_rows(  # type: ignore[no-untyped-def]
    placement,
    columns,
    start,
    support,
    factor,
    links,
    offset,
    origin,
    back,
    up,
    margin,
    weight,
    row_start,
    touched,
    hessian,
    gradient,
    cost,
):
    """Add all rows of all frames to the normal equations."""
    jacobian, residual, place = np.zeros((hessian.shape[1], 3)), np.empty(3), np.empty(3)
    for s in range(placement.shape[0]):
        for r in range(len(links)):
            point_of(placement[s, links[r]], offset[r], place)
            behind, above = clearances(place, origin, back, up, margin)
            if behind < 0.0 and above < 0.0:  # few are: what follows takes memory of its own
                own = (placement[s], columns[s], start, support, factor, links[r], offset[r])
                edge_row(*own, origin, back, up, margin, residual, jacobian)
                entries = touched[row_start[r] : row_start[r + 1]]
                cost[s] += accumulate(residual, jacobian, entries, weight, hessian[s], gradient[s])


@dataclass(frozen=True)
class Edge:
    """P points that keep out of a corner; `weight` per m."""

    corner: Corner
    links: np.ndarray
    offset_m: Array
    weight: float
    row_start: np.ndarray
    touched: np.ndarray

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """As Term.add."""
        corner = self.corner
        add_edge_rows(
            *states.arrays,
            self.links,
            self.offset_m,
            corner.origin_m,
            corner.back,
            corner.up,
            corner.margin_m,
            self.weight,
            self.row_start,
            self.touched,
            *normal.arrays,
        )

    def rows(self, states: LinkStates, slot: int, frame: int) -> tuple[Array, Array]:
        """As Term.rows."""
        residual, jacobian = np.empty((len(self.links), 3)), np.zeros((len(self.links), states.tangent_size, 3))
        corner, kinematic = self.corner, states.at(slot)
        place = (corner.origin_m, corner.back, corner.up, corner.margin_m)
        for r, link in enumerate(self.links):
            edge_row(*kinematic, link, self.offset_m[r], *place, residual[r], jacobian[r])
        return residual, jacobian


def edge(states: LinkStates, corner: Corner, weight: float) -> Edge:
    """The term of a corner's points."""
    points: Sequence[FramePoint] = corner.points
    links = np.array([states.links.index(point.frame) for point in points], np.int64)
    row_start, touched = touched_by(states.start, states.support, links[:, None])
    return Edge(corner, links, np.array([point.offset_m for point in points], float).reshape(-1, 3), weight, row_start, touched)
