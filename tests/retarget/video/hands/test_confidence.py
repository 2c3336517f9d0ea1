"""Confidence falls with everything that goes wrong, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from motion.transform import Array
from retarget.video.hands.confidence import blurred, by_ambiguity, by_blur, by_border, by_reprojection, by_score, hand_confidence
from retarget.video.seen import PictureStats
from tests.retarget.video.made_hands import CAMERA, SIZE, hand, still

IMAGE = CAMERA.project(hand("right", still((0.0, 0.1, 0.5), 1)))


@pytest.mark.parametrize(
    ("factor", "worse_to_better"),
    [
        (by_score, [0.0, 0.3, 0.9, 1.0]),
        (by_reprojection, [0.5, 0.1, 0.02, 0.0]),
        (by_border, [-0.1, 0.05, 0.1, 0.3]),
        (by_blur, [0.01, 0.2, 0.7, 1.0]),
        (by_ambiguity, [0.0, 1.0, 3.0, np.inf]),
    ],
)
def test_each_factor_rises_from_low_to_one(factor: Callable[[Array], Array], worse_to_better: list[float]) -> None:
    values = factor(np.array(worse_to_better))
    assert (np.diff(values) > 0).all()
    assert values[0] <= 0.5
    assert values[-1] == pytest.approx(1.0)


def test_halves_are_where_the_constants_say() -> None:
    assert by_reprojection(np.array(0.06)) == pytest.approx(0.5)
    assert by_blur(np.array(0.2)) == pytest.approx(0.5)
    assert by_ambiguity(np.array(0.0)) == pytest.approx(0.5)


def _confidence(image: Array = IMAGE, off: float = 0.0, score: float = 1.0, margin: float = np.inf) -> Array:
    return hand_confidence(np.array([score]), image, np.full((1, 21), off), SIZE, np.array([margin]))[0]


def test_a_clear_hand_is_believed_and_factors_multiply() -> None:
    np.testing.assert_allclose(_confidence(), 1.0)
    np.testing.assert_allclose(_confidence(score=0.8, margin=0.0), 0.4)


def test_only_the_points_at_the_border_lose() -> None:
    moved = IMAGE - [0.0, IMAGE[..., 1].min() + 5.0]  # fingertips stick out of the picture
    found = _confidence(moved)
    assert found[12] < 0.5
    assert found[0] == pytest.approx(1.0)


def test_unseen_is_nothing() -> None:
    assert (_confidence(np.full((1, 21, 2), np.nan), np.nan) == 0).all()


def test_a_blurred_picture_is_believed_less_whatever_the_film_is_sharp() -> None:
    for sharp in (1e-4, 1.0):
        sharpness = np.array([sharp, sharp, 0.2 * sharp, sharp, 2 * sharp])
        stats = PictureStats(np.arange(5.0), np.full(5, 0.5), sharpness, np.r_[np.nan, np.full(4, 0.1)])
        np.testing.assert_allclose(blurred(np.ones((5, 21)), stats)[:, 0], [1, 1, 0.5, 1, 1])


def test_a_film_of_one_grey_says_nothing_of_blur() -> None:
    stats = PictureStats(np.arange(3.0), np.full(3, 0.5), np.zeros(3), np.zeros(3))
    np.testing.assert_array_equal(blurred(np.full((3, 21), 0.7), stats), 0.7)
