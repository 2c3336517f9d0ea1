"""Frame orientation: the rotation vector, in the world, from the wanted orientation to the link's own, in rad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.compiled import compiled
from motion.transform import Array
from retarget.terms.base import Normal
from retarget.terms.compiled import accumulate, touched_by
from robots.kinematics import LinkStates

_SMALL_RAD = 1e-5


@compiled
def rotation_vector(placement, wanted, out):  # type: ignore[no-untyped-def]
    """log of (link's rotation) * (wanted rotation)', by way of the quaternion; returns the angle."""
    m = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            m[i, j] = placement[i] * wanted[j, 0] + placement[3 + i] * wanted[j, 1] + placement[6 + i] * wanted[j, 2]
    # The largest of the four squared components keeps the division well away from zero.
    squares = np.array(
        [1 + m[0, 0] + m[1, 1] + m[2, 2], 1 + m[0, 0] - m[1, 1] - m[2, 2], 1 - m[0, 0] + m[1, 1] - m[2, 2], 1 - m[0, 0] - m[1, 1] + m[2, 2]]
    )
    big = np.argmax(squares)
    q = np.empty(4)
    d = 2 * np.sqrt(squares[big])
    q[big] = d / 4
    if big == 0:
        q[1], q[2], q[3] = (m[2, 1] - m[1, 2]) / d, (m[0, 2] - m[2, 0]) / d, (m[1, 0] - m[0, 1]) / d
    elif big == 1:
        q[0], q[2], q[3] = (m[2, 1] - m[1, 2]) / d, (m[0, 1] + m[1, 0]) / d, (m[0, 2] + m[2, 0]) / d
    elif big == 2:
        q[0], q[1], q[3] = (m[0, 2] - m[2, 0]) / d, (m[0, 1] + m[1, 0]) / d, (m[1, 2] + m[2, 1]) / d
    else:
        q[0], q[1], q[2] = (m[1, 0] - m[0, 1]) / d, (m[0, 2] + m[2, 0]) / d, (m[1, 2] + m[2, 1]) / d
    if q[0] < 0:
        q = -q
    sine = np.sqrt(q[1] ** 2 + q[2] ** 2 + q[3] ** 2)
    angle = 2 * np.arctan2(sine, q[0])
    scale = angle / sine if sine > _SMALL_RAD else 2.0
    for i in range(3):
        out[i] = scale * q[1 + i]
    return angle


@compiled
def orientation_row(placement, columns, start, support, factor, link, wanted, residual, jacobian):  # type: ignore[no-untyped-def]
    """Fill residual (3,) and add to the Jacobian (N, 3) of one link.

    The Jacobian of the rotation vector r by the angular velocity is the inverse left Jacobian of SO(3),
    I - [r]/2 + k [r]^2. Source: Barfoot, State Estimation for Robotics, eq. 7.77.
    """
    angle = rotation_vector(placement[link], wanted, residual)
    x, y, z = residual[0], residual[1], residual[2]
    k = 1 / 12 if angle < 1e-3 else (1 - angle / 2 / np.tan(angle / 2)) / angle**2
    dot = x * x + y * y + z * z
    for e in range(start[link], start[link + 1]):
        c, n, f = support[e, 0], support[e, 1], factor[e]
        wx, wy, wz = columns[c, 3], columns[c, 4], columns[c, 5]
        along = k * (x * wx + y * wy + z * wz)
        stay = 1 - k * dot
        jacobian[n, 0] += f * (stay * wx - 0.5 * (y * wz - z * wy) + along * x)
        jacobian[n, 1] += f * (stay * wy - 0.5 * (z * wx - x * wz) + along * y)
        jacobian[n, 2] += f * (stay * wz - 0.5 * (x * wy - y * wx) + along * z)


@compiled
def add_orientation_rows(  # type: ignore[no-untyped-def]
    placement, columns, start, support, factor, links, wanted, weight, row_start, touched, first, hessian, gradient, cost
):
    """Add all rows of all frames to the normal equations."""
    jacobian, residual = np.zeros((hessian.shape[1], 3)), np.empty(3)
    for s in range(placement.shape[0]):
        f = first + s
        for r in range(len(links)):
            if weight[f, r] > 0.0:
                orientation_row(placement[s], columns[s], start, support, factor, links[r], wanted[f, r], residual, jacobian)
                own = touched[row_start[r] : row_start[r + 1]]
                cost[s] += accumulate(residual, jacobian, own, weight[f, r], hessian[s], gradient[s])


@compiled
def orientation_residuals(placement, links, wanted, frames):  # type: ignore[no-untyped-def]
    """(S, O, 3) rotation vectors of all links; slot s of `placement` holds frame frames[s]."""
    out = np.empty((len(placement), len(links), 3))
    for s in range(len(placement)):
        for r in range(len(links)):
            rotation_vector(placement[s, links[r]], wanted[frames[s], r], out[s, r])
    return out


@dataclass(frozen=True)
class FrameOrientation:
    """O links over T frames: `links` (O,) indices of LinkStates, `wanted` (T, O, 3, 3), `weight` (T, O) per rad."""

    links: np.ndarray
    wanted: Array
    weight: Array
    row_start: np.ndarray
    touched: np.ndarray

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """As Term.add."""
        add_orientation_rows(
            *states.arrays,
            self.links,
            self.wanted,
            self.weight,
            self.row_start,
            self.touched,
            first,
            *normal.arrays,
        )

    def residuals(self, states: LinkStates, frames: np.ndarray) -> Array:
        """(S, O, 3) unweighted residuals, slot s holding frame frames[s]."""
        return np.asarray(orientation_residuals(states.placement, self.links, self.wanted, frames))

    def rows(self, states: LinkStates, slot: int, frame: int) -> tuple[Array, Array]:
        """As Term.rows."""
        residual, jacobian = np.empty((len(self.links), 3)), np.zeros((len(self.links), states.tangent_size, 3))
        kinematic = states.at(slot)
        for r, link in enumerate(self.links):
            orientation_row(*kinematic, link, self.wanted[frame, r], residual[r], jacobian[r])
        return residual, jacobian


def frame_orientation(states: LinkStates, links: Sequence[str], wanted: Array, weight: Array) -> FrameOrientation:
    """The term for links named; `wanted` (T, O, 3, 3), `weight` (T, O) per rad."""
    index = np.array([states.links.index(name) for name in links], np.int64)
    row_start, touched = touched_by(states.start, states.support, index[:, None])
    return FrameOrientation(index, np.ascontiguousarray(wanted, float), np.ascontiguousarray(weight, float), row_start, touched)
