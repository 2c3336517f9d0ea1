"""Compiled pieces that all terms share: points on links, their Jacobians, and sums of weighted squares.

A row of a term is up to three scalar residuals r with Jacobian J; a term adds J'J to a frame's Hessian (lower triangle)
and J'r to its gradient. Rows touch few entries of the tangent vector, and only those are visited.
"""

from __future__ import annotations

import numpy as np

from motion.compiled import compiled
from motion.transform import Array


@compiled
def point_of(placement: Array, offset: Array, out: Array) -> None:
    """World position (3,) of a point at `offset` (3,) in a link of `placement` (12,)."""
    for i in range(3):
        out[i] = placement[9 + i] + placement[i] * offset[0] + placement[3 + i] * offset[1] + placement[6 + i] * offset[2]


@compiled
def add_point_jacobian(columns: Array, support: Array, factor: Array, start: int, end: int, point: Array, scale: float, out: Array) -> None:
    """Add scale * d(point)/d(tangent) to `out` (N, 3); the point is fixed in the link whose entries are start..end."""
    x, y, z = point[0], point[1], point[2]
    for e in range(start, end):
        c, n, f = support[e, 0], support[e, 1], factor[e] * scale
        wx, wy, wz = columns[c, 3], columns[c, 4], columns[c, 5]
        out[n, 0] += f * (columns[c, 0] + wy * z - wz * y)
        out[n, 1] += f * (columns[c, 1] + wz * x - wx * z)
        out[n, 2] += f * (columns[c, 2] + wx * y - wy * x)


@compiled
def accumulate(residual: Array, jacobian: Array, touched: Array, weight: float, hessian: Array, gradient: Array) -> float:
    """Add one row of three residuals, weighted, to a frame's normal equations, and empty the Jacobian again.

    Args:
        residual, jacobian: (3,) and (N, 3), unweighted.
        touched: (k,) rising entries of the tangent vector that the row depends on.
        weight: of the residual; its square goes into the sums.
        hessian, gradient: (N, N), lower triangle, and (N,).

    Returns:
        The weighted squared residual.
    """
    square = weight * weight
    for a in range(len(touched)):
        n = touched[a]
        x, y, z = square * jacobian[n, 0], square * jacobian[n, 1], square * jacobian[n, 2]
        gradient[n] += x * residual[0] + y * residual[1] + z * residual[2]
        for b in range(a + 1):
            m = touched[b]
            hessian[n, m] += x * jacobian[m, 0] + y * jacobian[m, 1] + z * jacobian[m, 2]
    for a in range(len(touched)):
        n = touched[a]
        jacobian[n, 0] = jacobian[n, 1] = jacobian[n, 2] = 0.0
    return square * (residual[0] ** 2 + residual[1] ** 2 + residual[2] ** 2)


def touched_by(start: np.ndarray, support: np.ndarray, links: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which entries of the tangent vector each row depends on, as (R + 1,) starts into (K,) rising entries.

    Args:
        start, support: of LinkStates.
        links: (R, k) links of each row; -1 for none.
    """
    moves = np.zeros((len(start), support[:, 1].max(initial=-1) + 1), bool)  # the last row, for -1, moves nothing
    moves[np.repeat(np.arange(len(start) - 1), np.diff(start)), support[:, 1]] = True
    rows = moves[links].any(axis=1)
    return np.cumsum([0, *rows.sum(axis=1)]), np.nonzero(rows)[1].astype(np.int64)
