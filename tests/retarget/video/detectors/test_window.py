from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retarget.video.detectors.same_hand import same, without_doubles
from retarget.video.detectors.window import Frame, lightened
from retarget.video.seen import HandSeen

SIZES = st.tuples(st.integers(64, 4000), st.integers(64, 4000))


def hand(points: np.ndarray, score: float = 0.9) -> HandSeen:
    return HandSeen(points, np.zeros((21, 3)), 0.5, score)


@given(SIZES, st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=4))
def test_windows_lie_in_the_picture_and_hold_their_hands(size: tuple[int, int], corners: list[tuple[float, ...]]) -> None:
    frame = Frame(*size)
    ends = np.array(corners).reshape(-1, 2, 2) * size
    boxes = np.concatenate([ends.min(axis=1), ends.max(axis=1) + 1], axis=1)
    boxes = np.minimum(boxes, [*size, *size])
    window = frame.around(boxes)
    assert (window[:2] >= 0).all()
    assert (window[2:] <= size).all()
    assert (window[2:] > window[:2]).all()
    assert frame.holds(window, boxes)
    assert frame.fits(window, boxes)


@given(SIZES)
def test_tiles_cover_the_picture(size: tuple[int, int]) -> None:
    tiles = Frame(*size).tiles()
    assert tiles[0].tolist() == [0, 0, *size]
    for before, after in pairwise(tiles[1:]):
        assert (after[:2] - before[:2]).max() <= 0.51 * min(size) + 1
    if len(tiles) > 1:
        assert tiles[1][:2].tolist() == [0, 0]
        assert tiles[-1][2:].tolist() == list(size)


def test_small_hand_gets_a_small_window() -> None:
    window = Frame(1920, 1080).around(np.array([[900.0, 500, 1000, 620]]))
    assert (window[2:] - window[:2]).tolist() == [480, 480]
    assert window.tolist() == [710, 320, 1190, 800]


def test_window_that_a_hand_leaves_is_not_kept() -> None:
    frame, window = Frame(1920, 1080), np.array([400, 300, 1000, 900])
    assert frame.holds(window, np.array([[600.0, 500, 700, 600]]))
    assert not frame.holds(window, np.array([[405.0, 500, 505, 600]]))
    assert frame.holds(np.array([0, 300, 600, 900]), np.array([[-5.0, 500, 95, 600]])), "the picture ends there"
    assert not frame.fits(frame.whole, np.array([[900.0, 500, 1000, 600]]))


def test_two_detections_of_one_hand_are_one() -> None:
    points = np.random.default_rng(0).uniform(0, 100, (21, 2))
    shaken = points + np.random.default_rng(1).normal(0, 4, (21, 2))
    assert same(points, shaken)
    kept = without_doubles([hand(points, 0.7), hand(shaken, 0.8), hand(points + 300, 0.6)])
    assert [one.score for one in kept] == [0.8, 0.6]


def test_clasped_hands_stay_two() -> None:
    points = np.random.default_rng(0).uniform(0, 100, (21, 2))
    mirrored = points * [-1, 1] + [110, 0]
    assert len(without_doubles([hand(points), hand(mirrored)])) == 2


@pytest.mark.parametrize(("level", "wanted"), [(200, 200), (160, 160), (100, 230), (20, 100), (0, 0)])
def test_dark_pictures_are_lightened(level: int, wanted: int) -> None:
    """Up to 0.9 of white, but at most fivefold; what is bright enough stays the very same array."""
    rgb = np.full((64, 64, 3), level, np.uint8)
    light = lightened(rgb)
    np.testing.assert_allclose(light, wanted, atol=1)
    assert (light is rgb) == (level >= 160)
