"""Robot motions of other tools: every layout is found by itself, read back to the same motion, and nothing is run by a pickle."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motion.errors import FileFormatError, UnknownNameError
from motion.pickles import read_pickle
from motion.robot_motion import RobotMotion
from motion.transform import Transform, so3_exp
from retarget.joint_orders import G1_23, G1_29, breadth_first
from retarget.robot_motions import read_robot_motion
from robots import load_robot
from robots.kinematics import Kinematics
from robots.robot import Robot

FRAMES, RATE_HZ = 12, 60.0
ISAAC_START = ["left_hip_pitch_joint", "right_hip_pitch_joint", "waist_yaw_joint", "left_hip_roll_joint", "right_hip_roll_joint"]


@pytest.fixture(scope="module")
def robot() -> Robot:
    return load_robot("g1")


@pytest.fixture(scope="module")
def motion(robot: Robot) -> RobotMotion:
    rng = np.random.default_rng(1)
    joints = robot.rest_rad + 0.2 * rng.normal(size=(FRAMES, len(robot.joint_names)))
    base = Transform(rng.normal(size=(FRAMES, 3)), so3_exp(rng.normal(size=(FRAMES, 3))))
    return RobotMotion("g1", np.arange(FRAMES) / RATE_HZ, robot.joint_names, joints, base, np.ones(FRAMES, bool))


def check(read: RobotMotion, motion: RobotMotion, names: tuple[str, ...], robot: Robot) -> None:
    columns = robot.joint_index(names)
    others = np.setdiff1d(np.arange(len(robot.joint_names)), columns)
    assert read.joint_names == robot.joint_names
    wanted = motion.joint_position_rad[:, [motion.joint_names.index(name) for name in names]]
    np.testing.assert_allclose(read.joint_position_rad[:, columns], wanted, atol=1e-6)
    np.testing.assert_array_equal(read.joint_position_rad[:, others], np.tile(robot.rest_rad[others], (FRAMES, 1)))
    assert read.observed is not None
    assert read.observed[:, columns].all()
    assert not read.observed[:, others].any()
    np.testing.assert_allclose(read.T_world_base.matrix(), motion.T_world_base.matrix(), atol=1e-6)
    np.testing.assert_allclose(read.time_s, motion.time_s)


def asap(motion: RobotMotion, robot: Robot) -> dict[str, Any]:
    joints = motion.joint_position_rad[:, robot.joint_index(G1_23)].astype(np.float32)
    base = motion.T_world_base
    return {"root_trans_offset": base.position_m, "root_rot": base.to_xyzw(), "dof": joints, "fps": np.array(60)}


def gmr(motion: RobotMotion) -> dict[str, Any]:
    base = motion.T_world_base
    body = {"fps": 60, "root_pos": base.position_m, "root_rot": base.to_xyzw(), "dof_pos": motion.joint_position_rad}
    return body | {"local_body_pos": None, "link_body_list": ["pelvis"]}


def test_our_own_file_keeps_its_clock(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    motion.save(tmp_path / "m.npz")
    reading = read_robot_motion(tmp_path / "m.npz", robot)
    assert reading.own_clock
    np.testing.assert_array_equal(reading.motion.joint_position_rad, motion.joint_position_rad)


def test_asap_arrays(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    np.savez(tmp_path / "m.npz", **asap(motion, robot))
    reading = read_robot_motion(tmp_path / "m.npz", robot)
    check(reading.motion, motion, G1_23, robot)
    assert reading.understood["layout"].startswith("ASAP")
    assert reading.understood["joints"].startswith("23 of 29; at rest: left_wrist_roll_joint")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_gmr_pickles(tmp_path: Path, robot: Robot, motion: RobotMotion, protocol: int) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(gmr(motion), protocol))
    reading = read_robot_motion(tmp_path / "m.pkl", robot)
    check(reading.motion, motion, G1_29, robot)
    assert reading.understood["layout"].startswith("GMR")


def test_unitree_tables_with_and_without_a_line_of_names(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    table = np.c_[motion.T_world_base.position_m, motion.T_world_base.to_xyzw(), motion.joint_position_rad]
    for header in ("", ",".join(f"column{k}" for k in range(36))):
        np.savetxt(tmp_path / "m.csv", table, delimiter=",", header=header, comments="")
        check(read_robot_motion(tmp_path / "m.csv", robot, RATE_HZ).motion, motion, G1_29, robot)
    with pytest.raises(FileFormatError, match="--robot-rate"):
        read_robot_motion(tmp_path / "m.csv", robot)
    np.savetxt(tmp_path / "m.csv", table[:, ::-1], delimiter=",")
    with pytest.raises(FileFormatError, match="no unit quaternion"):
        read_robot_motion(tmp_path / "m.csv", robot, RATE_HZ)


def test_beyond_mimic_joints_are_told_apart_by_where_the_bodies_are(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    kinematics = Kinematics(robot)
    poses = kinematics.frame_poses(["pelvis", *kinematics.frames[5:20]], motion.joint_position_rad, motion.T_world_base)
    arrays = {"fps": np.array([60]), "body_pos_w": poses.position_m, "body_quat_w": poses.wxyz}
    np.savez(tmp_path / "m.npz", joint_pos=motion.joint_position_rad, **arrays)
    reading = read_robot_motion(tmp_path / "m.npz", robot)
    check(reading.motion, motion, G1_29, robot)
    assert reading.understood["joint order"].startswith("depth first")

    isaac = breadth_first(robot)
    assert list(isaac[:5]) == ISAAC_START  # as Isaac Lab lists the G1's joints
    np.savez(tmp_path / "m.npz", joint_pos=motion.joint_position_rad[:, robot.joint_index(isaac)], **arrays)
    reading = read_robot_motion(tmp_path / "m.npz", robot)
    check(reading.motion, motion, G1_29, robot)
    assert reading.understood["joint order"].startswith("breadth first")
    np.savez(tmp_path / "m.npz", joint_pos=motion.joint_position_rad[:, ::-1], **arrays)
    with pytest.raises(FileFormatError, match="no order of joints"):
        read_robot_motion(tmp_path / "m.npz", robot)


def test_a_robot_with_hands_takes_the_body_and_rests_its_fingers(tmp_path: Path, motion: RobotMotion) -> None:
    hands = load_robot("g1_dex3")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(gmr(motion)))
    check(read_robot_motion(tmp_path / "m.pkl", hands).motion, motion, G1_29, hands)
    with pytest.raises(FileFormatError, match="has 29 joints and names none of them; robot talos"):
        read_robot_motion(tmp_path / "m.pkl", load_robot("talos"))


def test_names_in_the_file_count_and_wrong_ones_are_refused(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    content = asap(motion, robot) | {"joint_names": np.array(G1_23)}
    np.savez(tmp_path / "m.npz", **content)
    check(read_robot_motion(tmp_path / "m.npz", robot).motion, motion, G1_23, robot)
    np.savez(tmp_path / "m.npz", **content | {"joint_names": np.array([*G1_23[:-1], "elbow"])})
    with pytest.raises(UnknownNameError, match="unknown joint 'elbow'"):
        read_robot_motion(tmp_path / "m.npz", robot)


def test_missing_frames_are_unsolved(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    content = asap(motion, robot)
    content["dof"][3, 2] = np.nan
    np.savez(tmp_path / "m.npz", **content)
    assert np.flatnonzero(~read_robot_motion(tmp_path / "m.npz", robot).motion.solved).tolist() == [3]


def test_what_fits_no_layout_lists_the_layouts(tmp_path: Path, robot: Robot) -> None:
    np.savez(tmp_path / "m.npz", joints=np.zeros((3, 29)))
    with pytest.raises(FileFormatError, match=r"It holds: joints\. Known: Understudy .npz; ASAP"):
        read_robot_motion(tmp_path / "m.npz", robot)
    np.savez(tmp_path / "m.npz", dof=np.zeros((3, 29)), root_trans_offset=np.zeros((3, 2)), root_rot=np.ones((3, 4)) / 2, fps=30)
    with pytest.raises(FileFormatError, match=r"root_trans_offset is \(3, 2\)"):
        read_robot_motion(tmp_path / "m.npz", robot)
    (tmp_path / "m.txt").write_text("?")
    with pytest.raises(FileFormatError, match="is one of .npz"):
        read_robot_motion(tmp_path / "m.txt", robot)


class Intruder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "was_here"
    for content in (Intruder(mark), {"dof": [Intruder(mark)]}, eval):
        (tmp_path / "bad.pkl").write_bytes(pickle.dumps(content))
        with pytest.raises(FileFormatError, match="could run code"):
            read_pickle(tmp_path / "bad.pkl")
    assert not mark.exists()
    for text in (b"", b"not a pickle", pickle.dumps({"a": np.arange(5.0)})[:-20]):
        (tmp_path / "bad.pkl").write_bytes(text)
        with pytest.raises(FileFormatError):
            read_pickle(tmp_path / "bad.pkl")


def test_real_asap_pickles_hold_what_their_arrays_hold(asap: list[Path], robot: Robot) -> None:
    for path in asap:
        arrays, pickled = read_robot_motion(path, robot).motion, read_robot_motion(path.with_suffix(".pkl"), robot).motion
        np.testing.assert_array_equal(arrays.joint_position_rad, pickled.joint_position_rad)
        np.testing.assert_array_equal(arrays.T_world_base.matrix(), pickled.T_world_base.matrix())
