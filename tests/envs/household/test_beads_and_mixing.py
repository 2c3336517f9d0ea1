"""Where beads start, what vessel holds them, and how well two kinds of them are mixed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from envs.household.beads import half_layers, layers
from envs.household.mixing import NEIGHBOURS, mixing_index
from motion.errors import ShapeError
from motion.transform import Array

HALVES = np.repeat([0, 1], 10)


def disc(rng: np.random.Generator, count: int = 20, radius_m: float = 0.06) -> Array:
    """Places (count, 3), evenly random in a disc."""
    angle, out = rng.uniform(0, 2 * np.pi, count), radius_m * np.sqrt(rng.uniform(0, 1, count))
    return np.column_stack([out * np.cos(angle), out * np.sin(angle), np.zeros(count)])


def test_two_heaps_far_apart_are_not_mixed_at_all() -> None:
    places = disc(np.random.default_rng(0)) + np.where(HALVES, 0.2, 0.0)[:, None] * [1.0, 0, 0]
    assert mixing_index(places[None], HALVES)[0] == 0.0


def test_kinds_by_chance_are_mixed_on_average() -> None:
    rng = np.random.default_rng(1)
    found = [mixing_index(disc(rng)[None], rng.permutation(HALVES))[0] for _ in range(400)]
    assert np.mean(found) == pytest.approx(1.0, abs=0.02)
    assert np.std(found) < 0.2


def test_a_line_of_four_by_hand() -> None:
    """With 3 neighbours everybody sees everybody: of 3, 2 are of the other kind, which is what chance gives."""
    line = np.column_stack([[0.0, 1.0, 2.0, 3.0], np.zeros(4), np.zeros(4)])
    assert NEIGHBOURS == 3
    assert mixing_index(line[None], np.array([0, 0, 1, 1]))[0] == pytest.approx(1.0)


def test_every_row_is_by_itself() -> None:
    rng = np.random.default_rng(2)
    rows = np.stack([disc(rng) for _ in range(3)])
    assert np.array_equal(mixing_index(rows, HALVES), [mixing_index(row[None], HALVES)[0] for row in rows])


@pytest.mark.parametrize("inner_m", [0.021, 0.023, 0.030, 0.034])
def test_layers_fill_a_vessel_without_overlap(inner_m: float) -> None:
    radius = 0.0055
    places = layers(40, radius, inner_m, 0.004)
    assert len(places) == 40
    assert np.hypot(places[:, 0], places[:, 1]).max() + radius <= inner_m + 1e-9
    assert places[:, 2].min() >= 0.004 + radius
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(places, 2)) > 2 * radius


def test_heaps_lie_apart_in_the_direction_asked_for() -> None:
    places = half_layers(20, 0.011, 0.067, 0.005, np.pi / 2)
    assert places[:10, 1].min() > 0.005
    assert places[10:, 1].max() < -0.005
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(places, 2)) > 0.022
    assert mixing_index(places[None], HALVES)[0] < 0.15


def test_a_layer_that_is_too_small_is_refused() -> None:
    with pytest.raises(ShapeError, match="one layer holds"):
        half_layers(20, 0.02, 0.05, 0.0, 0.0)
