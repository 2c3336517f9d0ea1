"""Mesh files of robots' descriptions as arrays, and simpler meshes of the same shape. No engine involved."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion.errors import RobotError, require
from motion.transform import Array
from robots.urdf import is_y_up

READABLE = (".stl", ".obj", ".dae", ".ply")
Rgba = tuple[float, float, float, float]
_STL_HEADER = 84
_STL_FACE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
_FACES_PER_CELL = 3.0
"""About so many faces are left per square of a grid's cell that a surface covers, once its vertices are merged."""
_MANY, _FINE = 4, 0.2
_HOLD = 0.01
"""How firmly a merged vertex is held to its cell's mean, beside the planes of its faces."""


@dataclass(frozen=True)
class MeshPart:
    """One part of a mesh file: vertices (V, 3) in metres, z up, faces (F, 3), and its colour where the file states one."""

    vertices_m: Array
    faces: np.ndarray
    rgba: Rgba | None = None


def read_mesh(path: Path) -> tuple[MeshPart, ...]:
    """The parts of a mesh file, as a URDF means them: COLLADA's axes and unit are applied.

    Raises:
        RobotError: of no format that can be read, broken, or without a face.
    """
    suffix = path.suffix.lower()
    require(suffix in READABLE, RobotError, f"{path}: meshes of this format cannot be read. Readable: {', '.join(READABLE)}.")
    try:
        parts = (_binary_stl(path) if suffix == ".stl" else None) or tuple(_parts(path))
    except OSError:
        raise
    except Exception as error:  # the readers of so many formats raise whatever they run into
        raise RobotError(f"{path}: this mesh cannot be read ({type(error).__name__}: {error}).") from error
    require(bool(parts), RobotError, f"{path}: holds no faces.")
    return parts


def _binary_stl(path: Path) -> tuple[MeshPart, ...] | None:
    """The faces of a binary STL file, without vertices in common; None for a file that is none."""
    content = path.read_bytes()
    faces_n = int.from_bytes(content[80:_STL_HEADER], "little")
    if len(content) != _STL_HEADER + faces_n * _STL_FACE.itemsize or not faces_n:
        return None
    corners = np.frombuffer(content, _STL_FACE, faces_n, _STL_HEADER)["corners"]
    return (MeshPart(corners.reshape(-1, 3).astype(float), np.arange(3 * faces_n).reshape(-1, 3)),)


def _parts(path: Path) -> Iterator[MeshPart]:
    import trimesh  # only here: it takes most of a second, and binary STL never needs it

    upright = _collada_to_metres_z_up(path)
    for mesh in trimesh.load_scene(path, process=False).dump():
        if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces):
            yield MeshPart(np.asarray(mesh.vertices, float) @ upright.T, np.asarray(mesh.faces), _colour(mesh))


def _collada_to_metres_z_up(path: Path) -> Array:
    """(3, 3) what a COLLADA file's coordinates are to be multiplied by; the identity for other files."""
    if path.suffix.lower() != ".dae":
        return np.eye(3)
    unit = ElementTree.parse(path).getroot().find("{*}asset/{*}unit")
    turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) if is_y_up(path) else np.eye(3)
    return turn * float("1" if unit is None else unit.get("meter", "1"))


def _colour(mesh: object) -> Rgba | None:
    """The colour of a part's material; None where it has no colour of its own."""
    material = getattr(getattr(mesh, "visual", None), "material", None)
    colour = getattr(material, "main_color", None)
    if colour is None or not getattr(material, "name", None):
        return None
    r, g, b, a = (float(value) / 255 for value in colour)
    return (r, g, b, a)


def extent_m(vertices_m: Array) -> float:
    """The longest side of the box around vertices (V, 3); column by column, which numpy does many times faster."""
    return max(float(column.max() - column.min()) for column in vertices_m.T)


def simplified_mesh(vertices_m: Array, faces: np.ndarray, faces_n: int) -> tuple[Array, np.ndarray]:
    """Vertices and faces of at most `faces_n` faces, by merging the vertices of one cell of a grid (Rossignac and Borrel, 1993).

    Merging never tears a hole, whatever state the mesh is in; edge collapse tears the open, doubled and nested shells
    of which robot descriptions are full.

    Args:
        vertices_m: (V, 3).
        faces: (F, 3).
        faces_n: most faces that are wanted.
    """
    if len(faces) <= faces_n:
        return vertices_m, faces
    a, b, c = (vertices_m[faces[:, k]] for k in range(3))
    area = float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)
    extent = extent_m(vertices_m)
    cell = max((_FACES_PER_CELL * area / faces_n) ** 0.5, extent / 500, 1e-9)
    if len(faces) > _MANY * faces_n:  # one pass over all vertices, and the search for the right cell on what it leaves
        vertices_m, faces = _merged(vertices_m, faces, _FINE * cell, placed=False)
    merged, cell = (vertices_m, faces), 2 * _FINE * cell
    while len(merged[1]) > faces_n:
        merged = _merged(vertices_m, faces, cell)
        cell *= max(1.05, (len(merged[1]) / faces_n) ** 0.5)
    return merged


def _merged(vertices: Array, faces: np.ndarray, cell_m: float, placed: bool = True) -> tuple[Array, np.ndarray]:
    """Vertices and faces after merging; of faces that fall together, the one that looks outward stays.

    Vertices are put where the faces' planes meet, or, unless `placed`, to the mean of their cell, which is quicker.
    """
    grid = ((vertices - [column.min() for column in vertices.T]) / cell_m).astype(np.int64)
    _, owner = np.unique(grid @ np.array([1 << 40, 1 << 20, 1]), return_inverse=True)
    points = _means(vertices, owner)
    if placed:
        points = _placed(points, vertices, faces, owner, cell_m)
    corners = owner[faces]
    corners = corners[(corners != np.roll(corners, 1, axis=1)).all(1)]
    a, b, c = (points[corners[:, k]] for k in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - points.mean(0))
    corners = corners[np.argsort(-outward, kind="stable")]
    low, middle, high = np.sort(corners, axis=1).T
    _, first = np.unique((low * len(points) + middle) * len(points) + high, return_index=True)
    return points, corners[first]


def _means(vertices: Array, owner: np.ndarray) -> Array:
    """(cells, 3) the mean of each cell's vertices."""
    return np.stack([np.bincount(owner, column) for column in vertices.T], axis=1) / np.bincount(owner)[:, None]


def _placed(mean: Array, vertices: Array, faces: np.ndarray, owner: np.ndarray, cell_m: float) -> Array:
    """(cells, 3) a point for each cell, as near as can be to the planes of the faces that meet it, so that nothing shrinks.

    Source: Lindstrom, "Out-of-core simplification of large polygonal models", 2000; held to the mean of the cell's vertices
    where the planes leave it open, and kept within a cell's size of it.
    """
    cells = len(mean)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    normal /= np.maximum(length, 1e-300)[:, None]
    squares, pull = np.zeros((cells, 3, 3)), np.zeros((cells, 3))
    for k in range(3):
        cell = owner[faces[:, k]]
        off = length * np.einsum("ij,ij->i", a - mean[cell], normal)
        for i in range(3):
            pull[:, i] += np.bincount(cell, off * normal[:, i], cells)
            for j in range(i, 3):
                squares[:, i, j] += np.bincount(cell, length * normal[:, i] * normal[:, j], cells)
    squares += np.swapaxes(np.triu(squares, 1), 1, 2)
    hold = np.maximum(_HOLD * np.trace(squares, axis1=1, axis2=2), 1e-30)
    step = np.linalg.solve(squares + hold[:, None, None] * np.eye(3), pull[..., None])[..., 0]
    return mean + step * np.minimum(1.0, cell_m / np.maximum(np.linalg.norm(step, axis=1), 1e-12))[:, None]
