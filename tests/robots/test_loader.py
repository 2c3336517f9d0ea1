"""robot.yaml from outside the repo, and one clear error for each way to get it wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.errors import RobotError, UnknownNameError
from robots import catalogue, load_robot
from robots.__main__ import main
from robots.collision import SelfCollision
from robots.kinematics import Kinematics
from robots.urdf import read_urdf

URDF = """<robot name="arm">
  <link name="base"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="upper"><inertial><mass value="2"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>{mesh}</link>
  <link name="finger"/><link name="other"/>
  <joint name="z_first" type="revolute"><parent link="base"/><child link="upper"/><axis xyz="0 0 1"/>
    <limit lower="{lower}" upper="1" velocity="2" effort="3"/></joint>
  <joint name="finger" type="revolute"><parent link="upper"/><child link="finger"/><origin xyz="1 0 0"/><axis xyz="0 0 1"/>
    <limit lower="-0.5" upper="2.5" velocity="4" effort="3"/><mimic joint="z_first" multiplier="2" offset="0.5"/></joint>
  <joint name="a_last" type="continuous"><parent link="base"/><child link="other"/><axis xyz="0 1 0"/></joint>
</robot>"""

LEG = "{left_hip: base, left_knee: upper, left_ankle: finger, left_heel: finger, left_toe: finger}"


def folder(tmp_path: Path, yaml: str = "urdf: arm.urdf\n", lower: float = -1, mesh: str = "") -> Path:
    (tmp_path / "arm.urdf").write_text(URDF.format(lower=lower, mesh=mesh))
    (tmp_path / "robot.yaml").write_text(yaml)
    return tmp_path


def test_a_robot_from_any_folder(tmp_path: Path) -> None:
    robot = load_robot(
        folder(tmp_path, "urdf: arm.urdf\nfloating: false\nrest_rad: {z_first: 0.2}\nlandmarks: {left_wrist: [finger, 0.1, 0, 0]}\n")
    )
    assert robot.name == tmp_path.name
    assert robot.joint_names == ("z_first", "a_last")  # document order, not alphabetical; the mimic joint has no motor
    assert robot.lower_rad[0] == -0.5  # the finger reaches its stop at (-0.5 - 0.5) / 2
    assert robot.upper_rad[0] == 1.0
    assert robot.speed_radps[0] == 2.0
    assert np.isinf(robot.upper_rad[1])
    assert load_robot(tmp_path / "robot.yaml") is load_robot(tmp_path)


def test_mimic_and_continuous_joints_by_hand(tmp_path: Path) -> None:
    robot = load_robot(folder(tmp_path, "urdf: arm.urdf\nfloating: false\nlandmarks: {left_wrist: [finger, 1, 0, 0]}\n"))
    kinematics = Kinematics(robot)
    wrist = kinematics.landmark_positions(np.array([0.3, 7.0]))[0, 0]
    bend = 0.3 + 2 * 0.3 + 0.5
    np.testing.assert_allclose(wrist, [np.cos(0.3) + np.cos(bend), np.sin(0.3) + np.sin(bend), 0], atol=1e-12)
    spun = kinematics.frame_poses(["other"], np.array([0.3, 7.0]))[0, 0]
    np.testing.assert_allclose(spun.rotation()[0, 0], np.cos(7.0), atol=1e-12)


@pytest.mark.parametrize(
    ("yaml", "kind", "message"),
    [
        ("urdf: lost.urdf\n", RobotError, r"URDF not found: lost\.urdf\. Searched: .*lost\.urdf"),
        ("description: no urdf\n", RobotError, "`urdf:` is missing"),
        ("urdf: arm.urdf\nlandmark: {}\n", UnknownNameError, "unknown key 'landmark'.*Did you mean 'landmarks'"),
        ("urdf: arm.urdf\nlandmarks: {left_wrist: fingr}\n", UnknownNameError, "unknown frame 'fingr'.*Did you mean 'finger'.*upper"),
        ("urdf: arm.urdf\nlandmarks: {left_wirst: finger}\n", UnknownNameError, "unknown landmark 'left_wirst'.*Did you mean 'left_wrist'"),
        ("urdf: arm.urdf\nlandmarks: {left_wrist: [finger, 1]}\n", RobotError, r"wants a link, or \[link, x, y, z\]"),
        ("urdf: arm.urdf\nrest_rad: {z_first: 5}\n", RobotError, "z_first = 5 lies outside its limits -0.5 .. 1"),
        ("urdf: arm.urdf\nrest_rad: {elbow: 0}\n", UnknownNameError, "unknown joint 'elbow'"),
        ("urdf: arm.urdf\nsoles: {left: {frame: base}}\n", RobotError, "lacks heel_m, toe_m"),
        ("urdf: arm.urdf\nsoles: {left: {frame: base, toes_m: 1}}\n", UnknownNameError, "unknown key 'toes_m'.*Did you mean 'toe_m'"),
        ("urdf: arm.urdf\nmotors: [{joints: '.*', kp: 1, kd: 1, kv: 2}]\n", UnknownNameError, "unknown key 'kv'"),
        ("urdf: arm.urdf\nspeed_radps: {wrist.*: 1}\n", UnknownNameError, "unknown joint pattern"),
        ("urdf: arm.urdf\nno_collision: [[base, nobody]]\n", UnknownNameError, "unknown frame 'nobody'"),
        ("urdf: arm.urdf\nmotors: [{joints: '.*', kd: 2}]\n", RobotError, "motors: .* lacks kp"),
        ("urdf: arm.urdf\nspeed_radps: {z_first: 0}\n", RobotError, "the limit of z_first is not above 0; state it with `speed_radps:`"),
        ("urdf: arm.urdf\nspeed_radps: {'(': 1}\n", RobotError, "not of the kind it should be"),
        ("urdf: arm.urdf\nrest_rad: {z_first: bent}\n", RobotError, "not of the kind it should be .*'bent'"),
        ("urdf: arm.urdf\nlandmarks: [left_wrist]\n", RobotError, "not of the kind it should be"),
        ("urdf: arm.urdf\nlandmarks: {left_hip: base, left_shoulder: upper}\n", RobotError, "left_hip wants right_hip beside it"),
        ("urdf: arm.urdf\nlandmarks: {left_ankle: finger}\n", RobotError, "left_ankle wants left_hip, left_knee, left_heel, left_toe"),
        (f"urdf: arm.urdf\nlandmarks: {LEG}\n", RobotError, r"a leg wants its sole, and soles\.left is missing"),
        (
            "urdf: arm.urdf\nlandmarks: {left_thumb_tip: finger}\n",
            RobotError,
            "wants left_wrist, left_index_mcp, left_middle_mcp, left_pinky",
        ),
        ("- urdf\n", RobotError, "holds no keys"),
        ("urdf: [\n", RobotError, "not valid YAML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, yaml: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        load_robot(folder(tmp_path, yaml))


def test_limits_upside_down(tmp_path: Path) -> None:
    with pytest.raises(RobotError, match="joint 'z_first' has its limits upside down: lower 2 > upper 1"):
        load_robot(folder(tmp_path, lower=2))


def test_a_mesh_that_is_not_there(tmp_path: Path) -> None:
    mesh = '<collision><geometry><mesh filename="package://nobody/hand.stl"/></geometry></collision>'
    kinematics = Kinematics(load_robot(folder(tmp_path, mesh=mesh)))
    with pytest.raises(RobotError, match=r"mesh not found: package://nobody/hand\.stl\. Searched: .*packages:"):
        SelfCollision(kinematics)


def test_a_urdf_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.urdf"
    path.write_text("<robot><link name='a'/><link name='b'/></robot>")
    with pytest.raises(RobotError, match="2 links have no parent"):
        read_urdf(path)
    path.write_text("<html/>")
    with pytest.raises(RobotError, match="the root element is <html>"):
        read_urdf(path)


def test_an_unknown_robot_lists_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'g1_dex3'.*talos"):
        load_robot("g1_dex")
    with pytest.raises(RobotError, match=r"holds no robot\.yaml"):
        load_robot(tmp_path)


def test_a_folder_with_a_shipped_robots_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "g1").mkdir()
    mine = folder(tmp_path / "g1")
    for path in (mine, mine / "robot.yaml"):
        with pytest.raises(RobotError, match=r"'g1' is the name of a shipped robot.*Rename the folder, for example to 'my_g1'"):
            load_robot(path)
    mine.rename(tmp_path / "my_g1")
    assert load_robot(tmp_path / "my_g1").name == "my_g1"
    assert load_robot(catalogue()["g1"]) is load_robot("g1")
    (tmp_path / "g1").symlink_to(catalogue()["g1"])
    assert load_robot(tmp_path / "g1") is load_robot("g1")  # the same robot by another way


def test_the_door_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert "alex_psyonic" in capsys.readouterr().out
    assert main(["show", "allegro_right"]) == 0
    assert "joint_12.0" in capsys.readouterr().out
    assert main(["show", "alegro_right"]) == 2
    assert "Did you mean 'allegro_right'" in capsys.readouterr().err
    assert main(["frobnicate"]) == 2
