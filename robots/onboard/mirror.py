"""The mirror plane of a body, and which body is which one's mirror image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from robots.onboard.geometry import unit
from robots.onboard.tree import Bodies

_TOLERANCES = (0.012, 0.04)
"""How far mirrored lines may miss each other, over the robot's size: first strictly, then for careless models."""
_GOOD_ENOUGH = 0.6
_SNAP = np.cos(np.radians(8.0))
_GENERATIONS = 3
_NEVER = 9.0


@dataclass(frozen=True)
class Symmetry:
    """A mirror plane `normal @ x = offset_m`, and how well the robot keeps to it.

    Attributes:
        score: 0..1, share of joints that have a mirror image.
        normal: (3,) unit.
        offset_m: distance from the origin.
        partner: (B,) body -> its mirror image (itself on the plane); -1 without one.
    """

    score: float
    normal: Array
    offset_m: float
    partner: Array


def find_symmetry(bodies: Bodies) -> Symmetry | None:
    """The best mirror plane; None where no two branches lie across one."""
    planes = _distinct(bodies)
    best = None
    for tolerance in _TOLERANCES:
        for normal, offset in planes:
            partner = _partners(bodies, normal, offset, tolerance)
            score = _score(bodies, partner)
            if best is None or score > best.score + 1e-6:
                best = Symmetry(score, normal, offset, partner)
        if best is not None and best.score > _GOOD_ENOUGH:
            break
    return best


def _distinct(bodies: Bodies) -> list[tuple[Array, float]]:
    planes: dict[tuple[float, ...], tuple[Array, float]] = {}
    for normal, offset in _candidates(bodies):
        largest = normal[np.abs(np.round(normal, 6)).argmax()]
        normal, offset = normal * np.sign(largest), offset * np.sign(largest)
        planes.setdefault((*np.round(normal, 2) + 0.0, round(offset / bodies.size_m, 2)), (normal, offset))
    return list(planes.values())


def _candidates(bodies: Bodies) -> Iterator[tuple[Array, float]]:
    """Planes halfway between siblings, and between their longest descendants."""
    for siblings in bodies.children:
        for number, a in enumerate(siblings):
            for b in siblings[:number]:
                yield from _between(bodies, a, b)


def _between(bodies: Bodies, a: int, b: int) -> Iterator[tuple[Array, float]]:
    for _ in range(_GENERATIONS):
        gap = bodies.point_m[a] - bodies.point_m[b]
        if np.linalg.norm(gap) > 0.02 * bodies.size_m:
            normal = unit(gap)
            main = int(np.abs(normal).argmax())
            if abs(normal[main]) > _SNAP:
                normal = np.eye(3)[main]
            yield normal, float(normal @ (bodies.point_m[a] + bodies.point_m[b]) / 2)
        if not bodies.children[a] or not bodies.children[b]:
            return
        a, b = (max(bodies.children[body], key=lambda child: bodies.steps[child]) for body in (a, b))


def _partners(bodies: Bodies, normal: Array, offset: float, tolerance: float) -> Array:
    """Mutual best mirror images, comparing the joints' lines: where on its line a joint has its origin is its author's whim."""
    point = bodies.point_m - 2 * (bodies.point_m @ normal - offset)[:, None] * normal
    axis = bodies.axis - 2 * np.outer(bodies.axis @ normal, normal)
    parallel = np.abs(axis @ bodies.axis.T)
    gap = point[:, None] - bodies.point_m[None]
    along = np.abs((gap * bodies.axis[None]).sum(-1))
    miss = np.sqrt(np.maximum((gap**2).sum(-1) - along**2, 0))
    depth = np.abs(bodies.steps[:, None] - bodies.steps[None])
    cost = (miss + 0.3 * along) / bodies.size_m + 0.3 * (1 - parallel) + 0.02 * depth
    cost[(parallel < 0.97) | (miss > tolerance * bodies.size_m) | (along > 0.12 * bodies.size_m)] = _NEVER
    cost[0], cost[:, 0], cost[0, 0] = _NEVER, _NEVER, 0.0
    best = cost.argmin(1)
    mutual = (best[best] == np.arange(len(bodies))) & (cost[np.arange(len(bodies)), best] < _NEVER)
    return np.where(mutual, best, -1)


def _score(bodies: Bodies, partner: Array) -> float:
    """Share of joints with an image; pairs far apart and joints that carry something count fully, finger ends less."""
    here = np.arange(1, len(bodies))
    paired = here[(partner[1:] >= 0) & (partner[1:] != here)]
    apart = np.linalg.norm(bodies.point_m[paired] - bodies.point_m[partner[paired]], axis=1)
    weight = np.minimum(1.0, apart / (0.05 * bodies.size_m)) * np.where(bodies.steps[paired] > 1, 1.0, 0.5)
    return float((weight.sum() + 0.5 * (partner[1:] == here).sum()) / max(len(here), 1))
