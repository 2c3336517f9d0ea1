"""Shapes for links whose mesh files are missing: boxes of the links' own inertia, and soles where robot.yaml has them."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from motion.errors import RobotError
from motion.transform import Array, normalized
from robots.meshes import READABLE
from robots.robot import Robot, Sole
from robots.urdf import read_urdf, resolve_mesh

Purpose = Literal["collision", "visual"]
_FREE = ("floating", "planar")
PURPOSES: tuple[Purpose, ...] = ("collision", "visual")
_THINNEST_M, _SOLE_M = 0.01, 0.02
MOSTLY_BARE = 0.5
_NAME, _UPRIGHT = "stand_in", 1e-9
_SHORT_M, _ALONG, _BEYOND = 0.03, 0.9, 0.1
_DENSITY, _LIGHTEST = 1000.0, 40.0
"""kg/m3, of the cube that stands in for a link without an inertia (water), and of the lightest box that is taken for a link."""


def urdf_tree(robot: Robot) -> ElementTree.Element:
    """The robot's URDF; where the robot allows it, boxes stand in for shapes whose mesh files are missing.

    A link that loses a shape gets the box that has its mass and inertia, and a foot the box that stands on its sole.
    A URDF most of whose bodies have no shape (none, or feet alone) gets such boxes for all links that have a mass.
    """
    root = engine_urdf(robot.urdf)
    if not robot.stand_ins:
        return root
    for purpose in PURPOSES:
        bare = shaped_share(root, purpose) < MOSTLY_BARE
        for link in root.findall("link"):
            lost = _without_missing(link, purpose, robot)
            box = inertia_box(link) if (lost or bare) and link.find(purpose) is None else None
            if box is not None:
                _shape(link, purpose, *_within_bone(box, _bone(root, link)))
        _stand_on_soles(root, purpose, robot.soles.values())
    return root


def shaped_share(root: ElementTree.Element, purpose: Purpose) -> float:
    """The share of a robot's bodies (links that move as one) with a mass that have a shape; 0 without any."""
    shaped: dict[str, tuple[bool, bool]] = {}
    for link in root.findall("link"):
        group = min(rigid_with(root, link.get("name", "")))
        mass, shape = _number(link.find("inertial"), "mass", "value") > 0, link.find(purpose) is not None
        before = shaped.get(group, (False, False))
        shaped[group] = (before[0] or mass, before[1] or shape)
    massive = [shape for mass, shape in shaped.values() if mass]
    return sum(massive) / len(massive) if massive else float(any(shape for _, shape in shaped.values()))


def engine_urdf(urdf: Path) -> ElementTree.Element:
    """A URDF as the engines take it, who refuse what leaves out a number.

    Floating and planar joints are fixed ones: that a base moves freely, robot.yaml says. A hinge without a range is
    continuous, limits without speed or effort get 0 (the robot's own come from `read_urdf`), and a mass without an
    inertia is a cube as dense as water.
    """
    root = ElementTree.parse(urdf).getroot()
    for joint in root.findall("joint"):
        limit = joint.find("limit")
        if joint.get("type") in _FREE:
            joint.set("type", "fixed")
        if joint.get("type") == "revolute" and (limit is None or limit.get("lower") is None):
            joint.set("type", "continuous")
        if limit is not None:
            for key in ("effort", "velocity"):
                limit.set(key, limit.get(key, "0"))
    for inertial in root.iterfind("link/inertial"):
        mass = _number(inertial, "mass", "value")
        if inertial.find("inertia") is None and mass > 0:
            moment = f"{mass * (mass / _DENSITY) ** (2 / 3) / 6:.9g}"
            ElementTree.SubElement(inertial, "inertia", ixx=moment, iyy=moment, izz=moment, ixy="0", ixz="0", iyz="0")
    return root


def missing_meshes(robot: Robot) -> tuple[str, ...]:
    """Names of the mesh files that the robot's URDF names and that are not there, or not to be read."""
    return tuple(name for name in read_urdf(robot.urdf).meshes if not mesh_is_there(name, robot.urdf, robot.package_dirs))


def mesh_is_there(name: str, urdf: Path, package_dirs: Sequence[Path]) -> bool:
    """Whether a URDF's mesh name leads to a file of a kind that can be read."""
    try:
        return resolve_mesh(name, urdf, package_dirs).suffix.lower() in READABLE
    except RobotError:
        return False


def _without_missing(link: ElementTree.Element, purpose: Purpose, robot: Robot) -> bool:
    """Take off the shapes whose files are missing; whether there were any."""
    names = {shape: mesh.get("filename", "") for shape in link.findall(purpose) for mesh in shape.iter("mesh")}
    lost = [shape for shape, name in names.items() if not mesh_is_there(name, robot.urdf, robot.package_dirs)]
    for shape in lost:
        link.remove(shape)
    return bool(lost)


def _bone(root: ElementTree.Element, link: ElementTree.Element) -> Array | None:
    """(3,) from a link's origin to the one joint that it carries; None where it carries none, or several."""
    carried = [joint for joint in root.findall("joint") if _end(joint, "parent") == link.get("name") and joint.get("type") != "fixed"]
    return _vector(carried[0].find("origin"), "xyz") if len(carried) == 1 else None


def _within_bone(box: tuple[Array, Array, Array], bone: Array | None) -> tuple[Array, Array, Array]:
    """The box cut off where it reaches beyond the bone that it lies along: a shin ends above the foot."""
    size, centre, turn = box
    length = float(np.linalg.norm(bone)) if bone is not None else 0.0
    along = int(np.abs(turn.T @ bone).argmax()) if bone is not None else 0
    if bone is None or length < _SHORT_M or abs(turn[:, along] @ bone) < _ALONG * length:
        return box
    ahead = turn[:, along] * np.sign(turn[:, along] @ bone)
    middle, half = float(centre @ ahead), size[along] / 2
    low, high = max(middle - half, -_BEYOND * length), min(middle + half, length)
    if high <= low:
        return box
    return np.where(np.arange(3) == along, high - low, size), centre + ((low + high) / 2 - middle) * ahead, turn


def inertia_box(link: ElementTree.Element) -> tuple[Array, Array, Array] | None:
    """The box of even density that has a link's mass and inertia: size (3,), centre (3,), rotation (3, 3) in the link.

    From I_x = m (b^2 + c^2) / 12 and its like follows a^2 = 6 (I_y + I_z - I_x) / m. None for a link without mass.
    """
    inertial = link.find("inertial")
    mass = _number(inertial, "mass", "value")
    if inertial is None or not mass > 0:
        return None
    tensor = inertial.find("inertia")
    xx, yy, zz, xy, xz, yz = (
        float(tensor.get(f"i{pair}", 0)) if tensor is not None else 0.0 for pair in ("xx", "yy", "zz", "xy", "xz", "yz")
    )
    moments, axes = np.linalg.eigh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    square = 6 * (moments.sum() - 2 * moments) / mass
    cube = (mass / _DENSITY) ** (1 / 3)
    size = np.sqrt(np.maximum(square, _THINNEST_M**2))
    if moments.max() <= 0 or mass < _LIGHTEST * size.prod():
        size = np.full(3, cube)  # no inertia, or a placeholder
    axes = axes * np.sign(np.linalg.det(axes))
    origin = inertial.find("origin")
    centre, turn = _vector(origin, "xyz"), Rotation.from_euler("xyz", _vector(origin, "rpy")).as_matrix()
    return size, centre, turn @ axes


def _number(parent: ElementTree.Element | None, tag: str, key: str) -> float:
    element = None if parent is None else parent.find(tag)
    return math.nan if element is None else float(element.get(key, "nan"))


def _vector(element: ElementTree.Element | None, key: str) -> Array:
    return np.array([float(word) for word in (element.get(key, "0 0 0") if element is not None else "0 0 0").split()])


def _shape(link: ElementTree.Element, purpose: Purpose, size: Array, centre: Array, rotation: Array) -> None:
    shape = ElementTree.SubElement(link, purpose, name=_NAME)
    ElementTree.SubElement(shape, "origin", xyz=_words(centre), rpy=_words(roll_pitch_yaw(rotation)))
    ElementTree.SubElement(ElementTree.SubElement(shape, "geometry"), "box", size=_words(size))


def roll_pitch_yaw(rotation: Array) -> Array:
    """(3,) angles about the fixed axes x, y, z, one after the other; where pitch is a right angle, roll is 0."""
    pitch = np.arctan2(-rotation[2, 0], np.hypot(rotation[0, 0], rotation[1, 0]))
    if np.hypot(rotation[0, 0], rotation[1, 0]) < _UPRIGHT:
        return np.array([0.0, pitch, np.arctan2(-rotation[0, 1], rotation[1, 1])])
    return np.array([np.arctan2(rotation[2, 1], rotation[2, 2]), pitch, np.arctan2(rotation[1, 0], rotation[0, 0])])


def _words(values: Iterable[float]) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _stand_on_soles(root: ElementTree.Element, purpose: Purpose, soles: Iterable[Sole]) -> None:
    """Give every foot that has only a stand-in, or nothing, the box that stands on its sole instead."""
    links = {link.get("name", ""): link for link in root.findall("link")}
    for sole in soles:
        foot = [links[name] for name in rigid_with(root, sole.frame)]
        shapes = [(link, shape) for link in foot for shape in link.findall(purpose)]
        if any(shape.get("name") != _NAME for _, shape in shapes):
            continue
        for link, shape in shapes:
            link.remove(shape)
        _shape(links[sole.frame], purpose, *_sole_box(sole))


def _sole_box(sole: Sole) -> tuple[Array, Array, Array]:
    heel, toe = np.array(sole.heel_m), np.array(sole.toe_m)
    ahead, left = normalized(toe - heel), np.array(sole.left)
    up = np.cross(ahead, left)
    size = np.array([np.linalg.norm(toe - heel), max(sole.width_m, _SOLE_M), _SOLE_M])
    return size, (heel + toe) / 2 + up * _SOLE_M / 2, np.stack([ahead, left, up], 1)


def rigid_with(root: ElementTree.Element, link: str) -> Sequence[str]:
    """The links that no moving joint parts from a link, itself first."""
    pairs = [(_end(joint, "parent"), _end(joint, "child")) for joint in root.findall("joint") if joint.get("type") == "fixed"]
    found = [link]
    for name in found:
        found.extend(other for pair in pairs if name in pair for other in pair if other not in found)
    return found


def _end(joint: ElementTree.Element, which: str) -> str:
    element = joint.find(which)
    return "" if element is None else element.get("link", "")
