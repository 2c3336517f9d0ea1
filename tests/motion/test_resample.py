"""Resampling: exact on straight lines, shortest arc for turns, gaps stay gaps."""

from __future__ import annotations

import dataclasses

import numpy as np

from motion.resample import interpolate_wxyz, resample_human, resample_robot, uniform_times
from motion.robot_motion import RobotMotion
from motion.transform import Transform, so3_exp
from tests.motion.bodies import still_person


def test_uniform_times_keep_both_ends() -> None:
    np.testing.assert_allclose(uniform_times(np.array([1.0, 1.35, 2.0]), 50.0), 1 + np.arange(51) / 50)


def test_a_straight_line_is_exact_between_frames() -> None:
    person = still_person(11, 10.0)
    line = person.position_m + 2.0 * person.time_s[:, None, None]
    moved = resample_human(dataclasses.replace(person, position_m=line), 37.0)
    np.testing.assert_allclose(moved.position_m, person.position_m[:1] + 2.0 * moved.time_s[:, None, None], atol=1e-12)


def test_a_gap_stays_a_gap_and_its_edges_stay_seen() -> None:
    person = still_person(4, 10.0)
    position, confidence = person.position_m.copy(), person.confidence.copy()
    position[2, 0], confidence[2, 0] = np.nan, 0.0
    out = resample_human(dataclasses.replace(person, position_m=position, confidence=confidence), 20.0)
    np.testing.assert_array_equal(np.isnan(out.position_m[:, 0, 0]), [False, False, False, True, True, True, False])
    np.testing.assert_array_equal(out.confidence[:, 0], [1, 1, 1, 0, 0, 0, 1])


def test_turns_take_the_shortest_arc() -> None:
    ends = so3_exp(np.array([[0, 0, 3.0], [0, 0, -3.0]]))  # 0.28 rad apart through the half turn
    half = interpolate_wxyz(np.array([0.0, 1.0]), ends, np.array([0.5]))
    np.testing.assert_allclose(np.abs(half), [[0, 0, 0, 1]], atol=1e-12)


def test_robot_motion_is_solved_only_between_solved_frames() -> None:
    joints = np.array([[0.0], [1.0], [np.nan], [3.0]])
    base = Transform(np.where(np.isnan(joints), np.nan, 0.0) * np.ones((4, 3)), np.where(np.isnan(joints), np.nan, [[1.0, 0, 0, 0]]))
    motion = RobotMotion(
        "r",
        np.arange(4.0),
        ("j",),
        joints,
        base,
        ~np.isnan(joints[:, 0]),
        {"left": np.array([1, 0, 0, 1], bool)},
        observed=np.array([[True], [False], [False], [True]]),
        objects={"cup": Transform(np.arange(12.0).reshape(4, 3), np.tile([1.0, 0, 0, 0], (4, 1)))},
    )
    out = resample_robot(motion, 2.0)
    np.testing.assert_array_equal(out.solved, [True, True, True, False, False, False, True])
    np.testing.assert_allclose(out.joint_position_rad[:3, 0], [0, 0.5, 1.0])
    np.testing.assert_array_equal(out.contacts["left"], [1, 0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(out.observed, [[True], [False], [False], [False], [False], [True], [True]])
    np.testing.assert_allclose(out.objects["cup"].position_m[1], [1.5, 2.5, 3.5])
