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


def test_overlaps_name_their_pairs_and_forget_the_dropped(tmp_path: Path) -> None:
    overlaps = Kinematics(chain(tmp_path)).overlaps(0.002)
    neighbours = {pair.links: pair.neighbours for pair in overlaps.pairs}
    assert neighbours == {frozenset(("one", "two")): True, frozenset(("two", "three")): True, frozenset(("one", "three")): False}
    assert [pair.links for pair, touches in zip(overlaps.pairs, overlaps.touching(np.array(BENT)), strict=True) if touches] == [
        frozenset(("two", "three"))
    ]
    assert overlaps.any(np.array(BENT))
    overlaps.drop([pair.neighbours for pair in overlaps.pairs])
    assert [pair.links for pair in overlaps.pairs] == [frozenset(("one", "three"))]
    assert not overlaps.any(np.array(BENT))
    assert overlaps.any(np.array(FOLDED))


def test_a_little_overlap_is_within_the_margin(tmp_path: Path) -> None:
    robot, folded = chain(tmp_path), np.array([FOLDED])
    assert SelfCollision(Kinematics(robot), margin_m=0.002).frames(folded).all()
    assert not SelfCollision(Kinematics(robot), margin_m=0.5).frames(folded).any()
