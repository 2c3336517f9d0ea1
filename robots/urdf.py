"""Reading a URDF file as text: order of joints, limits, mimic rules, meshes. No engine involved."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motion.errors import RobotError, require
from robots.robot import Mimic

MOVING = ("revolute", "continuous", "prismatic")


@dataclass(frozen=True)
class UrdfJoint:
    """A moving joint as the URDF states it; limits of a continuous joint are infinite."""

    name: str
    kind: str
    parent: str
    child: str
    lower: float
    upper: float
    speed: float
    effort: float
    mimic: Mimic | None


@dataclass(frozen=True)
class Urdf:
    """Root link, all links, and the moving joints, depth first in document order (the order of MuJoCo)."""

    root: str
    links: tuple[str, ...]
    joints: tuple[UrdfJoint, ...]
    meshes: tuple[str, ...]


def read_urdf(path: Path) -> Urdf:
    """Parse a URDF.

    Raises:
        RobotError: not a URDF, no single root link, or a limit upside down.
    """
    try:
        robot = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise RobotError(f"{path}: cannot be read as a URDF ({error}).") from error
    require(robot.tag == "robot", RobotError, f"{path}: the root element is <{robot.tag}>; a URDF begins with <robot>.")
    links = tuple(link.get("name", "") for link in robot.findall("link"))
    elements = [joint for joint in robot.findall("joint") if joint.find("child") is not None]
    children = {_end(joint, "child") for joint in elements}
    roots = [link for link in links if link not in children]
    require(len(roots) == 1, RobotError, f"{path}: {len(roots)} links have no parent ({', '.join(roots[:5])}); a URDF has one root.")
    ordered = _depth_first(roots[0], elements)
    names = {joint.get("name", "") for joint in ordered}
    joints = tuple(_joint(path, element, names) for element in ordered if element.get("type") in MOVING)
    meshes = tuple(sorted({mesh.get("filename", "") for mesh in robot.iter("mesh")}))
    return Urdf(roots[0], links, joints, meshes)


def resolve_mesh(filename: str, urdf: Path, package_dirs: Sequence[Path]) -> Path:
    """The file that a URDF's mesh name stands for.

    Raises:
        RobotError: no such file; the message names the folders that were searched.
    """
    if filename.startswith("package://"):
        candidates = [folder / filename.removeprefix("package://").lstrip("/") for folder in package_dirs]
    else:
        candidates = [urdf.parent / filename.removeprefix("file://")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    searched = ", ".join(str(candidate) for candidate in candidates) or "no package folder is known"
    raise RobotError(f"{urdf}: mesh not found: {filename}. Searched: {searched}. Add its folder to `packages:` in robot.yaml.")


def is_y_up(mesh: Path) -> bool:
    """Whether a mesh file is COLLADA and says that its y axis points up, as most do; a URDF means z."""
    if mesh.suffix.lower() != ".dae":
        return False
    up = ElementTree.parse(mesh).getroot().find("{*}asset/{*}up_axis")
    return up is None or up.text is None or up.text.strip() == "Y_UP"


def _end(joint: ElementTree.Element, which: str) -> str:
    element = joint.find(which)
    return "" if element is None else element.get("link", "")


def _depth_first(root: str, joints: list[ElementTree.Element]) -> list[ElementTree.Element]:
    below: dict[str, list[ElementTree.Element]] = {}
    for joint in joints:
        below.setdefault(_end(joint, "parent"), []).append(joint)
    ordered: list[ElementTree.Element] = []
    stack = list(reversed(below.get(root, [])))
    while stack:
        joint = stack.pop()
        ordered.append(joint)
        stack.extend(reversed(below.get(_end(joint, "child"), [])))
    return ordered


def _joint(path: Path, element: ElementTree.Element, names: set[str]) -> UrdfJoint:
    name, kind = element.get("name", ""), element.get("type", "")
    limit = element.find("limit")
    get = (lambda key: float(limit.get(key, "inf"))) if limit is not None else (lambda key: math.inf)
    bounded = kind != "continuous" and limit is not None and limit.get("lower") is not None
    lower, upper = (get("lower"), get("upper")) if bounded else (-math.inf, math.inf)
    require(lower <= upper, RobotError, f"{path}: joint {name!r} has its limits upside down: lower {lower:g} > upper {upper:g}.")
    return UrdfJoint(
        name=name,
        kind=kind,
        parent=_end(element, "parent"),
        child=_end(element, "child"),
        lower=lower,
        upper=upper,
        speed=get("velocity"),
        effort=get("effort"),
        mimic=_mimic(path, element, names),
    )


def _mimic(path: Path, element: ElementTree.Element, names: set[str]) -> Mimic | None:
    mimic = element.find("mimic")
    if mimic is None:
        return None
    of = mimic.get("joint", "")
    if of not in names:
        # Left and right hands made from one macro keep the macro's joint name here: find the one with this prefix.
        name = element.get("name", "")
        near = [other for other in names if other.endswith(of) and name.startswith(other.removesuffix(of))]
        require(len(near) == 1, RobotError, f"{path}: joint {name!r} mimics {of!r}, which is no joint of this robot.")
        of = near[0]
    return Mimic(of, float(mimic.get("multiplier", "1")), float(mimic.get("offset", "0")))
