"""Every layout: written, read back by our reader, and read by what its documentation says with NumPy and pickle alone."""

from __future__ import annotations

import json
import pickle
import pickletools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motion.errors import FileFormatError, MotionError, UnderstudyError, UnknownNameError
from motion.provenance import Parent, Provenance
from motion.robot_motion import RobotMotion
from motion.transform import Transform, so3_exp
from retarget.export import main
from retarget.exports.base import export_motion, export_named, exports
from retarget.joint_orders import G1_23, body_order, breadth_first, joint_order
from retarget.resample import resampled
from retarget.robot_motions import read_robot_motion
from robots import load_robot
from robots.kinematics import Kinematics
from robots.robot import Robot

RATE_HZ = 50.0
LOST = 1e-6
OWN = Provenance("BVH clip 7.bvh", "CC-BY-4.0", "form 12", (Parent("7.bvh", "ab" * 32, "CC-BY-4.0", "form 12"),))


@pytest.fixture(scope="module")
def robot() -> Robot:
    return load_robot("g1")


@pytest.fixture(scope="module")
def motion(robot: Robot) -> RobotMotion:
    """Two seconds of slow waves in every joint, turning and walking."""
    time, rng = np.arange(101) / RATE_HZ, np.random.default_rng(3)
    wave = np.sin(2 * np.pi * (0.3 * time[:, None] + rng.uniform(size=len(robot.joint_names))))
    joints = np.clip(robot.rest_rad + 0.15 * wave, robot.lower_rad, robot.upper_rad)
    base = Transform(np.c_[0.4 * time, 0.1 * np.sin(time), np.full(101, 0.78)], so3_exp(np.c_[0.1 * np.sin(time), 0 * time, time]))
    return RobotMotion("g1", time, robot.joint_names, joints, base, np.ones(101, bool), {"left": time > 1}, provenance=OWN)


def written(motion: RobotMotion, robot: Robot, name: str, folder: Path, **more: Any) -> Path:
    path = folder / f"{name}{export_named(name).suffix}"
    export_motion(motion, robot, export_named(name), path, **more)
    return path


@pytest.mark.parametrize("name", ["understudy", "gmr", "unitree_csv", "mjlab", "beyond_mimic"])
def test_what_is_written_is_read_back(tmp_path: Path, robot: Robot, motion: RobotMotion, name: str) -> None:
    path = written(motion, robot, name, tmp_path, rate_hz=RATE_HZ)
    reading = read_robot_motion(path, robot)
    read = reading.motion
    assert read.joint_names == robot.joint_names
    np.testing.assert_allclose(read.joint_position_rad, motion.joint_position_rad, atol=LOST)
    np.testing.assert_allclose(read.T_world_base.position_m, motion.T_world_base.position_m, atol=LOST)
    np.testing.assert_allclose(read.T_world_base.rotation(), motion.T_world_base.rotation(), atol=LOST)
    np.testing.assert_allclose(read.time_s, motion.time_s, atol=1e-9)
    assert read.solved.all()
    assert read.rate_hz == pytest.approx(RATE_HZ)


def test_every_layout_is_known_and_tested() -> None:
    assert set(exports()) == {"understudy", "gmr", "unitree_csv", "mjlab", "beyond_mimic"}


def test_gmr_field_by_field(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    path = written(motion, robot, "gmr", tmp_path)
    with open(path, "rb") as stream:
        content = pickle.load(stream)
    assert list(content)[:6] == ["fps", "root_pos", "root_rot", "dof_pos", "local_body_pos", "link_body_list"]
    assert content["fps"] == 50
    assert type(content["fps"]) is int
    assert content["local_body_pos"] is None
    assert content["link_body_list"] is None
    np.testing.assert_array_equal(content["root_pos"], motion.T_world_base.position_m)
    turns = Rotation.from_quat(content["root_rot"])  # SciPy's own order is xyzw
    np.testing.assert_allclose(turns.as_matrix(), motion.T_world_base.rotation(), atol=1e-12)
    np.testing.assert_array_equal(content["dof_pos"], motion.joint_position_rad)
    assert content["joint_names"] == list(robot.joint_names)
    check_words(json.loads(content["metadata_json"]), "xyzw", 50.0)


def test_a_pickle_names_nothing_that_an_old_numpy_lacks(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    data = written(motion, robot, "gmr", tmp_path).read_bytes()
    named = {argument for code, argument, _ in pickletools.genops(data) if code.name == "GLOBAL"}
    assert named == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}
    assert data[:2] == b"\x80\x03"


def check_words(words: dict[str, Any], quaternions: str, rate_hz: float) -> None:
    assert (words["quaternions"], words["rate_hz"], words["robot"]) == (quaternions, rate_hz, "g1")
    assert (words["licence"], words["consent"], words["source"]) == ("CC-BY-4.0", "form 12", "BVH clip 7.bvh")
    assert words["provenance"]["parents"][0]["sha256"] == "ab" * 32
    assert words["units"].startswith("metres, radians")


def test_unitree_csv_field_by_field(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    path = written(motion, robot, "unitree_csv", tmp_path)  # at the 30 Hz that its readers take for granted
    for table in (np.loadtxt(path, delimiter=","), np.genfromtxt(path, delimiter=",")):
        assert table.shape == (61, 7 + 29)
        at = (np.arange(61) / 30)[:, None]
        np.testing.assert_allclose(table[:, :1], 0.4 * at, atol=LOST)
        np.testing.assert_allclose(table[::3, 7:], motion.joint_position_rad[::5], atol=LOST)  # every tenth of a second, frames of both
        turns = Rotation.from_quat(table[::3, 3:7])
        np.testing.assert_allclose(turns.as_matrix(), motion.T_world_base.rotation()[::5], atol=LOST)
    first, second = path.read_text().split("\n")[:2]
    said = json.loads(first.removeprefix("# "))
    assert said == {"rate_hz": 30.0, "units": "m, rad", "quaternion": "xyzw", "robot": "g1", "licence": "CC-BY-4.0", "consent": "form 12"}
    assert second.removeprefix("# ").split(",") == ["x_m", "y_m", "z_m", "qx", "qy", "qz", "qw", *robot.joint_names]
    check_words(json.loads((tmp_path / "unitree_csv.csv.json").read_text()), "xyzw", 30.0)


@pytest.mark.parametrize("name", ["mjlab", "beyond_mimic"])
def test_bodies_field_by_field(tmp_path: Path, robot: Robot, motion: RobotMotion, name: str) -> None:
    path = written(motion, robot, name, tmp_path)
    with np.load(path, allow_pickle=False) as archive:
        held = {key: archive[key] for key in archive.files}
    joints, bodies = held["joint_names"].tolist(), held["body_names"].tolist()
    assert held["fps"].tolist() == [50]
    assert {
        key: held[key].shape for key in ("joint_pos", "joint_vel", "body_pos_w", "body_quat_w", "body_lin_vel_w", "body_ang_vel_w")
    } == {
        **dict.fromkeys(("joint_pos", "joint_vel"), (101, 29)),
        **dict.fromkeys(("body_pos_w", "body_lin_vel_w", "body_ang_vel_w"), (101, 30, 3)),
        "body_quat_w": (101, 30, 4),
    }
    if name == "mjlab":
        assert joints == list(robot.joint_names)
        assert bodies[:4] == ["pelvis", "left_hip_pitch_link", "left_hip_roll_link", "left_hip_yaw_link"]
    else:
        assert joints[:4] == ["left_hip_pitch_joint", "right_hip_pitch_joint", "waist_yaw_joint", "left_hip_roll_joint"]
        assert bodies[:5] == ["pelvis", "left_hip_pitch_link", "right_hip_pitch_link", "waist_yaw_link", "left_hip_roll_link"]
    np.testing.assert_allclose(held["joint_pos"], motion.joint_position_rad[:, robot.joint_index(joints)], atol=1e-12)
    poses = Kinematics(robot).frame_poses(bodies, motion.joint_position_rad[40:41], motion.T_world_base[40:41])
    np.testing.assert_allclose(held["body_pos_w"][40], poses.position_m[0], atol=1e-9)
    turn = Rotation.from_quat(held["body_quat_w"][40], scalar_first=True)
    np.testing.assert_allclose(turn.as_matrix(), poses.rotation()[0], atol=1e-9)
    check_speeds(held)
    check_words(json.loads(str(held["metadata_json"])), "wxyz", 50.0)


def check_speeds(held: dict[str, np.ndarray]) -> None:
    """Speeds carry every frame to the next: by the trapezium rule, what is between two frames is half the sum of both."""
    steps = 1 / RATE_HZ
    for place, speed in (("joint_pos", "joint_vel"), ("body_pos_w", "body_lin_vel_w")):
        moved = np.diff(held[place], axis=0)
        np.testing.assert_allclose(moved, (held[speed][1:] + held[speed][:-1]) / 2 * steps, atol=1e-4)
    np.testing.assert_allclose(held["body_lin_vel_w"][50, 0, 0], 0.4, atol=1e-9)  # the base walks so
    turns = Rotation.from_quat(held["body_quat_w"][:, 0], scalar_first=True)
    omega = (turns[51] * turns[49].inv()).as_rotvec() / (2 * steps)  # in the world: the later turn times the earlier one's inverse
    np.testing.assert_allclose(held["body_ang_vel_w"][50, 0], omega, atol=1e-9)
    assert held["body_ang_vel_w"][50, 0, 2] == pytest.approx(1.0, abs=0.02)
    assert ((held["body_quat_w"][1:] * held["body_quat_w"][:-1]).sum(-1) > 0).all()


def test_joints_in_an_order_of_ones_own(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    (tmp_path / "order.json").write_text(json.dumps(list(G1_23[::-1])))
    for order, names in (("isaac", breadth_first(robot)), ("g1_23", G1_23), (str(tmp_path / "order.json"), G1_23[::-1])):
        path = written(motion, robot, "gmr", tmp_path, order=order)
        content = pickle.loads(path.read_bytes())
        assert content["joint_names"] == list(names)
        np.testing.assert_array_equal(content["dof_pos"], motion.joint_position_rad[:, robot.joint_index(names)])
        read = read_robot_motion(path, robot).motion
        np.testing.assert_array_equal(
            read.joint_position_rad[:, robot.joint_index(names)], motion.joint_position_rad[:, robot.joint_index(names)]
        )
    with pytest.raises(UnknownNameError, match="unknown joint order 'isaak'.*Did you mean 'isaac'"):
        joint_order(robot, "isaak")
    (tmp_path / "order.json").write_text('["left_knee_joint", "left_nee_joint"]')
    with pytest.raises(UnknownNameError, match="Did you mean 'left_knee_joint'"):
        joint_order(robot, str(tmp_path / "order.json"))
    with pytest.raises(MotionError, match="leave out joint_order=isaac"):
        written(motion, robot, "understudy", tmp_path, order="isaac")


def test_bodies_below_fixed_links_stay_on_their_level() -> None:
    robot = load_robot("talos")
    bodies = body_order(robot, "isaac")
    assert bodies[0] == robot.base
    assert len(set(bodies)) == len(bodies) == len(body_order(robot, "mujoco"))
    names = breadth_first(robot)
    assert sorted(names) == sorted(robot.joint_names)
    assert names.index("arm_left_1_joint") < names.index("leg_left_5_joint")  # two levels of torso before it, not five


def test_gaps_are_never_made_up(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    solved = np.ones(101, bool)
    solved[30:33] = False
    joints, base = motion.joint_position_rad.copy(), motion.T_world_base.position_m.copy()
    joints[~solved], base[~solved] = np.nan, np.nan
    wxyz = np.where(solved[:, None], motion.T_world_base.wxyz, np.nan)
    broken = replace(motion, joint_position_rad=joints, T_world_base=Transform(base, wxyz), solved=solved)
    path = tmp_path / "m.pkl"
    words = export_motion(broken, robot, export_named("gmr"), path)
    assert words["frames_of_the_input"] == "33 to 100 of 101; 3 frames have no pose, and the longest run was written"
    np.testing.assert_array_equal(pickle.loads(path.read_bytes())["dof_pos"], joints[33:])
    kept = read_robot_motion(written(broken, robot, "understudy", tmp_path), robot).motion
    assert np.flatnonzero(~kept.solved).tolist() == [30, 31, 32]
    assert kept.contacts["left"].sum() == motion.contacts["left"].sum()
    none = replace(broken, joint_position_rad=joints * np.nan, T_world_base=Transform(base * np.nan, wxyz * np.nan), solved=solved & False)
    with pytest.raises(MotionError, match="no frame of the motion is solved"):
        export_motion(none, robot, export_named("gmr"), path)


@pytest.mark.parametrize("rate_hz", [25.0, 30.0, 60.0, 120.0])
def test_another_rate_keeps_the_motion(motion: RobotMotion, robot: Robot, rate_hz: float) -> None:
    other = resampled(motion, rate_hz)
    assert len(other.time_s) == int(2 * rate_hz) + 1
    np.testing.assert_allclose(np.diff(other.time_s), 1 / rate_hz)
    wanted = np.stack([np.interp(other.time_s, motion.time_s, column) for column in motion.joint_position_rad.T], axis=1)
    np.testing.assert_allclose(other.joint_position_rad, wanted, atol=2e-4)
    yaw = 2 * np.arctan2(other.T_world_base.wxyz[:, 3], other.T_world_base.wxyz[:, 0])
    np.testing.assert_allclose(np.unwrap(yaw), other.time_s, atol=0.02)
    assert (other.joint_position_rad >= robot.lower_rad - 1e-9).all()
    assert (other.joint_position_rad <= robot.upper_rad + 1e-9).all()
    assert resampled(motion, RATE_HZ) is motion


def test_resampling_leaves_gaps_open(motion: RobotMotion) -> None:
    solved = np.ones(101, bool)
    solved[50] = False
    joints, base = motion.joint_position_rad.copy(), motion.T_world_base.position_m.copy()
    joints[50], base[50] = np.nan, np.nan
    broken = replace(motion, joint_position_rad=joints, T_world_base=Transform(base, motion.T_world_base.wxyz), solved=solved)
    other = resampled(broken, 100.0)
    assert np.flatnonzero(~other.solved).tolist() == [99, 100, 101]  # at 0.99, 1.0 and 1.01 s: frames 49 and 51 are solved


def test_the_command_converts_between_tools(tmp_path: Path, robot: Robot, motion: RobotMotion, capsys: pytest.CaptureFixture[str]) -> None:
    motion.save(tmp_path / "m.npz")
    assert main([f"{tmp_path}/m.npz", "format=gmr", f"output={tmp_path}/m.pkl"]) == 0
    assert main([f"input={tmp_path}/m.pkl", "format=unitree_csv", f"output={tmp_path}/m.csv", "rate_hz=50"]) == 0
    assert main([f"{tmp_path}/m.csv", "format=mjlab", f"output={tmp_path}/bodies.npz", "robot=g1"]) == 0
    assert main([f"{tmp_path}/bodies.npz", "format=understudy", f"output={tmp_path}/back.npz"]) == 0
    said = capsys.readouterr().out
    assert "written quaternions: xyzw" in said
    assert "read layout: GMR .pkl" in said
    back = RobotMotion.load(tmp_path / "back.npz")
    np.testing.assert_allclose(back.joint_position_rad, motion.joint_position_rad, atol=4 * LOST)
    assert (back.provenance.licence, back.provenance.consent) == ("CC-BY-4.0", "form 12")  # carried through every layout


def test_a_folder_is_written_and_a_broken_file_stops_nobody(
    tmp_path: Path, robot: Robot, motion: RobotMotion, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    motion.save(folder / "a.npz")
    motion.save(folder / "deep" / "b.npz")
    (folder / "c.pkl").write_bytes(b"nothing")
    assert main([str(folder), "format=unitree_csv", f"output={tmp_path}/out"]) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.csv", "a.csv.json", "b.csv", "b.csv.json"]
    assert "2 written" in capsys.readouterr().out


def test_wrong_words_are_one_error(tmp_path: Path, motion: RobotMotion) -> None:
    path = tmp_path / "m.npz"
    motion.save(path)
    for words, error, message in (
        ([path, "format=gmr"], UnderstudyError, "output= missing"),
        ([path, "format=gmr2", "output=x.pkl"], UnknownNameError, "unknown export format 'gmr2'.*Did you mean 'gmr'"),
        ([path, "format=gmr", "output=x.npz"], FileFormatError, "gmr is written as .pkl"),
        ([path, "format=gmr", "output=x.pkl", "rate=3"], UnknownNameError, "unknown setting 'rate'"),
        ([path, "format=gmr", "output=x.pkl", "rate_hz=-3"], UnderstudyError, "rate_hz=-3 is no rate"),
        ([path, "format=understudy", f"output={path}"], UnderstudyError, "would be overwritten"),
        ([tmp_path / "none.npz", "format=gmr", "output=x.pkl"], FileFormatError, "no such file or folder"),
        ([path, "format=gmr", "output=x.pkl", "robot=talos"], UnderstudyError, "robot g1"),
        ([tmp_path, "format=gmr", "output=x.pkl"], FileFormatError, "need a folder"),
    ):
        with pytest.raises(error, match=message):
            main(list(map(str, words)))


def test_real_motions_of_others_come_through(data: Path, asap: list[Path], robot: Robot, tmp_path: Path) -> None:
    csv = data / "reference" / "g1_moves" / "B_HandsUp.csv"
    raw = np.loadtxt(csv, delimiter=",")
    motion = read_robot_motion(csv, robot, 60.0).motion
    path = written(motion, robot, "unitree_csv", tmp_path, rate_hz=60.0)
    again = np.loadtxt(path, delimiter=",")
    np.testing.assert_allclose(again[:, :3], raw[:, :3], atol=LOST)
    np.testing.assert_allclose(again[:, 7:], raw[:, 7:], atol=LOST)
    flip = np.sign((again[:, 3:7] * raw[:, 3:7]).sum(1, keepdims=True))
    np.testing.assert_allclose(again[:, 3:7] * flip, raw[:, 3:7], atol=2e-6)  # the file's own quaternions are rounded to six digits
    there = read_robot_motion(asap[0], robot).motion
    back = read_robot_motion(written(there, robot, "gmr", tmp_path), robot).motion
    np.testing.assert_array_equal(back.joint_position_rad, there.joint_position_rad)
