"""One size and one shape of hand for a film."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import MotionError
from motion.landmarks import hand_landmarks
from motion.segments import segment_frame
from motion.transform import matrix_from_wxyz
from retarget.video.hands.hand_size import FINGER_POINTS, PALM_POINTS, average_shape, hand_axes, hand_length, hand_shape
from tests.retarget.video.made_hands import hand, still, track

BEND = np.linspace(0.0, 1.0, 40)
TURN = np.stack([np.linspace(-0.5, 0.5, 40), np.linspace(0.4, -0.4, 40), np.zeros(40)], axis=1)


@pytest.mark.parametrize("side", ["left", "right"])
def test_axes_are_those_of_the_segment(side: str) -> None:
    points = hand(side, still((0.1, 0.1, 0.5), 40), TURN, BEND)
    names = hand_landmarks(side)
    wxyz, _ = segment_frame(f"{side}_hand", lambda name: points[:, names.index(name)])
    np.testing.assert_allclose(hand_axes(points), matrix_from_wxyz(wxyz), atol=1e-9)


def test_stated_comes_before_stature_comes_before_estimate() -> None:
    tracks = {"right": track("right", hand("right", still((0.0, 0.1, 0.5), 40)))}
    assert hand_length(tracks, 0.2, 1.8) == (0.2, "stated")
    length, words = hand_length(tracks, None, 1.8)
    assert length == pytest.approx(0.108 * 1.8)
    assert "1.8 m" in words
    length, words = hand_length(tracks)
    assert 0.187 < length < 0.19  # between people's mean and the detector's 0.19
    assert "40 frames" in words
    assert "give or take" in words
    assert hand_length({})[0] == pytest.approx(0.187)


@pytest.mark.parametrize("stated", [{"stated_m": 19.0}, {"stated_m": float("nan")}, {"stature_m": 178.0}])
def test_lengths_of_nobody_are_refused(stated: dict[str, float]) -> None:
    with pytest.raises(MotionError, match="in metres"):
        hand_length({}, **stated)


def test_shape_is_scaled_to_the_length_whatever_the_detector_breathes() -> None:
    points = hand("left", still((0.0, 0.1, 0.5), 40), TURN, BEND)
    seen = track("left", points)
    breathing = seen.relative_m * np.linspace(0.7, 1.3, 40)[:, None, None]
    shape = hand_shape({"left": type(seen)(**{**vars(seen), "relative_m": breathing})}, 0.18, "stated")
    assert np.linalg.norm(shape.palm_m[3]) + shape.bones_m[2].sum() == pytest.approx(0.18)
    expected = average_shape(0.18, "stated")  # the hand was made from it
    np.testing.assert_allclose(shape.palm_m, expected.palm_m, atol=1e-9)
    np.testing.assert_allclose(shape.bones_m, expected.bones_m, atol=1e-9)


def test_both_hands_count_for_one_shape_and_odd_bones_are_taken_over_in_part() -> None:
    points = hand("right", still((0.0, 0.1, 0.5), 40), TURN, BEND)
    stretched = points.copy()
    stretched[:, 8] += 0.5 * (points[:, 8] - points[:, 7])  # the index finger's last bone, half as long again
    shape = hand_shape({"right": track("right", stretched)}, 0.19, "stated")
    average = average_shape(0.19, "stated").bones_m[1, 2]
    assert 1.3 * average < shape.bones_m[1, 2] < 1.5 * average


def test_no_hands_give_the_average_hand() -> None:
    np.testing.assert_array_equal(hand_shape({}, 0.19, "stated").palm_m, average_shape(0.19, "stated").palm_m)


def test_points_of_palm_and_fingers_are_all_of_the_hand() -> None:
    assert sorted({*PALM_POINTS, *(point for chain in FINGER_POINTS for point in chain)}) == list(range(21))
