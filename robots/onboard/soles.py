"""Soles: a large rectangle on the underside of a foot's shapes, or an estimate where there are none."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from motion.transform import Array, normalized
from robots.kinematics import Kinematics
from robots.onboard.shapes import shape_points
from robots.robot import Robot
from robots.stand_ins import inertia_box, rigid_with
from robots.urdf import read_urdf

TILT_DEG, ALIKE_DEG = 30.0, 3.0
FLAT_M = 0.003
_GRID_N = 40
_NARROW, _SHORT, _OF_FOOT = 0.15, 0.3, 0.5
"""A sole narrower than this share of its length, unless the foot itself is hardly wider, or shorter than this share of the
foot, was not seen right."""
_LIKE_A_FOOT = (0.1, 0.6)
"""Length of a foot over that of its leg, at least and at most."""


@dataclass(frozen=True)
class FoundSole:
    """The underside of a foot, in the frame of its link.

    Attributes:
        heel_m, toe_m: (3,) middle of the rear and of the front edge.
        width_m: length of the edges.
        axes: (3, 3) columns ahead, left and up of the foot that stands on it.
        confidence: 0..1.
        remark: how it was found.
        solid: whether collision shapes are there to stand on.
    """

    heel_m: Array
    toe_m: Array
    width_m: float
    axes: Array
    confidence: float
    remark: str
    solid: bool = False


def find_sole(robot: Robot, link: str, axes: Array, ankle_m: Array, leg_m: float) -> FoundSole:
    """The sole of a foot: from collision shapes, else from what is to be seen, else from the foot's inertia.

    Args:
        robot: the robot.
        link: that carries the foot.
        axes: (3, 3) columns: what is ahead, left and up of the foot, in the link, as far as its joints tell.
        ankle_m: (3,) the ankle in the link.
        leg_m: length of the leg, from which a foot without shape and mass is estimated.
    """
    for visual, word in ((False, "collision"), (True, "visual")):
        points = foot_points(robot, link, visual)
        found = _on_the_ground(points, axes, ankle_m, f"from the foot's {word} shapes") if len(points) > 3 else None
        if found is not None:
            return replace(found, solid=not visual)
    return _estimated(robot, link, axes, ankle_m, leg_m)


def foot_points(robot: Robot, link: str, visual: bool) -> Array:
    """(P, 3) points of all shapes that move with a link, in its frame; missing meshes have none."""
    urdf = read_urdf(robot.urdf)
    group = rigid_with(ElementTree.parse(robot.urdf).getroot(), link)
    poses = Kinematics(robot).frame_poses([link, *group], robot.rest_rad)[0]
    clouds = [np.zeros((0, 3))]
    for index, name in enumerate(group):
        placed = poses[0].inverse() @ poses[1 + index]
        shapes = [shape for shape in urdf.bodies[name].shapes if shape.visual is visual]
        clouds += [placed.apply(shape_points(shape, robot.urdf, robot.package_dirs)) for shape in shapes]
    return np.concatenate(clouds)


def _on_the_ground(points: Array, axes: Array, ankle_m: Array, remark: str) -> FoundSole | None:
    """A large rectangle on the face of the points' hull that looks down; None where no such face is."""
    up = _standing_up(points, axes[:, 2])
    if up is None:
        return None
    ahead = normalized(axes[:, 0] - (axes[:, 0] @ up) * up)
    left = np.cross(up, ahead)
    local = points @ np.stack([ahead, left, up], 1)
    floor = local[:, 2].min()
    standing = local[local[:, 2] < floor + FLAT_M, :2]
    try:
        outline = standing[ConvexHull(standing).vertices]
    except (QhullError, ValueError):
        return None
    back, front, right, far_left = largest_rectangle(outline)
    middle = (right + far_left) / 2
    frame = np.stack([ahead, left, up], 1)
    heel, toe = frame @ [back, middle, floor], frame @ [front, middle, floor]
    long, wide = front - back, far_left - right
    whole = long > _SHORT * np.ptp(local[:, 0]) and wide > min(_NARROW * long, _OF_FOOT * np.ptp(local[:, 1])) and floor < ankle_m @ up
    return FoundSole(heel, toe, wide, frame, 0.9 if whole else 0.3, remark if whole else f"{remark}, which hardly have a flat underside")


def _standing_up(points: Array, up: Array) -> Array | None:
    """(3,) up of the foot that stands on the largest face of its hull looking down, at most 30 degrees off `up`."""
    try:
        hull = ConvexHull(points)
    except (QhullError, ValueError):
        return None
    a, b, c = (points[hull.simplices[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    normals = hull.equations[:, :3]
    down = np.flatnonzero(normals @ -up > np.cos(np.radians(TILT_DEG)))
    if not len(down):
        return None
    alike = normals[down] @ normals[down].T > np.cos(np.radians(ALIKE_DEG))
    best = int((alike @ area[down]).argmax())
    face = (normals[down] * area[down, None])[alike[best]].sum(0)
    return np.asarray(-normalized(face))


def largest_rectangle(outline: Array) -> tuple[float, float, float, float]:
    """A large upright rectangle in a convex outline (P, 2): its least and largest x, its least and largest y.

    Area times the root of its length is largest: feet taper, and their length counts for more than their width. A
    rectangle lies in a convex outline where both of its ends do, so only the ends are tried.
    """
    x = np.linspace(outline[:, 0].min(), outline[:, 0].max(), _GRID_N)
    low, high = _span(outline, x)
    bottom, top = np.maximum(low[:, None], low), np.minimum(high[:, None], high)
    worth = np.maximum(top - bottom, 0) * np.maximum(x - x[:, None], 0) ** 1.5
    i, j = np.unravel_index(int(worth.argmax()), worth.shape)
    return float(x[i]), float(x[j]), float(bottom[i, j]), float(top[i, j])


def _span(outline: Array, x: Array) -> tuple[Array, Array]:
    """(N,) lowest and highest y of a convex outline at each x."""
    start, end = outline, np.roll(outline, -1, axis=0)
    run = end[:, 0] - start[:, 0]
    share = (x[:, None] - start[:, 0]) / np.where(np.abs(run) < 1e-12, 1e-12, run)
    y = np.where((share >= -1e-9) & (share <= 1 + 1e-9), start[:, 1] + share * (end[:, 1] - start[:, 1]), np.nan)
    return np.nanmin(y, axis=1), np.nanmax(y, axis=1)


def _estimated(robot: Robot, link: str, axes: Array, ankle_m: Array, leg_m: float) -> FoundSole:
    """The underside of the box that has the foot's inertia; of a foot without mass, a person's in the leg's measure."""
    root = ElementTree.parse(robot.urdf).getroot()
    box = inertia_box(next(element for element in root.findall("link") if element.get("name") == link))
    if box is None or not _LIKE_A_FOOT[0] * leg_m < box[0].max() < _LIKE_A_FOOT[1] * leg_m:
        centre, half = ankle_m + axes @ np.array([0.06, 0, -0.045]) * leg_m, np.array([0.13, 0.05, 0.045]) * leg_m
        words = "a guess from the leg's length: the foot has no shapes, and an inertia that is no foot's"
    else:
        size, centre, turn = box
        half, words = np.abs(axes.T @ turn) @ size / 2, "estimated from the foot's inertia: it has no shapes"
    back, front = (centre @ axes[:, 0] + sign * half[0] for sign in (-1, 1))
    across, floor = centre @ axes[:, 1], centre @ axes[:, 2] - half[2]
    heel, toe = axes @ [back, across, floor], axes @ [front, across, floor]
    return FoundSole(heel, toe, float(2 * half[1]), axes, 0.3, words)
