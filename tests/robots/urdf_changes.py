"""The same robot, told differently: changes of a URDF's text that change nothing of the robot, or all of it alike."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from motion.transform import Array


def renamed(robot: ElementTree.Element, seed: int = 0) -> dict[str, str]:
    """Give every link and joint a name that means nothing; returns old link name -> new one."""
    rng = np.random.default_rng(seed)
    numbers = iter(rng.permutation(100_000))
    links = {link.get("name", ""): f"x{next(numbers)}" for link in robot.findall("link")}
    joints = {joint.get("name", ""): f"y{next(numbers)}" for joint in robot.findall("joint")}
    joint_names = {new: old for old, new in joints.items()}
    for link in robot.findall("link"):
        link.set("name", links[link.get("name", "")])
    for joint in robot.findall("joint"):
        joint.set("name", joints[joint.get("name", "")])
        for end in ("parent", "child"):
            element = joint.find(end)
            if element is not None:
                element.set("link", links[element.get("link", "")])
        mimic = joint.find("mimic")
        if mimic is not None:
            mimic.set("joint", joints[_leader(joint_names[joint.get("name", "")], mimic.get("joint", ""), joints)])
    return links


def _leader(name: str, of: str, joints: dict[str, str]) -> str:
    """The joint that one mimics; in hands made from a macro it is named without the hand's prefix."""
    return of if of in joints else next(other for other in joints if other.endswith(of) and name.startswith(other.removesuffix(of)))


def reordered(robot: ElementTree.Element, seed: int = 0) -> None:
    """Shuffle the order in which links and joints are stated."""
    elements = list(robot)
    order = np.random.default_rng(seed).permutation(len(elements))
    robot[:] = [elements[number] for number in order]


def scaled(robot: ElementTree.Element, factor: float) -> None:
    """Make the robot larger or smaller, at the same density; meshes too."""
    for element in robot.iter():
        for key in ("radius", "length", "size"):
            if element.get(key) is not None and element.tag in ("box", "sphere", "cylinder", "capsule"):
                element.set(key, _text(factor * _numbers(element.get(key))))
        if element.tag == "origin":
            element.set("xyz", _text(factor * _numbers(element.get("xyz"), "0 0 0")))
        if element.tag == "mesh":
            element.set("scale", _text(factor * _numbers(element.get("scale"), "1 1 1")))
        if element.tag == "mass":
            element.set("value", _text(factor**3 * _numbers(element.get("value"))))
    for joint in robot.findall("joint[@type='prismatic']"):
        for limit in joint.findall("limit"):
            for key in ("lower", "upper"):
                limit.set(key, _text(factor * _numbers(limit.get(key), "0")))


def with_turned_root(robot: ElementTree.Element, rotation: Rotation) -> None:
    """Turn the root link's frame: all that hangs on it or lies in it is stated by a rotation more."""
    children = {child.get("link") for child in robot.findall("joint/child")}
    (root,) = (link for link in robot.findall("link") if link.get("name") not in children)
    holders = [*root.findall("inertial"), *root.findall("visual"), *root.findall("collision")]
    for joint in robot.findall("joint"):
        parent = joint.find("parent")
        if parent is not None and parent.get("link") == root.get("name"):
            holders.append(joint)
    for holder in holders:
        origin = holder.find("origin")
        if origin is None:
            origin = ElementTree.SubElement(holder, "origin")
        own = Rotation.from_euler("xyz", _numbers(origin.get("rpy"), "0 0 0"))
        origin.set("xyz", _text(rotation.apply(_numbers(origin.get("xyz"), "0 0 0"))))
        origin.set("rpy", _text((rotation * own).as_euler("xyz")))


def with_flipped_axes(robot: ElementTree.Element, seed: int = 0) -> None:
    """Turn about half of the joints' axes round, and their limits with them."""
    rng = np.random.default_rng(seed)
    sign: dict[str, float] = {}
    for joint in robot.findall("joint"):
        sign[joint.get("name", "")] = float(rng.choice([-1, 1]))
        if sign[joint.get("name", "")] > 0 or joint.get("type") == "fixed":
            continue
        axis = joint.find("axis")
        if axis is None:
            axis = ElementTree.SubElement(joint, "axis", xyz="1 0 0")
        axis.set("xyz", _text(-_numbers(axis.get("xyz"), "1 0 0")))
        limit = joint.find("limit")
        if limit is not None and limit.get("lower") is not None:
            lower, upper = float(limit.get("lower", "0")), float(limit.get("upper", "0"))
            limit.set("lower", str(-upper))
            limit.set("upper", str(-lower))
    for joint in robot.findall("joint"):
        mimic = joint.find("mimic")
        if mimic is not None:
            own = sign[joint.get("name", "")]
            of = sign.get(mimic.get("joint", ""), 1.0)
            mimic.set("multiplier", str(own * of * float(mimic.get("multiplier", "1"))))
            mimic.set("offset", str(own * float(mimic.get("offset", "0"))))


def with_sensors(robot: ElementTree.Element, seed: int = 0) -> None:
    """Hang a small fixed sensor on every third link, and a camera that turns on the root."""
    rng = np.random.default_rng(seed)
    links = [link.get("name", "") for link in robot.findall("link")]
    for number, link in enumerate(links[::3]):
        _add(robot, f"sensor_{number}", link, rng.uniform(-0.01, 0.01, 3), "fixed")
    children = {child.get("link") for child in robot.findall("joint/child")}
    (root,) = (link for link in links if link not in children)
    _add(robot, "spinning_sensor", root, rng.uniform(-0.02, 0.02, 3), "continuous")


def _add(robot: ElementTree.Element, name: str, parent: str, xyz: Array, kind: str) -> None:
    ElementTree.SubElement(robot, "link", name=name)
    joint = ElementTree.SubElement(robot, "joint", name=f"{name}_joint", type=kind)
    ElementTree.SubElement(joint, "parent", link=parent)
    ElementTree.SubElement(joint, "child", link=name)
    ElementTree.SubElement(joint, "origin", xyz=_text(xyz), rpy="0 0 0")
    ElementTree.SubElement(joint, "axis", xyz="0 0 1")


def _numbers(text: str | None, default: str = "0") -> Array:
    return np.array([float(word) for word in (text or default).split()])


def _text(numbers: Array) -> str:
    return " ".join(repr(float(number)) for number in numbers)


def changed(urdf: Path, folder: Path, *changes: object) -> Path:
    """Write a changed copy of a URDF into `folder`; each change is a function of the root element."""
    tree = ElementTree.parse(urdf)
    for change in changes:
        change(tree.getroot())  # type: ignore[operator]
    path = folder / f"{urdf.stem}.urdf"
    tree.write(path)
    return path
