"""Trees of joints: forward kinematics of whole clips, shared by every format that stores joint rotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.compiled import compiled
from motion.errors import ShapeError, require
from motion.transform import Array, Transform


@dataclass(frozen=True)
class Skeleton:
    """A tree of joints.

    Attributes:
        names: J names.
        parents: of each joint the index of its parent, which comes before it; -1 for a root.
        offset: (J, 3) of each joint in its parent's axes, in any unit.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offset: Array

    def __post_init__(self) -> None:
        count, got = len(self.names), (len(self.parents), np.shape(self.offset))
        require(
            got == (count, (count, 3)), ShapeError, f"Skeleton wants {count} parents and offsets ({count}, 3); got {got[0]} and {got[1]}."
        )
        before = all(-1 <= parent < index for index, parent in enumerate(self.parents))
        require(before, ShapeError, "Skeleton wants every parent before its children.")

    def poses(self, wxyz: Array, root: Array) -> Transform:
        """World poses (T, J) for the joints' local rotations (T, J, 4) and the position of the roots (T, 3)."""
        position = np.tile(np.asarray(self.offset, float), (len(wxyz), 1, 1))
        position[:, [parent < 0 for parent in self.parents]] = root[:, None]
        return world_poses(self.parents, position, wxyz)


def world_poses(parents: Sequence[int], position: Array, wxyz: Array) -> Transform:
    """World poses (T, J) of joints whose parents come before them.

    Args:
        parents: index of each joint's parent, -1 for a root.
        position: (T, J, 3) in the parent's axes; a root's in the world.
        wxyz: (T, J, 4) unit, in the parent's axes.
    """
    out_position, out_wxyz = np.array(position, float, order="C"), np.array(wxyz, float, order="C")
    _chain(np.asarray(parents, np.int64), out_position, out_wxyz)
    return Transform(out_position, out_wxyz)


def euler_wxyz(angle_rad: Array, axis: Array) -> Array:
    """Quaternions (T, J, 4) of turns about a joint's own axes, one after the other.

    Args:
        angle_rad: (T, J, K).
        axis: (J, K) of 0, 1, 2 for x, y, z; -1 where a joint has no more turns.
    """
    out = np.empty((*angle_rad.shape[:2], 4))
    _turns(np.asarray(angle_rad, float, order="C"), np.asarray(axis, np.int64), out)
    return out


@compiled
def _chain(parents: Array, position: Array, wxyz: Array) -> None:
    """From local to world, in place: p = p_parent + R_parent p, q = q_parent q."""
    for frame in range(len(position)):
        for joint in range(len(parents)):
            parent = parents[joint]
            if parent < 0:
                continue
            w, x, y, z = wxyz[frame, parent]
            a, b, c = position[frame, joint]
            u, v, s = y * c - z * b, z * a - x * c, x * b - y * a  # the cross product of q's vector and p
            position[frame, joint, 0] = position[frame, parent, 0] + a + 2 * (w * u + y * s - z * v)
            position[frame, joint, 1] = position[frame, parent, 1] + b + 2 * (w * v + z * u - x * s)
            position[frame, joint, 2] = position[frame, parent, 2] + c + 2 * (w * s + x * v - y * u)
            _multiply(w, x, y, z, wxyz[frame, joint])


@compiled
def _multiply(w: float, x: float, y: float, z: float, q: Array) -> None:
    """q becomes (w, x, y, z) q, normalised: long chains keep unit length."""
    d, a, b, c = q
    e, f, g, h = w * d - x * a - y * b - z * c, w * a + x * d + y * c - z * b, w * b - x * c + y * d + z * a, w * c + x * b - y * a + z * d
    norm = np.sqrt(e * e + f * f + g * g + h * h)
    q[0], q[1], q[2], q[3] = e / norm, f / norm, g / norm, h / norm


@compiled
def _turns(angle_rad: Array, axis: Array, out: Array) -> None:
    for frame in range(angle_rad.shape[0]):
        for joint in range(angle_rad.shape[1]):
            w, v0, v1, v2 = 1.0, 0.0, 0.0, 0.0
            for k in range(angle_rad.shape[2]):
                half = angle_rad[frame, joint, k] / 2
                c, s = np.cos(half), np.sin(half)
                if axis[joint, k] == 0:
                    w, v0, v1, v2 = w * c - v0 * s, w * s + v0 * c, v1 * c + v2 * s, v2 * c - v1 * s
                elif axis[joint, k] == 1:
                    w, v0, v1, v2 = w * c - v1 * s, v0 * c - v2 * s, w * s + v1 * c, v2 * c + v0 * s
                elif axis[joint, k] == 2:
                    w, v0, v1, v2 = w * c - v2 * s, v0 * c + v1 * s, v1 * c - v0 * s, w * s + v2 * c
            out[frame, joint, 0], out[frame, joint, 1], out[frame, joint, 2], out[frame, joint, 3] = w, v0, v1, v2
