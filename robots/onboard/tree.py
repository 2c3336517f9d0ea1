"""A robot's moving bodies: fixed joints collapsed, every joint's line in the world at the zero posture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from motion.transform import Array, Transform
from robots.urdf import Urdf, UrdfJoint, UrdfLink

CORNERS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
"""Of a cube from -1 to 1."""


@dataclass(frozen=True)
class Bodies:
    """B bodies, the root first, parents before children. World: the root link's frame, all joints at zero (or the nearest limit).

    Attributes:
        link: link that the body's joint moves; the root link for body 0.
        links: all links that are rigid with it.
        joint: joint that moves it; "" for body 0.
        sliding, following: (B,) whether that joint is prismatic, and whether it mimics another.
        parent: (B,) body, -1 for body 0.
        children: bodies that hang on it.
        below: itself and all bodies beyond it.
        steps: (B,) length of the longest chain of bodies that begins with it.
        point_m, axis: (B, 3) a point on the joint's line, and its unit direction.
        range_rad: (B, 2) how far the joint turns from here, downwards (<= 0) and upwards; infinite where not limited.
        mass_kg: (B,).
        centre_m: (B, 3) centre of mass, or the joint where no mass is stated.
        extent_m: per body (N, 3): origins of its links, centres of mass, corners of its primitive shapes.
        pose: link -> (4, 4).
        size_m: of the whole robot, over the joints.
    """

    link: tuple[str, ...]
    links: tuple[tuple[str, ...], ...]
    joint: tuple[str, ...]
    sliding: Array
    following: Array
    parent: Array
    children: tuple[tuple[int, ...], ...]
    below: tuple[tuple[int, ...], ...]
    steps: Array
    point_m: Array
    axis: Array
    range_rad: Array
    mass_kg: Array
    centre_m: Array
    extent_m: tuple[Array, ...]
    pose: Mapping[str, Array]
    size_m: float

    def __len__(self) -> int:
        return len(self.link)

    def reach_m(self, body: int) -> float:
        """How far anything beyond a body's joint lies from that joint."""
        points = np.vstack([self.extent_m[other] for other in self.below[body]])
        return float(np.linalg.norm(points - self.point_m[body], axis=1).max())

    def mass_below_kg(self, body: int) -> float:
        """Mass of a body and of all that hangs on it."""
        return float(self.mass_kg[list(self.below[body])].sum())

    def turns_without_limit(self, body: int) -> bool:
        """Whether a joint states no range that could tell one way from the other."""
        return not np.isfinite(self.range_rad[body]).all() or self.range_rad[body, 1] <= self.range_rad[body, 0]

    def path(self, body: int) -> tuple[int, ...]:
        """The bodies from the root to this one, the root left out."""
        out: list[int] = []
        while body > 0:
            out.append(body)
            body = int(self.parent[body])
        return tuple(reversed(out))


def bodies_of(urdf: Urdf) -> Bodies:
    """The bodies of a robot."""
    angle = _zero(urdf.joints)
    pose = _poses(urdf, angle)
    owner, moved_by, parent = _collapse(urdf)
    count = len(moved_by)
    links: list[list[str]] = [[] for _ in range(count)]
    for link, body in owner.items():
        links[body].append(link)
    first = (urdf.root, *(joint.child for joint in moved_by[1:] if joint is not None))
    children = tuple(tuple(int(child) for child in np.flatnonzero(parent == body)) for body in range(count))
    mass, centre, extent = zip(*(_matter([(pose[link], urdf.bodies[link]) for link in members]) for members in links), strict=True)
    point = np.array([pose[link][:3, 3] for link in first])
    shifted = [None if joint is None else np.array([joint.lower, joint.upper]) - angle[joint.name] for joint in moved_by]
    return Bodies(
        link=first,
        links=tuple(map(tuple, links)),
        joint=tuple("" if joint is None else joint.name for joint in moved_by),
        sliding=np.array([joint is not None and joint.kind == "prismatic" for joint in moved_by]),
        following=np.array([joint is not None and joint.mimic is not None for joint in moved_by]),
        parent=parent,
        children=children,
        below=_below(children),
        steps=_steps(children),
        point_m=point,
        axis=np.array([[0.0, 0, 1] if joint is None else pose[joint.child][:3, :3] @ joint.axis for joint in moved_by]),
        range_rad=np.array([(-np.inf, np.inf) if limits is None else limits for limits in shifted]),
        mass_kg=np.array(mass),
        centre_m=np.array([point[body] if where is None else where for body, where in enumerate(centre)]),
        extent_m=extent,
        pose=pose,
        size_m=float(np.linalg.norm(np.ptp(point, axis=0))) + 1e-9,
    )


def _zero(joints: Iterable[UrdfJoint]) -> dict[str, float]:
    """Joint -> 0, or the limit nearest to it; joints that mimic follow."""
    angle = {joint.name: float(np.clip(0.0, joint.lower, joint.upper)) for joint in joints}
    for joint in joints:
        if joint.mimic is not None:
            angle[joint.name] = joint.mimic.multiplier * angle.get(joint.mimic.of, 0.0) + joint.mimic.offset
    return angle


def _poses(urdf: Urdf, angle: Mapping[str, float]) -> dict[str, Array]:
    """Link -> (4, 4) in the root's frame."""
    joints: dict[str, list[UrdfJoint]] = {}
    for joint in (*urdf.joints, *urdf.fixed):
        joints.setdefault(joint.parent, []).append(joint)
    pose = {urdf.root: np.eye(4)}
    stack = [urdf.root]
    while stack:
        link = stack.pop()
        for joint in joints.get(link, ()):
            pose[joint.child] = pose[link] @ (joint.placement @ _turn(joint, angle.get(joint.name, 0.0))).matrix()
            stack.append(joint.child)
    return pose


def _turn(joint: UrdfJoint, angle: float) -> Transform:
    if joint.kind == "prismatic":
        return Transform(joint.axis * angle, np.array([1.0, 0, 0, 0]))
    return Transform.exp(np.concatenate([np.zeros(3), joint.axis * angle]))


def _collapse(urdf: Urdf) -> tuple[dict[str, int], list[UrdfJoint | None], Array]:
    """Link -> its body; the joint of every body; the parent of every body."""
    below: dict[str, list[UrdfJoint]] = {}
    for joint in (*urdf.joints, *urdf.fixed):
        below.setdefault(joint.parent, []).append(joint)
    moving = {joint.name for joint in urdf.joints}
    owner, moved_by, parent = {urdf.root: 0}, [None], [-1]
    stack = [urdf.root]
    while stack:
        link = stack.pop(0)
        for joint in below.get(link, ()):
            if joint.name in moving:
                owner[joint.child] = len(moved_by)
                moved_by.append(joint)  # type: ignore[arg-type]
                parent.append(owner[link])
            else:
                owner[joint.child] = owner[link]
            stack.append(joint.child)
    return owner, moved_by, np.array(parent)  # type: ignore[return-value]


def _matter(members: list[tuple[Array, UrdfLink]]) -> tuple[float, Array | None, Array]:
    """Mass, its centre, and extent points of one body's links, given with their poses."""
    points, total, moment = [], 0.0, np.zeros(3)
    for pose, link in members:
        points.append(pose[:3, 3][None])
        if link.mass_kg > 0:
            centre = pose[:3, :3] @ link.centre_m + pose[:3, 3]
            points.append(centre[None])
            total, moment = total + link.mass_kg, moment + link.mass_kg * centre
        for shape in link.shapes:
            if shape.kind != "mesh":
                corners = shape.placement.apply(CORNERS * shape.half_m)
                points.append(corners @ pose[:3, :3].T + pose[:3, 3])
    return total, moment / total if total > 0 else None, np.vstack(points)


def _below(children: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    out: list[tuple[int, ...]] = [()] * len(children)
    for body in reversed(range(len(children))):
        out[body] = (body, *(other for child in children[body] for other in out[child]))
    return tuple(out)


def _steps(children: tuple[tuple[int, ...], ...]) -> Array:
    out = np.ones(len(children), int)
    for body in reversed(range(len(children))):
        out[body] = 1 + max((out[child] for child in children[body]), default=0)
    return out
