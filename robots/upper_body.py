"""A robot whose legs are locked: what stands at a counter and works with its hands."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from motion.landmarks import SIDES
from motion.store import cache_folder, write_text
from robots.robot import Robot
from robots.urdf import Urdf, read_urdf, resolve_mesh

LEG_ENDS = tuple(f"{side}_{name}" for side in SIDES for name in ("knee", "ankle", "heel", "toe"))
"""Landmarks that legs carry."""
_KEPT_ENDS = ("chest", "neck", "head", *(f"{side}_{name}" for side in SIDES for name in ("shoulder", "wrist")))


def upper_body(robot: Robot) -> Robot:
    """The robot with every joint of its legs fixed at its rest angle; the same robot where it has no legs.

    What is left keeps its names, limits and order, so that every room takes the result for a robot like any other.
    """
    legs = leg_joints(robot)
    return locked(robot, {name: float(robot.rest_rad[robot.joint_names.index(name)]) for name in legs}) if legs else robot


def leg_joints(robot: Robot) -> tuple[str, ...]:
    """Motorised joints between the base and the ankles that move neither trunk nor arms."""
    urdf = read_urdf(robot.urdf)
    ends = {name: robot.landmarks[name].frame for name in (*LEG_ENDS, *_KEPT_ENDS) if name in robot.landmarks}
    legs = {joint for name in LEG_ENDS if name in ends for joint in _way_up(urdf, ends[name])}
    kept = {joint for name in _KEPT_ENDS if name in ends for joint in _way_up(urdf, ends[name])}
    return tuple(name for name in robot.joint_names if name in legs - kept)


def locked(robot: Robot, angles_rad: Mapping[str, float]) -> Robot:
    """The robot with some motorised joints, and what mimics them, fixed at the given angles.

    The changed URDF is written to the cache once, under a name made of its content.
    """
    followers = {name: rule.multiplier * angles_rad[rule.of] + rule.offset for name, rule in robot.mimic.items() if rule.of in angles_rad}
    root = ElementTree.parse(robot.urdf).getroot()
    for joint in root.findall("joint"):
        name = joint.get("name", "")
        if name in angles_rad or name in followers:
            _fix(joint, angles_rad[name] if name in angles_rad else followers[name])
    for mesh in root.iter("mesh"):
        mesh.set("filename", _absolute(mesh.get("filename", ""), robot))
    text = ElementTree.tostring(root, encoding="unicode")
    path = cache_folder() / "urdf" / f"{robot.name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}.urdf"
    if not path.exists():
        write_text(path, text)
    free = np.array([name not in angles_rad for name in robot.joint_names])
    own = ("lower_rad", "upper_rad", "speed_radps", "effort_nm", "acceleration_radps2", "rest_rad", "kp", "kd", "armature")
    return replace(
        robot,
        urdf=path,
        unlocked=robot.unlocked or robot,
        joint_names=tuple(name for name in robot.joint_names if name not in angles_rad),
        mimic={name: rule for name, rule in robot.mimic.items() if name not in followers},
        **{name: getattr(robot, name)[free] for name in own},
    )


def _way_up(urdf: Urdf, link: str) -> list[str]:
    """Moving joints from a link to the root."""
    above = {joint.child: joint for joint in (*urdf.joints, *urdf.fixed)}
    way = []
    while link in above:
        joint = above[link]
        way.append(joint.name)
        link = joint.parent
    return way


def _absolute(filename: str, robot: Robot) -> str:
    if robot.stand_ins and not filename:
        return filename
    return str(resolve_mesh(filename, robot.urdf, robot.package_dirs))


def _fix(joint: ElementTree.Element, angle: float) -> None:
    """Make a joint a fixed one whose placement holds the angle (m for a prismatic joint)."""
    axis_element, origin = joint.find("axis"), joint.find("origin")
    axis = np.array([float(word) for word in (axis_element.get("xyz", "1 0 0") if axis_element is not None else "1 0 0").split()])
    axis = axis / np.linalg.norm(axis)
    if origin is None:
        origin = ElementTree.SubElement(joint, "origin")
    place = np.array([float(word) for word in origin.get("xyz", "0 0 0").split()])
    turn = Rotation.from_euler("xyz", [float(word) for word in origin.get("rpy", "0 0 0").split()])
    if joint.get("type") == "prismatic":
        place = place + turn.apply(angle * axis)
    else:
        turn = turn * Rotation.from_rotvec(angle * axis)
    origin.set("xyz", " ".join(f"{value:.12g}" for value in place))
    origin.set("rpy", " ".join(f"{value:.12g}" for value in turn.as_euler("xyz")))
    joint.set("type", "fixed")
    for tag in ("axis", "limit", "mimic", "dynamics", "safety_controller", "calibration"):
        for element in joint.findall(tag):
            joint.remove(element)
