"""The quality card by hand arithmetic: a person made of the robot's own landmarks, and faults put there on purpose."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from motion.errors import MotionError, UnknownNameError
from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from motion.transform import Transform, rotate, so3_exp
from retarget.body_map import BodyMap, body_map
from retarget.measure import GATES, NUMBERS, Finding, Gate, MeasureSettings, card_of, gates_of, measure
from retarget.measure.stance import long_stances, standing_toe
from retarget.pipeline import retarget_motion
from robots import load_robot
from tests.motion.bodies import still_person

FRAMES, RATE_HZ = 51, 50.0
QUICK = MeasureSettings(self_contact=False, forces=False)


@pytest.fixture(scope="module")
def body() -> BodyMap:
    return body_map(load_robot("g1"))


@pytest.fixture(scope="module")
def still(body: BodyMap) -> RobotMotion:
    return standing(body)


def standing(body: BodyMap, frames: int = FRAMES, rate_hz: float = RATE_HZ) -> RobotMotion:
    """The robot at rest, soles on the floor."""
    robot = body.robot
    base = Transform(np.tile([0.0, 0.0, robot.base_height_m], (frames, 1)), np.tile([1.0, 0, 0, 0], (frames, 1)))
    joints = np.tile(robot.rest_rad, (frames, 1))
    return RobotMotion(robot.name, np.arange(frames) / rate_hz, robot.joint_names, joints, base, np.ones(frames, bool))


def person_of(body: BodyMap, motion: RobotMotion) -> HumanMotion:
    """Somebody of the robot's own shape who does exactly what it does."""
    position = body.kinematics.landmark_positions(motion.joint_position_rad, motion.T_world_base)
    return HumanMotion(motion.time_s, tuple(body.robot.landmarks), position, np.ones(position.shape[:2]))


def moved(motion: RobotMotion, offset_m: np.ndarray) -> RobotMotion:
    return dataclasses.replace(motion, T_world_base=Transform(motion.T_world_base.position_m + offset_m, motion.T_world_base.wxyz))


def numbers_of(body: BodyMap, human: HumanMotion, motion: RobotMotion) -> dict[str, float]:
    return dict(measure(body, human, motion, settings=QUICK).numbers)


def test_a_robot_beside_its_own_double_is_without_fault(body: BodyMap, still: RobotMotion) -> None:
    card = measure(body, person_of(body, still), still)
    assert card.verdict == "pass", card.reasons
    assert card.numbers["limb_deg"] == pytest.approx(0, abs=1e-9)
    assert card.numbers["float_mm"] == pytest.approx(0, abs=1e-9)
    assert card.numbers["self_contact_pct"] == 0
    assert card.numbers["com_inside_pct"] == 100
    assert set(card.numbers) < set(NUMBERS)
    assert "foot_mm" not in card.numbers  # nobody stated targets
    assert json.loads(json.dumps(card.to_json(), allow_nan=False))["numbers"]["inferred_pct"] is None  # unknown is null, not 0


def test_our_own_solve_is_measured_against_its_targets_too(body: BodyMap) -> None:
    card = retarget_motion(still_person(FRAMES, RATE_HZ, elbow_rad=1.2), body).card
    assert card.verdict == "pass", card.reasons
    assert 0 <= card.numbers["foot_mm"] < 5
    assert card.numbers["slip_mm_s"] < 1
    assert np.isnan(card.numbers["fingertip_mm"])


def test_slip_and_drift_of_a_sliding_base(body: BodyMap, still: RobotMotion) -> None:
    numbers = numbers_of(body, person_of(body, still), moved(still, np.outer(still.time_s, [0.4, 0, 0])))
    assert numbers["slip_mm_s"] == pytest.approx(400)
    assert numbers["drift_mm"] == pytest.approx(400)  # one second at 0.4 m/s
    assert numbers["person_slip_mm_s"] == pytest.approx(0, abs=1e-9)


def test_the_person_alone_says_which_foot_stands(body: BodyMap, still: RobotMotion) -> None:
    slide = np.outer(still.time_s, [0.4, 0, 0])  # faster than a standing toe may be
    sliding = person_of(body, moved(still, slide))
    assert np.isnan(numbers_of(body, sliding, moved(still, slide))["slip_mm_s"])


def test_soles_under_and_over_the_floor(body: BodyMap, still: RobotMotion) -> None:
    person = person_of(body, still)
    lift = np.zeros((FRAMES, 3))
    lift[20, 2] = 0.05
    up, down = numbers_of(body, person, moved(still, lift)), numbers_of(body, person, moved(still, -lift))
    assert up["float_max_mm"] == pytest.approx(50)
    assert up["float_mm"] == pytest.approx(50 / FRAMES)
    assert up["penetration_max_mm"] == pytest.approx(0, abs=1e-9)
    assert down["penetration_max_mm"] == pytest.approx(50)
    assert down["penetration_mm"] == pytest.approx(50 / FRAMES)


def test_a_corner_of_the_sole_counts_not_only_its_middle(body: BodyMap, still: RobotMotion) -> None:
    rolled = dataclasses.replace(still, joint_position_rad=still.joint_position_rad.copy())
    column = body.robot.joint_names.index("left_ankle_roll_joint")
    rolled.joint_position_rad[:, column] = 0.2
    deep = numbers_of(body, person_of(body, still), rolled)["penetration_max_mm"]
    assert deep == pytest.approx(1e3 * body.robot.soles["left"].width_m / 2 * np.sin(0.2), abs=1.0)


def test_jumps_and_violations_are_counted_and_their_joint_is_named(body: BodyMap, still: RobotMotion) -> None:
    joints = still.joint_position_rad.copy()
    joints[20:, 3] += 0.6  # one jump at 30 rad/s, and two huge accelerations
    joints[30, 22] = body.robot.upper_rad[22] + 0.1
    card = measure(body, person_of(body, still), dataclasses.replace(still, joint_position_rad=joints), settings=QUICK)
    assert card.numbers["position_violations"] == 1
    assert card.numbers["beyond_stop_deg"] == pytest.approx(np.degrees(0.1))
    limit = body.robot.speed_radps[3]
    assert limit < 30
    assert card.numbers["speed_use_max_pct"] >= 100 * 30 / limit - 1e-6
    assert card.numbers["jumps"] >= 1
    assert card.numbers["jump_pct"] == 100 * card.numbers["jumps"] / (FRAMES - 1)
    assert card.verdict == "reject"
    name = body.robot.joint_names[22].replace("_", " ")
    assert any(name in reason and "at 0.60 s (beyond_stop_deg" in reason for reason in card.reasons), card.reasons


def test_acceleration_between_midpoints_of_uneven_steps(body: BodyMap, still: RobotMotion) -> None:
    time_s = np.array([0.0, 0.1, 0.3, 0.4])
    cut = dataclasses.replace(standing(body, 4), time_s=time_s)
    cut.joint_position_rad[:, 0] += [0.0, 0.1, 0.1, 0.1]  # 1 rad/s, then nothing: -1 / ((0.1 + 0.2) / 2) rad/s2
    use = numbers_of(body, person_of(body, cut), cut)["acceleration_use_max_pct"]
    assert use == pytest.approx(100 * (1 / 0.15) / body.robot.acceleration_radps2[0])


def test_one_bent_elbow_is_an_eighth_of_the_limbs(body: BodyMap, still: RobotMotion) -> None:
    joints = still.joint_position_rad.copy()
    joints[:, body.robot.joint_names.index("left_elbow_joint")] -= 0.4
    bent = dataclasses.replace(still, joint_position_rad=joints)
    card = measure(body, person_of(body, still), bent, settings=QUICK)
    assert card.numbers["limb_deg"] == pytest.approx(np.degrees(0.4) / 8, rel=0.02)


def test_worlds_that_face_elsewhere_are_turned_and_it_is_said(body: BodyMap, still: RobotMotion) -> None:
    person = person_of(body, still)
    turned = dataclasses.replace(person, position_m=rotate(so3_exp(np.array([0, 0, 2.0])), person.position_m))
    card = measure(body, turned, still, settings=QUICK)
    assert card.numbers["limb_deg"] == pytest.approx(0, abs=1e-6)
    assert any("turned by -115 deg" in reason for reason in card.reasons)


def test_other_clocks_are_brought_together_over_what_both_share(body: BodyMap, still: RobotMotion) -> None:
    slow = standing(body, 28, 30.0)  # 0.9 s at 30 Hz beside 1 s at 50 Hz
    person = person_of(body, slow)
    card = measure(body, person, still, settings=QUICK)
    assert card.numbers["limb_deg"] == pytest.approx(0, abs=1e-9)
    assert "the person (30 Hz) was brought onto the robot's clock (50 Hz)." in card.reasons
    assert any("only the 0.90 s" in reason for reason in card.reasons)
    late = dataclasses.replace(person, time_s=person.time_s + 5)
    with pytest.raises(MotionError, match="share less than two frames"):
        measure(body, late, still, settings=QUICK)


def test_joints_in_another_order_are_put_in_order_and_missing_ones_refused(body: BodyMap, still: RobotMotion) -> None:
    joints = still.joint_position_rad + np.linspace(-0.05, 0.05, len(still.joint_names))
    here = dataclasses.replace(still, joint_position_rad=joints)
    there = dataclasses.replace(still, joint_names=still.joint_names[::-1], joint_position_rad=joints[:, ::-1])
    person = person_of(body, still)
    assert numbers_of(body, person, there) == pytest.approx(numbers_of(body, person, here), nan_ok=True)
    with pytest.raises(MotionError, match="lacks joints of robot g1: right_wrist_yaw_joint"):
        measure(body, person, dataclasses.replace(still, joint_names=still.joint_names[:-1], joint_position_rad=joints[:, :-1]))


def test_unseen_frames_and_joints_are_counted(body: BodyMap, still: RobotMotion) -> None:
    joints, base = still.joint_position_rad.copy(), still.T_world_base.position_m.copy()
    joints[10:15], base[10:15] = np.nan, np.nan
    observed = np.ones(joints.shape, bool)
    observed[:, :7] = False
    gap = dataclasses.replace(
        still,
        joint_position_rad=joints,
        T_world_base=Transform(base, still.T_world_base.wxyz),
        solved=np.isfinite(joints).all(1),
        observed=observed,
    )
    card = measure(body, person_of(body, still), gap)
    assert card.numbers["unsolved_pct"] == pytest.approx(100 * 5 / FRAMES)
    assert card.numbers["inferred_pct"] == pytest.approx(100 * 7 / 29)
    assert card.numbers["jumps"] == 0
    assert card.numbers["torque_feasible_pct"] == 100
    assert any("first at 0.20 s (unsolved_pct; reject above 5)" in reason for reason in card.reasons)


def test_a_single_frame_is_measured_as_far_as_it_goes(body: BodyMap) -> None:
    one = standing(body, 1)
    card = measure(body, person_of(body, one), one)
    assert card.numbers["limb_deg"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(card.numbers["jerk_rad_s3"])
    assert np.isnan(card.numbers["torque_feasible_pct"])


def test_self_contact_is_seen(body: BodyMap, still: RobotMotion) -> None:
    joints = still.joint_position_rad.copy()
    joints[20:, body.robot.joint_names.index("left_shoulder_roll_joint")] = -0.8  # the upper arm pressed into the torso
    card = measure(body, person_of(body, still), dataclasses.replace(still, joint_position_rad=joints))
    assert card.numbers["self_contact_pct"] == pytest.approx(100 * 31 / FRAMES)
    assert any("first at 0.40 s (self_contact_pct; reject above 25)" in reason for reason in card.reasons)


def test_broken_data_is_said_with_frame_time_and_landmark(body: BodyMap) -> None:
    person = still_person(FRAMES, RATE_HZ, elbow_rad=1.2)
    position = person.position_m.copy()
    position[30:32, person.landmarks.index("left_thumb_tip")] += 0.2
    card = retarget_motion(dataclasses.replace(person, position_m=position), body).card
    assert card.verdict == "review"
    assert "the recording is broken at frames 30-31 (0.60 s): left_thumb_tip" in card.reasons
    assert card.numbers["unsolved_pct"] == 0  # this robot has no thumb to follow it with


def test_stance_by_the_written_rule() -> None:
    time_s = np.arange(20) / 20.0
    toe = np.zeros((20, 3))
    toe[:, 2] = 0.02
    toe[8:12, 2] = 0.10  # lifted: 80 mm over the lowest
    toe[15:, 0] += 0.0126  # one step at 0.252 m/s
    expected = np.ones(20, bool)
    expected[8:13] = False  # frame 12 came down at 1.6 m/s
    expected[15] = False
    np.testing.assert_array_equal(standing_toe(time_s, toe), expected)
    assert long_stances(time_s, expected) == [slice(0, 8)]  # 13-14 and 16-19 are shorter than 5 frames
    toe[3] = np.nan
    assert not standing_toe(time_s, toe)[[3, 4]].any()  # nobody knows how fast the toe came from an unseen frame


def test_the_worst_reason_comes_first_and_floors_are_judged_from_below() -> None:
    findings = {"slip_mm_s": Finding(150.0), "limb_deg": Finding(30.0, "worst left knee"), "torque_feasible_pct": Finding(80.0)}
    card = card_of(findings, GATES, notes=["a note"])
    assert card.verdict == "reject"
    assert [reason.split("(")[1].split(";")[0] for reason in card.reasons[:3]] == ["limb_deg", "slip_mm_s", "torque_feasible_pct"]
    assert "worst left knee" in card.reasons[0]
    assert "review below 85" in card.reasons[2]
    assert card.reasons[-1] == "a note"
    assert card_of({"slip_mm_s": Finding(float("nan"))}).verdict == "pass"
    assert card_of({}, concerns=["look at this"]).verdict == "review"


def test_a_robot_may_state_gates_of_its_own(body: BodyMap, still: RobotMotion) -> None:
    strict = dataclasses.replace(body.robot, gates={"float_max_mm": (-2.0, -1.0)})
    assert gates_of(strict)["float_max_mm"] == Gate(-2.0, -1.0)
    assert gates_of(strict)["slip_mm_s"] == GATES["slip_mm_s"]
    card = measure(dataclasses.replace(body, robot=strict), person_of(body, still), still, settings=QUICK)
    assert card.verdict == "reject"
    assert "float max" in card.reasons[0]
    wrong = dataclasses.replace(body.robot, gates={"slip_mms": (1.0, 2.0)})
    with pytest.raises(UnknownNameError, match="Did you mean 'slip_mm_s'"):
        gates_of(wrong)
