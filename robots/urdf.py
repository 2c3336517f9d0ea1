"""Reading a URDF file as text: order of joints, limits, mimic rules, meshes. No engine involved."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from motion.errors import RobotError, require
from motion.transform import Array, Transform
from robots.robot import Mimic

MOVING = ("revolute", "continuous", "prismatic")
_SHAPES = ("box", "sphere", "cylinder", "capsule", "mesh")


@dataclass(frozen=True)
class UrdfJoint:
    """A joint as the URDF states it; limits of a continuous joint are infinite.

    Attributes:
        placement: T_parent_child while the joint is at zero.
        axis: (3,) unit vector in the child's frame.
    """

    name: str
    kind: str
    parent: str
    child: str
    lower: float
    upper: float
    speed: float
    effort: float
    mimic: Mimic | None
    placement: Transform
    axis: Array


@dataclass(frozen=True)
class UrdfShape:
    """A shape of a link: `half_m` (3,) of its bounding box about `placement` (T_link_shape); a mesh has its file instead."""

    kind: str
    visual: bool
    placement: Transform
    half_m: Array
    mesh: str = ""
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class UrdfLink:
    """What a link is made of: mass, its centre (3,) in the link's frame, and shapes."""

    mass_kg: float
    centre_m: Array
    shapes: tuple[UrdfShape, ...]


@dataclass(frozen=True)
class Urdf:
    """A URDF's text.

    Attributes:
        root: the one link without a parent.
        links: all links, in document order.
        joints: the moving joints, depth first in document order (the order of MuJoCo).
        meshes: all mesh files' names.
        fixed: the joints that do not move, or that no motor moves (floating, planar).
        bodies: link -> what it is made of.
    """

    root: str
    links: tuple[str, ...]
    joints: tuple[UrdfJoint, ...]
    meshes: tuple[str, ...]
    fixed: tuple[UrdfJoint, ...]
    bodies: Mapping[str, UrdfLink]


def read_urdf(path: Path) -> Urdf:
    """Parse a URDF.

    Raises:
        RobotError: not a URDF, no tree with a single root, a joint between links that do not exist, an axis of length 0,
            a limit upside down, or a number that is none.
    """
    try:
        robot = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError, UnicodeError) as error:
        raise RobotError(f"{path}: cannot be read as a URDF ({error}).") from error
    require(robot.tag == "robot", RobotError, f"{path}: the root element is <{robot.tag}>; a URDF begins with <robot>.")
    macros = any(isinstance(element.tag, str) and "xacro}" in element.tag for element in robot.iter())
    require(not macros, RobotError, f"{path}: holds xacro macros. Expand it first: `xacro {path.name} > expanded.urdf`.")
    links = tuple(link.get("name", "") for link in robot.findall("link"))
    require(bool(links), RobotError, f"{path}: holds no links. A xacro file has to be expanded first.")
    elements = [joint for joint in robot.findall("joint") if joint.find("child") is not None]
    root = _root(path, links, elements)
    ordered = _depth_first(root, elements)
    _check_reached(path, root, links, ordered)
    names = {joint.get("name", "") for joint in ordered}
    made = tuple(_joint(path, element, names) for element in ordered)
    joints, fixed = (tuple(joint for joint in made if (joint.kind in MOVING) is moving) for moving in (True, False))
    meshes = tuple(sorted({mesh.get("filename", "") for mesh in robot.iter("mesh")}))
    bodies = {link.get("name", ""): _link(path, link) for link in robot.findall("link")}
    return Urdf(root, links, joints, meshes, fixed, bodies)


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
    raise RobotError(
        f"{urdf}: mesh not found: {filename}. Searched: {searched}. Add its folder to `packages:` in robot.yaml, "
        "or let boxes stand in for what is missing: `missing_meshes: stand_in`."
    )


def is_y_up(mesh: Path) -> bool:
    """Whether a mesh file is COLLADA and says that its y axis points up, as most do; a URDF means z."""
    if mesh.suffix.lower() != ".dae":
        return False
    up = ElementTree.parse(mesh).getroot().find("{*}asset/{*}up_axis")
    return up is None or up.text is None or up.text.strip() == "Y_UP"


def _end(joint: ElementTree.Element, which: str) -> str:
    element = joint.find(which)
    return "" if element is None else element.get("link", "")


def _root(path: Path, links: tuple[str, ...], joints: list[ElementTree.Element]) -> str:
    """The one root of what has to be a tree."""
    for kind, names in (("link", links), ("joint", [joint.get("name", "") for joint in joints])):
        twice = [name for name, count in Counter(names).items() if count > 1]
        require(not twice, RobotError, f"{path}: {kind} {', '.join(twice[:5])} is there more than once.")
    for joint in joints:
        for which in ("parent", "child"):
            message = (
                f"{path}: joint {joint.get('name', '')!r} names {_end(joint, which)!r} as its {which}, which is no link of this robot."
            )
            require(_end(joint, which) in links, RobotError, message)
    parents = Counter(_end(joint, "child") for joint in joints)
    shared = [name for name, count in parents.items() if count > 1]
    require(not shared, RobotError, f"{path}: link {', '.join(shared[:5])} hangs on more than one joint; a URDF is a tree.")
    roots = [link for link in links if link not in parents]
    message = f"{path}: every link has a parent: the joints go round in a circle. A URDF is a tree with one root."
    require(bool(roots), RobotError, message)
    require(len(roots) == 1, RobotError, f"{path}: {len(roots)} links have no parent ({', '.join(roots[:5])}); a URDF has one root.")
    return roots[0]


def _check_reached(path: Path, root: str, links: tuple[str, ...], joints: list[ElementTree.Element]) -> None:
    reached = {root, *(_end(joint, "child") for joint in joints)}
    lost = [link for link in links if link not in reached]
    message = f"{path}: the joints of {', '.join(lost[:5])} go round in a circle and never reach the root {root!r}."
    require(not lost, RobotError, message)


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
    where = f"{path}, joint {name!r}"
    get = (lambda key: _numbers(limit.get(key, "inf"), 1, where)[0]) if limit is not None else (lambda key: math.inf)
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
        placement=_placement(element, where),
        axis=_axis(element, where),
    )


def _numbers(text: str | None, count: int, where: str, default: float = 0.0) -> tuple[float, ...]:
    """So many numbers of an attribute; none of them NaN."""
    if text is None:
        return (default,) * count
    try:
        values = tuple(float(word) for word in text.split())
    except ValueError as error:
        raise RobotError(f"{where}: {text!r} holds something that is no number.") from error
    good = len(values) == count and not any(math.isnan(value) for value in values)
    require(good, RobotError, f"{where}: {text!r} should be {count} number{'s' if count > 1 else ''}, none of them NaN.")
    return values


def _placement(element: ElementTree.Element, where: str) -> Transform:
    """The pose that an element's <origin> states."""
    origin = element.find("origin")
    if origin is None:
        return Transform.identity()
    xyz, rpy = (np.array(_numbers(origin.get(key), 3, f"{where}, origin")) for key in ("xyz", "rpy"))
    finite = bool(np.isfinite(xyz).all() and np.isfinite(rpy).all())
    require(finite, RobotError, f"{where}: its origin is not finite.")
    return Transform.from_xyzw(xyz, Rotation.from_euler("xyz", rpy).as_quat())


def _axis(element: ElementTree.Element, where: str) -> Array:
    axis = element.find("axis")
    if axis is None or element.get("type") not in MOVING:
        return np.array([1.0, 0.0, 0.0])  # the format's default
    vector = np.array(_numbers(axis.get("xyz", "1 0 0"), 3, f"{where}, axis"))
    length = float(np.linalg.norm(vector))
    require(0 < length < math.inf, RobotError, f"{where}: its axis has length {length:g}; it wants a direction.")
    return np.asarray(vector / length)


def _link(path: Path, element: ElementTree.Element) -> UrdfLink:
    where = f"{path}, link {element.get('name', '')!r}"
    inertial, mass = element.find("inertial"), element.find("inertial/mass")
    shapes = [
        _shape(item, tag == "visual", where)
        for tag in ("collision", "visual")
        for item in element.findall(tag)
        if any(item.find(f"geometry/{kind}") is not None for kind in _SHAPES)
    ]
    return UrdfLink(
        mass_kg=0.0 if mass is None else _numbers(mass.get("value"), 1, where)[0],
        centre_m=np.zeros(3) if inertial is None else _placement(inertial, where).position_m,
        shapes=tuple(shapes),
    )


def _shape(element: ElementTree.Element, visual: bool, where: str) -> UrdfShape:
    kind = next(kind for kind in _SHAPES if element.find(f"geometry/{kind}") is not None)
    shape = element.find(f"geometry/{kind}")
    assert shape is not None
    placement = _placement(element, where)
    if kind == "mesh":
        x, y, z = _numbers(shape.get("scale"), 3, where, 1.0)
        return UrdfShape(kind, visual, placement, np.zeros(3), shape.get("filename", ""), (x, y, z))
    if kind == "box":
        return UrdfShape(kind, visual, placement, np.array(_numbers(shape.get("size"), 3, where)) / 2)
    (radius,) = _numbers(shape.get("radius"), 1, where)
    (length,) = _numbers(shape.get("length"), 1, where)
    tall = {"sphere": radius, "cylinder": length / 2, "capsule": length / 2 + radius}[kind]
    return UrdfShape(kind, visual, placement, np.array([radius, radius, tall]))


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
