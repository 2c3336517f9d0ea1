"""A worker's body: the 36-joint human of example-robot-data, its bones set to one worker's physique.

The body is written as an ordinary robot folder (URDF and robot.yaml), so that everything that works on robots works
on it. The original's root frame has y up; a fixed joint on top of it gives the usual base: x forward, y left, z up.
Masses and inertias stay those of the original (75 kg): nothing here uses them.
"""

from __future__ import annotations

import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from motion.errors import RobotError, require
from motion.landmarks import SIDES
from motion.store import write_text
from motion.transform import Array
from robots import Robot, load_robot
from robots.kinematics import Kinematics
from robots.yaml_loader import FILE, default_packages
from workers.anthropometry import Physique
from workers.hand_model import HandModel, hand_model

BASE = "worker"
_SOURCE = "example-robot-data/robots/human_description/robots/human.urdf"
_LUMBAR_M, _THORACIC_M, _CLAVICLE_M, _NECK_M = 0.100, 0.223, 0.176, 0.250
"""The original's spine, upward: hips to lumbar joint, to thoracic joint, and from there to clavicles and neck."""

REST_RAD = {
    "middle_lumbar_Z": 0.03,
    **{f"{side}_hip_Z": 0.12 for side in SIDES},
    **{f"{side}_knee_Z": 0.20 for side in SIDES},
    **{f"{side}_ankle_Z": 0.08 for side in SIDES},
    **{f"{side}_shoulder_X": 0.20 for side in SIDES},
    **{f"{side}_elbow_Z": 0.50 for side in SIDES},
    **{f"{side}_elbow_Y": 1.45 for side in SIDES},
}
"""Standing at ease, arms hanging, palms to the thighs."""

PALM_AXES: dict[str, Array] = {
    "left": np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]]),
    "right": np.array([[0.0, -1, 0], [0, 0, 1], [1, 0, 0]]),
}
"""Rows: directions distal, radial and palmar in the frame of the original's hand link."""


@dataclass(frozen=True)
class WorkerBody:
    """One worker's body, ready to move.

    Attributes:
        physique: its sizes.
        robot: the body as a robot; joints and links carry the original's names.
        kinematics: its kinematics.
        hand: its hands.
    """

    physique: Physique
    robot: Robot
    kinematics: Kinematics
    hand: HandModel


def build_body(physique: Physique) -> WorkerBody:
    """The body of a physique. Its robot folder is temporary; `write_body` keeps one."""
    with tempfile.TemporaryDirectory(prefix="worker_body_") as folder:
        robot = load_robot(write_body(physique, Path(folder)))
        return WorkerBody(physique, robot, Kinematics(robot), hand_model(physique))


def write_body(physique: Physique, folder: Path) -> Path:
    """Write `worker.urdf` and `robot.yaml` into a folder, which can then be loaded like any robot's."""
    urdf = ElementTree.tostring(_scaled_urdf(physique), encoding="unicode")
    write_text(folder / "worker.urdf", urdf)
    write_text(folder / FILE, yaml.safe_dump(_robot_yaml(physique), sort_keys=False))
    return folder


@cache
def _source() -> str:
    for package in default_packages():
        if (package / _SOURCE).is_file():
            return (package / _SOURCE).read_text()
    searched = ", ".join(map(str, default_packages()))
    raise RobotError(f"human.urdf of example-robot-data not found in {searched}. Install example-robot-data.")


def _scaled_urdf(physique: Physique) -> ElementTree.Element:
    """The original with the joint origins of this physique, without pictures, under a root with z up."""
    root = ElementTree.fromstring(_source())
    origins = _origins(physique)
    for joint in root.findall("joint"):
        wanted = origins.pop(joint.get("name", ""), None)
        origin = joint.find("origin")
        if wanted is not None and origin is not None:
            origin.set("xyz", " ".join(repr(float(value)) for value in wanted))
    require(not origins, RobotError, f"{_SOURCE}: joints not found: {', '.join(origins)}.")
    for link in root.findall("link"):
        for picture in [*link.findall("visual"), *link.findall("collision")]:
            link.remove(picture)
    ElementTree.SubElement(root, "link", name=BASE)
    upright = ElementTree.SubElement(root, "joint", name="upright", type="fixed")
    ElementTree.SubElement(upright, "origin", xyz="0 0 0", rpy=f"{np.pi / 2!r} 0 0")
    ElementTree.SubElement(upright, "parent", link=BASE)
    ElementTree.SubElement(upright, "child", link="middle_pelvis")
    return root


def _origins(physique: Physique) -> dict[str, tuple[float, float, float]]:
    """Joint -> origin in its parent link (x forward, y up, z right), for every joint that a physique moves."""
    spine = physique.trunk_m / (_LUMBAR_M + _THORACIC_M + _NECK_M)
    clavicle_above_hip = spine * (_LUMBAR_M + _THORACIC_M + _CLAVICLE_M)
    shoulder_drop = physique.shoulder_above_hip_m - clavicle_above_hip
    origins = {
        "middle_thoracic_Z": (0.0, spine * _THORACIC_M, 0.0),
        "middle_cervical_Z": (0.0, spine * _NECK_M, 0.0),
    }
    for side, right in (("left", -1.0), ("right", 1.0)):
        origins |= {
            f"{side}_hip_Z": (0.023 * spine, -spine * _LUMBAR_M, right * physique.hip_width_m / 2),
            f"{side}_knee_Z": (0.0, -physique.thigh_m, 0.0),
            f"{side}_ankle_Z": (0.0, -physique.shank_m, 0.0),
            f"{side}_clavicle_joint_X": (0.0, spine * _CLAVICLE_M, 0.0),
            f"{side}_shoulder_Z": (0.008 * spine, shoulder_drop, right * physique.shoulder_width_m / 2),
            f"{side}_elbow_Z": (0.0, -physique.upper_arm_m, 0.0),
            f"{side}_wrist_Z": (0.0, -physique.forearm_m, 0.0),
        }
    return origins


def pelvis_height_m(physique: Physique) -> float:
    """Height of the base above the floor, legs straight."""
    return physique.hip_height_m + physique.trunk_m * _LUMBAR_M / (_LUMBAR_M + _THORACIC_M + _NECK_M)


def _robot_yaml(physique: Physique) -> dict[str, Any]:
    heel, toe = _sole(physique)
    return {
        "urdf": "worker.urdf",
        "description": f"simulated worker, stature {physique.stature_m:.3f} m",
        "licence": "BSD-3-Clause",
        "rest_rad": REST_RAD,
        "landmarks": _landmarks(physique),
        "soles": {side: {"frame": f"{side}_foot", "heel_m": heel, "toe_m": toe} for side in SIDES},
    }


def _sole(physique: Physique) -> tuple[list[float], list[float]]:
    """Ends of the sole in the foot's frame; a quarter of the foot lies behind the ankle."""
    low = -physique.ankle_height_m
    return [-0.25 * physique.foot_m, low, 0.0], [0.75 * physique.foot_m, low, 0.0]


def _landmarks(physique: Physique) -> Mapping[str, str | list[Any]]:
    spine = physique.trunk_m / (_LUMBAR_M + _THORACIC_M + _NECK_M)
    heel, toe = _sole(physique)
    entries: dict[str, str | list[Any]] = {
        "pelvis": BASE,
        "spine": ["middle_abdomen", 0.0, 0.5 * spine * _THORACIC_M, 0.0],
        "chest": ["middle_thorax", 0.0, 0.5 * spine * _CLAVICLE_M, 0.0],
        "neck": "middle_head",
        "head": ["middle_head", 0.0, 0.45 * physique.head_and_neck_m, 0.0],
        "head_top": ["middle_head", 0.0, physique.head_and_neck_m, 0.0],
    }
    for side, right in (("left", -1.0), ("right", 1.0)):
        entries |= {
            f"{side}_clavicle": [f"{side}_clavicle", 0.0, 0.0, right * 0.1 * physique.shoulder_width_m],
            f"{side}_shoulder": f"{side}_upperarm",
            f"{side}_elbow": f"{side}_lowerarm",
            f"{side}_wrist": f"{side}_hand",
            f"{side}_hip": f"{side}_upperleg",
            f"{side}_knee": f"{side}_lowerleg",
            f"{side}_ankle": f"{side}_foot",
            f"{side}_heel": [f"{side}_foot", *heel],
            f"{side}_toe": [f"{side}_foot", *toe],
        }
    return entries
