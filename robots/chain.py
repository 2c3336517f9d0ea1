"""The chain of joints from a robot's base to one of its links: poses, Jacobians and reaching, compiled, for many postures at once.

`robots.kinematics` knows all of a robot and costs a call per posture; this knows one arm and costs a microsecond. The
chain is read from the URDF, mimic joints included; that both agree is tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.compiled import compiled
from motion.errors import UnknownNameError
from motion.transform import Array, Transform, wxyz_from_matrix
from robots.robot import Mimic, Robot
from robots.urdf import Urdf, UrdfJoint, read_urdf

_ALMOST_PI = 3.13
_MOST_STEP_RAD = 0.3


@compiled
def walk(q, base_R, base_p, turn, place, axis, slides, column, factor, offset, tail_R, tail_p, R, p, joint_p, joint_axis):  # type: ignore[no-untyped-def]
    """Fill the pose (R, p) of the chain's end, and place and axis (C, 3) of its joints, all in the world, for one posture."""
    R[:] = base_R
    p[:] = base_p
    next_R, spin = np.empty((3, 3)), np.empty((3, 3))
    for c in range(len(column)):
        p += R @ place[c]
        next_R[:] = R @ turn[c]
        value = factor[c] * q[column[c]] + offset[c]
        joint_axis[c] = next_R @ axis[c]
        if slides[c]:
            p += value * joint_axis[c]
            R[:] = next_R
        else:
            x, y, z = axis[c]
            s, v = np.sin(value), 1.0 - np.cos(value)
            spin[0, 0], spin[0, 1], spin[0, 2] = 1 - v * (y * y + z * z), v * x * y - s * z, v * x * z + s * y
            spin[1, 0], spin[1, 1], spin[1, 2] = v * x * y + s * z, 1 - v * (x * x + z * z), v * y * z - s * x
            spin[2, 0], spin[2, 1], spin[2, 2] = v * x * z - s * y, v * y * z + s * x, 1 - v * (x * x + y * y)
            R[:] = next_R @ spin
        joint_p[c] = p
    p += R @ tail_p
    R[:] = R @ tail_R


@compiled
def add_columns(p, joint_p, joint_axis, slides, column, factor, jacobian):  # type: ignore[no-untyped-def]
    """Add the chain's columns to a Jacobian (6, J): velocity of the end (m/s), then angular velocity, in the world."""
    for c in range(len(column)):
        j, f = column[c], factor[c]
        x, y, z = joint_axis[c]
        if slides[c]:
            jacobian[0, j] += f * x
            jacobian[1, j] += f * y
            jacobian[2, j] += f * z
        else:
            a, b, d = p[0] - joint_p[c, 0], p[1] - joint_p[c, 1], p[2] - joint_p[c, 2]
            jacobian[0, j] += f * (y * d - z * b)
            jacobian[1, j] += f * (z * a - x * d)
            jacobian[2, j] += f * (x * b - y * a)
            jacobian[3, j] += f * x
            jacobian[4, j] += f * y
            jacobian[5, j] += f * z


@compiled
def _poses(q, base_R, base_p, chain, R, p, jacobian):  # type: ignore[no-untyped-def]
    turn, place, axis, slides, column, factor, offset, tail_R, tail_p = chain
    joint_p, joint_axis = np.empty((len(column), 3)), np.empty((len(column), 3))
    for n in range(len(q)):
        walk(q[n], base_R[n], base_p[n], turn, place, axis, slides, column, factor, offset, tail_R, tail_p, R[n], p[n], joint_p, joint_axis)
        if len(jacobian):
            add_columns(p[n], joint_p, joint_axis, slides, column, factor, jacobian[n])


@compiled
def turn_between(R, wanted, out):  # type: ignore[no-untyped-def]
    """Fill the rotation vector (3,), in the world, that takes orientation R to the wanted one; returns its angle (rad)."""
    m = wanted @ R.T
    out[0], out[1], out[2] = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    sine = np.sqrt(out[0] ** 2 + out[1] ** 2 + out[2] ** 2) / 2
    angle = np.arctan2(sine, (m[0, 0] + m[1, 1] + m[2, 2] - 1) / 2)
    if angle > _ALMOST_PI:  # the axis fades there: any direction leads away
        out[:] = np.array([angle, 0.0, 0.0])
    elif sine > 1e-9:
        out *= angle / (2 * sine)
    else:
        out *= 0.5
    return angle


@compiled
def _reach(q, target_R, target_p, base_R, base_p, chain, free, lower, upper, rest, weights, rounds, error):  # type: ignore[no-untyped-def]
    """Damped Gauss-Newton, joints clipped to their limits; q (n, J) is the start and becomes the result."""
    turn, place, axis, slides, column, factor, offset, tail_R, tail_p = chain
    R, p, r = np.empty((3, 3)), np.empty(3), np.empty(6)
    joint_p, joint_axis = np.empty((len(column), 3)), np.empty((len(column), 3))
    jacobian, rows = np.empty((6, q.shape[1])), np.empty((6, len(free)))
    for n in range(len(q)):
        for k in range(rounds + 1):
            walk(q[n], base_R, base_p, turn, place, axis, slides, column, factor, offset, tail_R, tail_p, R, p, joint_p, joint_axis)
            error[n, 1] = turn_between(R, target_R[n], r[3:])
            r[:3] = target_p[n] - p
            error[n, 0] = np.sqrt(r[0] ** 2 + r[1] ** 2 + r[2] ** 2)
            if k == rounds:
                break
            jacobian[:] = 0.0
            add_columns(p, joint_p, joint_axis, slides, column, factor, jacobian)
            for a in range(len(free)):
                for i in range(6):
                    rows[i, a] = jacobian[i, free[a]] * weights[0 if i < 3 else 1]
            r[:3] *= weights[0]
            r[3:] *= weights[1]
            hessian, slope = rows.T @ rows, rows.T @ r
            for a in range(len(free)):
                hessian[a, a] += weights[2] ** 2 + weights[3] ** 2
                slope[a] += weights[2] ** 2 * (rest[free[a]] - q[n, free[a]])
            step = np.linalg.solve(hessian, slope)
            longest = np.abs(step).max()
            if longest > _MOST_STEP_RAD:
                step *= _MOST_STEP_RAD / longest
            for a in range(len(free)):
                j = free[a]
                q[n, j] = min(max(q[n, j] + step[a], lower[j]), upper[j])


@dataclass(frozen=True)
class ReachWeights:
    """Of reaching: per m, per rad of the end's orientation, per rad of leaving the rest posture, per rad of a step."""

    position: float = 10.0
    orientation: float = 2.0
    posture: float = 0.02
    step: float = 0.03


class Chain:
    """Kinematics of one frame of a robot.

    Args:
        robot: the robot.
        link: that carries the frame.
        T_link_end: the frame in the link, one pose.

    Attributes:
        columns: motorised joints that move the frame, rising indices.
    """

    def __init__(self, robot: Robot, link: str, T_link_end: Transform) -> None:
        self.robot = robot
        joints = way(read_urdf(robot.urdf), link)
        index = {name: j for j, name in enumerate(robot.joint_names)}
        parts: list[tuple[Array, Array, Array, bool, int, float, float]] = []
        so_far = Transform.identity()
        for joint in joints:
            so_far = so_far @ joint.placement
            if joint.name in index or joint.name in robot.mimic:
                parts.append(
                    (so_far.rotation(), so_far.position_m, joint.axis, joint.kind == "prismatic", *_driven(robot.mimic, index, joint))
                )
                so_far = Transform.identity()
        tail = so_far @ T_link_end
        turn, place, axis, slides, column, factor, offset = zip(*parts, strict=True) if parts else ((),) * 7
        self._chain = (
            np.array(turn, float).reshape(-1, 3, 3),
            np.array(place, float).reshape(-1, 3),
            np.array(axis, float).reshape(-1, 3),
            np.array(slides, bool),
            np.array(column, np.int64),
            np.array(factor, float),
            np.array(offset, float),
            tail.rotation(),
            tail.position_m,
        )
        self.columns = np.unique(self._chain[4])

    def poses(self, joint_position_rad: Array, T_world_base: Transform | None = None) -> Transform:
        """`T_world_end`, batch (n,), of postures (n, J); the base one pose or batch (n,), the identity by default."""
        return self._evaluated(joint_position_rad, T_world_base, np.zeros((0, 6, 0)))

    def jacobians(self, joint_position_rad: Array, T_world_base: Transform | None = None) -> tuple[Transform, Array]:
        """The same, with (n, 6, J): velocity (m/s) and angular velocity (rad/s) of the end in the world, per rad/s of the joints."""
        q = np.atleast_2d(np.asarray(joint_position_rad, float))
        jacobian = np.zeros((len(q), 6, q.shape[1]))
        return self._evaluated(q, T_world_base, jacobian), jacobian

    def _evaluated(self, joint_position_rad: Array, T_world_base: Transform | None, jacobian: Array) -> Transform:
        q = np.ascontiguousarray(np.atleast_2d(joint_position_rad), float)
        base = Transform.identity() if T_world_base is None else T_world_base
        base_R = np.ascontiguousarray(np.broadcast_to(base.rotation(), (len(q), 3, 3)))
        base_p = np.ascontiguousarray(np.broadcast_to(base.position_m, (len(q), 3)))
        R, p = np.empty((len(q), 3, 3)), np.empty((len(q), 3))
        _poses(q, base_R, base_p, self._chain, R, p, jacobian)
        return Transform(p, wxyz_from_matrix(R))

    def reach(
        self,
        wanted: Transform,
        start_rad: Array,
        T_world_base: Transform,
        weights: ReachWeights = ReachWeights(),
        rounds: int = 40,
        near_rad: Array | None = None,
    ) -> tuple[Array, Array]:
        """Postures (n, J) that bring the end to wanted poses (n,), and what they lack (n, 2): m, rad. Limits are kept, nothing else is.

        Args:
            wanted: `T_world_end`, batch (n,).
            start_rad: (J,) or (n, J), where to begin.
            T_world_base: one pose.
            weights: of the parts of the cost.
            rounds: Gauss-Newton steps.
            near_rad: (J,) posture to stay near; the rest posture by default.
        """
        robot, count = self.robot, len(wanted)
        q = np.array(np.broadcast_to(start_rad, (count, len(robot.joint_names))), float)
        error = np.empty((count, 2))
        _reach(
            q,
            np.ascontiguousarray(wanted.rotation()),
            np.ascontiguousarray(wanted.position_m),
            T_world_base.rotation(),
            T_world_base.position_m,
            self._chain,
            self.columns,
            np.asarray(robot.lower_rad, float),
            np.asarray(robot.upper_rad, float),
            np.asarray(robot.rest_rad if near_rad is None else near_rad, float),
            np.array([weights.position, weights.orientation, weights.posture, weights.step]),
            rounds,
            error,
        )
        return q, error


def way(urdf: Urdf, link: str) -> list[UrdfJoint]:
    """Joints, fixed ones too, from the root to a link.

    Raises:
        UnknownNameError: no such link.
    """
    if link not in urdf.links:
        raise UnknownNameError("link", link, urdf.links, "the URDF")
    above = {joint.child: joint for joint in (*urdf.joints, *urdf.fixed)}
    joints = []
    while link in above:
        joints.append(above[link])
        link = above[link].parent
    return joints[::-1]


def _driven(mimic: Mapping[str, Mimic], index: Mapping[str, int], joint: UrdfJoint) -> tuple[int, float, float]:
    """Column of the motor that drives a joint, factor and offset."""
    if joint.name in index:
        return index[joint.name], 1.0, 0.0
    rule = mimic[joint.name]
    return index[rule.of], rule.multiplier, rule.offset
