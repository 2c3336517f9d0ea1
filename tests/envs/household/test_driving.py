"""What a planar base is told, so that it follows a path."""

from __future__ import annotations

import numpy as np
import pytest

from envs.chores.base import FASTEST_BASE
from envs.household.driving import base_path, base_poses, base_velocity
from motion.handling import stand_at
from motion.transform import Array


def told(wanted: tuple[float, ...], following: tuple[float, ...], seen: tuple[float, ...], back_per_s: float = 4.0) -> Array:
    rows = (np.array([row], float) for row in (wanted, following, seen))
    return base_velocity(*rows, back_per_s)[0]


def test_on_its_path_it_goes_as_the_path_does() -> None:
    """1 cm along the world's y within 20 ms is 0.5 m/s: ahead for a base that looks along y, to the left for one along x."""
    quarter = np.pi / 2
    np.testing.assert_allclose(told((1, 2, quarter), (1, 2.01, quarter), (1, 2, quarter)), [0.5, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(told((1, 2, 0), (1, 2.004, 0.01), (1, 2, 0)), [0.0, 0.2, 0.5], atol=1e-12)


def test_off_its_path_it_comes_back_the_short_way_round() -> None:
    np.testing.assert_allclose(told((0, 0, 0), (0, 0, 0), (-0.05, 0.02, 0)), [0.2, -0.08, 0.0], atol=1e-12)
    np.testing.assert_allclose(told((0, 0, 3.1), (0, 0, 3.1), (0, 0, -3.1))[2], 4.0 * (6.2 - 2 * np.pi), atol=1e-12)


def test_no_more_is_asked_than_a_base_can() -> None:
    np.testing.assert_allclose(told((9, 9, 1), (9, 9, 1), (0, 0, 0)), FASTEST_BASE)


def test_paths_are_read_and_written_the_same() -> None:
    """Yaw goes on beyond half a turn."""
    place = np.column_stack([np.linspace(0, 1, 50), np.linspace(2, 0, 50), np.linspace(0, 7, 50)])
    poses = base_poses(place, 0.8)
    np.testing.assert_allclose(base_path(poses), place, atol=1e-12)
    assert poses.position_m[:, 2] == pytest.approx(0.8)
    np.testing.assert_allclose(base_path(stand_at(place)), place, atol=1e-12)
