"""Ways over a floor with round things on it: whether there is one that is wide enough, and the shortest.

Everything is seen from above, in the counter's frame. The floor is a grid; a way leads from the middle of one cell to that of a
neighbour, and is drawn straight where nothing stands between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import label
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from envs.household.places import Spot
from motion.errors import MotionError, require
from motion.transform import Array

CELL_M = 0.10
_LIKED_M, _DISLIKE = 0.15, 1.5
"""Cells with less air than this beyond what is needed count as longer, by so much at most: ways keep to the middle of gaps."""
_NEIGHBOURS = ((1, 0), (0, 1), (1, 1), (1, -1))


@dataclass(frozen=True)
class Floor:
    """A rectangle of floor with things on it.

    Attributes:
        low_m, high_m: its corners.
        spots: the things.
    """

    low_m: tuple[float, float]
    high_m: tuple[float, float]
    spots: tuple[Spot, ...]

    def air_m(self, points_m: Array) -> Array:
        """(...,) distance of points (..., 2) from the rim of the nearest thing; below 0 inside it."""
        air = np.full(np.shape(points_m)[:-1], np.inf)
        for spot in self.spots:
            air = np.minimum(air, np.hypot(points_m[..., 0] - spot.x_m, points_m[..., 1] - spot.y_m) - spot.radius_m)
        return air

    def cells(self) -> Array:
        """(nx, ny, 2) middles of the grid's cells."""
        x, y = (np.arange(low + CELL_M / 2, high, CELL_M) for low, high in zip(self.low_m, self.high_m, strict=True))
        return np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)

    def cell_of(self, point_m: Sequence[float]) -> tuple[int, int]:
        """Indices of the cell of a point on the floor.

        Raises:
            MotionError: it is not on the floor.
        """
        where = (np.asarray(point_m) - self.low_m) / CELL_M
        size = (np.array(self.high_m) - self.low_m) / CELL_M
        require(
            bool((where >= 0).all() and (where < size).all()), MotionError, f"({point_m[0]:.2f}, {point_m[1]:.2f}) m is not on the floor."
        )
        return int(where[0]), int(where[1])


def leads(floor: Floor, start_m: Sequence[float], end_m: Sequence[float], half_m: float) -> bool:
    """Whether a body of this half width comes from one place to another without touching anything."""
    areas, _ = label(floor.air_m(floor.cells()) > half_m, np.ones((3, 3)))
    start, end = areas[floor.cell_of(start_m)], areas[floor.cell_of(end_m)]
    return bool(start == end and start > 0)


def shortest(floor: Floor, start_m: Sequence[float], end_m: Sequence[float], half_m: float) -> Array:
    """(K, 2) corners of a short way for a body of this half width, without its start and with its end.

    Raises:
        MotionError: there is none.
    """
    cells = floor.cells()
    air = floor.air_m(cells)
    graph = _graph(air, half_m)
    start, end = (int(np.ravel_multi_index(floor.cell_of(place), air.shape)) for place in (start_m, end_m))
    _, before = dijkstra(graph, indices=start, return_predecessors=True)
    way = [end]
    while way[-1] != start:
        way.append(int(before[way[-1]]))
        require(way[-1] >= 0, MotionError, f"no way of half width {half_m:g} m leads to ({end_m[0]:.2f}, {end_m[1]:.2f}) m.")
    points = cells.reshape(-1, 2)[way[::-1]]
    points[0], points[-1] = start_m, end_m
    return _straightened(floor, points, half_m)[1:]


def _graph(air: Array, half_m: float) -> csr_matrix:
    """Neighbouring free cells and the way between them, as long as it is liked."""
    free = air > half_m
    dislike = 1 + _DISLIKE * np.clip(1 - (air - half_m) / _LIKED_M, 0, 1)
    index = np.arange(air.size).reshape(air.shape)
    rows, columns, lengths = [], [], []
    for dx, dy in _NEIGHBOURS:
        here = (slice(0, air.shape[0] - dx), slice(max(-dy, 0), air.shape[1] - max(dy, 0)))
        there = (slice(dx, None), slice(max(dy, 0), air.shape[1] + min(dy, 0)))
        both = free[here] & free[there]
        rows.append(index[here][both])
        columns.append(index[there][both])
        lengths.append(CELL_M * np.hypot(dx, dy) * (dislike[here] + dislike[there])[both] / 2)
    row, column, length = np.concatenate(rows), np.concatenate(columns), np.concatenate(lengths)
    return csr_matrix((np.r_[length, length], (np.r_[row, column], np.r_[column, row])), shape=(air.size, air.size))


def _straightened(floor: Floor, points_m: Array, half_m: float) -> Array:
    """The same way with as few corners as lines of that half width, and a little more, allow."""
    kept, here = [0], 0
    while here < len(points_m) - 1:
        ahead = range(len(points_m) - 1, here, -1)
        here = next((index for index in ahead if index == here + 1 or _clear(floor, points_m[here], points_m[index], half_m)), here + 1)
        kept.append(here)
    return points_m[kept]


def _clear(floor: Floor, start_m: Array, end_m: Array, half_m: float) -> bool:
    count = max(int(np.ceil(np.linalg.norm(end_m - start_m) / (CELL_M / 2))), 1)
    return bool((floor.air_m(start_m + np.linspace(0, 1, count + 1)[:, None] * (end_m - start_m)) > half_m).all())
