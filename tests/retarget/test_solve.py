"""The solver: Jacobians by finite differences, the round trip, limits that bind, and failures that are no poses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motion.errors import MotionError
from motion.human import HumanMotion
from motion.provenance import record
from motion.transform import Transform
from retarget.body_map import BodyMap, body_map
from retarget.pipeline import RetargetSettings, retarget_motion
from retarget.problem import SolverSettings
from retarget.solve import solve
from retarget.targets import Targets, TargetWeights, build_targets
from robots import load_robot
from tests.motion.bodies import still_person
from tests.retarget.test_inspect import waving

EXACT = SolverSettings(
    method="streaming",
    posture=1e-4,
    limit_margin=0.0,
    ground=0.0,
    stream_velocity=0.0,
    stream_acceleration=0.0,
    stream_contact=0.0,
    damping=1e-9,
    tolerance_rad=1e-7,
    tolerance_cost=1e-12,
    max_iterations=200,
)


@pytest.fixture(scope="module")
def g1() -> BodyMap:
    return body_map(load_robot("g1"))


def performed(body: BodyMap, joints: np.ndarray, base: Transform, rate_hz: float = 5.0) -> HumanMotion:
    """A robot's own motion, seen as a person's: its landmarks are the person's landmarks."""
    position = body.kinematics.landmark_positions(joints, base)
    return HumanMotion(
        time_s=np.arange(len(joints)) / rate_hz,
        landmarks=tuple(body.robot.landmarks),
        position_m=position,
        confidence=np.ones(position.shape[:2]),
        provenance=record(f"performed by {body.robot.name}", "test", licence="CC0-1.0", consent="not a person"),
    )


def smooth_joints(body: BodyMap, frames: int, size: float, seed: int = 0) -> np.ndarray:
    """Smooth joint motion around rest, inside the limits; legs move little, so that the robot stands."""
    rng = np.random.default_rng(seed)
    robot = body.robot
    time = np.linspace(0, 2 * np.pi, frames)[:, None]
    legs = np.array([any(word in name for word in ("hip", "knee", "ankle", "leg_")) for name in robot.joint_names])
    wave = (
        np.where(legs, 0.2, 1.0) * size * np.sin(time * rng.uniform(0.5, 1.5, len(robot.rest_rad)) + rng.uniform(0, 6, len(robot.rest_rad)))
    )
    margin = 0.05 * np.minimum(robot.upper_rad - robot.lower_rad, 1.0)
    return np.clip(robot.rest_rad + wave, robot.lower_rad + margin, robot.upper_rad - margin)


@pytest.mark.parametrize("name", ["g1", "talos", "icub", "alex_psyonic"])
def test_a_robot_that_follows_itself_arrives_where_it_was(name: str) -> None:
    """Round trip: sample joints, take the robot's own landmarks for a person's, retarget, compare the landmarks."""
    body = body_map(load_robot(name))
    joints = smooth_joints(body, 12, 0.25)
    base = Transform.exp(np.zeros((12, 6)))
    base = Transform(base.position_m + [0, 0, body.robot.base_height_m], base.wxyz)
    human = performed(body, joints, base)
    weights = TargetWeights(pelvis=2.0)
    motion, _ = solve(body, build_targets(body, human, weights), EXACT)
    assert motion.solved.all()
    again = body.kinematics.landmark_positions(motion.joint_position_rad, motion.T_world_base)
    names = [f"{side}_{part}" for side in ("left", "right") for part in ("elbow", "wrist", "knee", "ankle")]
    columns = [human.landmarks.index(mark) for mark in names if mark in human.landmarks]
    # Compared relative to the hips: the floor is estimated anew, so the whole may stand higher by millimetres.
    hips = [human.landmarks.index(f"{side}_hip") for side in ("left", "right")]
    error = (again - again[:, hips].mean(1, keepdims=True)) - (human.position_m - human.position_m[:, hips].mean(1, keepdims=True))
    # What remains: a robot's shoulder lies beyond joints that a person's does not have, and moves with them.
    assert np.linalg.norm(error[:, columns], axis=-1).mean() < 0.015, np.linalg.norm(error[:, columns], axis=-1).mean()


def test_a_hand_that_follows_itself_arrives_where_it_was() -> None:
    body = body_map(load_robot("allegro_right"))
    joints = smooth_joints(body, 12, 0.3)
    human = performed(body, joints, Transform.exp(np.tile([0.1, 0.2, 0.3, 0.5, -0.4, 0.8], (12, 1))))
    motion, report = solve(body, build_targets(body, human), EXACT)
    assert motion.solved.all()
    tips = [index for index, name in enumerate(human.landmarks) if name.endswith("_tip")]
    again = body.kinematics.landmark_positions(motion.joint_position_rad, motion.T_world_base)
    assert np.linalg.norm(again - human.position_m, axis=-1)[:, tips].max() < 0.002
    assert np.nanmax(report.residuals["vector_m"]) < 0.002


def test_fingers_and_body_in_one_solve() -> None:
    """The Dex3 robot's fingers follow while its body does: closing the person's fingers closes the robot's."""
    body = body_map(load_robot("g1_dex3"))
    person = still_person(40)
    position = person.position_m.copy()
    close = np.linspace(0, 1, 40)
    for side, inward in (("left", -1), ("right", 1)):
        wrist = person.point(f"{side}_wrist")[0]
        for finger in ("index", "middle", "ring", "pinky"):
            knuckle = person.point(f"{side}_{finger}_mcp")[0]
            for point in ("pip", "dip", "tip"):
                column = person.landmarks.index(f"{side}_{finger}_{point}")
                reach = np.linalg.norm(position[0, column] - knuckle)
                angle = 1.6 * close
                down = (knuckle - wrist) / np.linalg.norm(knuckle - wrist)
                position[:, column] = knuckle + reach * (np.cos(angle)[:, None] * down + np.sin(angle)[:, None] * [0, inward, 0])
    # The hands hang beside the thighs, which this robot's are too large for: here fingers count, not thighs.
    settings = RetargetSettings(solver=SolverSettings(self_distance=0.0))
    done = retarget_motion(dataclasses.replace(person, position_m=position), body, settings)
    joints = dict(zip(body.robot.joint_names, done.motion.joint_position_rad.T, strict=True))
    assert joints["left_hand_index_0_joint"][-1] < joints["left_hand_index_0_joint"][0] - 0.6
    assert joints["right_hand_index_0_joint"][-1] > joints["right_hand_index_0_joint"][0] + 0.6
    assert done.card.numbers["fingertip_mm"] < 25


@pytest.mark.parametrize("share", [1.0, 0.1, 0.02])
def test_speed_limits_bind_and_are_never_passed(g1: BodyMap, share: float) -> None:
    targets = build_targets(g1, waving(60, 30.0, 7.0))
    motion, _ = solve(g1, targets, SolverSettings(speed_scale=share))
    speed = np.abs(np.diff(motion.joint_position_rad, axis=0)) / np.diff(motion.time_s)[:, None]
    assert (speed[np.isfinite(speed)] <= np.tile(share * g1.robot.speed_radps, (59, 1))[np.isfinite(speed)]).all()
    if share < 0.05:
        assert (speed > 0.999 * share * g1.robot.speed_radps).any()  # it did bind


def test_position_limits_bind_and_are_never_passed(g1: BodyMap) -> None:
    narrow = dataclasses.replace(
        g1, robot=dataclasses.replace(g1.robot, lower_rad=g1.robot.rest_rad - 0.02, upper_rad=g1.robot.rest_rad + 0.03)
    )
    motion, _ = solve(narrow, build_targets(narrow, waving()))
    joints = motion.joint_position_rad[motion.solved]
    assert (joints >= narrow.robot.lower_rad).all()
    assert (joints <= narrow.robot.upper_rad).all()
    assert (np.abs(joints - narrow.robot.upper_rad) < 1e-9).any()


def test_broken_frames_are_marked_and_never_returned_as_poses(g1: BodyMap) -> None:
    person = waving()
    position = person.position_m.copy()
    position[50:53, person.landmarks.index("left_wrist")] += [0.4, 0.4, 0]
    position[80:84] = np.nan
    motion, report = solve(g1, build_targets(g1, dataclasses.replace(person, position_m=position)))
    assert np.flatnonzero(~motion.solved).tolist() == [50, 51, 52, 80, 81, 82, 83]
    assert np.isnan(motion.joint_position_rad[~motion.solved]).all()
    assert np.isnan(motion.T_world_base.position_m[~motion.solved]).all()
    np.testing.assert_array_equal(report.converged, motion.solved)


def test_a_frame_that_does_not_converge_is_no_pose(g1: BodyMap) -> None:
    hasty = SolverSettings(method="streaming", first_iterations=1, max_iterations=1, tolerance_rad=1e-12)
    motion, report = solve(g1, build_targets(g1, waving()), hasty)
    assert not motion.solved.any()
    assert not report.converged.any()
    assert np.isnan(motion.joint_position_rad).all()


def test_what_is_not_seen_is_filled_by_the_rest_posture(g1: BodyMap) -> None:
    """A person whose left arm was never seen: the robot's left arm rests, the right one follows."""
    person = waving()
    hidden = [index for index, name in enumerate(person.landmarks) if name.startswith(("left_elbow", "left_wrist"))]
    position, confidence = person.position_m.copy(), person.confidence.copy()
    position[:, hidden], confidence[:, hidden] = np.nan, 0.0
    # With self-distance on, a trunk that leans to the resting arm would push it aside, as it should.
    hidden_arm = dataclasses.replace(person, position_m=position, confidence=confidence)
    motion, _ = solve(g1, build_targets(g1, hidden_arm), SolverSettings(self_distance=0.0))
    joints = dict(zip(motion.joint_names, motion.joint_position_rad.T, strict=True))
    assert motion.solved.all()
    assert np.ptp(joints["left_elbow_joint"]) < 1e-3
    assert joints["left_elbow_joint"][60] == pytest.approx(g1.robot.rest_rad[g1.robot.joint_names.index("left_elbow_joint")], abs=0.02)
    assert np.ptp(joints["right_shoulder_pitch_joint"]) > 0.02


def test_weights_carry_confidence(g1: BodyMap) -> None:
    person = still_person()
    low = dataclasses.replace(person, confidence=person.confidence * 0.25)
    full, faint = build_targets(g1, person), build_targets(g1, low)
    np.testing.assert_allclose(faint.vector_weight, 0.25 * full.vector_weight)
    np.testing.assert_allclose(faint.direction_weight, 0.25 * full.direction_weight)


def test_the_same_recording_gives_the_same_bits(g1: BodyMap) -> None:
    a, b = (solve(g1, build_targets(g1, waving()))[0] for _ in range(2))
    np.testing.assert_array_equal(a.joint_position_rad, b.joint_position_rad)


def test_a_recording_that_shows_nothing_to_follow_is_refused() -> None:
    person = still_person()
    keep = [person.landmarks.index(name) for name in ("head", "neck")]
    heads = dataclasses.replace(
        person, landmarks=("head", "neck"), position_m=person.position_m[:, keep], confidence=person.confidence[:, keep]
    )
    with pytest.raises(MotionError, match="shows nothing that robot g1 could follow.*Landmarks: head, neck"):
        build_targets(body_map(load_robot("g1")), heads)


def test_targets_say_which_frames_are_usable(g1: BodyMap) -> None:
    targets: Targets = build_targets(g1, still_person())
    assert targets.usable.all()
    assert targets.vector_m.shape == (5, len(targets.vector_names), 3)


def without(person: HumanMotion, *words: str) -> HumanMotion:
    """The person without the landmarks whose names end in one of the words."""
    keep = [index for index, name in enumerate(person.landmarks) if not name.endswith(words)]
    return dataclasses.replace(
        person,
        landmarks=tuple(person.landmarks[index] for index in keep),
        position_m=person.position_m[:, keep],
        confidence=person.confidence[:, keep],
    )


def test_feet_without_heels_are_followed_flat(g1: BodyMap) -> None:
    whole = retarget_motion(still_person(20, elbow_rad=1.2), g1)
    done = retarget_motion(without(still_person(20, elbow_rad=1.2), "_heel"), g1)
    assert done.motion.solved.all()
    assert done.card.numbers["foot_mm"] < 5
    np.testing.assert_allclose(done.motion.T_world_base.position_m[-1], whole.motion.T_world_base.position_m[-1], atol=0.02)


def test_a_heel_lost_for_a_frame_moves_nothing(g1: BodyMap) -> None:
    person = still_person(40, elbow_rad=1.2)
    position = person.position_m.copy()
    position[20, person.landmarks.index("left_heel")] = np.nan
    done = retarget_motion(dataclasses.replace(person, position_m=position), g1)
    assert done.motion.solved.all()
    assert np.abs(np.diff(done.motion.joint_position_rad[5:], axis=0)).max() < 0.02
    assert np.abs(np.diff(done.motion.T_world_base.position_m[5:], axis=0)).max() < 0.005


def test_a_person_without_legs_leaves_the_robot_standing(g1: BodyMap) -> None:
    person = without(still_person(20, elbow_rad=1.2), "_knee", "_ankle", "_heel", "_toe")
    low = dataclasses.replace(person, position_m=person.position_m - [0, 0, 0.95])  # pelvis-centred, as many tools write it
    done = retarget_motion(low, g1)
    assert done.motion.solved.all()
    assert done.motion.T_world_base.position_m[-1, 2] == pytest.approx(g1.robot.base_height_m, abs=0.03)


def test_a_hand_that_was_never_seen_is_said_on_the_card(g1: BodyMap) -> None:
    person = still_person(20, elbow_rad=1.2)
    position = person.position_m.copy()
    position[5:, person.landmarks.index("left_wrist")] = np.nan
    confidence = person.confidence.copy()
    confidence[:, person.landmarks.index("left_wrist")] = 0.0
    lost = dataclasses.replace(person, position_m=position, confidence=confidence)
    card = retarget_motion(lost, g1, RetargetSettings(self_contact=False)).card
    assert card.verdict == "review"
    assert any(reason.startswith("left_wrist was never followed") for reason in card.reasons)
