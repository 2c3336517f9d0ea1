"""Points on the skin of a body: primitive shapes, and meshes where their files are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from motion.errors import RobotError
from motion.transform import Array
from robots.meshes import read_mesh
from robots.onboard.tree import CORNERS, Bodies
from robots.urdf import Urdf, UrdfShape, resolve_mesh

_CIRCLE_N, _RINGS_N, _VERTICES_N = 24, 9, 4000


def surface_of(path: Path, urdf: Urdf, bodies: Bodies, package_dirs: Sequence[Path]) -> Callable[[int], Array]:
    """A function from a body to the points (N, 3) of its shapes, in the world of the zero posture; N may be 0."""

    @cache
    def surface(body: int) -> Array:
        points = [np.zeros((0, 3))]
        for link in bodies.links[body]:
            pose = bodies.pose[link]
            for shape in _chosen(urdf.bodies[link].shapes):
                points.append(shape_points(shape, path, package_dirs, _VERTICES_N) @ pose[:3, :3].T + pose[:3, 3])
        return np.vstack(points)

    return surface


def _chosen(shapes: tuple[UrdfShape, ...]) -> list[UrdfShape]:
    """What touches where that is stated, else what is seen."""
    touching = [shape for shape in shapes if not shape.visual]
    return touching or list(shapes)


def shape_points(shape: UrdfShape, urdf: Path, package_dirs: Sequence[Path], at_most: int | None = None) -> Array:
    """(P, 3) points of a shape in its link's frame: a mesh's vertices (thinned to about `at_most`), corners, or rings.

    A mesh whose file is missing or cannot be read has none: meshes refine, they are not needed.
    """
    return np.asarray(shape.placement.apply(_own_points(shape, urdf, package_dirs, at_most)))


def _own_points(shape: UrdfShape, urdf: Path, package_dirs: Sequence[Path], at_most: int | None) -> Array:
    if shape.kind == "mesh":
        return _vertices(shape, urdf, package_dirs, at_most)
    if shape.kind == "box":
        return CORNERS * shape.half_m
    around = np.linspace(0, 2 * np.pi, _CIRCLE_N, endpoint=False)
    height = np.linspace(-1, 1, _RINGS_N)
    width = np.ones(_RINGS_N) if shape.kind == "cylinder" else np.sqrt(1 - height**2)
    circle = np.column_stack([np.cos(around), np.sin(around), np.ones(_CIRCLE_N)])
    rings = circle[None] * np.column_stack([width, width, height])[:, None]
    return np.asarray(rings.reshape(-1, 3) * shape.half_m)


def _vertices(shape: UrdfShape, urdf: Path, package_dirs: Sequence[Path], at_most: int | None) -> Array:
    try:
        parts = read_mesh(resolve_mesh(shape.mesh, urdf, package_dirs))
    except RobotError:
        return np.zeros((0, 3))
    vertices = np.vstack([part.vertices_m for part in parts])
    return np.asarray(vertices[:: 1 + len(vertices) // at_most if at_most else 1] * shape.scale)
