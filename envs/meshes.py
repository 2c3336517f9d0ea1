"""Meshes as MuJoCo reads them: binary STL files in a cache, simplified for what they are wanted for.

MuJoCo reads neither .dae nor ASCII STL, names a mesh after its file's stem (two folders may hold the same stem), and
collides the convex hull. So every mesh that a URDF names is rewritten once: as a small hull to collide with, or with
few enough faces to be drawn quickly.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from motion.errors import RobotError, require
from motion.store import write_atomically
from motion.transform import Array
from robots.urdf import is_y_up

if TYPE_CHECKING:
    import trimesh

Purpose = Literal["collision", "visual"]
Scale = tuple[float, float, float]

HULL_VERTICES = 48
DRAWN_FACES = 800
_FLAT_M = 1e-6
_READABLE = (".stl", ".obj", ".dae", ".ply")
_RECIPE = 3  # raise it when the files written below change, so that old ones are not found any more


def cache_folder() -> Path:
    """Where rewritten meshes lie: $UNDERSTUDY_CACHE, else the user's cache folder."""
    chosen = os.environ.get("UNDERSTUDY_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "understudy"


def prepared_mesh(source: Path, purpose: Purpose, scale: Scale = (1.0, 1.0, 1.0)) -> Path:
    """The binary STL that stands for `source`, made on first use.

    Args:
        source: mesh file of the robot's description.
        purpose: "collision" (convex hull of at most 48 vertices) or "visual" (at most 800 faces).
        scale: factors along x, y and z; applied, so that the result needs none.

    Raises:
        RobotError: the file is of no format that can be read, or holds no surface.
    """
    state = source.stat()
    key = f"{_RECIPE} {source} {state.st_size} {state.st_mtime_ns} {purpose} {scale} {HULL_VERTICES} {DRAWN_FACES}"
    path = cache_folder() / "meshes" / f"{source.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.stl"
    if not path.is_file():
        mesh = _read(source, scale)
        simpler = {"collision": _hull, "visual": _drawn}[purpose](source, mesh)
        write_atomically(path, lambda stream: stream.write(simpler.export(file_type="stl")))
    return path


def _read(source: Path, scale: Scale) -> trimesh.Trimesh:
    import trimesh  # only here: it takes most of a second, and a filled cache never needs it

    require(
        source.suffix.lower() in _READABLE,
        RobotError,
        f"{source}: meshes of this format cannot be read. Readable: {', '.join(_READABLE)}.",
    )
    loaded = trimesh.load_mesh(source)
    require(len(loaded.faces) > 0, RobotError, f"{source}: holds no faces.")
    # Positions and faces alone: normals and texture coordinates would keep equal vertices apart.
    mesh = trimesh.Trimesh(loaded.vertices, loaded.faces, process=True)
    if is_y_up(source):
        mesh.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0]))
    mesh.apply_scale(scale)
    return mesh


def _hull(source: Path, mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Convex hull of the mesh's outermost vertices in HULL_VERTICES directions spread over its bounding ellipsoid."""
    import trimesh

    if mesh.extents.min() < _FLAT_M:
        mesh = _thickened(mesh)
    reach = (mesh.vertices / mesh.extents) @ _directions(HULL_VERTICES).T
    return trimesh.convex.convex_hull(mesh.vertices[np.unique(reach.argmax(0))])


def _directions(count: int) -> Array:
    """Unit vectors (count, 3) spread evenly over the sphere (Fibonacci lattice)."""
    index = np.arange(count)
    z = 1 - (2 * index + 1) / count
    turn = np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - z**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)


def _thickened(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    import trimesh

    shift = [0.0005 if extent < _FLAT_M else 0.0 for extent in mesh.extents]
    return trimesh.util.concatenate([mesh.copy().apply_translation(shift), mesh.copy().apply_translation([-s for s in shift])])


def _drawn(source: Path, mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """At most DRAWN_FACES faces, by merging the vertices of one cell of a grid (Rossignac and Borrel, 1993).

    Merging never tears a hole, whatever state the mesh is in; edge collapse tears the open, doubled and nested shells
    of which robot descriptions are full.
    """
    import trimesh

    vertices, faces = np.asarray(mesh.vertices, float), np.asarray(mesh.faces)
    cell = float(mesh.extents.max()) / 64
    merged = vertices, faces
    while len(merged[1]) > DRAWN_FACES:
        merged = _merged(vertices, faces, cell)
        cell *= max(1.03, 0.9 * (len(merged[1]) / DRAWN_FACES) ** 0.5)
    return trimesh.Trimesh(*merged, process=False)


def _merged(vertices: Array, faces: np.ndarray, cell_m: float) -> tuple[Array, np.ndarray]:
    """Vertices and faces after merging; of faces that fall together, the one that looks outward stays."""
    grid = ((vertices - vertices.min(0)) / cell_m).astype(np.int64)
    _, owner = np.unique(grid @ np.array([1 << 40, 1 << 20, 1]), return_inverse=True)
    count = np.bincount(owner)
    points = np.stack([np.bincount(owner, column) for column in vertices.T], axis=1) / count[:, None]
    corners = owner[faces]
    corners = corners[(corners != np.roll(corners, 1, axis=1)).all(1)]
    a, b, c = (points[corners[:, k]] for k in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - points.mean(0))
    corners = corners[np.argsort(-outward, kind="stable")]
    low, middle, high = np.sort(corners, axis=1).T
    _, first = np.unique((low * len(points) + middle) * len(points) + high, return_index=True)
    return points, corners[first]
