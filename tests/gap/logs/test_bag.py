"""Bags of several publishers, and trajectories: commands are what a controller would have made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from gap.logs import RobotLog, read_logs
from motion.errors import MotionError

STORE = get_typestore(Stores.ROS2_HUMBLE)
KINDS = STORE.types
START_S = 100.0
Point = tuple[float, Sequence[float]]


def state(stamp_s: float, **position_rad: float) -> object:
    """Positions by joint, with the publisher's own time after `START_S`."""
    nothing = np.zeros(0)
    told = np.array(list(position_rad.values()))
    return KINDS["sensor_msgs/msg/JointState"](_header(START_S + stamp_s), list(position_rad), told, nothing, nothing)


def trajectory(names: Sequence[str], points: Sequence[Point], stamp_s: float | None = None) -> object:
    """Points are seconds from the start, and positions; without a stamp it starts when it is recorded."""
    nothing = np.zeros(0)
    made = [
        KINDS["trajectory_msgs/msg/JointTrajectoryPoint"](np.array(told, float), nothing, nothing, nothing, _time("Duration", after_s))
        for after_s, told in points
    ]
    start_s = 0.0 if stamp_s is None else START_S + stamp_s
    return KINDS["trajectory_msgs/msg/JointTrajectory"](_header(start_s), list(names), made)


def _header(at_s: float) -> object:
    return KINDS["std_msgs/msg/Header"](stamp=_time("Time", at_s), frame_id="")


def _time(kind: str, at_s: float) -> object:
    return KINDS[f"builtin_interfaces/msg/{kind}"](int(at_s), round(1e9 * (at_s - int(at_s))))


def log_of(folder: Path, messages: Sequence[tuple[float, object]]) -> RobotLog:
    """What is read of a bag of messages, each with the time at which it was recorded after `START_S`."""
    topics = {"sensor_msgs/msg/JointState": "/joint_states", "trajectory_msgs/msg/JointTrajectory": "/arm/command"}
    with Writer(folder / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        connections = {kind: bag.add_connection(topic, kind, typestore=STORE) for kind, topic in topics.items()}
        for at_s, message in messages:
            kind = message.__msgtype__  # type: ignore[attr-defined]
            bag.write(connections[kind], round(1e9 * (START_S + at_s)), STORE.serialize_cdr(message, kind))
    (log,) = read_logs(folder / "bag")
    return log


def standing_still(duration_s: float) -> list[tuple[float, object]]:
    """States at 100 Hz."""
    return [(at_s, state(at_s, hip=0.0, knee=0.0)) for at_s in np.arange(0, duration_s, 0.01).tolist()]


def test_each_publisher_names_its_own_joints(tmp_path: Path) -> None:
    """Their messages come a little late and out of order; two that are of one moment are one row."""
    arm = [(at_s + 0.006, state(at_s, hip=at_s)) for at_s in (0.01 * np.arange(20)).tolist()]
    grip = [(at_s + 0.001, state(at_s, finger=2 * at_s)) for at_s in (0.02 * np.arange(10) + 0.02 * 0.25 * (np.arange(10) > 4)).tolist()]
    log = log_of(tmp_path, sorted([*arm, *grip], key=lambda one: one[0]))
    assert log.joint_names == ("finger", "hip")
    assert len(log) == 25  # the first five of the finger are of moments of the hip
    assert log.period_s == pytest.approx(0.01)
    at = log.at(np.arange(0.0, 0.18, 0.005))
    np.testing.assert_allclose(at.position_rad, at.time_s[:, None] * [2, 1], atol=1e-9)
    (tmp_path / "twice").mkdir()
    with pytest.raises(MotionError, match=r"time does not rise: .* s comes after .* s, of joint hip"):
        log_of(tmp_path / "twice", [*arm, (0.3, state(0.05, hip=0.0))])


def test_commands_lie_on_lines_between_the_points_of_a_trajectory(tmp_path: Path) -> None:
    points = [(0.1, [1.0, -1.0]), (0.5, [2.0, -1.0])]
    log = log_of(tmp_path, sorted([*standing_still(1.0), (0.2, trajectory(["knee", "hip"], points))], key=lambda one: one[0]))
    assert log.command_rad is not None
    hip, knee = log.command_rad[:, log.joint_names.index("hip")], log.command_rad[:, log.joint_names.index("knee")]
    np.testing.assert_array_equal(np.isnan(knee), log.time_s < 0.3 - 1e-6)
    known = np.isfinite(knee)
    np.testing.assert_allclose(knee[known], np.interp(log.time_s[known], [0.3, 0.7], [1.0, 2.0]), atol=1e-6)
    np.testing.assert_allclose(hip[known], -1.0)


def test_a_trajectory_begins_at_its_stamp_and_takes_the_place_of_what_was_planned(tmp_path: Path) -> None:
    """The second is sent at once, for later: until then the first goes on, of the joint that it does not name to its end."""
    first = (0.1, trajectory(["hip", "knee"], [(0.0, [0.0, 0.0]), (0.6, [6.0, 6.0])]))
    second = (0.15, trajectory(["hip"], [(0.1, [-1.0]), (0.2, [-2.0])], stamp_s=0.4))
    log = log_of(tmp_path, sorted([*standing_still(1.0), first, second], key=lambda one: one[0]))
    assert log.command_rad is not None
    hip, knee = (log.command_rad[:, log.joint_names.index(name)] for name in ("hip", "knee"))
    now = log.time_s
    np.testing.assert_allclose(knee[now > 0.11], np.interp(now[now > 0.11], [0.1, 0.7], [0.0, 6.0]), atol=1e-6)
    np.testing.assert_allclose(hip[(now > 0.11) & (now < 0.395)], knee[(now > 0.11) & (now < 0.395)])
    np.testing.assert_allclose(hip[(now > 0.405) & (now < 0.495)], 3.0, atol=0.101)  # as far as the first came
    np.testing.assert_allclose(hip[now > 0.505], np.interp(now[now > 0.505], [0.5, 0.6], [-1.0, -2.0]), atol=1e-6)


def test_a_trajectory_of_one_point_stands_from_then_on(tmp_path: Path) -> None:
    told = [(at_s, trajectory(["hip"], [(0.05, [at_s])])) for at_s in (0.1, 0.3)]
    log = log_of(tmp_path, sorted([*standing_still(0.6), *told], key=lambda one: one[0]))
    assert log.command_rad is not None
    hip = log.command_rad[:, log.joint_names.index("hip")]
    wanted = np.select([log.time_s < 0.15 - 1e-6, log.time_s < 0.35 - 1e-6], [np.nan, 0.1], 0.3)
    np.testing.assert_allclose(hip, wanted)


def test_points_that_go_back_in_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match="a trajectory of hip: its points' times do not rise"):
        log_of(tmp_path, [*standing_still(0.1), (0.2, trajectory(["hip"], [(0.5, [0.0]), (0.1, [1.0])]))])
