"""Retargeting of hand-made handlings onto every shipped robot with fingers: errors, limits, smoothness, fingers, what is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from motion.errors import MotionError, RobotError
from motion.handling import Handling, HandTrack, Hold
from motion.transform import Transform
from retarget.handling.arms import arms_of
from retarget.handling.settings import HandlingSettings
from retarget.handling.solution import HandlingSolution, at_rate, retarget_handling
from robots import load_robot
from robots.hands import hand_of
from robots.robot import Robot
from robots.station import station
from robots.tool_frames import T_world_tool
from robots.upper_body import upper_body
from tests.retarget.handling.tracks import circle, knob, pour, reach

ROBOTS = ("g1_dex3", "alex_psyonic", "talos")
TRACKS = (reach, circle, knob, pour)
AS_IT_IS = HandlingSettings(waiting=False)
NEAR_M, NEAR_RAD = 2e-3, np.radians(3.0)
CALM_RADPS2 = 60.0
"""A minimum-jerk way of these hands asks at most some 20 rad/s2 of an arm; a jump of 0.1 rad in a frame would be 250."""


@cache
def robot_of(name: str) -> Robot:
    return upper_body(load_robot(name))


@cache
def solved(name: str, track: Callable[[str], Handling], side: str) -> HandlingSolution:
    return retarget_handling(robot_of(name), track(side), AS_IT_IS)


@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("name", ROBOTS)
def test_tools_follow_within_limits_and_without_jumps(name: str, track: Callable[[str], Handling]) -> None:
    robot, solution = robot_of(name), solved(name, track, "right")
    report, motion = solution.report, solution.motion
    assert report.reached
    assert np.nanmax(report.position_error_m["right"]) < NEAR_M
    assert np.nanmax(report.orientation_error_rad["right"]) < NEAR_RAD
    joints = motion.joint_position_rad
    assert (joints >= robot.lower_rad - 1e-9).all()
    assert (joints <= robot.upper_rad + 1e-9).all()
    assert (np.abs(np.diff(joints, axis=0)) * 50.0 <= robot.speed_radps * (1 + 1e-6)).all()
    arms = joints[:, arms_of(robot).columns]
    assert np.abs(np.diff(arms, 2, axis=0)).max() * 50.0**2 < CALM_RADPS2
    assert max(report.limit_use.values()) <= 1.0 + 1e-9


@pytest.mark.parametrize("name", ROBOTS)
def test_the_report_is_what_kinematics_say(name: str) -> None:
    robot, solution = robot_of(name), solved(name, pour, "right")
    goal = station(robot).T_world_counter @ solution.handling.hands["right"].T_counter_tool
    own = T_world_tool(robot, "right", solution.motion.joint_position_rad, solution.motion.T_world_base)
    away = np.linalg.norm(own.position_m - goal.position_m, axis=1)
    np.testing.assert_allclose(solution.report.position_error_m["right"], away, atol=1e-12)
    assert solution.report.worst_frame["right"] == int(away.argmax())
    np.testing.assert_allclose(solution.motion.objects["cup"].position_m, goal.position_m, atol=1e-12)


def test_the_left_hand_does_as_well() -> None:
    report = solved("g1_dex3", reach, "left").report
    assert np.nanmax(report.position_error_m["left"]) < NEAR_M


def test_arms_do_not_pass_through_the_robot() -> None:
    robot = robot_of("g1_dex3")
    arms = arms_of(robot)
    for track in TRACKS:
        joints = solved("g1_dex3", track, "right").motion.joint_position_rad[::10, arms.columns]
        assert arms.body.self_collision.deepest(joints) < 0.01


def test_what_is_too_far_is_said() -> None:
    there = reach("right")
    pose = there.hands["right"].T_counter_tool
    far = Transform(pose.position_m + np.linspace(0, 0.6, len(pose))[:, None] * [1.0, 0, 0], pose.wxyz)
    report = retarget_handling(
        robot_of("g1_dex3"), there.with_hand("right", replace(there.hands["right"], T_counter_tool=far)), AS_IT_IS
    ).report
    assert not report.reached
    assert not report.out_of_reach["right"][:20].any()
    assert report.out_of_reach["right"][-20:].all()
    assert report.worst_frame["right"] > len(pose) // 2


def test_a_hand_that_is_not_wanted_stays_at_rest() -> None:
    robot, there = robot_of("g1_dex3"), reach("right")
    both = there.with_hand("left", replace(reach("left").hands["left"], wanted=np.zeros(len(there.time_s))))
    solution = retarget_handling(robot, both, AS_IT_IS)
    left = [j for j, name in enumerate(robot.joint_names) if name.startswith("left_") and "hand" not in name]
    assert np.abs(solution.motion.joint_position_rad[:, left] - robot.rest_rad[left]).max() < 0.15
    assert np.isnan(solution.report.position_error_m["left"]).all()
    assert "left" not in solution.report.worst_frame
    assert solution.report.reached


def test_free_turning_about_the_cup_is_used() -> None:
    """A cup behind the hand's back: only a hand that may come from elsewhere gets there."""
    robot, there = robot_of("g1_dex3"), reach("right")
    pose = there.hands["right"].T_counter_tool
    backwards = Transform(pose.position_m, np.tile([np.cos(1.2), 0, 0, np.sin(1.2)], (len(pose), 1)))
    asked = there.with_hand("right", replace(there.hands["right"], T_counter_tool=backwards))
    strict = retarget_handling(robot, asked, AS_IT_IS).report
    free = retarget_handling(robot, asked, HandlingSettings(turning=(40.0, 40.0, 0.0), waiting=False)).report
    assert not strict.reached
    assert np.nanmax(free.position_error_m["right"]) < NEAR_M
    assert np.nanmax(free.orientation_error_rad["right"][10:]) < NEAR_RAD


def test_axis_weights_add_up_to_turning() -> None:
    x, y, z = HandlingSettings(turning=(5.0, 4.0, 3.0)).axis_weights()
    np.testing.assert_allclose([y * y + z * z, x * x + z * z, x * x + y * y], [25.0, 16.0, 9.0], atol=1e-9)
    assert HandlingSettings(turning=(2.0, 2.0, 0.0)).axis_weights() == pytest.approx((0.0, 0.0, 2.0))
    with pytest.raises(MotionError, match="turning"):
        HandlingSettings(turning=(5.0, 1.0, 1.0))
    with pytest.raises(MotionError, match="regrasp"):
        HandlingSettings(regrasp=(0.7, 0.3))


def test_fingers_take_the_next_preshape_on_the_way() -> None:
    robot, there = robot_of("g1_dex3"), reach("right")
    held = (Hold("right", "cup", 0.2, 0.8, "wrap"), Hold("right", "cup", 2.2, 3.0, "hook"))
    opening = np.ones(len(there.time_s))
    busy = replace(there.with_hand("right", replace(there.hands["right"], opening=opening)), holds=held)
    hand = hand_of(robot, "right")
    fingers = retarget_handling(robot, busy, AS_IT_IS).motion.joint_position_rad[:, robot.joint_index(hand.joint_names)]
    time_s = there.time_s
    np.testing.assert_allclose(fingers[time_s <= 1.2], np.tile(hand.postures["wrap"][0], (int((time_s <= 1.2).sum()), 1)), atol=1e-6)
    np.testing.assert_allclose(fingers[time_s >= 1.8], np.tile(hand.postures["hook"][0], (int((time_s >= 1.8).sum()), 1)), atol=1e-6)
    assert np.abs(np.diff(fingers, axis=0)).max() < 0.2


def test_other_rates_are_brought_to_the_control_rate() -> None:
    there = reach("right")
    coarse = replace(
        there,
        time_s=there.time_s[::3],
        hands={s: HandTrack(h.T_counter_tool[::3], h.opening[::3], h.wanted[::3]) for s, h in there.hands.items()},
        things={name: track[::3] for name, track in there.things.items()},
    )
    again = at_rate(coarse, 50.0)
    assert len(again.time_s) == len(there.time_s)
    np.testing.assert_allclose(again.hands["right"].T_counter_tool.position_m, there.hands["right"].T_counter_tool.position_m, atol=1e-3)


def test_holes_in_a_track_are_refused() -> None:
    there = reach("right")
    pose = there.hands["right"].T_counter_tool
    place = pose.position_m.copy()
    place[7] = np.nan
    broken = there.with_hand("right", replace(there.hands["right"], T_counter_tool=Transform(place, pose.wxyz)))
    with pytest.raises(MotionError, match="not known in 1 frames"):
        retarget_handling(robot_of("g1_dex3"), broken)
    with pytest.raises(RobotError, match="hands"):
        retarget_handling(load_robot("allegro_right"), there)
