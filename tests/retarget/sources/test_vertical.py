"""The vertical axis: a body that lies is asked about, one far above zero is doubted, and what is stated counts."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import FileFormatError
from retarget.reading.normalise import detect_world
from tests.motion.bodies import standing_points


def points(turn: list[list[float]], lift_m: float = 0.0) -> dict[str, np.ndarray]:
    """The stick person over two frames, turned and then lifted along z."""
    return {name: np.tile(np.array(turn) @ point + [0, 0, lift_m], (2, 1)) for name, point in standing_points().items()}


_LYING_ALONG_X = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]


def test_nobody_stands_along_x() -> None:
    with pytest.raises(FileFormatError, match=r"clip: the body stands along x.*lies or crawls.*source\.up="):
        detect_world(points(_LYING_ALONG_X), "clip")
    world = detect_world(points(_LYING_ALONG_X), "clip", up="z")
    assert world.words["up"] == "z (stated)"
    np.testing.assert_array_equal(world.rotation, np.eye(3))
    assert detect_world(points(_LYING_ALONG_X), "clip", format_up="x").words["up"] == "x (by the format)"


def test_a_floor_far_from_zero_is_said() -> None:
    assert detect_world(points(np.eye(3).tolist()), "clip").words["up"] == "z (detected)"
    doubted = detect_world(points(np.eye(3).tolist(), lift_m=2.0), "clip").words["up"]
    assert doubted.startswith("z (detected; its lowest point lies 2.00 m from zero: state source.up=")
