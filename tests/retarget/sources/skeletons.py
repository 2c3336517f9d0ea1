"""A moving stick person as a tree of joints under any names, and its BVH text: what a capture system would export."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from motion.landmarks import FINGERS, SIDES
from tests.motion.bodies import standing_points

PARENTS: dict[str, str] = {"spine": "pelvis", "chest": "spine", "neck": "chest", "head": "neck"}
for _s in SIDES:
    PARENTS |= {f"{_s}_clavicle": "chest", f"{_s}_shoulder": f"{_s}_clavicle"}
    PARENTS |= {f"{_s}_elbow": f"{_s}_shoulder", f"{_s}_wrist": f"{_s}_elbow"}
    PARENTS |= {f"{_s}_hip": "pelvis", f"{_s}_knee": f"{_s}_hip", f"{_s}_ankle": f"{_s}_knee", f"{_s}_toe": f"{_s}_ankle"}
FINGERS_OF: dict[str, str] = {}
for _s in SIDES:
    for _f in FINGERS:
        _chain = [f"{_s}_wrist", *(f"{_s}_{_f}_{p}" for p in (("cmc", "mcp", "ip") if _f == "thumb" else ("mcp", "pip", "dip")))]
        FINGERS_OF |= dict(zip(_chain[1:], _chain, strict=False))

TO_FILE = {"z": np.eye(3), "y": np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0.0]])}
"""A body's own axes (x forward, y left, z up) in a file's: y up means x left and z forward."""
FROM_FILE = {"z": np.eye(3), "y": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0.0]])}
"""A file's axes in ours: y is turned into z by the shortest way."""


@dataclass(frozen=True)
class Acted:
    """A tree of joints that moves: every joint's turns, and where it all comes to lie."""

    joints: tuple[str, ...]
    parents: tuple[int, ...]
    offset: np.ndarray  # (J, 3)
    angles_deg: np.ndarray  # (T, J, 3) in the order of the channels
    root: np.ndarray  # (T, 3)
    position: np.ndarray  # (T, J, 3)
    rotation: np.ndarray  # (T, J, 3, 3)

    def point(self, landmark: str) -> np.ndarray:
        return self.position[:, self.joints.index(landmark)]

    def only(self, names: Collection[str]) -> Acted:
        """The same motion without the other joints, on which none of these may hang."""
        keep = [index for index, name in enumerate(self.joints) if name in names]
        return Acted(
            joints=tuple(self.joints[k] for k in keep),
            parents=tuple(keep.index(self.parents[k]) if self.parents[k] >= 0 else -1 for k in keep),
            offset=self.offset[keep],
            angles_deg=self.angles_deg[:, keep],
            root=self.root,
            position=self.position[:, keep],
            rotation=self.rotation[:, keep],
        )


def acted(
    hands: bool = False,
    up: str = "y",
    scale: float = 100.0,
    order: str = "ZXY",
    frames: int = 12,
    between: Mapping[str, str] = {},
) -> Acted:
    """The stick person walking a little, turning, knees and elbows bent in every frame.

    Args:
        between: landmark -> a joint more between it and its parent, at the parent's place.
    """
    points = standing_points(elbow_rad=0.4, knee_rad=0.3)
    parents_of = PARENTS | (FINGERS_OF if hands else {})
    for name, more in between.items():
        points[more] = points[parents_of[name]]
        parents_of |= {more: parents_of[name], name: more}
    joints = ["pelvis"]
    while len(joints) <= len(parents_of):  # depth first, as a BVH stands
        for name in [n for n, p in parents_of.items() if p in joints and n not in joints][:1]:
            joints.append(name)
    parents = tuple(joints.index(parents_of[name]) if name in parents_of else -1 for name in joints)
    to_file = scale * TO_FILE[up]
    offset = np.array([to_file @ (points[name] - (points[joints[p]] if p >= 0 else 0)) for name, p in zip(joints, parents, strict=True)])
    rng, phase = np.random.default_rng(3), np.linspace(0, 2 * np.pi, frames, endpoint=False)
    swing = rng.uniform(-12, 12, (len(joints), 3))
    angles = swing * np.sin(phase[:, None, None] + rng.uniform(0, 6, (len(joints), 1)))
    root = offset[0] + (to_file @ np.stack([0.3 * phase, 0 * phase, 0.02 * np.sin(phase)])).T
    position, rotation = np.empty((frames, len(joints), 3)), np.empty((frames, len(joints), 3, 3))
    for index, parent in enumerate(parents):
        turn = Rotation.from_euler(order, angles[:, index], degrees=True).as_matrix()
        if parent < 0:
            position[:, index], rotation[:, index] = root, turn
        else:
            position[:, index] = position[:, parent] + np.einsum("tij,j->ti", rotation[:, parent], offset[index])
            rotation[:, index] = rotation[:, parent] @ turn
    return Acted(tuple(joints), parents, offset, angles, root, position, rotation)


def bvh_text(
    body: Acted,
    names: Mapping[str, str],
    order: str = "ZXY",
    frame_time: str = "0.008333",
    ends: Mapping[str, tuple[float, float, float]] = {},
    all_positions: bool = False,
) -> str:
    """The BVH of a body under the names of a dialect (landmark -> joint); `ends` are end sites by landmark."""
    turns = " ".join(f"{axis}rotation" for axis in order)
    children = {index: [k for k, parent in enumerate(body.parents) if parent == index] for index in range(len(body.joints))}
    lines, written = ["HIERARCHY"], []

    def add(index: int, depth: int) -> None:
        pad, name = "\t" * depth, body.joints[index]
        written.append(index)
        moves = body.parents[index] < 0 or all_positions
        lines.extend([f"{pad}{'ROOT' if body.parents[index] < 0 else 'JOINT'} {names[name]}", f"{pad}{{"])
        lines.append(f"{pad}\tOFFSET " + " ".join(f"{value:.6f}" for value in body.offset[index]))
        lines.append(f"{pad}\tCHANNELS {'6 Xposition Yposition Zposition' if moves else '3'} {turns}")
        for child in children[index]:
            add(child, depth + 1)
        if not children[index]:
            end = " ".join(f"{value:.6f}" for value in ends.get(name, (0.0, 0.0, 0.0)))
            lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET {end}", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    add(0, 0)
    columns = []
    for index in written:
        if body.parents[index] < 0:
            columns.append(body.root)
        elif all_positions:
            columns.append(np.tile(body.offset[index], (len(body.root), 1)))
        columns.append(body.angles_deg[:, index])
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in np.concatenate(columns, axis=1))
    return "\n".join([*lines, "MOTION", f"Frames: {len(body.root)}", f"Frame Time: {frame_time}", rows, ""])
