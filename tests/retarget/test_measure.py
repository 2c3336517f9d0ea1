"""The quality card by hand arithmetic: slip, drift, sinking, jumps and limits that were put there on purpose."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motion.robot_motion import RobotMotion
from motion.transform import Transform
from retarget.body_map import BodyMap, body_map
from retarget.measure import QualityCard, measure
from retarget.solve import SolveReport, solve_clip
from retarget.targets import Targets, build_targets
from robots import load_robot
from tests.motion.bodies import still_person

FRAMES, RATE_HZ = 51, 50.0


@pytest.fixture(scope="module")
def body() -> BodyMap:
    return body_map(load_robot("g1"))


@pytest.fixture(scope="module")
def stage(body: BodyMap) -> tuple[Targets, RobotMotion, SolveReport]:
    targets = build_targets(body, still_person(FRAMES, RATE_HZ, elbow_rad=1.2))
    return targets, *solve_clip(body, targets)


def card_of(body: BodyMap, stage: tuple[Targets, RobotMotion, SolveReport], **change: object) -> QualityCard:
    targets, motion, report = stage
    return measure(body, targets, dataclasses.replace(motion, **change), report, self_contact=False)


def test_a_still_person_gives_a_good_card(body: BodyMap, stage: tuple[Targets, RobotMotion, SolveReport]) -> None:
    card = measure(body, *stage)
    assert card.verdict == "good", card.reasons
    assert card.numbers["slip_mm_s"] < 1
    assert card.numbers["self_contact_pct"] == 0
    assert card.to_json()["numbers"]["fingertip_mm"] is None  # nothing to measure is null, not zero


def test_slip_and_drift_of_a_sliding_base(body: BodyMap, stage: tuple[Targets, RobotMotion, SolveReport]) -> None:
    motion = stage[1]
    slide = np.outer(motion.time_s, [0.4, 0, 0])
    rigid = np.tile(motion.joint_position_rad[-1], (FRAMES, 1))
    base = Transform(motion.T_world_base.position_m[-1] + slide, np.tile(motion.T_world_base.wxyz[-1], (FRAMES, 1)))
    numbers = card_of(body, stage, T_world_base=base, joint_position_rad=rigid).numbers
    assert numbers["slip_mm_s"] == pytest.approx(400, rel=1e-6)
    assert numbers["drift_mm"] == pytest.approx(400, rel=1e-6)  # one second at 0.4 m/s


def test_sinking_is_measured_at_the_lowest_point_of_the_soles(body: BodyMap, stage: tuple[Targets, RobotMotion, SolveReport]) -> None:
    motion = stage[1]
    before = card_of(body, stage).numbers["penetration_max_mm"]
    sunk = Transform(motion.T_world_base.position_m - [0, 0, 0.05], motion.T_world_base.wxyz)
    assert card_of(body, stage, T_world_base=sunk).numbers["penetration_max_mm"] == pytest.approx(before + 50, abs=1.0)


def test_jumps_and_violations_are_counted(body: BodyMap, stage: tuple[Targets, RobotMotion, SolveReport]) -> None:
    motion = stage[1]
    joints = np.tile(motion.joint_position_rad[-1], (FRAMES, 1))
    joints[20:, 3] += 0.6  # one jump; 30 rad/s, over the knee's 20
    joints[30, 22] = body.robot.upper_rad[22] + 1e-6
    card = card_of(body, stage, joint_position_rad=joints)
    assert card.numbers["jumps"] >= 1
    assert card.numbers["speed_violations"] >= 1
    assert card.numbers["position_violations"] == 1
    assert card.verdict == "fail"
    assert any(reason.startswith("position_violations 1 is over 0") for reason in card.reasons)


def test_self_contact_is_seen(body: BodyMap, stage: tuple[Targets, RobotMotion, SolveReport]) -> None:
    joints = stage[1].joint_position_rad.copy()
    names = list(body.robot.joint_names)
    joints[:, names.index("left_shoulder_roll_joint")] = -0.8  # the upper arm pressed into the torso
    targets, motion, report = stage
    card = measure(body, targets, dataclasses.replace(motion, joint_position_rad=joints), report)
    assert card.numbers["self_contact_pct"] == 100
    assert card.verdict == "fail"


def test_broken_data_is_said_with_frame_time_and_landmark(body: BodyMap) -> None:
    person = still_person(FRAMES, RATE_HZ, elbow_rad=1.2)
    position = person.position_m.copy()
    position[30:32, person.landmarks.index("left_thumb_tip")] += 0.2
    targets = build_targets(body, dataclasses.replace(person, position_m=position))
    card = measure(body, targets, *solve_clip(body, targets), self_contact=False)
    assert card.verdict == "review"
    assert "the recording is broken at frames 30-31 (0.60 s): left_thumb_tip" in card.reasons
    assert card.numbers["unsolved_pct"] == 0  # this robot has no thumb to follow it with
