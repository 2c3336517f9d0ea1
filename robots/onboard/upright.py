"""A robot whose root link does not stand upright gets a root that does: a copy of its URDF, one fixed joint longer."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from robots.onboard.anatomy import Anatomy
from robots.onboard.rest import body_axes
from robots.stand_ins import roll_pitch_yaw
from robots.urdf import read_urdf

FILE = "upright.urdf"
_TILTED_DEG = 2.0


def is_tilted(anatomy: Anatomy) -> bool:
    """Whether a body's up is not its root's z, as all of the toolkit takes it to be; a hand by itself has no up of its own."""
    return anatomy.kind != "hand" and bool(anatomy.up[2] < np.cos(np.radians(_TILTED_DEG)))


def upright_text(urdf: Path, anatomy: Anatomy, folder: Path) -> str:
    """The URDF with a new root link (x forward, z up) that carries the old one; meshes are named as seen from `folder`."""
    robot = ElementTree.parse(urdf).getroot()
    names = {element.get("name", "") for element in robot}
    root = "upright"
    while root in names:
        root += "_"
    for mesh in robot.iter("mesh"):
        name = mesh.get("filename", "").removeprefix("file://")
        if "://" not in name:
            mesh.set("filename", os.path.relpath(urdf.resolve().parent / name, folder.resolve()))
    ElementTree.SubElement(robot, "link", name=root)
    joint = ElementTree.SubElement(robot, "joint", name=root, type="fixed")
    ElementTree.SubElement(joint, "origin", rpy=" ".join(f"{angle:.12g}" for angle in roll_pitch_yaw(body_axes(anatomy).T)))
    ElementTree.SubElement(joint, "parent", link=root)
    ElementTree.SubElement(joint, "child", link=read_urdf(urdf).root)
    return ElementTree.tostring(robot, encoding="unicode")
