"""Boxes that stand in for missing meshes: as heavy and as stiff to turn as the link, a foot's on its sole."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import yaml

from motion.errors import RobotError, UnknownNameError
from robots.kinematics import Kinematics
from robots.stand_ins import inertia_box, urdf_tree
from robots.yaml_loader import robot_from

LEG = """<robot name="leg">
<link name="pelvis"><inertial><mass value="5"/><inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/></inertial>
  <collision><geometry><mesh filename="gone.stl"/></geometry></collision>
  <collision><geometry><sphere radius="0.1"/></geometry></collision></link>
<link name="foot"><inertial><mass value="2"/><inertia ixx="0.01" iyy="0.02" izz="0.02" ixy="0" ixz="0" iyz="0"/></inertial>
  <collision><geometry><mesh filename="gone.stl"/></geometry></collision></link>
<joint name="hip" type="revolute"><parent link="pelvis"/><child link="foot"/><origin xyz="0 0 -0.8"/><axis xyz="0 1 0"/>
  <limit lower="-1" upper="1" effort="10" velocity="3"/></joint></robot>"""
KEYS = {"urdf": "leg.urdf", "soles": {"left": {"frame": "foot", "heel_m": [-0.1, 0, -0.05], "toe_m": [0.2, 0, -0.05], "width_m": 0.1}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "leg.urdf").write_text(LEG)
    return tmp_path


def test_the_box_has_the_links_own_inertia() -> None:
    """A box of 0.1 x 0.2 x 0.4 m and 3 kg, turned by 90 degrees about z: I_x = 3 (0.2^2 + 0.4^2) / 12 = 0.05, and so on."""
    inertia = '<inertia ixx="0.05" iyy="0.0425" izz="0.0125" ixy="0" ixz="0" iyz="0"/>'
    origin = '<origin xyz="1 2 3" rpy="0 0 1.5707963267948966"/>'
    box = inertia_box(ElementTree.fromstring(f'<link><inertial>{origin}<mass value="3"/>{inertia}</inertial></link>'))
    assert box is not None
    size, centre, rotation = box
    along = np.abs(rotation) @ size
    np.testing.assert_allclose(along, [0.2, 0.1, 0.4], atol=1e-9)
    np.testing.assert_allclose(centre, [1, 2, 3])
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert inertia_box(ElementTree.fromstring("<link/>")) is None


def test_only_shapes_without_a_file_are_replaced_and_a_foot_stands_on_its_sole(folder: Path) -> None:
    robot = robot_from(KEYS | {"missing_meshes": "stand_in"}, folder)
    shapes = {link.get("name"): [shape[-1][0].tag for shape in link.findall("collision")] for link in urdf_tree(robot).findall("link")}
    assert shapes == {"pelvis": ["sphere"], "foot": ["box"]}
    points = dict(zip((names := Kinematics(robot).shapes()).links, names.enclosing_points(), strict=True))
    np.testing.assert_allclose(points["foot"].min(0), [-0.1, -0.05, -0.05], atol=1e-9)
    np.testing.assert_allclose(points["foot"].max(0), [0.2, 0.05, -0.03], atol=1e-9)


def test_a_missing_mesh_is_an_error_unless_it_is_allowed(folder: Path) -> None:
    with pytest.raises(RobotError, match="mesh not found: gone.stl"):
        Kinematics(robot_from(KEYS, folder)).shapes()
    (folder / "robot.yaml").write_text(yaml.safe_dump(KEYS | {"missing_meshes": "box"}))
    with pytest.raises(UnknownNameError, match="missing_meshes"):
        robot_from(KEYS | {"missing_meshes": "box"}, folder)


def test_a_floating_joint_of_the_urdf_is_no_joint(folder: Path) -> None:
    """A base that floats in the URDF, too, floats once."""
    free = '<link name="world"/><joint name="free" type="floating"><parent link="world"/><child link="pelvis"/></joint>'
    loose = LEG.replace("</robot>", f"{free}</robot>")
    (folder / "leg.urdf").write_text(loose)
    robot = robot_from(KEYS, folder)
    assert robot.joint_names == ("hip",)
    poses = Kinematics(robot).frame_poses(["pelvis", "foot"], np.array([[0.5]]))
    np.testing.assert_allclose(poses.position_m[0], [[0, 0, 0], [0, 0, -0.8]], atol=1e-12)
    np.testing.assert_allclose(poses.wxyz[0, 1], [np.cos(0.25), 0, np.sin(0.25), 0], atol=1e-12)
