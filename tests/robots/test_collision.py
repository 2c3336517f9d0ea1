"""Self-collision by hand: three boxes in a row on two hinges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from robots import load_robot
from robots.collision import SelfCollision
from robots.kinematics import Kinematics
from robots.robot import Robot

BOX = """<link name="{name}"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
  <collision><origin xyz="0.5 0 0"/><geometry><box size="0.8 0.2 0.2"/></geometry></collision></link>"""
HINGE = """<joint name="{child}_hinge" type="revolute"><parent link="{parent}"/><child link="{child}"/><origin xyz="1 0 0"/>
  <axis xyz="0 0 1"/><limit lower="-3.1" upper="3.1" velocity="1" effort="1"/></joint>"""
FOLDED = [2.2, 2.2]  # the third box comes back across the first
BENT = [0.0, 3.0]  # the third box lies on the second, its neighbour


def chain(folder: Path, yaml: str = "") -> Robot:
    boxes = "".join(BOX.format(name=name) for name in ("one", "two", "three"))
    hinges = HINGE.format(parent="one", child="two") + HINGE.format(parent="two", child="three")
    (folder / "chain.urdf").write_text(f'<robot name="chain">{boxes}{hinges}</robot>')
    (folder / "robot.yaml").write_text(f"urdf: chain.urdf\nfloating: false\n{yaml}")
    return load_robot(folder)


@pytest.mark.parametrize(("yaml", "counts"), [("", True), ("no_collision: [[one, three]]\n", False)])
def test_only_pairs_that_count_count(tmp_path: Path, yaml: str, counts: bool) -> None:
    collision = SelfCollision(Kinematics(chain(tmp_path, yaml)))
    np.testing.assert_array_equal(collision.frames(np.array([[0, 0], FOLDED, BENT])), [False, counts, False])


def test_pairs_that_touch_at_rest_do_not_count(tmp_path: Path) -> None:
    robot = chain(tmp_path, "rest_rad: {two_hinge: 2.2, three_hinge: 2.2}\n")
    assert not SelfCollision(Kinematics(robot)).frames(np.array([FOLDED, [0, 0]])).any()


def test_shapes_know_their_links_and_the_joints_between_them(tmp_path: Path) -> None:
    shapes = Kinematics(chain(tmp_path)).shapes()
    assert shapes.links == ("one", "two", "three")
    assert [shapes.joints_between(a, b) for a, b in ((0, 0), (0, 1), (1, 2), (0, 2))] == [0, 1, 1, 2]


def test_a_little_overlap_is_within_the_margin(tmp_path: Path) -> None:
    robot, folded = chain(tmp_path), np.array([FOLDED])
    assert SelfCollision(Kinematics(robot), margin_m=0.002).frames(folded).all()
    assert not SelfCollision(Kinematics(robot), margin_m=0.5).frames(folded).any()


BAR = """<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><up_axis>{up}</up_axis></asset>
<library_geometries><geometry id="bar"><mesh><source id="p"><float_array id="a" count="24">{points}</float_array><technique_common>
<accessor source="#a" count="8" stride="3"><param name="X" type="float"/><param name="Y" type="float"/><param name="Z" type="float"/>
</accessor></technique_common></source><vertices id="v"><input semantic="POSITION" source="#p"/></vertices><triangles count="12">
<input semantic="VERTEX" source="#v" offset="0"/>
<p>0 1 3 0 3 2 4 6 7 4 7 5 0 4 5 0 5 1 2 3 7 2 7 6 0 2 6 0 6 4 1 5 7 1 7 3</p></triangles></mesh></geometry></library_geometries>
<library_visual_scenes><visual_scene id="s"><node id="n"><instance_geometry url="#bar"/></node></visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#s"/></scene></COLLADA>"""


@pytest.mark.parametrize(("up", "reaches"), [("Y_UP", False), ("Z_UP", True)])
def test_a_mesh_whose_y_axis_points_up_stands(tmp_path: Path, up: str, reaches: bool) -> None:
    """A bar from y = 0.3 to y = 0.7 of its file: standing above the third link it meets nothing, lying it sweeps the first."""
    chain(tmp_path)
    points = " ".join(f"{x} {y} {z}" for x in (0.4, 0.6) for y in (0.3, 0.7) for z in (-0.05, 0.05))
    text = (tmp_path / "chain.urdf").read_text()
    first, mark, rest = text.partition('<link name="three">')
    bar = rest.replace('<origin xyz="0.5 0 0"/><geometry><box size="0.8 0.2 0.2"/>', '<geometry><mesh filename="bar.dae"/>', 1)
    (tmp_path / up).mkdir()
    (tmp_path / up / "bar.dae").write_text(BAR.format(up=up, points=points))
    (tmp_path / up / "chain.urdf").write_text(first + mark + bar)
    (tmp_path / up / "robot.yaml").write_text("urdf: chain.urdf\nfloating: false\n")
    postures = np.random.default_rng(0).uniform(-3, 3, (300, 2))
    assert SelfCollision(Kinematics(load_robot(tmp_path / up))).frames(postures).any() == reaches
