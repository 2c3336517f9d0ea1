"""URDF -> mujoco.MjSpec. The one place where a URDF's quirks meet MuJoCo's."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import mujoco
import numpy as np

from envs.meshes import Purpose, Scale, prepared_mesh
from motion.errors import RobotError
from robots.robot import Robot
from robots.stand_ins import urdf_tree
from robots.urdf import resolve_mesh

_LEAST_INERTIA, _LEAST_SHARE = 1e-9, 1e-3
_COMPILER = {
    "strippath": "false",
    "fusestatic": "false",  # every link stays a body, so that landmarks can be fixed to any of them
    "discardvisual": "false",
    "balanceinertia": "true",
    "boundmass": "1e-9",
    "boundinertia": "1e-9",
    "autolimits": "true",
}


def urdf_to_spec(robot: Robot, purpose: Purpose) -> mujoco.MjSpec:
    """The robot's bodies, joints and either its collision or its visual shapes, simplified for their purpose; no motors yet.

    Raises:
        RobotError: a mesh is missing, or MuJoCo refuses the description.
    """
    root = urdf_tree(robot)
    _keep_only(root, purpose)
    for mesh in root.iter("mesh"):
        _rewrite_mesh(mesh, robot, purpose)
    _cut(root)
    _rename_world(root)
    _mend_inertias(root)
    ElementTree.SubElement(ElementTree.SubElement(root, "mujoco"), "compiler", _COMPILER)
    try:
        return mujoco.MjSpec.from_string(ElementTree.tostring(root, encoding="unicode"))
    except ValueError as error:
        raise RobotError(f"{robot.urdf}: MuJoCo cannot read it ({error}).") from error


def _keep_only(root: ElementTree.Element, purpose: Purpose) -> None:
    unwanted = "visual" if purpose == "collision" else "collision"
    for link in root.iter("link"):
        for shape in link.findall(unwanted):
            link.remove(shape)


def _cut(root: ElementTree.Element) -> None:
    """Remove what would be read wrongly: the vendor's compiler settings, mimic rules (MuJoCo knows them under other
    conditions; the robot's own are applied instead), passive joint dynamics (mostly placeholders; friction is a
    matter of the plant), and names of shapes, which need not be unique in a URDF."""
    for vendor in root.findall("mujoco"):
        root.remove(vendor)
    for joint in root.findall("joint"):
        for tag in ("mimic", "dynamics"):
            for element in joint.findall(tag):
                joint.remove(element)
    for shape in (*root.iter("visual"), *root.iter("collision")):
        shape.attrib.pop("name", None)


def body_name(link: str) -> str:
    """MuJoCo's name of a link: its own, but for "world", which MuJoCo keeps for the fixed world itself."""
    return "world_link" if link == "world" else link


def _rename_world(root: ElementTree.Element) -> None:
    for link in root.findall("link"):
        link.set("name", body_name(link.get("name", "")))
    for end in (*root.iter("parent"), *root.iter("child")):
        end.set("link", body_name(end.get("link", "")))


def _mend_inertias(root: ElementTree.Element) -> None:
    """Lift the principal moments of links whose inertia is that of no body; MuJoCo refuses them."""
    for inertia in root.iter("inertia"):
        xx, yy, zz, xy, xz, yz = (float(inertia.get(f"i{pair}", 0)) for pair in ("xx", "yy", "zz", "xy", "xz", "yz"))
        moments, axes = np.linalg.eigh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        if moments[0] > 0:
            continue
        tensor = axes @ np.diag(np.maximum(moments, max(_LEAST_SHARE * moments[2], _LEAST_INERTIA))) @ axes.T
        for row, column in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
            inertia.set(f"i{'xyz'[row]}{'xyz'[column]}", f"{tensor[row, column]:.12g}")


def _rewrite_mesh(mesh: ElementTree.Element, robot: Robot, purpose: Purpose) -> None:
    x, y, z = (float(word) for word in mesh.attrib.pop("scale", "1 1 1").split())
    scale: Scale = (x, y, z)
    source = resolve_mesh(mesh.get("filename", ""), robot.urdf, robot.package_dirs)
    mesh.set("filename", str(prepared_mesh(source, purpose, scale)))
