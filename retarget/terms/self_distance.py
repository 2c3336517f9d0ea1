"""Self-distance: two links that come nearer to each other than a margin are pushed apart. Residual: what is missing, in m.

It sets in as a parabola, so that a solver does not chatter between near and far.
Its derivative is that of the gap between the nearest points along their normal (envelope theorem): the points may be
taken as fixed in their links.
"""

from __future__ import annotations

import numpy as np

from motion.compiled import compiled
from motion.transform import Array
from retarget.terms.base import Normal
from retarget.terms.compiled import accumulate, add_point_jacobian, point_of, touched_by
from robots.collision import SelfCollision
from robots.kinematics import LinkStates

_TOLERATED_M = 0.0015
"""Depth below which an overlap does not count."""
_EASE_M = 0.002
ROUND_M = 0.004
"""Over so much the push sets in."""
_IN_HAND_M = ROUND_M / 4
"""Margin of links of one hand: they may touch, but the push has to be felt by then."""
_STILL_M = 0.003
"""A pair that moved by less than this, or than half of what lies between it and its margin, is not measured anew; a tenth
of this when it is looked at which pairs are near."""


@compiled
def distance_row(columns, start, support, factor, first, second, touched, witness, margin, residual, jacobian):  # type: ignore[no-untyped-def]
    """Fill residual (3,) and Jacobian (N, 3) of one pair; only the first component counts."""
    residual[:] = 0.0
    missing = margin - witness[0]
    if missing <= 0.0:
        return
    slope = min(missing / ROUND_M, 1.0)
    residual[0] = missing * slope / 2 if slope < 1.0 else missing - ROUND_M / 2
    add_point_jacobian(columns, support, factor, start[first], start[first + 1], witness[1:4], slope, jacobian)
    add_point_jacobian(columns, support, factor, start[second], start[second + 1], witness[4:7], -slope, jacobian)
    for n in touched:
        jacobian[n, 0] = witness[7] * jacobian[n, 0] + witness[8] * jacobian[n, 1] + witness[9] * jacobian[n, 2]
        jacobian[n, 1] = jacobian[n, 2] = 0.0


@compiled
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


@compiled
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


@compiled
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

    A clip is evaluated again and again while it moves little: the nearest points of pairs that are well apart are carried
    along with their links, which is right to first order. `refresh` asks for another look at which pairs are near at all.
    """

    def __init__(self, states: LinkStates, collision: SelfCollision, weight: float, margin_m: float) -> None:
        proxies = collision.proxies
        self.proxies, self.weight = proxies, weight
        # Links that are closer than the margin when the robot stands at ease are left as close.
        ease = np.maximum(collision.rest_m - _EASE_M, np.minimum(collision.rest_m, _EASE_M))
        most = np.where(collision.in_hand, min(margin_m, _IN_HAND_M), margin_m)
        self.margin_m = np.minimum(most, np.maximum(ease, -_TOLERATED_M))
        self._link = np.array([states.links.index(name) for name in proxies.links], np.int64)
        links = self._link[proxies.pairs] if len(proxies.pairs) else np.zeros((0, 2), np.int64)
        self._row_start, self._touched = touched_by(states.start, states.support, links)
        self._for: tuple[int, int] | None = None
        self._stale = False
        self._near, self._local, self._witness = np.zeros((0, 2), np.int64), np.zeros((0, 6)), np.zeros((0, 10))

    def refresh(self) -> None:
        """Look anew at what is near when next evaluated."""
        self._stale = True

    def _measured(self, states: LinkStates, first: int) -> tuple[np.ndarray, Array]:
        """Near pairs (K, 2) as rows (slot, pair), and their witnesses (K, 10)."""
        clip, placement = (first, len(states.placement)), states.placement
        live = len(placement) == 1 and self._for is not None and self._for[1] == 1  # a frame is where the one before was
        if clip != self._for and not live:
            self._near, self._witness = np.zeros((0, 2), np.int64), np.zeros((0, 10))
        carried, still = carried_along(placement, self._link, self.proxies.pairs, self._near, self._local, self._witness), _STILL_M
        if clip != self._for or self._stale:
            near = self.proxies.near(placement, self._link, self.margin_m)
            self._witness, carried, still = self._matched(near, self._witness), self._matched(near, carried), _STILL_M / 10
            self._near, self._for, self._stale = near, clip, False
            self._local = fixed_in_links(placement, self._link, self.proxies.pairs, near, carried)
        clearance = carried[:, 0] - self.margin_m[self._near[:, 1]]
        moved = np.linalg.norm((carried - self._witness)[:, 4:7] - (carried - self._witness)[:, 1:4], axis=-1)
        doubtful = np.flatnonzero(~(moved < np.maximum(clearance / 2, still)))
        measured = self.proxies.measure(placement, self._link, self._near[doubtful])
        carried[doubtful] = self._witness[doubtful] = measured
        self._local[doubtful] = fixed_in_links(placement, self._link, self.proxies.pairs, self._near[doubtful], measured)
        return self._near, carried

    def _matched(self, near: np.ndarray, carried: Array) -> Array:
        """(K, 10) witnesses of `near` (K, 2) from those of the pairs that were near before; NaN where a pair is new."""
        key = np.array([len(self.proxies.pairs), 1])
        old, new = self._near @ key, near @ key
        witness = np.full((len(near), 10), np.nan)
        if len(old):
            at = np.minimum(np.searchsorted(old, new), len(old) - 1)
            known = old[at] == new
            witness[known] = carried[at[known]]
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
