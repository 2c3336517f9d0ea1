"""Hands whose tips meet elsewhere than in the tool's origin take cloth with the tips."""

from __future__ import annotations

import numpy as np
import pytest

from motion.handling import Handling, HandTrack, Hold
from motion.transform import Transform
from retarget.handling.tips import CLEAR_M, PRESS_M, at_tips, tip_m
from robots import load_robot
from robots.hands import hand_of
from robots.kinematics import Kinematics
from robots.ready import ready_for_work
from robots.robot import Robot


@pytest.fixture(scope="module")
def robot() -> Robot:
    return ready_for_work(load_robot("g1_dex3"))


def handling(*grasps: str, opening: float = 0.0) -> Handling:
    """A right hand that stays where it is, and one hold a second of each grasp."""
    time_s = np.arange(0.0, 2.0 * len(grasps), 0.02)
    still = Transform(np.tile([0.1, -0.2, 0.1], (len(time_s), 1)), np.tile([1.0, 0, 0, 0], (len(time_s), 1)))
    holds = tuple(Hold("right", "rag", 2.0 * k + 0.5, 2.0 * k + 1.5, grasp) for k, grasp in enumerate(grasps))
    return Handling(time_s, {"right": HandTrack(still, np.full(len(time_s), opening), np.ones(len(time_s)))}, {"rag": still}, holds)


@pytest.mark.parametrize("side", ["left", "right"])
def test_tips_meet_between_thumb_and_fingers(robot: Robot, side: str) -> None:
    """Closed, the pads are 12 mm apart, to either side of where they meet; on the palm's side of the tool's origin."""
    hand = hand_of(robot, side)
    joints = robot.rest_rad.copy()
    joints[robot.joint_index(hand.joint_names)] = hand.posture("nip", 0.0)[0]
    kinematics = Kinematics(robot)
    tool = kinematics.frame_poses([hand.link], joints)[0, 0] @ hand.T_link_tool
    pads = tool.inverse().apply(kinematics.point_positions([hand.fingers[name].pad for name in ("thumb", "index", "middle")], joints)[0])
    meet = tip_m(robot, hand)
    assert np.linalg.norm(pads[0] - meet) == pytest.approx(0.006, abs=0.001)
    assert meet[1] * (1 if side == "right" else -1) > 0.02


def test_where_cloth_is_held_the_tips_go_where_the_origin_went(robot: Robot) -> None:
    before, after = handling("nip"), at_tips(robot, handling("nip"))
    meet = after.hands["right"].T_counter_tool.apply(tip_m(robot, hand_of(robot, "right")))
    asked = before.hands["right"].T_counter_tool.position_m - [0, 0, PRESS_M]
    np.testing.assert_allclose(meet, asked, atol=1e-12)


def test_open_tips_stay_above(robot: Robot) -> None:
    shut, wide = (at_tips(robot, handling("nip", opening=opening)).hands["right"].T_counter_tool.position_m for opening in (0.0, 1.0))
    np.testing.assert_allclose(wide - shut, np.tile([0, 0, CLEAR_M + PRESS_M], (len(wide), 1)), atol=1e-12)


def test_other_grasps_are_as_they_were(robot: Robot) -> None:
    for grasps in (("wrap",), ("pinch", "wrap")):
        before, after = handling(*grasps), at_tips(robot, handling(*grasps))
        np.testing.assert_array_equal(after.hands["right"].T_counter_tool.position_m, before.hands["right"].T_counter_tool.position_m)


def test_between_a_cup_and_a_cloth_it_changes_smoothly(robot: Robot) -> None:
    mixed = at_tips(robot, handling("wrap", "nip")).hands["right"].T_counter_tool.position_m
    np.testing.assert_array_equal(mixed[:75], handling("wrap", "nip").hands["right"].T_counter_tool.position_m[:75])
    np.testing.assert_allclose(mixed[-1], at_tips(robot, handling("nip")).hands["right"].T_counter_tool.position_m[-1], atol=1e-12)
    assert np.abs(np.diff(mixed, axis=0)).max() < 0.003
