"""Broken robot motions of other tools: one clear error, or a correction that is said and right."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motion.errors import UnderstudyError
from motion.robot_motion import RobotMotion
from motion.transform import Transform, so3_exp
from retarget.exports.base import export_motion, export_named
from retarget.joint_orders import G1_29
from retarget.robot_motions import read_robot_motion
from robots import load_robot
from robots.robot import Robot

FRAMES, RATE_HZ = 40, 50.0
Content = dict[str, Any]


@pytest.fixture(scope="module")
def robot() -> Robot:
    return load_robot("g1")


@pytest.fixture(scope="module")
def motion(robot: Robot) -> RobotMotion:
    """Walking upright, turning to the left."""
    time = np.arange(FRAMES) / RATE_HZ
    joints = robot.rest_rad + 0.2 * np.sin(time[:, None] + np.arange(29))
    joints[:, robot.joint_names.index("left_knee_joint")] += 1.0
    base = Transform(np.c_[time, 0 * time, np.full(FRAMES, 0.78)], so3_exp(np.c_[0 * time, 0.05 + 0 * time, 0.4 + time]))
    return RobotMotion("g1", time, robot.joint_names, np.clip(joints, robot.lower_rad, robot.upper_rad), base, np.ones(FRAMES, bool))


def content(motion: RobotMotion) -> Content:
    base = motion.T_world_base
    return {"fps": 50, "root_pos": base.position_m.copy(), "root_rot": base.to_xyzw(), "dof_pos": motion.joint_position_rad.copy()}


def changed(key: str, change: Callable[[Any], Any]) -> Callable[[Content], Content]:
    return lambda held: {**held, key: change(held[key])}


def some(array: np.ndarray, value: float) -> np.ndarray:
    out = array.copy()
    out[3:6] = value
    return out


BROKEN: dict[str, tuple[Callable[[Content], Content], str]] = {
    "degrees": (changed("dof_pos", np.degrees), "beyond the limits.*degrees instead of radians"),
    "names one off": (changed("dof_pos", lambda a: np.roll(a, 1, axis=1)), "beyond the limits.*another order of joints"),
    "a joint too few": (changed("dof_pos", lambda a: a[:, :-1]), "has 28 joints and names none"),
    "no frames": (lambda held: {k: v[:0] if isinstance(v, np.ndarray) else v for k, v in held.items()}, "do not belong together"),
    "fewer poses than angles": (changed("root_pos", lambda a: a[:-3]), "37 base positions, 40 orientations"),
    "quaternions of length 2": (changed("root_rot", lambda a: 2 * a), "no unit quaternions in 40 of 40 poses"),
    "quaternions of length 0": (changed("root_rot", lambda a: some(a, 0.0)), "no unit quaternions in 3 of 40"),
    "a negative rate": (changed("fps", lambda _: -50), "a frame rate of -50 Hz is none"),
    "a rate that is a word": (changed("fps", lambda _: "fast"), "fps is no number"),
    "all NaN": (changed("dof_pos", lambda a: a * np.nan), "no frame holds finite numbers"),
    "a name twice": (lambda held: {**held, "joint_names": [*G1_29[:-1], G1_29[0]]}, "names a joint twice"),
    "a name unknown": (lambda held: {**held, "joint_names": [*G1_29[:-1], "tail_joint"]}, "unknown joint 'tail_joint'"),
    "names of fewer": (lambda held: {**held, "joint_names": list(G1_29[:-1])}, "do not belong together"),
    "text for numbers": (changed("dof_pos", lambda a: a.astype(str)), "dof_pos is"),
    "an array of another shape": (changed("root_rot", lambda a: a[:, :3]), "root_rot is"),
    "nothing of it": (lambda _: {"hello": 1}, "no known layout"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_pickles(kind: str, tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    change, message = BROKEN[kind]
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(change(content(motion))))
    with pytest.raises(UnderstudyError, match=message) as raised:
        read_robot_motion(tmp_path / "m.pkl", robot)
    assert "m.pkl" in str(raised.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_frames_without_numbers_have_no_pose(tmp_path: Path, robot: Robot, motion: RobotMotion, value: float) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(changed("root_rot", lambda a: some(a, value))(content(motion))))
    read = read_robot_motion(tmp_path / "m.pkl", robot).motion
    assert np.flatnonzero(~read.solved).tolist() == [3, 4, 5]
    np.testing.assert_array_equal(read.joint_position_rad[6:], motion.joint_position_rad[6:])


def same(read: RobotMotion, motion: RobotMotion) -> None:
    np.testing.assert_allclose(read.joint_position_rad, motion.joint_position_rad, atol=1e-6)
    np.testing.assert_allclose(read.T_world_base.matrix(), motion.T_world_base.matrix(), atol=1e-6)


def test_wxyz_for_xyzw_is_seen_and_said(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({**content(motion), "root_rot": motion.T_world_base.wxyz}))
    reading = read_robot_motion(tmp_path / "m.pkl", robot)
    assert reading.understood["quaternions"].startswith("wxyz, not xyzw as the layout has it: corrected")
    same(reading.motion, motion)
    table = np.c_[motion.T_world_base.position_m, motion.T_world_base.wxyz, motion.joint_position_rad]
    np.savetxt(tmp_path / "m.csv", table, delimiter=",")
    same(read_robot_motion(tmp_path / "m.csv", robot, RATE_HZ).motion, motion)


def test_xyzw_for_wxyz_too(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    export_motion(motion, robot, export_named("mjlab"), tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as archive:
        held = {name: archive[name] for name in archive.files}
    np.savez(tmp_path / "m.npz", **{**held, "body_quat_w": np.roll(held["body_quat_w"], -1, axis=-1)})
    reading = read_robot_motion(tmp_path / "m.npz", robot)
    assert reading.understood["quaternions"].startswith("xyzw, not wxyz")
    same(reading.motion, motion)


def test_lying_down_is_no_broken_quaternion(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    for axis in ([1.0, 0, 0], [0, 1.0, 0], [0, -1.0, 0]):
        lying = Transform.from_matrix(motion.T_world_base.matrix() @ Transform(np.zeros(3), so3_exp(np.pi / 2 * np.array(axis))).matrix())
        (tmp_path / "m.pkl").write_bytes(pickle.dumps({**content(motion), "root_rot": lying.to_xyzw()}))
        reading = read_robot_motion(tmp_path / "m.pkl", robot)
        assert "quaternions" not in reading.understood
        np.testing.assert_allclose(reading.motion.T_world_base.rotation(), lying.rotation(), atol=1e-9)


CSV_CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "holds no rows"),
    "names only": (lambda text: text.split("\n")[1] + "\n", "holds no rows"),
    "a cell too few": (lambda text: text.rsplit(",", 1)[0] + "\n", "cannot be read"),
    "a letter": (lambda text: text.rsplit(",", 1)[0] + ",x1\n", "cannot be read"),
    "no text": (lambda text: text[:200] + "\x80\x81", "cannot be read|holds no rows"),
    "a name too few": (lambda text: text.replace(",right_wrist_yaw_joint", "", 1), "36 columns of numbers, and 35 names"),
    "seven columns": (lambda text: "\n".join("1,2,3,0,0,0,1" for _ in range(5)), "7 columns; xyz, quaternion"),
}


@pytest.mark.parametrize("kind", CSV_CHANGES)
def test_broken_tables(kind: str, tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    change, message = CSV_CHANGES[kind]
    path = tmp_path / "m.csv"
    export_motion(motion, robot, export_named("unitree_csv"), path, RATE_HZ)
    path.write_bytes(change(path.read_text()).encode("latin-1"))
    with pytest.raises(UnderstudyError, match=rf"m\.csv.*({message})"):
        read_robot_motion(path, robot, RATE_HZ)


def test_a_table_in_windows_writing_with_shuffled_columns_and_names(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    path = tmp_path / "m.csv"
    export_motion(motion, robot, export_named("unitree_csv"), path, RATE_HZ)
    _, names, *rows = path.read_text().strip().split("\n")
    order = [*range(7), *(7 + np.random.default_rng(2).permutation(29))]
    lines = [names.removeprefix("# "), *rows]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(",".join(line.split(",")[k] for k in order) for line in lines).encode())
    same(read_robot_motion(path, robot, RATE_HZ).motion, motion)


@pytest.mark.parametrize("name", ["gmr", "mjlab", "understudy"])
def test_cut_off_anywhere(tmp_path: Path, robot: Robot, motion: RobotMotion, name: str) -> None:
    path = tmp_path / f"m{export_named(name).suffix}"
    export_motion(motion, robot, export_named(name), path)
    data = path.read_bytes()
    for share in (0.0, 0.05, 0.3, 0.6, 0.9, 0.999):
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(UnderstudyError, match=path.name):
            read_robot_motion(path, robot)


@pytest.mark.parametrize("name", ["time_s", "joint_position_rad", "base_position_m", "base_wxyz", "solved"])
def test_our_own_file_with_a_part_too_short_or_missing(tmp_path: Path, robot: Robot, motion: RobotMotion, name: str) -> None:
    motion.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as archive:
        held = {key: archive[key] for key in archive.files}
    for broken in (
        {**held, name: held[name][:-3]},
        {key: array for key, array in held.items() if key != name},
        {**held, name: np.array("x")},
    ):
        np.savez(tmp_path / "b.npz", **broken)
        with pytest.raises(UnderstudyError, match=r"b\.npz"):
            read_robot_motion(tmp_path / "b.npz", robot)


def test_an_array_that_claims_more_than_it_holds(tmp_path: Path, robot: Robot) -> None:
    from tests.retarget.sources.test_broken_files import npz_that_claims

    with pytest.raises(UnderstudyError, match=r"bomb\.npz"):
        read_robot_motion(npz_that_claims(tmp_path / "bomb.npz", (10**12, 29)), robot)


class Runs:
    """What a hostile pickle does when it is loaded."""

    def __init__(self, call: Callable[..., Any], *words: Any) -> None:
        self.call, self.words = call, words

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.words


def test_a_hostile_pickle_runs_nothing(tmp_path: Path, robot: Robot, motion: RobotMotion) -> None:
    mark = tmp_path / "was_here"
    for call, words in ((os.system, (f"touch {mark}",)), (eval, (f"open({str(mark)!r}, 'w')",)), (os.mkdir, (str(mark),))):
        (tmp_path / "m.pkl").write_bytes(pickle.dumps({**content(motion), "fps": Runs(call, *words)}))
        with pytest.raises(UnderstudyError, match="could run code"):
            read_robot_motion(tmp_path / "m.pkl", robot)
        assert not mark.exists()
