"""What a robot looks like: triangles and a colour per link, from its URDF. For viewers and pictures; no engine involved."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from motion.errors import RobotError
from motion.transform import Array
from robots.meshes import MeshPart, Rgba, read_mesh, simplified_mesh
from robots.robot import Robot
from robots.stand_ins import urdf_tree
from robots.urdf import resolve_mesh

GREY: Rgba = (0.7, 0.71, 0.74, 1.0)
_BLACK = 0.02
_ROUND_N = 20
_ROD_RADIUS_M, _ROD_SHARE = 0.025, 0.2
Triangles = tuple[Array, np.ndarray]


@dataclass(frozen=True)
class VisualShape:
    """A shape fixed to a link.

    Attributes:
        link: name of the link.
        vertices_m: (V, 3) in the link's frame.
        faces: (F, 3) rows of `vertices_m`, counter-clockwise from outside.
        rgba: colour, 0..1 each.
        stands_in: whether it stands for a shape that could not be read.
    """

    link: str
    vertices_m: Array
    faces: np.ndarray
    rgba: Rgba = GREY
    stands_in: bool = False


@dataclass(frozen=True)
class Visuals:
    """All shapes of a robot, and a sentence for every mesh that could not be read."""

    shapes: tuple[VisualShape, ...]
    missing: tuple[str, ...] = ()


def visual_shapes(robot: Robot) -> tuple[VisualShape, ...]:
    """The shapes of a robot; what cannot be read has a stand-in (`urdf_visuals`)."""
    return robot_visuals(robot).shapes


def robot_visuals(robot: Robot) -> Visuals:
    """The shapes of a robot, and what could not be read."""
    return _visuals(urdf_tree(robot), robot.urdf, robot.package_dirs)


def urdf_visuals(urdf: Path, package_dirs: Sequence[Path] = ()) -> Visuals:
    """The visual shapes of a URDF.

    A link whose meshes cannot be read is shown by its collision shapes, else by rods to the joints that it carries. A
    URDF without any visual shape is shown in that way altogether.

    Args:
        urdf: the file.
        package_dirs: folders in which `package://` is resolved.

    Raises:
        RobotError: not a URDF.
    """
    try:
        root = ElementTree.parse(urdf).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise RobotError(f"{urdf}: cannot be read as a URDF ({error}).") from error
    return _visuals(root, urdf, package_dirs)


def _visuals(root: ElementTree.Element, urdf: Path, package_dirs: Sequence[Path]) -> Visuals:
    palette, missing = _palette(root), dict[str, str]()
    bare = root.find("link/visual") is None
    shapes: list[VisualShape] = []
    for link in root.findall("link"):
        found, lost = _shapes(link, "visual", palette, urdf, package_dirs)
        missing |= lost
        if not found and (lost or bare):
            instead, _ = _shapes(link, "collision", palette, urdf, package_dirs)
            found = [replace(shape, stands_in=True) for shape in instead or _rods(link.get("name", ""), root)]
        shapes += found
    return Visuals(tuple(shapes), tuple(missing.values()))


def simplified(shapes: Sequence[VisualShape], faces_n: int) -> tuple[VisualShape, ...]:
    """The same shapes with at most `faces_n` faces each."""
    out = []
    for shape in shapes:
        vertices, faces = simplified_mesh(shape.vertices_m, shape.faces, faces_n)
        out.append(replace(shape, vertices_m=vertices, faces=faces))
    return tuple(out)


def _shapes(
    link: ElementTree.Element, tag: str, palette: Mapping[str, Rgba], urdf: Path, package_dirs: Sequence[Path]
) -> tuple[list[VisualShape], dict[str, str]]:
    """The shapes of a link that can be read, and mesh name -> why it cannot."""
    name, shapes, lost = link.get("name", ""), list[VisualShape](), dict[str, str]()
    for element in link.findall(tag):
        geometry = next(iter(element.find("geometry") or ()), None)
        try:
            parts = () if geometry is None else _geometry(geometry, urdf, package_dirs)
        except (RobotError, OSError, ValueError) as error:
            lost[str(geometry.get("filename", geometry.tag)) if geometry is not None else ""] = str(error)
            continue
        rotation, position = _origin(element)
        stated = _stated_colour(element, palette)
        for part in parts:
            colour = stated or part.rgba or GREY
            shapes.append(VisualShape(name, part.vertices_m @ rotation.T + position, part.faces, _visible(colour)))
    return shapes, lost


def _geometry(geometry: ElementTree.Element, urdf: Path, package_dirs: Sequence[Path]) -> tuple[MeshPart, ...]:
    if geometry.tag == "mesh":
        path = resolve_mesh(geometry.get("filename", ""), urdf, package_dirs)
        scale = np.array([float(word) for word in geometry.get("scale", "1 1 1").split()])
        return tuple(_scaled(part, scale) for part in _cached_mesh(path, path.stat().st_mtime_ns))
    if geometry.tag not in PRIMITIVES:
        raise RobotError(f"{urdf}: a shape of a kind that is not known, <{geometry.tag}>.")
    return (MeshPart(*PRIMITIVES[geometry.tag](geometry)),)


@lru_cache(maxsize=256)
def _cached_mesh(path: Path, _changed_ns: int) -> tuple[MeshPart, ...]:
    """A mesh file, read once: hands use one file for many fingers."""
    return read_mesh(path)


def _scaled(part: MeshPart, scale: Array) -> MeshPart:
    """A part with its axes scaled; a mirrored one keeps its outside outside."""
    faces = part.faces[:, ::-1] if np.prod(scale) < 0 else part.faces
    return replace(part, vertices_m=part.vertices_m * scale, faces=faces)


def _origin(element: ElementTree.Element) -> tuple[Array, Array]:
    """Rotation (3, 3) and position (3,) of a shape in its link."""
    origin = element.find("origin")
    if origin is None:
        return np.eye(3), np.zeros(3)
    roll, pitch, yaw = (float(word) for word in origin.get("rpy", "0 0 0").split())
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(angle), np.sin(angle)) for angle in (roll, pitch, yaw))
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x, np.array([float(word) for word in origin.get("xyz", "0 0 0").split()])


def _palette(root: ElementTree.Element) -> dict[str, Rgba]:
    """Name -> colour, of all materials that state one anywhere in the file."""
    named = ((material.get("name", ""), material.find("color")) for material in root.iter("material"))
    return {name: _rgba(colour) for name, colour in named if colour is not None}


def _stated_colour(element: ElementTree.Element, palette: Mapping[str, Rgba]) -> Rgba | None:
    material = element.find("material")
    if material is None:
        return None
    colour = material.find("color")
    return _rgba(colour) if colour is not None else palette.get(material.get("name", ""))


def _rgba(colour: ElementTree.Element) -> Rgba:
    r, g, b, a = (float(word) for word in colour.get("rgba", "0.7 0.7 0.7 1").split())
    return (r, g, b, a)


def _visible(rgba: Rgba) -> Rgba:
    """The colour; grey for pitch black, on which nothing of a shape would be seen, and for what is all but transparent."""
    return GREY if max(rgba[:3]) < _BLACK or rgba[3] < _BLACK else rgba


def _number(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name, "nan"))


def _box(element: ElementTree.Element) -> Triangles:
    return cuboid(np.array([float(word) for word in element.get("size", "0 0 0").split()]))


def _cylinder(element: ElementTree.Element) -> Triangles:
    return rod(_number(element, "radius"), _number(element, "length"))


def _sphere(element: ElementTree.Element) -> Triangles:
    return round_ended_rod(_number(element, "radius"), 0.0)


def _capsule(element: ElementTree.Element) -> Triangles:
    return round_ended_rod(_number(element, "radius"), _number(element, "length"))


def cuboid(size_m: Array) -> Triangles:
    """Vertices and faces of a box about the origin, of sides (3,)."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * size_m
    squares = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return corners, np.array([face for a, b, c, d in squares for face in ((a, b, c), (a, c, d))])


def rod(radius_m: float, length_m: float) -> Triangles:
    """Vertices and faces of a cylinder along z about the origin."""
    half = length_m / 2
    return _turned([(0.0, -half), (radius_m, -half), (radius_m, half), (0.0, half)])


def round_ended_rod(radius_m: float, length_m: float) -> Triangles:
    """Vertices and faces of a capsule along z about the origin; `length_m` without the round ends, 0 for a ball."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, _ROUND_N // 2 + 1)
    height = radius_m * np.sin(angle) + np.where(angle < 0, -0.5, 0.5) * length_m
    return _turned([*zip(radius_m * np.cos(angle), height, strict=True)])


def _turned(outline: Sequence[tuple[float, float]]) -> Triangles:
    """A solid of revolution about z, from its outline (radius, height) upwards."""
    turn = 2 * np.pi * np.arange(_ROUND_N) / _ROUND_N
    radius, height = np.array(outline).T
    rings = np.stack([np.outer(radius, np.cos(turn)), np.outer(radius, np.sin(turn)), np.outer(height, np.ones(_ROUND_N))], -1)
    index = np.arange(len(outline) * _ROUND_N).reshape(len(outline), _ROUND_N)
    a, b = index[:-1].ravel(), np.roll(index, -1, axis=1)[:-1].ravel()
    c, d = np.roll(index, -1, axis=1)[1:].ravel(), index[1:].ravel()
    return rings.reshape(-1, 3), np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


PRIMITIVES: Mapping[str, Callable[[ElementTree.Element], Triangles]] = {
    "box": _box,
    "cylinder": _cylinder,
    "sphere": _sphere,
    "capsule": _capsule,
}
"""The shapes that a URDF may hold beside meshes."""


def _rods(link: str, root: ElementTree.Element) -> Iterator[VisualShape]:
    """Rods from a link's origin to the joints that it carries; a ball where it carries none."""
    ends = [_origin(joint)[1] for joint in root.findall("joint") if _parent(joint) == link]
    far = [end for end in ends if np.linalg.norm(end) > 1e-4]
    for end in far:
        length = float(np.linalg.norm(end))
        radius = min(_ROD_RADIUS_M, _ROD_SHARE * length)
        vertices, faces = round_ended_rod(radius, length)
        yield VisualShape(link, (vertices + [0, 0, length / 2]) @ _towards(end / length).T, faces, stands_in=True)
    if not far:
        yield VisualShape(link, *round_ended_rod(_ROD_RADIUS_M / 3, 0.0), stands_in=True)


def _parent(joint: ElementTree.Element) -> str:
    parent = joint.find("parent")
    return "" if parent is None else parent.get("link", "")


def _towards(z: Array) -> Array:
    """A rotation (3, 3) whose third column is `z`."""
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)
