"""Minimum-jerk paths, and the true motion of the whole body."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import MotionError, UnknownNameError
from motion.landmarks import FINGERS, LANDMARKS, RIGID_BONES, SIDES, hand_landmarks
from workers.body import PALM_AXES
from workers.minimum_jerk import Path, Stroke, progress, reach, reach_time_s, rhythm, time_of
from workers.paths import CHORES, plan
from workers.performance import Performance, palm_rotation, perform, workplace
from workers.posture import everyday_limits, grip_point
from workers.record import draw_worker

COLUMN = {name: index for index, name in enumerate(LANDMARKS)}
RATE_HZ = 60.0


def sampled(performance: Performance) -> tuple[np.ndarray, np.ndarray]:
    time_s = np.arange(0.0, performance.duration_s, 1 / RATE_HZ)
    return time_s, performance.landmarks_at(time_s)


def test_reach_from_rest_to_rest_has_the_analytic_profile_and_peak() -> None:
    distance, length_s = 0.4, 0.8
    stroke = Stroke(np.array([1.0, 1.0 + length_s]), np.array([[0.0], [distance]]))
    time_s = np.linspace(1.0, 1.0 + length_s, 4001)
    x = stroke.at(time_s)[:, 0]
    assert x == pytest.approx(distance * progress((time_s - 1.0) / length_s), abs=1e-12)
    speed = np.gradient(x, time_s)
    assert speed.max() == pytest.approx(1.875 * distance / length_s, rel=1e-5)  # 1.875 d / T
    assert speed[[0, -1]] == pytest.approx(0.0, abs=1e-3)
    assert time_s[speed.argmax()] == pytest.approx(1.0 + length_s / 2, abs=1e-3)


def test_via_points_on_a_straight_line_change_nothing() -> None:
    ends = np.array([[0.0, 0.0, 0.0], [0.3, 0.6, -0.2]])
    straight = reach(0.0, ends, 0.9)
    bent = reach(0.0, np.array([ends[0], ends[0] + 0.3 * (ends[1] - ends[0]), ends[1]]), 0.9)
    time_s = np.linspace(0, 0.9, 50)
    assert bent.at(time_s) == pytest.approx(straight.at(time_s), abs=2e-3)


def test_spline_through_via_points_has_less_jerk_than_its_neighbours() -> None:
    points = np.array([[0.0], [0.3], [0.1], [0.2]])
    stroke = rhythm(0.0, points, 0.4)
    time_s = np.linspace(0, stroke.time_s[-1], 6001)

    def jerk(x: np.ndarray) -> float:
        h = time_s[1]
        return float((np.diff(x, 3) ** 2).sum() / h**5)

    best = stroke.at(time_s)[:, 0]
    knots = stroke.time_s
    bump = np.prod([(time_s - knot) for knot in knots], axis=0) * (time_s * (knots[-1] - time_s)) ** 2  # keeps points and rests
    for size in (1.0, -1.0):
        assert jerk(best + size * bump) > jerk(best)


def test_time_of_inverts_progress_and_paths_rest_between_strokes() -> None:
    share = np.linspace(0, 1, 11)
    assert progress(time_of(share)) == pytest.approx(share, abs=1e-6)
    path = Path((reach(0.0, np.array([[0.0, 0, 0], [1.0, 0, 0]]), 1.0), reach(2.0, np.array([[1.0, 0, 0], [1.0, 1, 0]]), 1.0)))
    assert path.at(np.array([-1.0, 1.5, 9.0])) == pytest.approx(np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0]]))
    assert reach_time_s(np.array([[0.0, 0, 0], [0.5, 0, 0]]), 1.0) == pytest.approx(1.875 * 0.501)


def test_a_stroke_that_goes_back_in_time_is_refused() -> None:
    with pytest.raises(MotionError, match="do not rise"):
        Stroke(np.array([0.0, 1.0, 0.5]), np.zeros((3, 2)))


def test_unknown_chore_names_what_exists() -> None:
    worker = draw_worker(0)
    with pytest.raises(UnknownNameError, match="reach_place"):
        plan("reach_plate", worker.style, workplace(worker.body, worker.style), np.random.default_rng(0))


def test_turns_of_the_palm_by_hand() -> None:
    """Columns are distal, radial, palmar. Right hand, by hand arithmetic."""
    quarter = np.pi / 2
    cases = {
        (0.0, 0.0, 0.0): [[0, 0, -1], [1, 0, 0], [0, 1, 0]],  # fingers down, thumb ahead, palm left
        (0.0, quarter, 0.0): [[1, 0, 0], [0, 0, 1], [0, 1, 0]],  # fingers ahead, thumb up, palm left
        (0.0, quarter, quarter): [[1, 0, 0], [0, 1, 0], [0, 0, -1]],  # fingers ahead, thumb left, palm down
        (quarter, quarter, quarter): [[0, 1, 0], [-1, 0, 0], [0, 0, -1]],  # fingers left, thumb back, palm down
    }
    for turns, wanted in cases.items():
        np.testing.assert_allclose(palm_rotation(np.array([turns]), "right")[0].T, wanted, atol=1e-12)
    left = palm_rotation(np.array([[0.3, 1.2, 0.7]]), "left")[0]
    right = palm_rotation(np.array([[0.3, 1.2, 0.7]]), "right")[0]
    assert left == pytest.approx(np.diag([1.0, -1, 1]) @ right, abs=1e-12)


def test_hands_follow_their_paths_and_turns() -> None:
    worker = draw_worker(1)
    body, rng = worker.body, np.random.default_rng(4)
    script = plan("fold", worker.style, workplace(body, worker.style), np.random.default_rng(4))
    performance = perform(body, worker.style, "fold", rng)
    other = {"left": "right", "right": "left"}[worker.style.main_side]
    for side, path in ((worker.style.main_side, script.main), (other, script.other)):
        channels = path.at(performance.time_s)
        mirror = 1.0 if side == "left" else -1.0
        points = [grip_point(body, side)]
        grip = body.kinematics.point_positions(points, performance.joint_position_rad, performance.T_world_base)[:, 0]
        assert np.linalg.norm(grip - channels[:, :3] * [1, mirror, 1], axis=1).max() < 3e-3
        hand = body.kinematics.frame_poses([f"{side}_hand"], performance.joint_position_rad, performance.T_world_base)[:, 0]
        turn = palm_rotation(channels[:, 3:6], side) @ PALM_AXES[side] @ np.swapaxes(hand.rotation(), 1, 2)
        angle = np.arccos(np.clip((np.trace(turn, axis1=1, axis2=2) - 1) / 2, -1, 1))
        assert np.degrees(angle).max() < 15


@pytest.mark.parametrize("chore", CHORES)
@pytest.mark.parametrize("seed", [0, 3])
def test_truth_is_a_body_that_a_person_could_have(performances, seed: int, chore: str) -> None:
    performance = performances[seed, chore]
    physique = performance.body.physique
    time_s, position = sampled(performance)
    lengths = {"upper_arm": physique.upper_arm_m, "forearm": physique.forearm_m, "thigh": physique.thigh_m, "shank": physique.shank_m}
    for (a, b), wanted in zip(RIGID_BONES, list(lengths.values()) * 2, strict=True):
        bone = np.linalg.norm(position[:, COLUMN[a]] - position[:, COLUMN[b]], axis=-1)
        assert np.abs(bone - wanted).max() < 1e-9, (a, b)
    for side in SIDES:
        chain = position[:, [COLUMN[name] for name in hand_landmarks(side)[1:]]].reshape(len(time_s), 5, 4, 3)
        assert np.ptp(np.linalg.norm(np.diff(chain, axis=2), axis=-1), axis=0).max() < 1e-9
    joints = performance.joints_at(time_s)
    lower, upper = everyday_limits(performance.body)
    assert (joints >= performance.body.robot.lower_rad).all()
    assert (joints <= performance.body.robot.upper_rad).all()
    assert (joints >= lower).all()
    assert (joints <= upper).all()
    hands = np.linalg.norm(np.gradient(position[:, [COLUMN["left_wrist"], COLUMN["right_wrist"]]], time_s, axis=0), axis=-1)
    assert 0.3 < hands.max() < 1.3  # m/s: an unhurried chore
    speed = np.abs(np.gradient(joints, time_s, axis=0))
    assert (speed < performance.body.robot.speed_radps).all()
    assert speed.max() < 9.0


@pytest.mark.parametrize("chore", CHORES)
@pytest.mark.parametrize("seed", [0, 3])
def test_feet_stay_on_the_floor_and_elbows_and_knees_bend_their_own_way(performances, seed: int, chore: str) -> None:
    _, position = sampled(performances[seed, chore])
    point = {name: position[:, index] for name, index in COLUMN.items()}
    for side in SIDES:
        for end in ("heel", "toe"):
            assert np.abs(point[f"{side}_{end}"][:, 2]).max() < 5e-4
            assert np.ptp(point[f"{side}_{end}"], axis=0).max() < 5e-4
        outward = point["left_shoulder"] - point["right_shoulder"]
        knee = np.cross(point[f"{side}_knee"] - point[f"{side}_hip"], point[f"{side}_ankle"] - point[f"{side}_knee"])
        assert (knee[:, 1] > 0).all()  # a bent knee points forward
        elbow = np.cross(point[f"{side}_elbow"] - point[f"{side}_shoulder"], point[f"{side}_wrist"] - point[f"{side}_elbow"])
        upper_arm = point[f"{side}_elbow"] - point[f"{side}_shoulder"]
        ahead = np.cross(outward, [0.0, 0.0, 1.0])
        forearm = point[f"{side}_wrist"] - point[f"{side}_elbow"]
        assert (np.einsum("ti,ti->t", forearm, ahead) > np.einsum("ti,ti->t", upper_arm, ahead) - 0.05).all()
        assert np.linalg.norm(elbow, axis=1).min() > 0  # never quite straight, so never bent backward


@pytest.mark.parametrize("chore", CHORES)
@pytest.mark.parametrize("seed", [0, 3])
def test_left_is_left(performances, seed: int, chore: str) -> None:
    _, position = sampled(performances[seed, chore])
    point = {name: position[:, index] for name, index in COLUMN.items()}
    for name in ("shoulder", "hip", "knee", "ankle", "heel", "toe", "elbow"):
        assert (point[f"left_{name}"][:, 1] > point[f"right_{name}"][:, 1]).all(), name
    assert (point["left_toe"][:, 0] > point["left_heel"][:, 0]).all()
    # Left hand, palm down, fingers ahead: the thumb points right, so index x pinky points up, against the curl.
    for side, sign in (("left", -1.0), ("right", 1.0)):
        wrist = point[f"{side}_wrist"]
        across = np.cross(point[f"{side}_index_mcp"] - wrist, point[f"{side}_pinky_mcp"] - wrist)
        for finger in FINGERS[1:]:
            curl = point[f"{side}_{finger}_tip"] - point[f"{side}_{finger}_mcp"]
            assert (sign * np.einsum("ti,ti->t", across, curl) > 0).all(), (side, finger)
        thumb = point[f"{side}_thumb_mcp"] - wrist
        toward_index = point[f"{side}_index_mcp"] - point[f"{side}_pinky_mcp"]
        assert (np.einsum("ti,ti->t", thumb, toward_index) > 0).all()


@pytest.mark.parametrize("chore", CHORES)
def test_hands_keep_out_of_the_trunk_and_out_of_each_other(performances, chore: str) -> None:
    for seed in (0, 3):
        _, position = sampled(performances[seed, chore])
        wrists = position[:, [COLUMN["left_wrist"], COLUMN["right_wrist"]]]
        spine = position[:, [COLUMN[name] for name in ("pelvis", "spine", "chest")]]
        assert np.linalg.norm(wrists[:, :, None] - spine[:, None], axis=-1).min() > 0.17  # half a trunk and a wrist
        assert np.linalg.norm(wrists[:, 0] - wrists[:, 1], axis=-1).min() > 0.10


@pytest.mark.parametrize("chore", CHORES)
def test_labels_cover_the_take_without_gap_or_overlap(performances, chore: str) -> None:
    performance = performances[0, chore]
    labels = performance.labels
    assert labels[0].start_s == 0.0
    assert labels[-1].end_s == pytest.approx(performance.duration_s)
    assert [label.end_s for label in labels[:-1]] == [label.start_s for label in labels[1:]]
    assert chore.split("_")[-1] in {label.verb for label in labels}
    assert 4.0 < performance.duration_s < 13.0


def test_worker_three_is_left_handed_and_works_with_the_left(performances) -> None:
    for seed, main, other in ((0, "right", "left"), (3, "left", "right")):
        assert draw_worker(seed).style.main_side == main
        _, position = sampled(performances[seed, "wipe"])
        way = {side: np.linalg.norm(np.diff(position[:, COLUMN[f"{side}_wrist"]], axis=0), axis=1).sum() for side in SIDES}
        assert way[main] > 1.2 * way[other]


def test_takes_and_workers_differ() -> None:
    statures = {round(draw_worker(seed).body.physique.stature_m, 4) for seed in range(6)}
    tops = {round(workplace(draw_worker(seed).body, draw_worker(seed).style).counter_m, 4) for seed in range(6)}
    assert len(statures) == len(tops) == 6
