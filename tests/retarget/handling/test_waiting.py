"""Hands that wait while nobody wants them anywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.handling import Handling, HandTrack, Hold
from motion.transform import Transform
from retarget.handling.solution import retarget_handling
from retarget.handling.waiting import WANTED, with_waiting_hands
from robots import load_robot
from robots.ready import ready_for_work
from robots.robot import Robot
from robots.station import station
from robots.tool_frames import T_world_tool

STEP_S, FAST_MPS, FAST_RADPS = 0.02, 1.2, 4.0


@pytest.fixture(scope="module")
def robot() -> Robot:
    return ready_for_work(load_robot("g1_dex3"))


def made(wanted: np.ndarray, x_m: np.ndarray) -> Handling:
    """A right hand over the counter at y = -0.2, z = 0.12, that hangs where it is not wanted; a thing held in the middle."""
    frames = len(wanted)
    hanging = np.array([-0.05, -0.07, -0.2])
    place = np.where(wanted[:, None] > 0, np.stack([x_m, np.full(frames, -0.2), np.full(frames, 0.12)], axis=1), hanging)
    still = Transform(np.tile([0.2, -0.2, 0.0], (frames, 1)), np.tile([1.0, 0, 0, 0], (frames, 1)))
    track = HandTrack(Transform(place, np.tile([1.0, 0, 0, 0], (frames, 1))), np.ones(frames), wanted.astype(float))
    return Handling(STEP_S * np.arange(frames), {"right": track}, {"cup": still})


def ready(robot: Robot) -> Transform:
    place = station(robot)
    return place.T_world_counter.inverse() @ T_world_tool(robot, "right", robot.rest_rad[None])[0]


def test_a_hand_begins_and_ends_where_it_waits(robot: Robot) -> None:
    wanted = np.r_[np.zeros(10), np.ones(60), np.zeros(10)]
    out = with_waiting_hands(robot, made(wanted, np.full(80, 0.15)))
    track = out.hands["right"].T_counter_tool
    for end in (0, -1):
        np.testing.assert_allclose(track.position_m[end], ready(robot).position_m, atol=1e-9)
    assert (np.diff(out.time_s) > 0).all()
    assert out.time_s[0] < 0.0
    assert np.linalg.norm(np.diff(track.position_m, axis=0), axis=1).max() < FAST_MPS * STEP_S


def test_what_is_wanted_stays_as_it_is_at_its_time(robot: Robot) -> None:
    wanted = np.r_[np.zeros(10), np.ones(60), np.zeros(10)]
    asked = made(wanted, 0.15 + 0.05 * np.sin(np.linspace(0, 6, 80)))
    out = with_waiting_hands(robot, asked)
    first = int(np.searchsorted(out.time_s, asked.time_s[10] - 1e-9))
    np.testing.assert_array_equal(
        out.hands["right"].T_counter_tool.position_m[first : first + 60], asked.hands["right"].T_counter_tool.position_m[10:70]
    )
    judged = np.asarray(out.hands["right"].wanted) >= WANTED
    assert judged.sum() == 60


def test_a_hand_waits_between_two_jobs_only_where_there_is_time(robot: Robot) -> None:
    for pause, waits in ((30, False), (200, True)):
        wanted = np.r_[np.ones(50), np.zeros(pause), np.ones(50)]
        out = with_waiting_hands(robot, made(wanted, np.full(100 + pause, 0.2)))
        begin = int(np.searchsorted(out.time_s, 50 * STEP_S))
        between = out.hands["right"].T_counter_tool.position_m[begin : begin + pause]
        assert bool(np.linalg.norm(between - ready(robot).position_m, axis=1).min() < 1e-6) is waits


def test_a_hand_short_of_the_counter_counts_only_near_what_it_holds(robot: Robot) -> None:
    wanted, x = np.ones(100), np.linspace(-0.1, 0.1, 100)
    judged = {}
    for name, holds in (("free", ()), ("holding", (Hold("right", "cup", 0.2, 1.8),))):
        out = with_waiting_hands(robot, replace(made(wanted, x), holds=holds))
        judged[name] = int((np.asarray(out.hands["right"].wanted) >= WANTED).sum())
    assert judged["free"] == 50
    assert judged["holding"] > 80


def test_a_hand_draws_back_from_what_it_held_before_it_goes_its_own_way(robot: Robot) -> None:
    back = np.r_[np.full(30, 0.08), np.linspace(0.08, -0.12, 51)[1:]]
    x_m = np.r_[back[::-1], back]
    asked = replace(made(np.ones(160), x_m), holds=(Hold("right", "cup", 60 * STEP_S, 99 * STEP_S),))
    out = with_waiting_hands(robot, asked)
    before = int(np.searchsorted(out.time_s, asked.time_s[0] - 1e-9))
    track = out.hands["right"]
    wanted = np.asarray(track.wanted)[before : before + 160] >= WANTED
    beside = np.abs(x_m - 0.08) <= 0.15
    assert (x_m[beside] < 0).any()
    np.testing.assert_array_equal(wanted, beside)
    np.testing.assert_array_equal(track.T_counter_tool.position_m[before : before + 160][beside, 0], x_m[beside])


def test_a_hand_that_is_never_wanted_is_left_alone(robot: Robot) -> None:
    asked = made(np.zeros(50), np.zeros(50))
    out = with_waiting_hands(robot, asked)
    assert len(out.time_s) == 50
    np.testing.assert_array_equal(out.hands["right"].wanted, np.zeros(50))


def test_the_robot_begins_and_ends_ready(robot: Robot) -> None:
    wanted = np.r_[np.zeros(20), np.ones(60), np.zeros(20)]
    solution = retarget_handling(robot, made(wanted, np.full(100, 0.15)))
    arms = [index for index, name in enumerate(robot.joint_names) if "hand" not in name]
    joints = solution.motion.joint_position_rad[:, arms]
    assert np.abs(joints[0] - robot.rest_rad[arms]).max() < 0.06
    assert np.abs(joints[-1] - robot.rest_rad[arms]).max() < 0.2
    assert np.abs(np.diff(joints, axis=0)).max() < FAST_RADPS * STEP_S
    assert solution.report.reached
