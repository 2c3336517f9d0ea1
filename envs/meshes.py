"""Meshes as MuJoCo reads them: binary STL files in a cache, simplified for what they are wanted for.

MuJoCo reads neither .dae nor ASCII STL, names a mesh after its file's stem (two folders may hold the same stem), and
collides the convex hull. So every mesh that a URDF names is rewritten once: as a small hull to collide with, or with
few enough faces to be drawn quickly.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from motion.store import cache_folder, write_atomically
from motion.transform import Array
from robots.meshes import read_mesh, simplified_mesh

if TYPE_CHECKING:
    import trimesh

Purpose = Literal["collision", "visual", "print"]
Scale = tuple[float, float, float]

HULL_VERTICES = 48
DRAWN_FACES, PRINTED_FACES = 800, 20_000
_FLAT_M = 1e-6
_RECIPE = 4  # raise it when the files written below change, so that old ones are not found any more


def prepared_mesh(source: Path, purpose: Purpose, scale: Scale = (1.0, 1.0, 1.0)) -> Path:
    """The binary STL that stands for `source`, made on first use.

    Args:
        source: mesh file of the robot's description.
        purpose: "collision" (convex hull of at most 48 vertices), "visual" (at most 800 faces) or "print" (at most 20,000).
        scale: factors along x, y and z; applied, so that the result needs none.

    Raises:
        RobotError: the file is of no format that can be read, or holds no surface.
    """
    state = source.stat()
    key = f"{_RECIPE} {source} {state.st_size} {state.st_mtime_ns} {purpose} {scale} {HULL_VERTICES} {DRAWN_FACES} {PRINTED_FACES}"
    path = cache_folder() / "meshes" / f"{source.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.stl"
    if not path.is_file():
        mesh = _read(source, scale)
        simpler = _hull(mesh) if purpose == "collision" else _drawn(mesh, DRAWN_FACES if purpose == "visual" else PRINTED_FACES)
        write_atomically(path, lambda stream: stream.write(simpler.export(file_type="stl")))
    return path


def _read(source: Path, scale: Scale) -> trimesh.Trimesh:
    import trimesh  # only here: it takes most of a second, and a filled cache never needs it

    # Positions and faces alone: normals and texture coordinates would keep equal vertices apart.
    parts = [trimesh.Trimesh(part.vertices_m, part.faces, process=False) for part in read_mesh(source)]
    whole = trimesh.util.concatenate(parts)
    mesh = trimesh.Trimesh(whole.vertices, whole.faces, process=True)
    mesh.apply_scale(scale)
    return mesh


def _hull(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
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


def _drawn(mesh: trimesh.Trimesh, faces_n: int) -> trimesh.Trimesh:
    import trimesh

    return trimesh.Trimesh(*simplified_mesh(np.asarray(mesh.vertices, float), np.asarray(mesh.faces), faces_n), process=False)
