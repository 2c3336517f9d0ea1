"""Self-distance: two links that come nearer to each other than a margin are pushed apart. Residual: what is missing, in m.

Its derivative is that of the gap between the nearest points along their normal (envelope theorem): the points may be
taken as fixed in their links.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from motion.transform import Array
from retarget.terms.base import Normal
from retarget.terms.compiled import accumulate, add_point_jacobian, point_of, touched_by
from robots.collision import SelfCollision
from robots.kinematics import LinkStates

_TOLERATED_M = 0.0015
"""Depth below which an overlap does not count."""
_APART_M = 0.01
"""Pairs that seem further apart than this beyond their margin need not be measured anew."""


@njit(cache=True)
def distance_row(columns, start, support, factor, first, second, touched, witness, margin, residual, jacobian):  # type: ignore[no-untyped-def]
    """Fill residual (3,) and Jacobian (N, 3) of one pair; only the first component counts."""
    residual[:] = 0.0
    residual[0] = max(0.0, margin - witness[0])
    add_point_jacobian(columns, support, factor, start[first], start[first + 1], witness[1:4], 1.0, jacobian)
    add_point_jacobian(columns, support, factor, start[second], start[second + 1], witness[4:7], -1.0, jacobian)
    for n in touched:
        jacobian[n, 0] = witness[7] * jacobian[n, 0] + witness[8] * jacobian[n, 1] + witness[9] * jacobian[n, 2]
        jacobian[n, 1] = jacobian[n, 2] = 0.0


@njit(cache=True)
def add_distance_rows(  # type: ignore[no-untyped-def]
    columns, start, support, factor, link, pairs, near, witness, margin, weight, row_start, touched, hessian, gradient, cost
):
    """Add the pairs in `near` (K, 2), rows (slot, pair), to the normal equations of their frames."""
    jacobian, residual = np.zeros((hessian.shape[1], 3)), np.empty(3)
    for k in range(len(near)):
        if witness[k, 0] < margin[near[k, 1]]:
            s, p = near[k, 0], near[k, 1]
            own = touched[row_start[p] : row_start[p + 1]]
            first, second = link[pairs[p, 0]], link[pairs[p, 1]]
            distance_row(columns[s], start, support, factor, first, second, own, witness[k], margin[p], residual, jacobian)
            cost[s] += accumulate(residual, jacobian, own, weight, hessian[s], gradient[s])


@njit(cache=True)
def fixed_in_links(placement, link, pairs, near, witness):  # type: ignore[no-untyped-def]
    """(K, 6) the nearest points of each pair in their links' frames."""
    out = np.empty((len(near), 6))
    for k in range(len(near)):
        for end in range(2):
            m = placement[near[k, 0], link[pairs[near[k, 1], end]]]
            for j in range(3):
                out[k, 3 * end + j] = 0.0
                for i in range(3):
                    out[k, 3 * end + j] += m[3 * j + i] * (witness[k, 1 + 3 * end + i] - m[9 + i])
    return out


@njit(cache=True)
def carried_along(placement, link, pairs, near, local, witness):  # type: ignore[no-untyped-def]
    """(K, 10) witnesses after links moved a little: the points are carried along, and the gap is taken along the old normal."""
    out = witness.copy()
    for k in range(len(near)):
        gap = 0.0
        for end in range(2):
            point_of(
                placement[near[k, 0], link[pairs[near[k, 1], end]]], local[k, 3 * end : 3 * end + 3], out[k, 1 + 3 * end : 4 + 3 * end]
            )
        for i in range(3):
            gap += witness[k, 7 + i] * (out[k, 4 + i] - out[k, 1 + i])
        out[k, 0] = gap
    return out


class SelfDistance:
    """Links of one robot keep `margin_m` from each other; `weight` per m.

    A clip is evaluated again and again while it moves little: nearest points are carried along with their links, which is
    right to first order, and pairs that were far apart are passed over, until `refresh` asks for another measurement.
    """

    def __init__(self, states: LinkStates, collision: SelfCollision, weight: float, margin_m: float) -> None:
        proxies = collision.proxies
        self.proxies, self.weight = proxies, weight
        # Links that are closer than the margin when the robot stands at ease are left as close.
        self.margin_m = np.minimum(margin_m, np.maximum(collision.rest_m, -_TOLERATED_M))
        self._link = np.array([states.links.index(name) for name in proxies.links], np.int64)
        links = self._link[proxies.pairs] if len(proxies.pairs) else np.zeros((0, 2), np.int64)
        self._row_start, self._touched = touched_by(states.start, states.support, links)
        self._for: tuple[int, int] | None = None
        self._stale = False
        self._near, self._local, self._witness = np.zeros((0, 2), np.int64), np.zeros((0, 6)), np.zeros((0, 10))

    def refresh(self) -> None:
        """Measure anew when next evaluated."""
        self._stale = True

    def _measured(self, states: LinkStates, first: int) -> tuple[np.ndarray, Array]:
        """Near pairs (K, 2) as rows (slot, pair), and their witnesses (K, 10)."""
        clip, placement = (first, len(states.placement)), states.placement
        again = clip == self._for and len(placement) > 1
        if again:
            carried = carried_along(placement, self._link, self.proxies.pairs, self._near, self._local, self._witness)
            if not self._stale:
                return self._near, carried
        near = self.proxies.near(placement, self._link, self.margin_m)
        witness = self._remeasured(placement, near, carried) if again else self.proxies.measure(placement, self._link, near)
        self._near, self._witness, self._for, self._stale = near, witness, clip, False
        self._local = fixed_in_links(placement, self._link, self.proxies.pairs, near, witness)
        return near, witness

    def _remeasured(self, placement: Array, near: np.ndarray, carried: Array) -> Array:
        """(K, 10) witnesses of near pairs: those that were well apart, and still seem to be, keep what was carried along."""
        count = len(self.proxies.pairs)
        old, new = self._near @ [count, 1], near @ [count, 1]
        at = np.minimum(np.searchsorted(old, new), max(len(old) - 1, 0))
        known = old[at] == new if len(old) else np.zeros(len(new), bool)
        witness = np.empty((len(near), 10))
        witness[known] = carried[at[known]]
        apart = known & (witness[:, 0] > self.margin_m[near[:, 1]] + _APART_M)
        witness[~apart] = self.proxies.measure(placement, self._link, near[~apart])
        return witness

    def add(self, states: LinkStates, first: int, normal: Normal) -> None:
        """As Term.add."""
        near, witness = self._measured(states, first)
        add_distance_rows(
            states.columns,
            states.start,
            states.support,
            states.factor,
            self._link,
            self.proxies.pairs,
            near,
            witness,
            self.margin_m,
            self.weight,
            self._row_start,
            self._touched,
            normal.hessian,
            normal.gradient,
            normal.cost,
        )

    def rows(self, states: LinkStates, slot: int, frame: int) -> tuple[Array, Array]:
        """As Term.rows; one row per pair that is near, in the order of the pairs."""
        placement = states.placement[slot : slot + 1]
        near = self.proxies.near(placement, self._link, self.margin_m)
        witness = self.proxies.measure(placement, self._link, near)
        residual, jacobian = np.zeros((len(near), 3)), np.zeros((len(near), states.tangent_size, 3))
        for k, pair in enumerate(near[:, 1]):
            first, second = self._link[self.proxies.pairs[pair]]
            touched = self._touched[self._row_start[pair] : self._row_start[pair + 1]]
            kinematic = (states.columns[slot], states.start, states.support, states.factor)
            distance_row(*kinematic, first, second, touched, witness[k], self.margin_m[pair], residual[k], jacobian[k])
        return residual, jacobian
