"""The parts of a draft, by hand: soles, motors, packages, and the text that is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from robots.onboard.draft import pattern
from robots.onboard.motors import USUAL_SPEED_RADPS, placeholders, propose_motors
from robots.onboard.packages import find_packages, lost_meshes, urdf_entry
from robots.onboard.soles import find_sole, largest_rectangle
from robots.onboard.write import _flow
from robots.robot import Robot
from robots.urdf import read_urdf
from robots.yaml_loader import default_packages, robot_from

FOOT = """<robot name="foot"><link name="shin"/>
<link name="foot"><inertial><origin xyz="0.03 0 -0.02"/><mass value="{mass}"/>
  <inertia ixx="0.0017" iyy="0.0052" izz="0.0065" ixy="0" ixz="0" iyz="0"/></inertial>{shapes}</link>
<link name="plate"><collision><origin xyz="0 0 -0.01"/><geometry><box size="0.01 0.01 0.01"/></geometry></collision></link>
<joint name="bolt" type="fixed"><parent link="foot"/><child link="plate"/></joint>
<joint name="ankle" type="revolute"><parent link="shin"/><child link="foot"/><axis xyz="0 1 0"/>
  <limit lower="-1" upper="1" effort="10" velocity="3"/></joint></robot>"""
BOX = '<collision><origin xyz="0.05 0.01 -0.04" rpy="0 {tilt} 0"/><geometry><box size="0.24 0.10 0.02"/></geometry></collision>'
MESH = '<collision><geometry><mesh filename="package://leg/meshes/foot.stl"/></geometry></collision>'


def robot(folder: Path, shapes: str = "", mass: float = 1.2) -> Robot:
    (folder / "foot.urdf").write_text(FOOT.format(shapes=shapes, mass=mass))
    return robot_from({"urdf": "foot.urdf"}, folder)


def test_the_largest_rectangle_in_a_square_is_the_square() -> None:
    assert largest_rectangle(np.array([[0, 0], [2, 0], [2, 1], [0, 1]])) == pytest.approx((0, 2, 0, 1))


def test_a_foot_that_tapers_gets_a_long_sole() -> None:
    """In the triangle (0, +-1), (1, 0), a rectangle from 0 to x is 2 (1 - x) wide: (1 - x) x^1.5 is largest at x = 0.6."""
    back, front, low, high = largest_rectangle(np.array([[0, -1], [1, 0], [0, 1]]))
    assert back == pytest.approx(0, abs=1e-6)
    assert front == pytest.approx(0.6, abs=0.03)
    assert (low, high) == pytest.approx((front - 1, 1 - front))


def test_a_box_stands_on_its_underside(tmp_path: Path) -> None:
    sole = find_sole(robot(tmp_path, BOX.format(tilt=0)), "foot", np.eye(3), np.zeros(3), 0.8)
    np.testing.assert_allclose(sole.heel_m, [-0.07, 0.01, -0.05], atol=1e-6)
    np.testing.assert_allclose(sole.toe_m, [0.17, 0.01, -0.05], atol=1e-6)
    assert sole.width_m == pytest.approx(0.10)
    assert sole.confidence > 0.5


def test_a_narrow_foot_stands_as_flat_as_a_wide_one(tmp_path: Path) -> None:
    """A bar of 24 by 2 cm: narrow, but the whole foot is."""
    sole = find_sole(robot(tmp_path, BOX.format(tilt=0).replace("0.24 0.10", "0.24 0.02")), "foot", np.eye(3), np.zeros(3), 0.8)
    assert sole.width_m == pytest.approx(0.02)
    assert sole.confidence > 0.5
    assert "hardly" not in sole.remark


def test_a_foot_that_is_tilted_at_zero_says_how_it_stands(tmp_path: Path) -> None:
    sole = find_sole(robot(tmp_path, BOX.format(tilt=0.2)), "foot", np.eye(3), np.zeros(3), 0.8)
    np.testing.assert_allclose(sole.axes[:, 2], [np.sin(0.2), 0, np.cos(0.2)], atol=1e-6)
    assert np.linalg.norm(sole.toe_m - sole.heel_m) == pytest.approx(0.24, abs=1e-3)


def test_a_foot_without_shapes_is_estimated_and_said_to_be(tmp_path: Path) -> None:
    """Its inertia is that of a box: a^2 = 6 (I_y + I_z - I_x) / m = 0.05, so 0.2236 m long."""
    (tmp_path / "foot.urdf").write_text(
        FOOT.format(shapes="", mass=1.2).replace("<collision>", "<other>").replace("</collision>", "</other>")
    )
    sole = find_sole(robot_from({"urdf": "foot.urdf"}, tmp_path), "foot", np.eye(3), np.zeros(3), 0.8)
    assert sole.toe_m[0] - sole.heel_m[0] == pytest.approx(0.05**0.5)
    assert (sole.toe_m[0] + sole.heel_m[0]) / 2 == pytest.approx(0.03)
    assert sole.confidence < 0.5
    assert "estimated" in sole.remark


def test_gains_of_a_pendulum_by_hand(tmp_path: Path) -> None:
    """1.2 kg, its centre 0.036 m from the axis, 0.0052 kg m2: I = 0.0052 + 1.2 * 0.0013 + 0.001 = 0.00776 with the rotor.

    At 4 Hz that is 4.9 Nm/rad; gravity asks for 0.42 Nm at most, so 8.5 to hold it; full effort at 0.6 rad asks for 17.
    """
    motor = propose_motors(robot(tmp_path))["ankle"]
    assert motor.armature == pytest.approx(1e-3)
    assert motor.kp == pytest.approx(17, abs=0.5)
    assert motor.kd == pytest.approx(1.4 * (motor.kp * 0.00776) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    ("effort", "velocity", "found"), [("0", "3", (0, 1)), ("10", "1000", (1, 0)), ("1e9", "0", (1, 1)), ("10", "3", (0, 0))]
)
def test_placeholders_are_seen(effort: str, velocity: str, found: tuple[int, int], tmp_path: Path) -> None:
    text = FOOT.format(shapes="", mass=1.2).replace('effort="10" velocity="3"', f'effort="{effort}" velocity="{velocity}"')
    (tmp_path / "foot.urdf").write_text(text)
    loose = robot_from({"urdf": "foot.urdf", "speed_radps": {".*": USUAL_SPEED_RADPS}, "effort_nm": {".*": 1.0}}, tmp_path)
    speed, effort_of = placeholders(loose, read_urdf(tmp_path / "foot.urdf").joints)
    assert (len(speed), len(effort_of)) == found


def test_packages_are_found_upwards(tmp_path: Path) -> None:
    (tmp_path / "leg" / "meshes").mkdir(parents=True)
    (tmp_path / "leg" / "urdf").mkdir()
    urdf = tmp_path / "leg" / "urdf" / "foot.urdf"
    urdf.write_text(FOOT.format(shapes=MESH, mass=1))
    assert find_packages(urdf) == ()
    assert lost_meshes(urdf, ()) == ("package://leg/meshes/foot.stl",)
    (tmp_path / "leg" / "meshes" / "foot.stl").touch()
    assert find_packages(urdf) == (tmp_path,)
    assert lost_meshes(urdf, (tmp_path,)) == ()


def test_the_urdf_is_named_so_that_the_folder_works_elsewhere(tmp_path: Path) -> None:
    assert urdf_entry(tmp_path / "a" / "b.urdf", tmp_path / "c") == "../a/b.urdf"
    package = default_packages()[0] / "example-robot-data" / "x.urdf"
    assert urdf_entry(package, tmp_path) == "package://example-robot-data/x.urdf"


VALUES = [1e-7, -0.25, 3, "on", "1e5", "joint_1.0", "a|b", "it's", [1.5, "x"], {"a": [0.1]}, "12", "~", "-x", "null"]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert yaml.safe_load(f"key: {_flow(value)}")["key"] == value


def test_a_pattern_matches_its_names_alone() -> None:
    import re

    assert re.fullmatch(pattern(["joint_1.0", "b(2)"]), "joint_1.0")
    assert re.fullmatch(pattern(["joint_1.0", "b(2)"]), "b(2)")
    assert not re.fullmatch(pattern(["joint_1.0"]), "joint_110")
