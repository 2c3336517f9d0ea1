"""Orders of a robot's joints and bodies, as the tools that hand motions around list them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from motion.errors import FileFormatError, UnknownNameError, require
from robots.robot import Robot
from robots.urdf import read_urdf

_LEG = tuple(f"{part}_joint" for part in ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll"))
_ARM = tuple(f"{part}_joint" for part in ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow"))
_WRIST = tuple(f"wrist_{axis}_joint" for axis in ("roll", "pitch", "yaw"))
_WAIST = tuple(f"waist_{axis}_joint" for axis in ("yaw", "roll", "pitch"))


def _sides(*parts: str) -> tuple[str, ...]:
    return tuple(f"{side}_{part}" for side in ("left", "right") for part in parts)


G1_29 = (*_sides(*_LEG), *_WAIST, *_sides(*_ARM, *_WRIST))
G1_23 = (*_sides(*_LEG), *_WAIST, *_sides(*_ARM))
"""The G1 without its wrists."""
ORDERS: Mapping[int, tuple[str, ...]] = {29: G1_29, 23: G1_23}
_STATED = {"g1_29": G1_29, "g1_23": G1_23}
MUJOCO, ISAAC = "mujoco", "isaac"
JOINT_ORDERS = (MUJOCO, ISAAC, *_STATED)
"""Depth first in document order, as MuJoCo and Pinocchio's URDFs have it; level by level, as Isaac Lab has it."""


def _by_level(robot: Robot) -> list[tuple[str, str]]:
    """(joint, link it moves), level by level, siblings in the order of the URDF; links that are fixed to one another count as one."""
    urdf = read_urdf(robot.urdf)
    carrier = {joint.child: joint.parent for joint in urdf.fixed}
    depth = {urdf.root: 0}
    for joint in urdf.joints:  # depth first: a joint's parent came before
        parent = joint.parent
        while parent not in depth:
            parent = carrier[parent]
        depth[joint.child] = depth[parent] + 1
    return [(joint.name, joint.child) for joint in sorted(urdf.joints, key=lambda joint: depth[joint.child])]


def breadth_first(robot: Robot) -> tuple[str, ...]:
    """The robot's motorised joints level by level."""
    return tuple(joint for joint, _ in _by_level(robot) if joint in robot.joint_names)


def joint_order(robot: Robot, word: str) -> tuple[str, ...]:
    """The joints that a file is to hold, in its order.

    Args:
        robot: whose joints.
        word: one of `JOINT_ORDERS`, or the path of a JSON list of names.

    Raises:
        UnknownNameError: no such order, or a joint that the robot does not have.
        FileFormatError: a file that is no list of different names.
    """
    if word == MUJOCO:
        return robot.joint_names
    if word == ISAAC:
        return breadth_first(robot)
    names = _STATED[word] if word in _STATED else _read(word)
    robot.joint_index(names)
    return names


def body_order(robot: Robot, word: str) -> tuple[str, ...]:
    """The links that a simulator keeps apart, base first: by level for Isaac Lab, else in document order."""
    moved = [link for _, link in _by_level(robot)] if word == ISAAC else [joint.child for joint in read_urdf(robot.urdf).joints]
    return (robot.base, *moved)


def _read(word: str) -> tuple[str, ...]:
    file = Path(word)
    if not file.is_file():
        raise UnknownNameError("joint order", word, JOINT_ORDERS, "joint_order=; a JSON list of names works too")
    try:
        names = json.loads(file.read_text())
    except ValueError as error:
        raise FileFormatError(f"{file}: not JSON ({error}).") from error
    usable = isinstance(names, list) and all(isinstance(name, str) for name in names) and len(set(names)) == len(names) > 0
    require(usable, FileFormatError, f"{file}: wants a JSON list of different joint names.")
    return tuple(names)
