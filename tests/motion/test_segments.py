"""Segment frames: the documented convention, on a person whose frames are known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from motion.landmarks import LANDMARKS, hand_landmarks, mirror
from motion.segments import BODY_SEGMENTS, SEGMENTS, segment_frame
from motion.transform import Transform, matrix_from_wxyz, so3_exp
from tests.motion.bodies import standing_points

BENT = {"elbow_rad": 0.4, "knee_rad": 0.4}


def frame_of(name: str, points: dict[str, np.ndarray]) -> np.ndarray:
    wxyz, weight = segment_frame(name, lambda landmark: points[landmark][None])
    assert weight[0] > 0.1
    return matrix_from_wxyz(wxyz[0])


def test_the_vocabulary_holds_both_hands_of_21_and_heels_and_toes() -> None:
    assert len(hand_landmarks("left")) == 21
    assert len(set(LANDMARKS)) == len(LANDMARKS)
    assert {"left_heel", "right_toe", "head_top", "left_pinky_tip"} <= set(LANDMARKS)
    assert mirror("left_knee") == "right_knee"
    assert mirror("neck") == "neck"


@pytest.mark.parametrize("name", ["pelvis", "chest", "head", "left_hand", "right_hand", "left_foot", "right_foot", "left_index_middle"])
def test_standing_upright_every_frame_is_the_worlds(name: str) -> None:
    np.testing.assert_allclose(frame_of(name, standing_points()), np.eye(3), atol=0.03)


@pytest.mark.parametrize("side", ["left", "right"])
def test_bent_limbs_turn_about_the_documented_axes(side: str) -> None:
    points = standing_points(**BENT)
    elbow, knee = BENT["elbow_rad"], BENT["knee_rad"]
    about_y = lambda angle: matrix_from_wxyz(so3_exp(np.array([0, angle, 0])))  # noqa: E731
    np.testing.assert_allclose(frame_of(f"{side}_upper_arm", points), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(frame_of(f"{side}_forearm", points), about_y(-elbow), atol=1e-9)  # elbows flex about -y
    np.testing.assert_allclose(frame_of(f"{side}_thigh", points), about_y(-knee / 2), atol=1e-9)
    np.testing.assert_allclose(frame_of(f"{side}_shank", points), about_y(knee / 2), atol=1e-9)  # knees about +y
    np.testing.assert_allclose(frame_of(f"{side}_hand", points), about_y(-elbow), atol=0.05)


@pytest.mark.parametrize("name", BODY_SEGMENTS)
def test_frames_turn_with_the_body(name: str) -> None:
    turn = Transform.exp(np.array([0.3, -2, 1, 0.4, 0.2, 2.1]))
    points = standing_points(**BENT)
    turned = {landmark: turn.apply(point) for landmark, point in points.items()}
    np.testing.assert_allclose(frame_of(name, turned), turn.rotation() @ frame_of(name, points), atol=1e-9)


@pytest.mark.parametrize("name", SEGMENTS)
def test_unseen_landmarks_give_nan_and_no_weight(name: str) -> None:
    wxyz, weight = segment_frame(name, lambda _: np.full((2, 3), np.nan))
    assert np.isnan(wxyz).all()
    assert (weight == 0).all()


def test_a_straight_elbow_says_nothing_of_its_hinge() -> None:
    points = standing_points()
    _, weight = segment_frame("left_upper_arm", lambda landmark: points[landmark][None])
    assert weight[0] < 1e-6
