"""Ways over a floor: found where there is one, wide enough, and no longer than they have to be."""

from __future__ import annotations

import numpy as np
import pytest

from envs.household.corridor import Floor, leads, shortest
from envs.household.places import Spot
from motion.errors import MotionError

LOW_M, HIGH_M, HALF_M = (-1.0, -2.0), (5.0, 2.0), 0.4
START_M, END_M = (0.0, 0.0), (4.0, 0.0)


def wall(gap_m: float) -> Floor:
    """Posts across the floor at x = 2, with a gap at y = 1."""
    posts = [y for y in np.arange(-2.0, 2.01, 0.1) if abs(y - 1.0) >= gap_m / 2 + 0.1]
    return Floor(LOW_M, HIGH_M, tuple(Spot(2.0, float(y), 0.1) for y in posts))


def length_m(way: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(np.vstack([START_M, way]), axis=0), axis=1).sum())


def test_an_empty_floor_is_crossed_straight() -> None:
    floor = Floor(LOW_M, HIGH_M, ())
    np.testing.assert_allclose(shortest(floor, START_M, END_M, HALF_M), [END_M])


def test_the_way_goes_round_what_stands_there_and_keeps_its_distance() -> None:
    floor = Floor(LOW_M, HIGH_M, (Spot(2.0, 0.1, 0.4),))
    way = shortest(floor, START_M, END_M, HALF_M)
    line = np.vstack([np.linspace(a, b, 50) for a, b in zip(np.vstack([START_M, way[:-1]]), way, strict=True)])
    assert floor.air_m(line).min() > HALF_M - 0.01
    assert 4.0 < length_m(way) < 4.7
    assert way[:-1, 1].max() < 0.0, "it is shorter on this side"


def test_a_gap_leads_through_when_it_is_wide_enough() -> None:
    wide, narrow = wall(1.2), wall(0.6)
    assert leads(wide, START_M, END_M, HALF_M)
    assert not leads(narrow, START_M, END_M, HALF_M)
    assert np.abs(shortest(wide, START_M, END_M, HALF_M) - [2.0, 1.0]).max(axis=1).min() < 0.4
    with pytest.raises(MotionError, match="no way of half width 0.4 m"):
        shortest(narrow, START_M, END_M, HALF_M)


def test_nothing_leads_to_where_something_stands() -> None:
    assert not leads(Floor(LOW_M, HIGH_M, (Spot(*END_M, 0.2),)), START_M, END_M, HALF_M)


def test_places_beside_the_floor_are_refused() -> None:
    with pytest.raises(MotionError, match="not on the floor"):
        leads(Floor(LOW_M, HIGH_M, ()), START_M, (9.0, 0.0), HALF_M)
