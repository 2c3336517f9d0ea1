"""Builds that robots do have: legs alone, stubs for hands, fingers on one motor, grippers beside the wrist, feet alone with shapes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from contracts import examine, robot_retarget
from motion.errors import RobotError
from robots import load_robot
from robots.__main__ import main
from robots.onboard.add import add
from robots.onboard.analyse import analyse
from robots.onboard.hands import find_hand
from robots.onboard.tree import bodies_of
from robots.stand_ins import shaped_share
from robots.urdf import read_urdf
from tests.robots.made_humanoids import made_humanoid, made_legs
from tests.robots.urdf_changes import scaled

SEEDS = range(60)
BALL = "<collision><geometry><sphere radius='0.03'/></geometry></collision>"


def test_legs_alone_can_be_followed(tmp_path: Path) -> None:
    """Hips and shoulders make a trunk: the shoulders that are missing are put on the pelvis, and that is said."""
    made_legs(tmp_path / "legs.urdf")
    made, folder = add(tmp_path / "legs.urdf", tmp_path / "legs")
    shoulders = [made.anatomy.landmarks[f"{side}_shoulder"] for side in ("left", "right")]
    assert {one.frame for one in shoulders} == {"pelvis"}
    assert max(one.confidence for one in shoulders) < 0.5
    assert any("There are no arms: shoulders are put where they would be, on pelvis" in sentence for sentence in made.unsure)
    assert [outcome.result for outcome in examine(load_robot(folder), robot_retarget.CHECKS)] == ["passed"]


def test_the_palm_of_a_stub_lies_beyond_a_shape_that_ends_at_the_wrist(tmp_path: Path) -> None:
    path = tmp_path / "made.urdf"
    stub = next(seed for seed in SEEDS if made_humanoid(seed, path).truth["left_hand"] == "left_forearm")
    made_humanoid(stub, path)
    path.write_text(re.sub(r'(<link name="(left|right)_forearm">)', rf"\1{BALL}", path.read_text()))
    found = analyse(path).landmarks
    index, little = (np.array(found[f"left_{finger}_mcp"].offset_m) for finger in ("index", "pinky"))
    assert np.linalg.norm(index - little) > 0.02


def test_fingers_on_one_motor_are_no_chains_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "made.urdf"
    seed = next(seed for seed in SEEDS if "left_index_tip" in made_humanoid(seed, path).truth)
    made_humanoid(seed, path)
    follow = r'(<joint name="to_left_(?:index|ring)_\d"[^>]*>)'
    path.write_text(re.sub(follow, r'\1<mimic joint="to_left_middle_0"/>', path.read_text()))
    found = analyse(path)
    assert {"left_middle", "left_pinky"} <= found.chains.keys()
    assert not {"left_index", "left_ring"} & found.chains.keys()
    assert "left_index_tip" in found.landmarks


def _joint(name: str, parent: str, child: str, more: str, kind: str = "revolute") -> str:
    ends = f"<parent link='{parent}'/><child link='{child}'/><limit lower='-1' upper='1.2'/>"
    body = f"<link name='{child}'><inertial><origin xyz='0.02 0 0.02'/><mass value='1'/></inertial></link>"
    return f"{body}<joint name='{name}' type='{kind}'>{ends}{more}</joint>"


def test_three_equal_fingers_are_a_gripper(tmp_path: Path) -> None:
    text = "<link name='base'/>"
    for k in range(3):
        turn = 2 * np.pi * k / 3
        at = f"<origin xyz='{0.05 * np.cos(turn)} {0.05 * np.sin(turn)} 0.02' rpy='0 0 {turn}'/><axis xyz='0 0 1'/>"
        text += _joint(f"{k}a", "base", f"{k}a", at)
        for before, after in ("ab", "bc", "cd"):
            text += _joint(f"{k}{after}", f"{k}{before}", f"{k}{after}", "<origin xyz='0 0 0.06'/><axis xyz='0 1 0'/>")
    (tmp_path / "claw.urdf").write_text(f"<robot name='claw'>{text}</robot>")
    with pytest.raises(RobotError, match="neither a humanoid nor a hand: a gripper of 3 fingers or jaws, none of which stands out"):
        analyse(tmp_path / "claw.urdf")


def test_a_gripper_beside_the_wrist_points_where_its_roll_joint_does(tmp_path: Path) -> None:
    """The wrist is 6 cm beside the axis about which the gripper turns."""
    jaws = "".join(
        _joint(f"j{sign}", "palm", f"jaw{sign}", f"<origin xyz='0.1 0 {0.03 * sign}'/><axis xyz='0 0 {sign}'/>", "prismatic")
        for sign in (1, -1)
    )
    roll = _joint("roll", "arm", "palm", "<origin xyz='0 0.06 0'/><axis xyz='-1 0 0'/>")
    (tmp_path / "x.urdf").write_text(f"<robot name='x'><link name='arm'/>{roll}{jaws}</robot>")
    hand = find_hand(bodies_of(read_urdf(tmp_path / "x.urdf")), 1, np.zeros(3))
    assert hand is not None
    np.testing.assert_allclose(hand.direction, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(hand.knuckles, [0.1, 0, 0], atol=1e-12)


def test_a_robot_with_shapes_on_its_feet_alone_is_bare() -> None:
    links = "".join(f"<link name='{name}'><inertial><mass value='1'/></inertial></link>" for name in ("pelvis", "shank", "foot"))
    ends = "<parent link='foot'/><child link='plate'/>"
    plate = f"<link name='plate'>{BALL}</link><joint name='bolt' type='fixed'>{ends}</joint>"
    assert shaped_share(ElementTree.fromstring(f"<robot>{links}</robot>"), "collision") == 0
    assert shaped_share(ElementTree.fromstring(f"<robot>{links}{plate}</robot>"), "collision") == pytest.approx(1 / 3)
    assert shaped_share(ElementTree.fromstring(f"<robot>{links}{plate}</robot>"), "visual") == 0


def test_add_says_what_check_will_find_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "made.urdf"
    made_humanoid(0, path)
    stuck = re.sub(r'(name="to_head".*?)<limit [^>]*/>', r'\1<limit lower="0" upper="0"/>', path.read_text())
    path.write_text(stuck)
    assert main(["add", str(path), f"output={tmp_path / 'made'}"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"- `check` fails, limits, gains and rest are legal: no range .*: to_head\. What to do: ", said)


@pytest.mark.parametrize("seed", [0, 3, 8, 13, 21, 34])
def test_hands_hang_as_forearms_do_where_elbows_turn_both_ways(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "made.urdf"
    made = made_humanoid(seed, path)
    both = re.sub(r'(name="to_(?:left|right)_forearm".*?)<limit [^>]*/>', r'\1<limit lower="-2" upper="2"/>', path.read_text())
    path.write_text(both)
    found = analyse(path).segments
    for side in ("left", "right"):
        turns = [made.poses[one.link][1] * _rotation(one.wxyz) for one in (found[f"{side}_forearm"], found[f"{side}_hand"])]
        assert np.degrees((turns[0].inv() * turns[1]).magnitude()) < 100


def _rotation(wxyz: tuple[float, float, float, float]) -> Rotation:
    return Rotation.from_quat(np.roll(wxyz, -1))


def test_a_bird_walks_the_way_its_knees_and_not_its_hocks_bend(tmp_path: Path) -> None:
    """Thigh 0.15 m forward and down, shank 0.45 m backward, and a third bone forward: the hock is where the long bones meet."""
    text = _body("pelvis", 8)
    for side, y in (("left", 0.1), ("right", -0.1)):
        x_hinge, hinge = "<axis xyz='1 0 0'/>", "<axis xyz='0 1 0'/>"
        text += _leg_joint("pelvis", f"{side}_a", f"0 {y} 0", x_hinge, -0.4, 0.4) + _leg_joint(
            f"{side}_a", f"{side}_b", "0 0 0", hinge, -1, 1
        )
        text += _leg_joint(f"{side}_b", f"{side}_shank", "0.12 0 -0.09", hinge, -0.3, 1.5)
        text += _leg_joint(f"{side}_shank", f"{side}_tarsus", "-0.3 0 -0.33", hinge, -1.5, 0.3)
        text += _leg_joint(f"{side}_tarsus", f"{side}_foot", "0.25 0 -0.33", hinge, -0.8, 0.8)
    (tmp_path / "bird.urdf").write_text(f"<robot name='bird'>{text}</robot>")
    found = analyse(tmp_path / "bird.urdf")
    assert found.forward[0] > 0.9
    assert found.segments["left_foot"].link == "left_foot"
    assert any("a bird's: their longer bones meet in a hock" in sentence for sentence in found.unsure)


def _body(name: str, mass: float) -> str:
    return f"<link name='{name}'><inertial><mass value='{mass}'/></inertial></link>"


def _leg_joint(parent: str, child: str, place: str, axis: str, lower: float, upper: float) -> str:
    ends = f"<parent link='{parent}'/><child link='{child}'/><limit lower='{lower}' upper='{upper}'/>"
    return f"{_body(child, 1)}<joint name='to_{child}' type='revolute'>{ends}<origin xyz='{place}'/>{axis}</joint>"


def test_millimetres_are_told_from_metres(tmp_path: Path) -> None:
    path = tmp_path / "made.urdf"
    made_humanoid(0, path)
    robot = ElementTree.parse(path)
    scaled(robot.getroot(), 1000)
    robot.write(path)
    with pytest.raises(RobotError, match=r"its joints span \d+ m. A URDF is in metres; is this one in millimetres?"):
        analyse(path)


def test_ranges_that_an_exporter_left_at_0_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "made.urdf"
    made_humanoid(0, path)
    path.write_text(re.sub(r"<limit [^>]*/>", '<limit lower="0" upper="0" effort="0" velocity="0"/>', path.read_text()))
    with pytest.raises(RobotError, match=r"(\d+) of \1 joints have no range \(lower = upper\). Write their limits."):
        analyse(path)


def test_a_xacro_file_has_to_be_expanded(tmp_path: Path) -> None:
    text = "<robot name='x' xmlns:xacro='http://www.ros.org/wiki/xacro'><xacro:include filename='y'/><link name='a'/></robot>"
    (tmp_path / "x.urdf").write_text(text)
    with pytest.raises(RobotError, match="holds xacro macros. Expand it first"):
        analyse(tmp_path / "x.urdf")


def test_limits_that_were_copied_without_mirroring_are_noticed(tmp_path: Path) -> None:
    """One thigh lifts as far back as the other one forward."""
    made_legs(path := tmp_path / "legs.urdf")
    assert not any("mirror images" in sentence for sentence in analyse(path).unsure)
    limit = r'(name="to_left_thigh".*?<limit lower=")([^"]*)(" upper=")([^"]*)"'
    path.write_text(re.sub(limit, lambda found: f'{found[1]}{-float(found[4])}{found[3]}{-float(found[2])}"', path.read_text()))
    said = [sentence for sentence in analyse(path).unsure if "mirror images" in sentence]
    assert said == [
        "The limits of the legs' joints are not each other's mirror images: to_left_thigh and to_right_thigh. One side may be wrong."
    ]
