"""Every robot at hand: each segment on the link that a person reads off the URDF, and close to the hand-written robot.yaml."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.robots_truth import TRUTH, judge, truth_path
from motion.segments import BODY_SEGMENTS, segment_frame
from motion.transform import Array, matrix_from_wxyz
from robots import load_robot
from robots.kinematics import Kinematics
from robots.onboard.analyse import analyse
from robots.robot import Robot
from robots.yaml_loader import default_packages

SHIPPED = ("g1", "g1_dex3", "talos", "alex_psyonic", "icub", "allegro_right")
CONVENTION = ("pelvis", "chest", "spine", "neck", "head", "head_top", "heel", "toe")
"""Places that authors choose freely on the trunk; heels and toes follow from the feet's shapes."""
NEAR_M, PALM_M, TURNED_DEG, BENT = 0.03, 0.04, 15.0, 0.3


@pytest.mark.parametrize("name", TRUTH)
def test_every_segment_of_a_known_robot(name: str, data: Path) -> None:
    path = truth_path(TRUTH[name], data)
    if path is None:
        pytest.skip(f"{TRUTH[name].urdf} is not at hand")
    wrong = {what: found for what, found in judge(analyse(path, default_packages()), path, TRUTH[name]).items() if found}
    assert not wrong


def test_a_wrong_answer_is_seen(data: Path) -> None:
    path = truth_path(TRUTH["talos"], data)
    assert path is not None
    found = judge(analyse(path, default_packages()), path, TRUTH["icub"])
    assert found["forward"] == "+x, not -x"
    assert found["left_thigh"] == "on leg_left_3_link"
    assert found["kind"] == ""


@pytest.mark.parametrize("name", SHIPPED)
def test_joint_centres_lie_where_a_person_put_them(name: str) -> None:
    robot = load_robot(name)
    kinematics = Kinematics(robot)
    by_hand = dict(zip(robot.landmarks, kinematics.landmark_positions(robot.rest_rad)[0], strict=True))
    off = {}
    for landmark, point in analyse(robot.urdf, robot.package_dirs).landmarks.items():
        joint = landmark not in CONVENTION
        if landmark in by_hand and joint:
            pose = kinematics.frame_poses([point.frame], robot.rest_rad)[0, 0]
            off[landmark] = float(np.linalg.norm(pose.apply(np.array(point.offset_m)) - by_hand[landmark]))
    assert {mark: round(metres, 3) for mark, metres in off.items() if metres > (PALM_M if mark.endswith("mcp") else NEAR_M)} == {}
    assert len(off) >= (12 if name != "allegro_right" else 17)


@pytest.mark.parametrize("name", SHIPPED)
def test_segments_are_turned_as_those_of_a_hand_written_robot(name: str) -> None:
    robot = load_robot(name)
    kinematics = Kinematics(robot)
    segments = analyse(robot.urdf, robot.package_dirs).segments
    turned = {}
    for segment, rotation in _by_hand(robot, kinematics).items():
        found = segments[segment]
        own = kinematics.frame_poses([found.link], robot.rest_rad)[0, 0].rotation() @ matrix_from_wxyz(np.array(found.wxyz))
        turned[segment] = float(np.degrees(np.arccos(np.clip((np.trace(own.T @ rotation) - 1) / 2, -1, 1))))
    assert {segment: round(angle) for segment, angle in turned.items() if angle > TURNED_DEG} == {}
    assert len(turned) >= {"allegro_right": 1, "alex_psyonic": 5}.get(name, 7)


def _by_hand(robot: Robot, kinematics: Kinematics) -> dict[str, Array]:
    """Segment -> its frame at rest by robot.yaml's landmarks, where they tell it well: not of a nearly straight limb."""
    place = dict(zip(robot.landmarks, kinematics.landmark_positions(robot.rest_rad)[0], strict=True))
    missing = np.full((1, 3), np.nan)
    out = {}
    for segment in BODY_SEGMENTS:
        wxyz, clear = segment_frame(segment, lambda name: place[name][None] if name in place else missing)
        if clear[0] > BENT:
            out[segment] = matrix_from_wxyz(wxyz[0])
    return out


def test_what_is_guessed_is_said(data: Path) -> None:
    path = truth_path(TRUTH["poppy"], data)
    assert path is not None
    anatomy = analyse(path)
    text = " ".join(anatomy.unsure)
    assert "limits of l_shin and r_shin bend the knees to opposite sides" in text
    assert "left hand has no wrist joint" in text
    assert anatomy.landmarks["left_wrist"].confidence < anatomy.landmarks["left_elbow"].confidence < 1
    g1 = load_robot("g1_dex3")
    assert analyse(g1.urdf, g1.package_dirs).unsure == ()
