"""Which moment of one track belongs to which of another, on cases worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gap.alignment import warp
from gap.errors import ScoreError


def column(*values: float) -> np.ndarray:
    return np.array(values, float)[:, None]


def test_a_track_belongs_to_itself() -> None:
    found = warp(column(0, 1, 3, 2), column(0, 1, 3, 2))
    assert found.first.tolist() == found.second.tolist() == [0, 1, 2, 3]
    assert found.distance == 0.0


def test_a_pause_is_paired_with_one_moment() -> None:
    """0 1 1 1 2 beside 0 1 2: all three ones belong to the one."""
    found = warp(column(0, 1, 1, 1, 2), column(0, 1, 2))
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2)]
    assert found.second_at().tolist() == [0, 1, 1, 1, 2]


def test_the_distance_is_the_mean_along_the_path() -> None:
    """0 2 beside 0 1 2: the path (0,0) (0,1) (1,2) or (0,0) (1,1) (1,2) costs 0 + 1 + 0 over three pairs."""
    assert warp(column(0, 2), column(0, 1, 2)).distance == pytest.approx(1 / 3)


def test_an_open_end_is_paired_with_the_beginning_that_fits() -> None:
    found = warp(column(0, 1, 2), column(0, 1, 2, 3, 4), open_end=True)
    assert found.second.tolist() == [0, 1, 2]
    assert warp(column(0, 1, 2), column(0, 1, 2, 3, 4)).second[-1] == 4


def test_who_stands_still_does_not_come_on() -> None:
    found = warp(column(0, 1, 1, 1, 1), column(0, 1, 2, 3, 4), open_end=True)
    assert found.second_at().tolist() == [0, 1, 1, 1, 1]


def _least(distances: np.ndarray) -> float:
    """The least sum over all paths, by trying them."""
    rows, columns = distances.shape
    best = np.inf
    for length in range(max(rows, columns) - 1, rows + columns - 1):
        for steps in itertools.product(((1, 0), (0, 1), (1, 1)), repeat=length):
            path = np.vstack([[0, 0], np.cumsum(steps, axis=0)])
            if path[-1].tolist() == [rows - 1, columns - 1] and (path < [rows, columns]).all():
                best = min(best, float(distances[path[:, 0], path[:, 1]].sum()))
    return best


def test_no_path_is_shorter() -> None:
    rng = np.random.default_rng(3)
    for _ in range(6):
        one, other = rng.normal(size=(4, 2)), rng.normal(size=(3, 2))
        found = warp(one, other)
        distances = np.linalg.norm(one[:, None] - other[None], axis=-1)
        assert found.distance * len(found.first) == pytest.approx(_least(distances))
        steps = np.diff(np.stack([found.first, found.second]), axis=1)
        assert ((steps >= 0) & (steps <= 1)).all()
        assert (steps.sum(0) > 0).all()


@pytest.mark.parametrize(
    ("one", "other", "match"),
    [
        (np.zeros((0, 1)), np.zeros((2, 1)), "were wanted"),
        (np.zeros((2, 1)), np.zeros((2, 2)), "were wanted"),
        (np.array([[0.0], [np.nan]]), np.zeros((2, 1)), "not finite"),
        (np.zeros((9000, 1)), np.zeros((9000, 1)), "too many to pair"),
    ],
)
def test_what_cannot_be_paired_is_refused(one: np.ndarray, other: np.ndarray, match: str) -> None:
    with pytest.raises(ScoreError, match=match):
        warp(one, other)
