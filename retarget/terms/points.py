"""Rows that are linear in points of the robot: scale * (to - from) - wanted. Positions, directions and vectors are such rows."""

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


@compiled
def point_row(  # type: ignore[no-untyped-def]
    placement, columns, start, support, factor, links, geometry, residual, jacobian
):
    """Fill residual (3,), less the wanted vector, and add to the Jacobian (N, 3) of one row."""
    scale, place = geometry[6], np.empty(3)
    residual[:] = 0.0
    for end in range(2):
        link, sign = links[end], scale if end else -scale
        if link >= 0:
            point_of(placement[link], geometry[3 * end : 3 * end + 3], place)
            add_point_jacobian(columns, support, factor, start[link], start[link + 1], place, sign, jacobian)
            for i in range(3):
                residual[i] += sign * place[i]


@compiled
def add_point_rows(  # type: ignore[no-untyped-def]
    placement, columns, start, support, factor, links, geometry, wanted, weight, row_start, touched, first, hessian, gradient, cost
):
    """Add all rows of all frames to the normal equations."""
    jacobian, residual = np.zeros((hessian.shape[1], 3)), np.empty(3)
    for s in range(placement.shape[0]):
        f = first + s
        for r in range(len(links)):
            if weight[f, r] > 0.0:
                point_row(placement[s], columns[s], start, support, factor, links[r], geometry[r], residual, jacobian)
                for i in range(3):
                    residual[i] -= wanted[f, r, i]
                own = touched[row_start[r] : row_start[r + 1]]
                cost[s] += accumulate(residual, jacobian, own, weight[f, r], hessian[s], gradient[s])


@compiled
def point_residuals(placement, links, geometry, wanted, frames):  # type: ignore[no-untyped-def]
    """(S, R, 3) unweighted residuals of all rows; slot s of `placement` holds frame frames[s]."""
    out, place = np.empty((len(placement), len(links), 3)), np.empty(3)
    for s in range(len(placement)):
        for r in range(len(links)):
            for i in range(3):
                out[s, r, i] = -wanted[frames[s], r, i]
            for end in range(2):
                link = links[r, end]
                if link >= 0:
                    point_of(placement[s, link], geometry[r, 3 * end : 3 * end + 3], place)
                    for i in range(3):
                        out[s, r, i] += (geometry[r, 6] if end else -geometry[r, 6]) * place[i]
    return out


@dataclass(frozen=True)
class PointRows:
    """R rows over the T frames of a clip; row r wants scale[r] * (to[r] - start[r]) to be `wanted`.

    Attributes:
        links: (R, 2) from and to, indices of LinkStates; -1 is the world's origin.
        geometry: (R, 7) offsets of from and to in their links (m), scale.
        wanted: (T, R, 3).
        weight: (T, R); 0 where there is nothing to want.
        row_start, touched: entries of the tangent vector that each row depends on.
    """

    links: np.ndarray
    geometry: Array
    wanted: Array
    weight: Array
    row_start: np.ndarray
    touched: np.ndarray

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """As Term.add."""
        add_point_rows(
            *states.arrays,
            self.links,
            self.geometry,
            self.wanted,
            self.weight,
            self.row_start,
            self.touched,
            first,
            *normal.arrays,
        )

    def residuals(self, states: LinkStates, frames: np.ndarray) -> Array:
        """(S, R, 3) unweighted residuals, slot s holding frame frames[s]."""
        return np.asarray(point_residuals(states.placement, self.links, self.geometry, self.wanted, frames))

    def rows(self, states: LinkStates, slot: int, frame: int) -> tuple[Array, Array]:
        """As Term.rows."""
        count = len(self.links)
        residual, jacobian = np.empty((count, 3)), np.zeros((count, states.tangent_size, 3))
        kinematic = states.at(slot)
        for r in range(count):
            point_row(*kinematic, self.links[r], self.geometry[r], residual[r], jacobian[r])
        return residual - self.wanted[frame], jacobian


def point_rows(
    states: LinkStates,
    start: Sequence[FramePoint | None],
    end: Sequence[FramePoint],
    scale: Sequence[float] | Array,
    wanted: Array,
    weight: Array,
) -> PointRows:
    """Rows from points of the robot; None stands for the world's origin.

    Args:
        states: whose links the points lie in.
        start, end: R points each.
        scale: (R,).
        wanted: (T, R, 3).
        weight: (T, R).
    """
    index = {name: k for k, name in enumerate(states.links)}
    links = np.array([[-1 if a is None else index[a.frame], index[b.frame]] for a, b in zip(start, end, strict=True)], int).reshape(-1, 2)
    offsets = [[*(a.offset_m if a else (0.0, 0.0, 0.0)), *b.offset_m, s] for a, b, s in zip(start, end, scale, strict=True)]
    row_start, touched = touched_by(states.start, states.support, links)
    return PointRows(
        links=links,
        geometry=np.array(offsets, float).reshape(-1, 7),
        wanted=np.ascontiguousarray(wanted, float),
        weight=np.ascontiguousarray(weight, float),
        row_start=row_start,
        touched=touched,
    )


def joined(terms: Sequence[PointRows]) -> PointRows:
    """All rows of several terms as one, which one call adds."""
    starts = np.cumsum([0, *(size for term in terms for size in np.diff(term.row_start))])
    return PointRows(
        links=np.concatenate([term.links for term in terms]),
        geometry=np.concatenate([term.geometry for term in terms]),
        wanted=np.concatenate([term.wanted for term in terms], axis=1),
        weight=np.concatenate([term.weight for term in terms], axis=1),
        row_start=starts,
        touched=np.concatenate([term.touched for term in terms]),
    )
