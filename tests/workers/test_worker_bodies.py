"""Body sizes, the scaled body and the hand model."""

from __future__ import annotations

import numpy as np
import pytest

from motion.landmarks import RIGID_BONES, SIDES
from motion.transform import Transform
from robots import load_robot
from robots.kinematics import Kinematics
from workers.anthropometry import HAND_LENGTH_M, STATURE_M, Physique, draw_physique
from workers.body import BASE, build_body, pelvis_height_m, write_body
from workers.hand_model import FINGER_LANDMARKS, LOWER_RAD, UPPER_RAD, finger_points, finger_posture, hand_model

PEOPLE = 400


def crowd(sex: str) -> list[Physique]:
    rng = np.random.default_rng(5)
    return [draw_physique(rng, sex) for _ in range(PEOPLE)]


@pytest.mark.parametrize("sex", ["female", "male"])
def test_means_lie_within_three_standard_errors_of_the_published_ones(sex: str) -> None:
    people = crowd(sex)
    for name, spread in (("stature_m", STATURE_M[sex]), ("hand_length_m", HAND_LENGTH_M[sex])):
        values = np.array([getattr(person, name) for person in people])
        assert abs(values.mean() - spread.mean) < 3 * spread.deviation / np.sqrt(PEOPLE), name
        assert 0.85 < values.std() / spread.deviation < 1.08, name  # draws beyond 2.5 deviations are redrawn


def test_proportions_agree_with_measurements_that_were_not_put_in() -> None:
    people = [*crowd("female"), *crowd("male")]
    share = np.array([[p.elbow_height_m, p.hip_height_m, p.thigh_m / p.shank_m * p.stature_m] for p in people])
    share /= np.array([[p.stature_m] for p in people])
    assert share[:, 0].mean() == pytest.approx(0.630, abs=0.008)  # elbow height, Drillis & Contini
    assert share[:, 1].mean() == pytest.approx(0.515, abs=0.006)  # trochanter height, ANSUR II
    hands, statures = np.array([[p.hand_length_m, p.stature_m] for p in crowd("male")]).T
    assert 0.5 < np.corrcoef(hands, statures)[0, 1] < 0.8


def test_parts_add_up_to_the_stature() -> None:
    for person in crowd("female")[:50]:
        assert person.hip_height_m + person.trunk_m + person.head_and_neck_m == pytest.approx(person.stature_m, abs=1e-12)


def test_same_seed_same_body_and_another_seed_another() -> None:
    assert draw_physique(np.random.default_rng(1)) == draw_physique(np.random.default_rng(1))
    assert draw_physique(np.random.default_rng(1)) != draw_physique(np.random.default_rng(2))


def test_body_has_the_bones_and_the_height_of_its_physique() -> None:
    physique = draw_physique(np.random.default_rng(11))
    body = build_body(physique)
    zero = np.zeros((1, len(body.robot.joint_names)))
    base = Transform(np.array([[0.0, 0.0, pelvis_height_m(physique)]]), np.array([[1.0, 0, 0, 0]]))
    position = dict(zip(body.robot.landmarks, body.kinematics.landmark_positions(zero, base)[0], strict=True))
    wanted = (physique.upper_arm_m, physique.forearm_m, physique.thigh_m, physique.shank_m)
    for (a, b), length in zip(RIGID_BONES, wanted * 2, strict=True):
        assert np.linalg.norm(position[a] - position[b]) == pytest.approx(length, abs=1e-9)
    assert position["head_top"][2] == pytest.approx(physique.stature_m, abs=1e-9)
    assert position["left_heel"][2] == pytest.approx(0.0, abs=1e-9)
    assert position["left_toe"][0] - position["left_heel"][0] == pytest.approx(physique.foot_m, abs=1e-9)
    assert position["left_shoulder"][1] - position["right_shoulder"][1] == pytest.approx(physique.shoulder_width_m, abs=1e-9)
    assert position["left_hip"][1] > 0 > position["right_hip"][1]


def test_written_body_is_a_robot_like_any_other(tmp_path) -> None:
    physique = draw_physique(np.random.default_rng(2))
    robot = load_robot(write_body(physique, tmp_path))
    assert robot.base == BASE
    assert len(robot.joint_names) == 36
    assert set(robot.soles) == set(SIDES)
    assert Kinematics(robot).mass_kg == pytest.approx(75, abs=1.0)
    assert 0.97 * pelvis_height_m(physique) < robot.base_height_m < pelvis_height_m(physique)


def synergies(count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(0, 1, count), rng.uniform(-1, 1, count)


def test_finger_bones_keep_their_length() -> None:
    hand = hand_model(draw_physique(np.random.default_rng(0)))
    points = finger_points(hand, *finger_posture(*synergies())).reshape(-1, 5, 4, 3)
    lengths = np.linalg.norm(np.diff(points, axis=2), axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-12
    assert lengths[0, 0] == pytest.approx(hand.thumb_m)
    assert lengths[0, 1:] == pytest.approx(hand.phalanges_m)


def test_straight_middle_finger_makes_the_hand_as_long_as_measured() -> None:
    hand = hand_model(draw_physique(np.random.default_rng(0)))
    points = finger_points(hand, np.zeros((1, 4, 3)), np.zeros((1, 4)))[0]
    tip = points[FINGER_LANDMARKS.index("middle_tip")]
    assert np.linalg.norm(tip) == pytest.approx(hand.length_m, rel=0.002)


def test_fingers_bend_toward_the_palm_and_within_their_range() -> None:
    flexion, _ = finger_posture(*synergies())
    assert (flexion >= LOWER_RAD).all()
    assert (flexion <= UPPER_RAD).all()
    assert flexion[..., 1:].min() >= 0.0
    hand = hand_model(draw_physique(np.random.default_rng(0)))
    opened, closed = (finger_points(hand, *finger_posture(np.array([s]), np.zeros(1)))[0] for s in (0.0, 1.0))
    for finger in ("index", "middle", "ring", "pinky"):
        mcp, tip = FINGER_LANDMARKS.index(f"{finger}_mcp"), FINGER_LANDMARKS.index(f"{finger}_tip")
        assert closed[tip, 2] - closed[mcp, 2] > opened[tip, 2] - opened[mcp, 2] > 0  # third axis: out of the palm
        assert np.linalg.norm(closed[tip] - closed[mcp]) < 0.75 * np.linalg.norm(opened[tip] - opened[mcp])


def test_two_synergies_carry_most_of_the_hand(performances) -> None:
    angles = np.concatenate([taken for performance in performances.values() for taken in performance.fingers.values()])
    variance = np.linalg.svd(angles - angles.mean(0), compute_uv=False) ** 2
    assert variance[:2].sum() / variance.sum() > 0.8  # Santello et al. 1998
