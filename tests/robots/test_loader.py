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
from robots.yaml_loader import FLOOR_RADPS2

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

SOLE = "soles: {{left: {{frame: base, heel_m: [0, 0, 0], toe_m: {toe}, width_m: {width}}}}}\n"
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


def test_a_tendon_couples_like_a_mimic(tmp_path: Path) -> None:
    """`other` turns about y by -0.5 a + 0.1, so a reaches its stops where z_first's mimic and the tendon leave it range."""
    robot = load_robot(
        folder(tmp_path, "urdf: arm.urdf\nfloating: false\ncoupled: {a_last: {of: z_first, multiplier: -0.5, offset: 0.1}}\n")
    )
    assert robot.joint_names == ("z_first",)
    assert set(robot.mimic) == {"finger", "a_last"}
    turned = Kinematics(robot).frame_poses(["other", "finger"], np.array([[0.4]]))[0]
    np.testing.assert_allclose(turned[0].rotation()[0, 0], np.cos(-0.5 * 0.4 + 0.1), atol=1e-12)
    np.testing.assert_allclose(turned[0].rotation()[0, 2], np.sin(-0.5 * 0.4 + 0.1), atol=1e-12)
    np.testing.assert_allclose(turned[1].rotation()[0, 0], np.cos(0.4 + 2 * 0.4 + 0.5), atol=1e-12)


def test_coupled_joints_of_a_shadow_hand(tmp_path: Path, data: Path) -> None:
    """The last two joints of each finger as one: the fingertip goes where the free hand's goes at equal angles."""
    urdf = data / "robots" / "shadow_hand" / "shadow_hand_right.urdf"
    free, tied = tmp_path / "free", tmp_path / "tied"
    for path in (free, tied):
        path.mkdir()
        (path / "robot.yaml").write_text(f"urdf: {urdf}\nfloating: false\n")
    with (tied / "robot.yaml").open("a") as file:
        file.write("coupled:\n" + "".join(f"  {finger}J1: {{of: {finger}J2, multiplier: 0.8}}\n" for finger in ("FF", "MF", "RF", "LF")))
    whole, hand = load_robot(free), load_robot(tied)
    assert len(hand.joint_names) == len(whole.joint_names) - 4
    assert hand.upper_rad[hand.joint_index(["FFJ2"])] == pytest.approx(1.5708, abs=1e-4)  # J1 would allow 1.96
    bend = np.random.default_rng(0).uniform(hand.lower_rad, hand.upper_rad, (5, len(hand.joint_names)))
    wanted = np.zeros((5, len(whole.joint_names)))
    wanted[:, whole.joint_index(hand.joint_names)] = bend
    for finger in ("FF", "MF", "RF", "LF"):
        wanted[:, whole.joint_index([f"{finger}J1"])] = 0.8 * bend[:, hand.joint_index([f"{finger}J2"])]
    tips = ["fftip", "mftip", "rftip", "lftip", "thtip"]
    found = Kinematics(hand).frame_poses(tips, bend)
    np.testing.assert_allclose(found.position_m, Kinematics(whole).frame_poses(tips, wanted).position_m, atol=1e-12)


def test_a_coupled_joint_passes_its_limits_on(tmp_path: Path) -> None:
    text = URDF.format(lower=-1, mesh="").replace('<mimic joint="z_first" multiplier="2" offset="0.5"/>', "")
    (tmp_path / "arm.urdf").write_text(text)
    (tmp_path / "robot.yaml").write_text("urdf: arm.urdf\ncoupled: {finger: {of: z_first, multiplier: -2, offset: 0.5}}\n")
    robot = load_robot(tmp_path)
    assert robot.lower_rad[0] == -1.0  # the finger's 2.5 is reached at (2.5 - 0.5) / -2
    assert robot.upper_rad[0] == 0.5  # and its -0.5 at (-0.5 - 0.5) / -2
    assert robot.speed_radps[0] == 2.0


SWINGING = """<robot name="swing">
  <link name="base"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="a"><inertial><origin xyz="0.1 0 0"/><mass value="2"/>
    <inertia ixx="0" iyy="0" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="b"><inertial><mass value="0.5"/><inertia ixx="0" iyy="0" izz="0" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="one" type="revolute"><parent link="base"/><child link="a"/><axis xyz="0 0 1"/>
    <limit lower="-1" upper="1" velocity="9" effort="30"/></joint>
  <joint name="two" type="prismatic"><parent link="a"/><child link="b"/><axis xyz="1 0 0"/>
    <limit lower="0.2" upper="0.2" velocity="9" effort="300"/></joint>
</robot>"""


def test_acceleration_by_hand(tmp_path: Path) -> None:
    """One turns 0.01 + 2 kg (0.1 m)^2 + 0.5 kg (0.2 m)^2 + 0.01 armature = 0.06 kg m2 with 30 Nm: 500 rad/s2."""
    (tmp_path / "arm.urdf").write_text(SWINGING)
    lines = "urdf: arm.urdf\nfloating: false\nmotors: [{joints: .*, kp: 1, kd: 1, armature: 0.01}]\n"
    (tmp_path / "robot.yaml").write_text(lines)
    assert load_robot(tmp_path).acceleration_radps2 == pytest.approx([500, 300 / 0.51])
    for name, yaml, wanted in (
        ("stated", "acceleration_radps2: {one: 70}\n", 70.0),  # stated counts, below the floor too
        ("weak", "effort_nm: {one: 3}\n", FLOOR_RADPS2),
        ("unlimited", "effort_nm: {one: .inf}\n", np.inf),
        ("free", "acceleration_radps2: {one: .inf}\n", np.inf),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "robot.yaml").write_text(lines.replace("arm.urdf", "../arm.urdf") + yaml)
        assert load_robot(tmp_path / name).acceleration_radps2[0] == wanted


def test_the_corners_of_a_sole_on_a_link_that_is_turned(tmp_path: Path) -> None:
    """At rest the link is turned by 90 degrees about z, and its -x points forward when the toe says so."""
    text = URDF.format(lower=-1, mesh="").replace('<child link="other"/>', '<child link="other"/><origin rpy="3.14159265 0 0"/>')
    (tmp_path / "arm.urdf").write_text(text)
    (tmp_path / "robot.yaml").write_text(
        "urdf: arm.urdf\nsoles: {left: {frame: other, heel_m: [0.1, 0, 0.3], toe_m: [-0.1, 0, 0.3], width_m: 0.08}}\n"
        "gates: {slip_mmps: [10, 30.5]}\n"
    )
    robot = load_robot(tmp_path)
    # Upside down, x forward stays x: toes along -x of the world, so left is -y of the world, +y of the link.
    np.testing.assert_allclose(robot.soles["left"].left, [0, 1, 0], atol=1e-8)
    corners = [[0.1, 0.04, 0.3], [0.1, -0.04, 0.3], [-0.1, 0.04, 0.3], [-0.1, -0.04, 0.3]]
    np.testing.assert_allclose(robot.soles["left"].corners_m, corners, atol=1e-8)
    assert robot.gates == {"slip_mmps": (10.0, 30.5)}


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
        ("urdf: arm.urdf\nacceleration_radps2: {a_last: -1}\n", RobotError, "the limit of a_last is not above 0"),
        ("urdf: arm.urdf\nacceleration_radps2: {a_last: .nan}\n", RobotError, "acceleration_radps2: a_last: nan is no number"),
        ("urdf: arm.urdf\nacceleration_radps2: {lost: 1}\n", UnknownNameError, "unknown joint pattern 'lost'"),
        ("urdf: arm.urdf\ncoupled: {a_lst: {of: z_first}}\n", UnknownNameError, "unknown joint 'a_lst'.*Did you mean 'a_last'"),
        ("urdf: arm.urdf\ncoupled: {a_last: {of: z_frst}}\n", UnknownNameError, "unknown joint 'z_frst'.*coupled.a_last"),
        ("urdf: arm.urdf\ncoupled: {a_last: {multiplier: 2}}\n", RobotError, "coupled.a_last: lacks of"),
        ("urdf: arm.urdf\ncoupled: {a_last: {of: z_first, gain: 2}}\n", UnknownNameError, "unknown key 'gain'"),
        ("urdf: arm.urdf\ncoupled: {a_last: {of: a_last}}\n", RobotError, "coupled.a_last: follows itself"),
        ("urdf: arm.urdf\ncoupled: {a_last: {of: finger}}\n", RobotError, "follows 'finger', which itself follows 'z_first'"),
        ("urdf: arm.urdf\ncoupled: {z_first: {of: a_last}}\n", RobotError, "joint 'finger' of the URDF: follows 'z_first', which itself"),
        ("urdf: arm.urdf\ncoupled: {finger: {of: a_last}}\n", RobotError, "the URDF couples this joint already"),
        ("urdf: arm.urdf\ncoupled: {a_last: {of: z_first, multiplier: 0}}\n", RobotError, "multiplier 0, offset 0; it wants numbers"),
        (
            "urdf: arm.urdf\ncoupled: {a_last: {of: z_first}, z_first: {of: a_last}}\n",
            RobotError,
            "coupled.z_first: follows 'a_last', which itself follows 'z_first'",
        ),
        ("urdf: arm.urdf\ngates: {slip: [3, 1]}\n", RobotError, r"gates.slip: wants \[review, reject\].*got \[3, 1\]"),
        ("urdf: arm.urdf\ngates: {slip: [.nan, 1]}\n", RobotError, "gates.slip: wants"),
        ("urdf: arm.urdf\ngates: {slip: 3}\n", RobotError, "not of the kind it should be"),
        (f"urdf: arm.urdf\n{SOLE.format(toe='[0.1, 0, 0]', width=-1)}", RobotError, "width_m is -1; it wants"),
        (f"urdf: arm.urdf\n{SOLE.format(toe='[0, 0, 0.1]', width=0)}", RobotError, "above each other in the rest posture"),
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
    assert main(["show", "talos"]) == 0
    shown = capsys.readouterr().out
    assert "2187" in shown  # the bound of an ankle's acceleration
    assert "fingertip_1_joint" in shown  # follows the gripper
    assert "-0.105 0 -0.1074" in shown
    assert main(["show", "alegro_right"]) == 2
    assert "Did you mean 'allegro_right'" in capsys.readouterr().err
    assert main(["frobnicate"]) == 2
