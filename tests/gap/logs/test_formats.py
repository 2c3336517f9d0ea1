"""The same run, written in every format, is the same log; what is broken or unclear is refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from gap.logs import LogOptions, log_formats, read_logs
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, MotionError, UnknownNameError
from motion.lerobot import write_dataset
from motion.lerobot.layout import UNDERSTUDY

JOINTS = ("hip", "knee")
TIME = 0.02 * np.arange(50)
COMMAND = np.stack([np.sin(3 * TIME), 0.5 * np.cos(2 * TIME)], axis=1)
POSITION = np.roll(COMMAND, 2, axis=0)
POSITION[:2] = COMMAND[0]
VELOCITY = np.gradient(POSITION, 0.02, axis=0)

RPM = VELOCITY * 30 / math.pi


def in_sage(folder: Path) -> tuple[Path, LogOptions]:
    folder = folder / "walk"
    folder.mkdir()
    (folder / "joint_list.txt").write_text("\n".join(JOINTS))
    rows = [f'CONTROL,{1e6 * t},"{json.dumps(list(c))}"' for t, c in zip(TIME, COMMAND, strict=True)]
    (folder / "control.csv").write_text("\n".join(["type,timestamp,positions", *rows]))
    moved = zip(TIME, POSITION, VELOCITY, strict=True)
    rows = [f'STATE_MOTOR,{1e6 * t},"{json.dumps(list(p))}","{json.dumps(list(v))}","[0.0, 0.0]"' for t, p, v in moved]
    (folder / "state_motor.csv").write_text("\n".join(["type,timestamp,positions,velocities,torques", *rows]))
    return folder, LogOptions()


def in_npz(folder: Path) -> tuple[Path, LogOptions]:
    arrays = {"time_ms": 1e3 * TIME, "position": np.degrees(POSITION), "target": np.degrees(COMMAND), "speed": np.degrees(VELOCITY)}
    np.savez(folder / "run.npz", joint_names=np.array(JOINTS), voltages=np.ones((50, 2)), **arrays)
    return folder / "run.npz", LogOptions(units={"position": "deg", "velocity": "deg/s"})


def in_hdf5(folder: Path) -> tuple[Path, LogOptions]:
    with h5py.File(folder / "run.mat", "w") as file:
        file["#refs#/a"] = np.zeros(3)
        file["robot/jointsPos"], file["robot/jointsVel"], file["jointsTime"] = POSITION.T, VELOCITY.T, TIME[None]
        file["robot/basePos"], file["robot/wanted"] = np.zeros((3, 50)), COMMAND.T
    columns = {"position": "robot/jointsPos", "velocity": "robot/jointsVel", "time": "jointsTime", "command": "robot/wanted"}
    return folder / "run.mat", LogOptions(columns=columns, joint_names=JOINTS)


def in_table(folder: Path) -> tuple[Path, LogOptions]:
    header = "Time [ms];knee_position_deg;hip.position_rad;knee_cmd_deg;cmd_hip;hip_vel;knee_vel;hip_des_vel_rpm;knee_cmd_speed_rpm;note"
    columns = (1e3 * TIME, np.degrees(POSITION[:, 1]), POSITION[:, 0], np.degrees(COMMAND[:, 1]), COMMAND[:, 0], *VELOCITY.T, *RPM.T)
    rows = [";".join([*map(repr, map(float, row)), "fine"]) for row in zip(*columns, strict=True)]
    (folder / "run.csv").write_text("\n".join([header, *rows]))
    return folder / "run.csv", LogOptions(joints={name: name for name in JOINTS})


def in_two_tables(folder: Path) -> tuple[Path, LogOptions]:
    for name, tracks, late in (("measured", (POSITION, VELOCITY), 0.0), ("desired", (COMMAND, VELOCITY), 0.001)):
        header = ",".join(["time", *(f"{joint}_{kind}" for kind in ("position", "velocity") for joint in JOINTS)])
        rows = np.concatenate([(TIME + late)[:, None], *tracks], axis=1)
        np.savetxt(folder / f"data_{name}.csv", rows, delimiter=",", header=header, comments="", fmt="%.17g")
    return folder, LogOptions()


def in_lerobot(folder: Path) -> tuple[Path, LogOptions]:
    seen = {"joint_position_rad": POSITION, "joint_velocity_radps": VELOCITY}
    made = Demonstration("two", "chore", "one", "real", "person", 0, 0.02, JOINTS, seen, COMMAND, {}, True, 1.0)
    write_dataset([made], folder / "set")
    (folder / "set" / UNDERSTUDY).unlink()
    return folder / "set", LogOptions()


def in_bag(folder: Path, suffix: str = ".bag", commands: str = "state", name: str = "bag", late: int = 0) -> tuple[Path, LogOptions]:
    """A bag; commands as joint states, as trajectories of some joints, or as plain arrays."""
    store = get_typestore(Stores.ROS1_NOETIC if suffix == ".bag" else Stores.ROS2_HUMBLE)
    kinds, (stamp_of, after_of) = store.types, (_stamp(store, "Time"), _stamp(store, "Duration"))
    path = folder / (f"{name}.bag" if suffix == ".bag" else name)
    storage = {".mcap": StoragePlugin.MCAP, ".db3": StoragePlugin.SQLITE3}.get(suffix)
    writer = Writer1(path) if storage is None else Writer(path, version=9, storage_plugin=storage)
    pack = store.serialize_ros1 if storage is None else store.serialize_cdr

    def header(at_s: float) -> object:
        told = {"seq": 0} if storage is None else {}
        return kinds["std_msgs/msg/Header"](**told, stamp=stamp_of(at_s), frame_id="")

    def state(at_s: float, position: np.ndarray, velocity: np.ndarray) -> object:
        return kinds["sensor_msgs/msg/JointState"](header(at_s), list(JOINTS), position, velocity, np.zeros(0))

    def told(at_s: float, command: np.ndarray) -> tuple[str, object]:
        if commands == "state":
            return "sensor_msgs/msg/JointState", state(at_s, command, np.zeros(0))
        if commands == "trajectory":
            nothing = np.zeros(0)
            point = kinds["trajectory_msgs/msg/JointTrajectoryPoint"](command[::-1].copy(), nothing, nothing, nothing, after_of(0.0))
            return "trajectory_msgs/msg/JointTrajectory", kinds["trajectory_msgs/msg/JointTrajectory"](
                header(0.0), list(JOINTS[::-1]), [point]
            )
        layout = kinds["std_msgs/msg/MultiArrayLayout"]([], 0)
        return "std_msgs/msg/Float64MultiArray", kinds["std_msgs/msg/Float64MultiArray"](layout, command)

    with writer as bag:
        own = bag.add_connection("/joint_states", "sensor_msgs/msg/JointState", typestore=store)
        asked = bag.add_connection("/arm/command", told(0.0, COMMAND[0])[0], typestore=store)
        for at_s, position, velocity, command in zip(100 + TIME, POSITION, VELOCITY, COMMAND, strict=True):
            kind, message = told(at_s, command)
            if at_s >= 100 + TIME[late]:
                bag.write(asked, round(1e9 * at_s), pack(message, kind))
            bag.write(own, round(1e9 * at_s), pack(state(at_s, position, velocity), "sensor_msgs/msg/JointState"))
    found = path if storage is None else next(part for part in path.iterdir() if part.suffix == suffix)
    return found, LogOptions()


def _stamp(store: object, kind: str) -> Callable[[float], object]:
    made = store.types[f"builtin_interfaces/msg/{kind}"]  # type: ignore[attr-defined]
    return lambda at_s: made(int(at_s), round(1e9 * (at_s - int(at_s))))


WRITERS: dict[str, Callable[[Path], tuple[Path, LogOptions]]] = {
    "sage": in_sage,
    "npz": in_npz,
    "hdf5": in_hdf5,
    "table": in_table,
    "two tables": in_two_tables,
    "lerobot": in_lerobot,
    "bag": in_bag,
    "bag in mcap": lambda folder: in_bag(folder, ".mcap"),
    "bag in sqlite": lambda folder: in_bag(folder, ".db3"),
    "bag with trajectories": lambda folder: in_bag(folder, ".mcap", "trajectory"),
    "bag with arrays": lambda folder: in_bag(folder, ".bag", "arrays"),
}


@pytest.mark.parametrize("written", WRITERS)
def test_same_run_in_every_format(written: str, tmp_path: Path) -> None:
    (log,) = read_logs(*WRITERS[written](tmp_path))
    assert log.joint_names == JOINTS
    assert log.command_rad is not None
    assert log.velocity_radps is not None
    np.testing.assert_allclose(log.time_s, TIME, atol=1e-6)
    tolerance = 1e-6 if written == "lerobot" else 1e-12
    np.testing.assert_allclose(log.position_rad, POSITION, atol=tolerance)
    np.testing.assert_allclose(log.command_rad, COMMAND, atol=tolerance)
    np.testing.assert_allclose(log.velocity_radps, VELOCITY, atol=10 * tolerance)
    assert all(len(parent.sha256) == 64 for parent in log.provenance.parents)
    assert log.provenance.parents


def test_our_own_data_sets_say_that_they_were_simulated(tmp_path: Path) -> None:
    for plant in ("nominal", "real"):
        seen = {"joint_position_rad": POSITION}
        made = Demonstration("two", "chore", "one", plant, "replay", 0, 0.02, JOINTS, seen, COMMAND, {}, True, 1.0)
        write_dataset([made], tmp_path / plant)
        (log,) = read_logs(tmp_path / plant)
        assert log.simulated == (plant == "nominal")
        assert log.guessed == frozenset()
    assert not read_logs(*in_lerobot(tmp_path))[0].simulated


def test_velocity_targets(tmp_path: Path) -> None:
    """In the table of what was done, or in that of what was asked for."""
    for place, made in {"one": in_table, "two": in_two_tables}.items():
        (tmp_path / place).mkdir()
        (log,) = read_logs(*made(tmp_path / place))
        assert log.command_velocity_radps is not None
        np.testing.assert_allclose(log.command_velocity_radps, VELOCITY, atol=1e-12)


def test_every_format_is_tried() -> None:
    tried = {written.split(" ")[-1] if written == "two tables" else written.split(" ")[0] for written in WRITERS} - {"tables"}
    assert set(log_formats()) == tried | {"bam", "poppy"}, "bam and poppy are tried on their makers' own files"


def test_joints_signs_and_offsets_are_the_robots(tmp_path: Path) -> None:
    path, _ = in_sage(tmp_path)
    (log,) = read_logs(path, LogOptions(joints={"knee": "left_knee"}, signs={"left_knee": -1}, offsets_rad={"left_knee": 0.1}))
    assert log.joint_names == ("left_knee",)
    assert log.command_rad is not None
    assert log.velocity_radps is not None
    np.testing.assert_allclose(log.position_rad[:, 0], 0.1 - POSITION[:, 1])
    np.testing.assert_allclose(log.command_rad[:, 0], 0.1 - COMMAND[:, 1])
    np.testing.assert_allclose(log.velocity_radps[:, 0], -VELOCITY[:, 1])


def test_runs_one_after_the_other(tmp_path: Path) -> None:
    runs = np.repeat([3, 4], 25)
    np.savez(tmp_path / "runs.npz", t=np.tile(TIME[:25], 2), q=POSITION, run=runs)
    first, second = read_logs(tmp_path / "runs.npz")
    assert (first.name, second.name) == ("runs_3", "runs_4")
    assert first.joint_names == ("joint_0", "joint_1")
    np.testing.assert_allclose(second.position_rad, POSITION[25:])
    assert second.command_rad is None


def test_folders_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        in_table(tmp_path / name)
    (tmp_path / "notes.txt").write_text("nothing")
    logs = read_logs(tmp_path)
    assert len(logs) == 2


def test_degrees_that_nobody_declares_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "run.npz", t=TIME, q=np.degrees(POSITION))
    with pytest.raises(MotionError, match=r"joint joint_0 reaches 57.* rad, more than 2 turns.*units=\{position: deg\}"):
        read_logs(tmp_path / "run.npz")
    (log,) = read_logs(tmp_path / "run.npz", LogOptions(units={"position": "deg"}))
    np.testing.assert_allclose(log.position_rad, POSITION)
    assert math.isclose(
        read_logs(tmp_path / "run.npz", LogOptions(units={"position": "rad"}))[0].position_rad.max(), np.degrees(POSITION).max()
    )


def test_patterns_of_columns(tmp_path: Path) -> None:
    rows = np.column_stack([TIME, POSITION, COMMAND])
    np.savetxt(tmp_path / "run.csv", rows, delimiter=",", header="clock,A_hip_x,A_knee_x,B_hip,B_knee", comments="", fmt="%.17g")
    options = LogOptions(columns={"time": "clock", "position": "A_{joint}_x", "command": "B_{joint}"})
    (log,) = read_logs(tmp_path / "run.csv", options, "table")
    assert log.joint_names == JOINTS
    assert log.command_rad is not None
    np.testing.assert_allclose(log.position_rad, POSITION)
    np.testing.assert_allclose(log.command_rad, COMMAND)


def test_a_table_of_what_was_asked_for_belongs_to_the_one_beside_it(tmp_path: Path) -> None:
    """But where there is none beside it, it is a run like any other."""
    for name, position in {"arm_actual": 1, "arm_target": 2, "reach_target": 3}.items():
        (tmp_path / f"{name}.csv").write_text(f"t,a_pos\n0,{position}\n0.1,{position}\n")
    arm, reach = read_logs(tmp_path)
    assert (arm.name, reach.name) == (f"{tmp_path.name}_arm_actual", "reach_target")
    assert arm.command_rad is not None
    assert (arm.position_rad[0, 0], arm.command_rad[0, 0], reach.position_rad[0, 0], reach.command_rad) == (1, 2, 3, None)


@pytest.mark.parametrize(
    ("content", "options", "error", "said"),
    [
        ("a_pos,b_pos\n0.1,2\n3,4\n", {}, FileFormatError, "no column is the time; there are a_pos, b_pos"),
        ("t,a_pos,a_q\n0,1,2\n0.1,3,4\n", {}, FileFormatError, "columns a_pos and a_q could each be the position of joint a"),
        (
            "t,a_pos,a_q,vel\n0,1,2,3\n0.1,3,4,3\n",
            {"columns": {"velocity": "vel"}},
            FileFormatError,
            "columns a_pos and a_q could each be the position",
        ),
        ("t,a_pos,a_pos\n0,1,2\n0.1,3,4\n", {}, FileFormatError, "column a_pos is there more than once"),
        ("t,a_pos\n0,1\n0.1,3,4\n", {}, FileFormatError, "cannot be read as a table"),
        ("t,a_pos\n0,1\n0,3\n", {}, MotionError, "time does not rise"),
        (
            "t,a_pos\n0,x\n0.1,y\n",
            {},
            FileFormatError,
            "no column holds positions; there are t; column a_pos holds 'x', which is no number",
        ),
        (
            "t,a_pos\n2026-01-01T10:00:00,1\n2026-01-01T10:00:01,3\n",
            {},
            FileFormatError,
            "column t holds '2026-01-01 10:00:00', which is no n",
        ),
        (
            "t;a_pos\n0,5;1,2\n0,6;1,3\n",
            {},
            FileFormatError,
            "column t holds '0,5', which is no number: decimals have to be behind a point",
        ),
        (
            "t,a_pos,b_pos\n0,1,\n0.1,3,\n",
            {"joints": {"a": "hip", "b": "knee"}},
            FileFormatError,
            "column b_pos is empty; numbers are wanted",
        ),
        ("t,a_pos\n0,1\n20,3\n40,3\n", {}, MotionError, r"20 s apart. Which unit is its time in.*read.units=\{time: ms\}"),
        ("t,a_pos\n0,1\n0.1,3\n", {"joints": {"b": "hip"}}, UnknownNameError, "unknown joint 'b'"),
        ("t,a_pos\n0,1\n0.1,3\n", {"columns": {"command": "x"}}, UnknownNameError, "unknown column 'x'"),
        ("t,a_pos\n0,1\n0.1,3\n", {"signs": {"b": -1}}, UnknownNameError, "unknown joint 'b'"),
        ("t,a_pos\n0,1\n0.1,3\n", {"joint_names": ("a", "b")}, FileFormatError, "2 joints are named, 1 have columns"),
    ],
)
def test_broken_or_unclear_tables(content: str, options: dict[str, object], error: type[Exception], said: str, tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_text(content)
    with pytest.raises(error, match=said) as raised:
        read_logs(tmp_path / "run.csv", LogOptions(**options))  # type: ignore[arg-type]
    assert str(raised.value).count("run.csv") == 1


def test_columns_that_hold_no_numbers_are_noted(tmp_path: Path) -> None:
    """The joint that they are of is left out, and that is said."""
    (tmp_path / "run.csv").write_text("t,a_pos,b_pos,a_cmd,b_cmd,note\n0,1,,1,2,x\n0.1,1,NaN,?,2,y\n")
    (log,) = read_logs(tmp_path / "run.csv")
    assert log.joint_names == ("a",)
    assert log.notes == ("column b_pos is empty", "column a_cmd holds '?', which is no number")
    np.savez(tmp_path / "run.npz", t=TIME, q=np.where([True, False], POSITION, np.nan))
    (log,) = read_logs(tmp_path / "run.npz")
    assert (log.joint_names, log.notes) == (("joint_0",), ("no position of joint_1 was measured",))
    with pytest.raises(MotionError, match="no position of joint joint_1 was measured, which read.joints= names"):
        read_logs(tmp_path / "run.npz", LogOptions(joints={"joint_0": "a", "joint_1": "b"}))


def test_units_that_nobody_says(tmp_path: Path) -> None:
    """They are guessed where neither the file nor the user says them."""
    (tmp_path / "run.csv").write_text("t,a_pos,a_cmd_rad,a_vel\n0,1,1,1\n0.1,1,1,1\n")
    (log,) = read_logs(tmp_path / "run.csv")
    assert log.guessed == {"time", "position", "velocity"}
    (log,) = read_logs(tmp_path / "run.csv", LogOptions(units={"time": "s", "position": "rad"}))
    assert log.guessed == {"velocity"}
    np.savez(tmp_path / "run.npz", time_s=TIME, q=POSITION)
    assert read_logs(tmp_path / "run.npz")[0].guessed == {"position"}


def test_formats_that_have_units_take_no_others(tmp_path: Path) -> None:
    path, _ = in_sage(tmp_path)
    said = r"the format sage has time in us, position in rad, .*; read.units=\{position: deg\} cannot be. Leave it out."
    with pytest.raises(FileFormatError, match=said):
        read_logs(path, LogOptions(units={"position": "deg", "velocity": "rad/s"}))
    (log,) = read_logs(path, LogOptions(units={"position": "rad"}))
    np.testing.assert_allclose(log.position_rad, POSITION)


def test_a_bag_whose_commands_begin_late(tmp_path: Path) -> None:
    """Before the first one nothing is known to be commanded."""
    path, _ = in_bag(tmp_path, late=10)
    (log,) = read_logs(path)
    assert log.command_rad is not None
    assert np.isfinite(log.command_rad).all(axis=1).tolist() == [False] * 10 + [True] * 40
    np.testing.assert_allclose(log.command_rad[10:], COMMAND[10:])


def test_folders_and_tables_whose_commands_begin_late(tmp_path: Path) -> None:
    """As in bags."""
    path, _ = in_sage(tmp_path)
    rows = (path / "control.csv").read_text().splitlines()
    (path / "control.csv").write_text("\n".join([rows[0], *rows[11:]]))
    (tmp_path / "tables").mkdir()
    tables, _ = in_two_tables(tmp_path / "tables")
    rows = (tables / "data_desired.csv").read_text().splitlines()
    (tables / "data_desired.csv").write_text("\n".join([rows[0], *rows[11:]]))
    for place, first in ((path, 10), (tables, 11)):  # commands of the tables come a millisecond later
        (log,) = read_logs(place)
        assert log.command_rad is not None
        assert np.isfinite(log.command_rad).all(axis=1).tolist() == [False] * first + [True] * (50 - first)
        np.testing.assert_allclose(log.command_rad[first:], COMMAND[10 : 60 - first])


def test_shares_of_a_calibrated_range_are_no_angles(tmp_path: Path) -> None:
    """LeRobot's arms give them where nobody tells them otherwise; the refusal says so, and what to do."""
    shares = {"joint_position_rad": 60 * POSITION}
    made = Demonstration("two", "chore", "one", "real", "person", 0, 0.02, JOINTS, shares, 60 * COMMAND, {}, True, 1.0)
    write_dataset([made], tmp_path / "set")
    (tmp_path / "set" / UNDERSTUDY).unlink()
    said = r"units=\{position: deg\}.*Values from -100 to 100 may well be LeRobot's shares.*use_degrees=true, or convert.*leave it out"
    with pytest.raises(MotionError, match=said):
        read_logs(tmp_path / "set")
    (log,) = read_logs(tmp_path / "set", LogOptions(units={"position": "deg"}))
    assert log.unit_hint == ""
    shares["joint_position_rad"] = 120 * POSITION
    write_dataset([replace(made, observations=shares)], tmp_path / "degrees")
    (tmp_path / "degrees" / UNDERSTUDY).unlink()
    with pytest.raises(MotionError, match=r"units: rad, mrad, deg, turn\.$"):
        read_logs(tmp_path / "degrees")


def test_bags_without_or_with_too_many_joint_states(tmp_path: Path) -> None:
    path, _ = in_bag(tmp_path)
    with pytest.raises(UnknownNameError, match="unknown topic '/nix'.*/joint_states"):
        read_logs(path, LogOptions(columns={"position": "/nix"}))
    (swapped,) = read_logs(path, LogOptions(columns={"position": "/arm/command", "command": "/joint_states"}))
    assert swapped.command_rad is not None
    np.testing.assert_allclose(swapped.command_rad[2:], POSITION[2:])
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(FileFormatError, match="cannot be read as a bag"):
        read_logs(path)


def test_options_that_cannot_be() -> None:
    with pytest.raises(UnknownNameError, match="unknown quantity 'angle'"):
        LogOptions(units={"angle": "deg"})
    with pytest.raises(MotionError, match="the sign of joint a is 2"):
        LogOptions(signs={"a": 2})
    with pytest.raises(MotionError, match="more than one joint of the log is said to be the robot's hip"):
        LogOptions(joints={"a": "hip", "b": "hip"})


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no such file or folder"):
        read_logs(tmp_path / "nix")
    (tmp_path / "words.txt").write_text("hello")
    with pytest.raises(FileFormatError, match="no format reads this as a robot's log. Formats: bag"):
        read_logs(tmp_path / "words.txt")
    with pytest.raises(UnknownNameError, match="unknown log format 'csv'"):
        read_logs(tmp_path / "words.txt", name="csv")
