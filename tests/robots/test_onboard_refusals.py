"""What is no humanoid and no hand, or no URDF at all, gets one error that says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.robots_truth import NO_HUMANOIDS
from motion.errors import RobotError
from robots.onboard.analyse import analyse
from robots.yaml_loader import default_packages

ROBOTS = Path("example-robot-data/robots")


@pytest.mark.parametrize("urdf", NO_HUMANOIDS, ids=lambda urdf: Path(urdf).stem)
def test_a_robot_that_is_no_humanoid(urdf: str) -> None:
    path = default_packages()[0] / urdf.removeprefix("package://")
    if not path.is_file():
        pytest.skip(f"{urdf} is not at hand")
    with pytest.raises(RobotError, match=r"neither a humanoid nor a hand: .*\. Found: \d+ moving joints?|holds no links"):
        analyse(path, default_packages())


@pytest.mark.parametrize("name", ["so101_nomesh/so101_new_calib.urdf", "dfki_pendulum/urdf/Einfachpendel_1.urdf"])
def test_an_arm_and_a_pendulum(name: str, data: Path) -> None:
    with pytest.raises(RobotError, match="neither a humanoid nor a hand"):
        analyse(data / "robots" / name)


def test_a_quadruped_is_called_one() -> None:
    with pytest.raises(RobotError, match=r"two equal pairs of limbs on one body \(base\), as a quadruped has them. Found: 12"):
        analyse(default_packages()[0] / ROBOTS / "go1_description/urdf/go1.urdf")


def _robot(*joints: str, links: str = "abc") -> str:
    return f"<robot name='x'>{''.join(f'<link name={name!r}/>' for name in links)}{''.join(joints)}</robot>"


def _joint(parent: str, child: str, more: str = "<axis xyz='0 0 1'/>", kind: str = "revolute", name: str = "") -> str:
    return f"<joint name='{name or parent + child}' type='{kind}'><parent link='{parent}'/><child link='{child}'/>{more}</joint>"


BROKEN = {
    "no XML": ("not a robot", "cannot be read as a URDF"),
    "cut off": (_robot(_joint("a", "b"), _joint("b", "c"))[:-20], "cannot be read as a URDF"),
    "empty": ("", "cannot be read as a URDF"),
    "another format": ("<mujoco/>", "the root element is <mujoco>"),
    "no links": ("<robot/>", "holds no links"),
    "two roots": (_robot(_joint("a", "b")), "2 links have no parent"),
    "a circle": (_robot(_joint("a", "b"), _joint("b", "c"), _joint("c", "a")), "go round in a circle"),
    "a circle aside": (_robot(_joint("b", "c"), _joint("c", "b")), "go round in a circle and never reach the root 'a'"),
    "two parents": (_robot(_joint("a", "b"), _joint("a", "c"), _joint("b", "c", name="bc2")), "c hangs on more than one joint"),
    "a link that does not exist": (_robot(_joint("a", "b"), _joint("b", "z")), "names 'z' as its child, which is no link"),
    "a parent that does not exist": (_robot(_joint("a", "b"), _joint("z", "c")), "names 'z' as its parent, which is no link"),
    "a link twice": (_robot(_joint("a", "b"), links="abb"), "link b is there more than once"),
    "a joint twice": (_robot(_joint("a", "b", name="q"), _joint("b", "c", name="q")), "joint q is there more than once"),
    "a limit that is none": (_robot(_joint("a", "b", "<limit lower='nan' upper='1'/>"), _joint("b", "c")), "none of them NaN"),
    "no joints": (_robot(links="a"), "too few joints for a body or a hand. Found: 0 moving joints"),
    "an axis of no length": (_robot(_joint("a", "b", "<axis xyz='0 0 0'/>"), _joint("b", "c")), "its axis has length 0"),
    "a NaN": (_robot(_joint("a", "b", "<origin xyz='0 nan 0'/>"), _joint("b", "c")), "should be 3 numbers, none of them NaN"),
    "an infinite origin": (_robot(_joint("a", "b", "<origin xyz='0 inf 0'/>"), _joint("b", "c")), "origin is not finite"),
    "two numbers": (_robot(_joint("a", "b", "<origin xyz='0 1'/>"), _joint("b", "c")), "should be 3 numbers"),
    "words": (_robot(_joint("a", "b", "<origin xyz='0 ${x} 0'/>"), _joint("b", "c")), "holds something that is no number"),
    "limits upside down": (_robot(_joint("a", "b", "<limit lower='1' upper='-1'/>"), _joint("b", "c")), "limits upside down"),
    "a mimic of nothing": (_robot(_joint("a", "b", "<mimic joint='q'/>"), _joint("b", "c")), "mimics 'q', which is no joint"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_urdf(what: str, tmp_path: Path) -> None:
    text, message = BROKEN[what]
    path = tmp_path / "x.urdf"
    path.write_text(text)
    with pytest.raises(RobotError, match=message) as error:
        analyse(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RobotError, match="cannot be read as a URDF"):
        analyse(tmp_path / "nothing.urdf")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.urdf"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(RobotError, match="cannot be read as a URDF"):
        analyse(path)
