"""Kinematics and inverse dynamics of a robot: the one file that talks to Pinocchio.

Pinocchio's own conventions (xyzw, alphabetical joint order, continuous joints as two numbers, mimic joints as joints)
stay in here. Outside, joints are in the robot's order, poses are Transforms, and a tangent vector is
[base linear (3), base angular (3), joints (J)], the base part in the base's own frame and absent for a fixed base.
"""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import coal
import numpy as np
import pinocchio as pin

from motion.errors import RobotError, UnknownNameError
from motion.transform import Array, Transform, skew, wxyz_from_matrix
from robots.robot import FramePoint, Robot
from robots.stand_ins import engine_urdf, urdf_tree
from robots.urdf import is_y_up, read_urdf, resolve_mesh

_DIRECTIONS_N = 400


class Kinematics:
    """Pinocchio model of one robot, spoken to in the robot's own joint order."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        root = [pin.JointModelFreeFlyer()] if robot.floating else []
        try:
            text = _without(engine_urdf(robot.urdf), "visual", "collision")
            self._model = pin.buildModelFromXML(text, *root)
        except (ValueError, RuntimeError) as error:
            raise RobotError(f"{robot.urdf}: Pinocchio cannot build it ({error}).") from error
        self._data = self._model.createData()
        self.base_dofs = 6 if robot.floating else 0
        self.tangent_size = self.base_dofs + len(robot.joint_names)
        self._supports: dict[int, Array] = {}
        self._map_joints()

    def _map_joints(self) -> None:
        """Matrix and offset from the robot's joints to Pinocchio's velocity order, mimic joints expanded."""
        model, robot = self._model, self.robot
        column = {name: index for index, name in enumerate(robot.joint_names)}
        expand = np.zeros((model.nv, self.tangent_size))
        expand[: self.base_dofs, : self.base_dofs] = np.eye(self.base_dofs)
        self._offset = np.zeros(model.nv)
        plain: list[tuple[int, int]] = []
        turning: list[tuple[int, int]] = []
        for joint in read_urdf(robot.urdf).joints:
            entry = model.joints[model.getJointId(joint.name)]
            rule = robot.mimic.get(joint.name)
            source, factor = (rule.of, rule.multiplier) if rule else (joint.name, 1.0)
            expand[entry.idx_v, self.base_dofs + column[source]] = factor
            self._offset[entry.idx_v] = rule.offset if rule else 0.0
            (turning if entry.nq == 2 else plain).append((entry.idx_q, entry.idx_v))
        self._expand = expand
        self._plain, self._turning = (np.array(pairs, int).reshape(-1, 2).T for pairs in (plain, turning))
        rows = expand[:, self.base_dofs :].argmax(0)
        moved_by_one = expand[rows, np.arange(self.base_dofs, self.tangent_size)]
        self._one_to_one = model.nv == self.tangent_size and np.allclose(moved_by_one, 1) and not turning

    @property
    def mass_kg(self) -> float:
        """Mass of the whole robot."""
        return float(sum(inertia.mass for inertia in self._model.inertias))

    @property
    def frames(self) -> tuple[str, ...]:
        """Names of the links."""
        return tuple(frame.name for frame in self._model.frames if frame.type == pin.FrameType.BODY)

    def configuration(self, joint_position_rad: Array, T_world_base: Transform | None = None) -> Array:
        """Pinocchio's q (nq,) of one posture; opaque to callers.

        Args:
            joint_position_rad: (J,).
            T_world_base: one pose; the identity by default. Ignored for a fixed base.
        """
        q = np.zeros(self._model.nq)
        if self.base_dofs:
            pose = T_world_base or Transform.identity()
            q[:3], q[3:7] = pose.position_m, pose.to_xyzw()
        self._write_joints(q, np.asarray(joint_position_rad, float))
        return q

    def configurations(self, joint_position_rad: Array, T_world_base: Transform | None = None) -> Array:
        """Pinocchio's q (T, nq) of postures (T, J), as `configuration` gives for one."""
        joints = np.atleast_2d(np.asarray(joint_position_rad, float))
        q, angles = np.zeros((len(joints), self._model.nq)), joints @ self._expand[:, self.base_dofs :].T + self._offset
        if self.base_dofs:
            pose = T_world_base or Transform.identity(len(joints))
            q[:, :3], q[:, 3:7] = pose.position_m, pose.to_xyzw()
        q[:, self._plain[0]] = angles[:, self._plain[1]]
        q[:, self._turning[0]], q[:, self._turning[0] + 1] = np.cos(angles[:, self._turning[1]]), np.sin(angles[:, self._turning[1]])
        return q

    def _write_joints(self, q: Array, joint_position_rad: Array) -> None:
        angles = self._expand[:, self.base_dofs :] @ joint_position_rad + self._offset
        q[self._plain[0]] = angles[self._plain[1]]
        q[self._turning[0]] = np.cos(angles[self._turning[1]])
        q[self._turning[0] + 1] = np.sin(angles[self._turning[1]])

    def moved(self, q: Array, base_step: Array, joint_position_rad: Array) -> Array:
        """q (nq,) with the base moved by a local twist (6,) and the joints set to (J,)."""
        if self.base_dofs:
            tangent = np.zeros(self._model.nv)
            tangent[:6] = base_step
            q = pin.integrate(self._model, q, tangent)
        else:
            q = q.copy()
        if self._one_to_one:
            q[self._plain[0]] = joint_position_rad
        else:
            self._write_joints(q, joint_position_rad)
        return q

    def base_pose(self, q: Array) -> Transform:
        """Base poses of configurations (..., nq)."""
        if not self.base_dofs:
            return Transform.identity(*np.shape(q)[:-1])
        return Transform.from_xyzw(q[..., :3], q[..., 3:7])

    def tracker(self, points: Sequence[FramePoint]) -> PointTracker:
        """A tracker of points, for solvers' inner loops."""
        return PointTracker(self, points)

    def link_states(self, links: Sequence[str], frames: int) -> LinkStates:
        """Placements and Jacobian columns of links over some frames, for compiled inner loops."""
        return LinkStates(self, links, frames)

    def support(self, frame: int) -> Array:
        """(E, 3) what moves a link: Pinocchio's velocity, index into the tangent vector, factor of the latter in the former.

        Args:
            frame: from `frame_id`.
        """
        if frame not in self._supports:
            entries: list[tuple[int, int, float]] = []
            for joint in self._model.supports[self._model.frames[frame].parentJoint]:
                entry = self._model.joints[joint]
                for column in range(entry.idx_v, entry.idx_v + entry.nv) if joint else ():
                    row = self._expand[column]
                    entries.extend((column, int(n), float(row[n])) for n in np.flatnonzero(row))
            self._supports[frame] = np.array(entries, float).reshape(-1, 3)
        return self._supports[frame]

    def loads(self, soles: Sequence[FramePoint]) -> Loads:
        """Centre of mass and static torques of the robot standing on some of these points."""
        return Loads(self, soles)

    def shapes(self) -> LinkShapes:
        """The robot's collision shapes.

        Raises:
            RobotError: a mesh is missing or cannot be loaded.
        """
        return LinkShapes(self)

    def frame_id(self, name: str) -> int:
        """Pinocchio's index of a link.

        Raises:
            UnknownNameError: no such link.
        """
        if not self._model.existFrame(name, pin.FrameType.BODY):
            raise UnknownNameError("frame", name, self.frames, f"robot {self.robot.name}")
        return int(self._model.getFrameId(name, pin.FrameType.BODY))

    def common_link(self, frames: Sequence[str]) -> str:
        """The link nearest to the fingertips that carries all of the links named: of knuckles, the palm."""
        joint = self._common_joint(frames)
        return next(frame.name for frame in self._model.frames if frame.type == pin.FrameType.BODY and frame.parentJoint == joint)

    def joints_below(self, frames: Sequence[str]) -> list[int]:
        """Pinocchio's indices of the joint that carries all of the links named, and of all joints beyond it."""
        top = self._common_joint(frames)
        return [joint for joint in range(1, self._model.njoints) if top in list(self._model.supports[joint])]

    def _common_joint(self, frames: Sequence[str]) -> int:
        model = self._model
        supports = [list(model.supports[model.frames[self.frame_id(name)].parentJoint]) for name in frames]
        return int(max(set(supports[0]).intersection(*supports[1:])))

    def frame_poses(self, frames: Sequence[str], joint_position_rad: Array, T_world_base: Transform | None = None) -> Transform:
        """Poses, batch (T, F), of links in postures (T, J); NaN postures give NaN poses."""
        q = self.configurations(joint_position_rad, T_world_base)
        ids = [self.frame_id(name) for name in frames]
        position, rotation = np.full((len(q), len(ids), 3), np.nan), np.full((len(q), len(ids), 3, 3), np.nan)
        views = [(self._data.oMf[index].translation, self._data.oMf[index].rotation) for index in ids]
        for t in np.flatnonzero(np.isfinite(q).all(1)):
            pin.framesForwardKinematics(self._model, self._data, q[t])
            for f, (translation, matrix) in enumerate(views):
                position[t, f], rotation[t, f] = translation, matrix
        return Transform(position, wxyz_from_matrix(rotation))

    def point_positions(self, points: Sequence[FramePoint], joint_position_rad: Array, T_world_base: Transform | None = None) -> Array:
        """World positions (T, P, 3) of points in postures (T, J)."""
        poses = self.frame_poses([point.frame for point in points], joint_position_rad, T_world_base)
        return poses.apply(np.array([point.offset_m for point in points]).reshape(1, -1, 3))

    def landmark_positions(self, joint_position_rad: Array, T_world_base: Transform | None = None) -> Array:
        """World positions (T, L, 3) of the robot's landmarks, in the order of `robot.landmarks`."""
        return self.point_positions(tuple(self.robot.landmarks.values()), joint_position_rad, T_world_base)

    def joint_inertias(self, joint_position_rad: Array) -> Array:
        """Inertia (T, J) that each motor moves in postures (T, J), kg m2, every other joint locked and the base held.

        The diagonal of the mass matrix, joints that mimic added to what drives them; without the rotors.
        """
        postures = np.atleast_2d(np.asarray(joint_position_rad, float))
        lift = self._expand[:, self.base_dofs :]
        inertia = np.empty_like(postures)
        for t, posture in enumerate(postures):
            upper = np.triu(pin.crba(self._model, self._data, self.configuration(posture)))
            # Only the upper half is filled in; the lower one mirrors it.
            inertia[t] = 2 * np.einsum("ij,ij->j", lift, upper @ lift) - np.diag(upper) @ lift**2
        return inertia

    def inverse_dynamics(
        self, position_rad: Array, velocity_radps: Array, acceleration_radps2: Array, T_world_base: Transform | None = None
    ) -> Array:
        """Joint torques (T, J), Nm, that make the given motion, the base at rest in the given pose.

        Args:
            position_rad, velocity_radps, acceleration_radps2: (T, J).
            T_world_base: batch (T,); upright by default.
        """
        position, velocity, acceleration = (
            np.atleast_2d(np.asarray(a, float)) for a in (position_rad, velocity_radps, acceleration_radps2)
        )
        lift = self._expand[:, self.base_dofs :]
        torque = np.empty_like(position)
        for t in range(len(position)):
            q = self.configuration(position[t], None if T_world_base is None else T_world_base[t])
            tau = pin.rnea(self._model, self._data, q, lift @ velocity[t], lift @ acceleration[t])
            torque[t] = lift.T @ tau
        return torque

    def centre_of_mass(self, joint_position_rad: Array, T_world_base: Transform | None = None) -> Array:
        """Centre of mass of the whole robot in the world, (T, 3) m, in postures (T, J); NaN where the posture is."""
        q = self.configurations(joint_position_rad, T_world_base)
        centre = np.full((len(q), 3), np.nan)
        for t in np.flatnonzero(np.isfinite(q).all(1)):
            centre[t] = pin.centerOfMass(self._model, self._data, q[t], False)
        return centre

    def whole_body_dynamics(
        self, position_rad: Array, tangent_velocity: Array, tangent_acceleration: Array, T_world_base: Transform | None = None
    ) -> Array:
        """Generalised forces (T, N) that make a motion, the base moving: first the wrench that something has to put on the base
        (force N, then moment Nm, in the base's own frame; absent for a fixed base), then the joint torques (Nm).

        Args:
            position_rad: (T, J).
            tangent_velocity, tangent_acceleration: (T, N) tangent vectors and their time derivatives.
            T_world_base: batch (T,); upright by default.
        """
        q = self.configurations(position_rad, T_world_base)
        velocity, acceleration = np.asarray(tangent_velocity) @ self._expand.T, np.asarray(tangent_acceleration) @ self._expand.T
        forces = np.stack([pin.rnea(self._model, self._data, *now) for now in zip(q, velocity, acceleration, strict=True)])
        return np.asarray(forces @ self._expand)

    def base_inertia(self, position_rad: Array, T_world_base: Transform | None = None) -> Array:
        """First six rows (T, 6, N) of the mass matrix: what one unit of base acceleration costs at the base and in every joint."""
        q = self.configurations(position_rad, T_world_base)
        rows = np.stack([pin.crba(self._model, self._data, now)[:6] for now in q])
        return np.asarray(rows @ self._expand)

    def point_jacobians(self, points: Sequence[FramePoint], position_rad: Array, T_world_base: Transform | None = None) -> Array:
        """Jacobians (T, P, 3, N): world velocity of points (m/s) per unit of the tangent vector, in postures (T, J)."""
        frames = list(dict.fromkeys(point.frame for point in points))
        ids, offsets = [self.frame_id(name) for name in frames], np.array([point.offset_m for point in points])
        which = [frames.index(point.frame) for point in points]
        q = self.configurations(position_rad, T_world_base)
        jacobian, rotation = np.empty((len(q), len(ids), 6, self._model.nv)), np.empty((len(q), len(ids), 3, 3))
        for t in range(len(q)):
            pin.computeJointJacobians(self._model, self._data, q[t])
            for f, index in enumerate(ids):
                rotation[t, f] = pin.updateFramePlacement(self._model, self._data, index).rotation
                jacobian[t, f] = pin.getFrameJacobian(self._model, self._data, index, pin.ReferenceFrame.LOCAL_WORLD_ALIGNED)
        lever = skew(np.einsum("tpij,pj->tpi", rotation[:, which], offsets))
        return np.asarray((jacobian[:, which, :3] - lever @ jacobian[:, which, 3:]) @ self._expand)


class PointTracker:
    """Positions of fixed points, with Jacobians, recomputed by `update`.

    Attributes:
        position_m: (P, 3) world positions of the points.
        position_jacobian: (P, 3, N) metres per unit of the tangent vector.
    """

    def __init__(self, kinematics: Kinematics, points: Sequence[FramePoint]) -> None:
        links = list(dict.fromkeys(point.frame for point in points))
        self._states = kinematics.link_states(links, 1)
        self._link = np.array([links.index(point.frame) for point in points], int)
        self._offset = np.array([point.offset_m for point in points]).reshape(-1, 3, 1)
        start, support = self._states.start, self._states.support
        self._expand = np.zeros((len(points), self._states.columns.shape[1], kinematics.tangent_size))
        for point, link in enumerate(self._link):
            for entry in range(start[link], start[link + 1]):
                self._expand[point, support[entry, 0], support[entry, 1]] = self._states.factor[entry]

    def update(self, q: Array) -> None:
        """Recompute everything at configuration q (nq,)."""
        self._states.update(0, q)
        placement, columns = self._states.placement[0, self._link], self._states.columns[0]
        rotation = placement[:, :9].reshape(-1, 3, 3).transpose(0, 2, 1)
        self.position_m = placement[:, 9:] + (rotation @ self._offset)[..., 0]
        moving = columns[None, :, :3] + np.cross(columns[None, :, 3:], self.position_m[:, None])
        self.position_jacobian = moving.transpose(0, 2, 1) @ self._expand


class LinkStates:
    """What compiled loops need of the kinematics of some frames: plain arrays, filled frame by frame by `update`.

    The velocity of the world point p of link l is, over the entries e of l's support, the sum of
    factor[e] * (columns[c, :3] + columns[c, 3:] x p) * tangent[n] with (c, n) = support[e]; mimic joints are entries
    with the factor of their rule.

    Attributes:
        links: L names.
        tangent_size: N.
        placement: (T, L, 12) rotation matrix column by column, then position in the world.
        columns: (T, V, 6) velocity of the world's origin, and angular velocity, per unit of each of Pinocchio's velocities.
        start: (L + 1,) link l's entries are start[l]:start[l + 1].
        support: (E, 2) column, index into the tangent vector.
        factor: (E,).
        q: (T, nq) the configurations.
    """

    def __init__(self, kinematics: Kinematics, links: Sequence[str], frames: int) -> None:
        self.links, self.tangent_size = tuple(links), kinematics.tangent_size
        self._model, self._data = kinematics._model, kinematics._data
        pin.computeJointJacobians(self._model, self._data, pin.neutral(self._model))
        self._ids = np.array([kinematics.frame_id(name) for name in links], int)
        self._frames, self._jacobian = _placements(self._model, self._data), self._data.J.T
        self.placement = np.zeros((frames, len(self._ids), 12))
        self.columns, self.q = np.zeros((frames, self._model.nv, 6)), np.zeros((frames, self._model.nq))
        entries = [kinematics.support(int(index)) for index in self._ids]
        self.start = np.cumsum([0, *map(len, entries)])
        flat = np.concatenate([*entries, np.zeros((0, 3))])
        self.support, self.factor = flat[:, :2].astype(np.int64), np.ascontiguousarray(flat[:, 2])

    @property
    def arrays(self) -> tuple[Array, Array, np.ndarray, np.ndarray, Array]:
        """Placement, columns, start, support, factor: what compiled functions of all frames take first."""
        return self.placement, self.columns, self.start, self.support, self.factor

    def at(self, frame: int) -> tuple[Array, Array, np.ndarray, np.ndarray, Array]:
        """The same of one frame."""
        return self.placement[frame], self.columns[frame], self.start, self.support, self.factor

    def update(self, frame: int, q: Array) -> None:
        """Fill one frame's arrays from a configuration (nq,)."""
        pin.computeJointJacobians(self._model, self._data, q)
        pin.updateFramePlacements(self._model, self._data)
        self.placement[frame] = self._frames[self._ids]
        self.columns[frame], self.q[frame] = self._jacobian, q


def _placements(model: pin.Model, data: pin.Data) -> Array:
    """(F, 12) view of the placements of all frames in Pinocchio's own memory: rotations column by column, positions.

    Raises:
        RobotError: this version of Pinocchio lays them out differently.
    """
    size = 12 * 8
    address = [data.oMf[index].rotation.__array_interface__["data"][0] for index in range(model.nframes)]
    position = [data.oMf[index].translation.__array_interface__["data"][0] for index in range(model.nframes)]
    regular = all(a == address[0] + size * index and p == a + 72 for index, (a, p) in enumerate(zip(address, position, strict=True)))
    if not regular:
        raise RobotError(f"Pinocchio {pin.__version__} keeps placements in another order than the one this was written for (4.1).")
    first = data.oMf[0].rotation.T.reshape(-1)
    return np.lib.stride_tricks.as_strided(first, (model.nframes, 12), (size, 8))


class Loads:
    """Where a robot's weight is, and what it asks of the motors, with Jacobians by the tangent vector (N)."""

    def __init__(self, kinematics: Kinematics, soles: Sequence[FramePoint]) -> None:
        self._kinematics, self._model = kinematics, kinematics._model.copy()
        self._data, self._mass = self._model.createData(), kinematics.mass_kg
        frames = [self._model.frames[kinematics.frame_id(point.frame)] for point in soles]
        self._joints = [frame.parentJoint for frame in frames]
        places = [frame.placement.act(np.array(point.offset_m)) for frame, point in zip(frames, soles, strict=True)]
        self._unit = [pin.Inertia(1.0, place, np.zeros((3, 3))) for place in places]
        self._own = [self._model.inertias[joint].copy() for joint in self._joints]

    def centre_of_mass(self, q: Array) -> tuple[Array, Array]:
        """Centre of mass (3,) m in the world, and its Jacobian (3, N), at a configuration."""
        jacobian = pin.jacobianCenterOfMass(self._kinematics._model, self._kinematics._data, q)
        return self._kinematics._data.com[0].copy(), np.asarray(jacobian @ self._kinematics._expand)

    def static_torque(self, q: Array, share: Array) -> tuple[Array, Array]:
        """Joint torques (J,) Nm that hold a posture still, and their Jacobian (J, N).

        A sole that carries a share of the weight is pushed up by as much as a mass of that share, hung there, would pull it
        down: what such masses would add to the torques is taken off.

        Args:
            q: (nq,).
            share: (S,) of the weight that each sole carries; the base bears what is left.
        """
        base, expand = self._kinematics.base_dofs, self._kinematics._expand
        own, own_slope = self._gravity(q)
        for joint, unit, part in zip(self._joints, self._unit, share, strict=True):
            self._model.inertias[joint] += pin.Inertia(part * self._mass, unit.lever, np.zeros((3, 3)))
        hung, hung_slope = self._gravity(q)
        for joint, inertia in zip(self._joints, self._own, strict=True):
            self._model.inertias[joint] = inertia
        return expand[:, base:].T @ (2 * own - hung), expand[:, base:].T @ (2 * own_slope - hung_slope) @ expand

    def _gravity(self, q: Array) -> tuple[Array, Array]:
        """Generalised gravity (nv,) and its derivative (nv, nv)."""
        torque = pin.computeGeneralizedGravity(self._model, self._data, q).copy()
        return torque, pin.computeGeneralizedGravityDerivatives(self._model, self._data, q).copy()


class LinkShapes:
    """Collision shapes of a robot's links, meshes as their convex hulls, and how far they are from each other.

    Attributes:
        links: G names, the link that carries each shape.
        joints: (G,) Pinocchio's index of the joint that carries each shape.
    """

    def __init__(self, kinematics: Kinematics) -> None:
        model = kinematics._model
        self._items = list(_hulls(model, kinematics.robot).geometryObjects)
        self.links = tuple(model.frames[item.parentFrame].name for item in self._items)
        self.joints = np.array([item.parentJoint for item in self._items], int)
        self._supports = [set(model.supports[joint]) for joint in range(model.njoints)]
        self._in_link: list[coal.Transform3s] = []
        for item in self._items:
            pose = model.frames[item.parentFrame].placement.actInv(item.placement)
            self._in_link.append(coal.Transform3s(pose.rotation, pose.translation))

    def enclosing_points(self) -> list[Array]:
        """Of every shape, points (P, 3) in its link's frame whose convex hull encloses it."""
        return [
            np.array([pose.transform(point) for point in _enclosing(item.geometry)])
            for item, pose in zip(self._items, self._in_link, strict=True)
        ]

    def joints_between(self, first: int, second: int) -> int:
        """Number of joints between two shapes: 0 on one link, 1 for neighbours."""
        return len(self._supports[self.joints[first]] ^ self._supports[self.joints[second]])

    def witnesses(self, shapes: np.ndarray, placements: Array) -> Array:
        """(K, 10) of K pairs of shapes: signed distance, nearest point on either (world), unit normal from first to second.

        Args:
            shapes: (K, 2) indices of shapes.
            placements: (K, 2, 12) of their links, as LinkStates has them.
        """
        out = np.empty((len(shapes), 10))
        geometry = [item.geometry for item in self._items]
        turns, places = placements[..., :9].reshape(-1, 2, 3, 3).transpose(0, 1, 3, 2), placements[..., 9:]
        link, request, result = coal.Transform3s(), coal.DistanceRequest(), coal.DistanceResult()
        for k, (first, second) in enumerate(shapes.tolist()):
            link.setTransform(turns[k, 0], places[k, 0])
            pose_a = link * self._in_link[first]
            link.setTransform(turns[k, 1], places[k, 1])
            pose_b = link * self._in_link[second]
            result.clear()
            out[k, 0] = coal.distance(geometry[first], pose_a, geometry[second], pose_b, request, result)
            out[k, 1:4], out[k, 4:7], out[k, 7:] = result.getNearestPoint1(), result.getNearestPoint2(), result.normal
        return out


def _enclosing(geometry: coal.CollisionGeometry) -> Array:
    """(P, 3) points whose convex hull encloses a shape: a hull's own, else the corners of the shape's box."""
    if isinstance(geometry, coal.ConvexBase):
        return np.array(geometry.points()).reshape(-1, 3)
    geometry.computeLocalAABB()
    low, high = geometry.aabb_local.min_, geometry.aabb_local.max_
    return np.array([[(low, high)[i][0], (low, high)[j][1], (low, high)[k][2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])


def _without(root: ElementTree.Element, *kinds: str) -> str:
    """A URDF as text, without some kinds of shapes: the parser complains at length of what nobody asks it for."""
    for link in root.iter("link"):
        for shape in [shape for kind in kinds for shape in link.findall(kind)]:
            link.remove(shape)
    return ElementTree.tostring(root, encoding="unicode")


def _hull(mesh: coal.BVHModelBase) -> coal.ConvexBase:
    """Convex hull of a mesh; coal has no room for more than some 250 edges at a vertex, so then of its outermost vertices."""
    try:
        mesh.buildConvexHull(True, "Qt")
        return mesh.convex
    except RuntimeError:
        vertices = np.array(mesh.vertices()).reshape(-1, 3)
        away = np.random.default_rng(0).normal(size=(_DIRECTIONS_N, 3))
        outer = np.unique((vertices @ away.T).argmax(0))
        points = coal.StdVec_Vec3s()
        points.extend(list(vertices[outer]))
        return coal.ConvexBase.convexHull(points, True, "Qt")


def _hulls(model: pin.Model, robot: Robot) -> pin.GeometryModel:
    """Collision geometry of a robot, meshes replaced by their convex hulls."""
    tree = urdf_tree(robot)
    for mesh in sorted({mesh.get("filename", "") for mesh in tree.iter("mesh")}):
        resolve_mesh(mesh, robot.urdf, robot.package_dirs)
    folders = [str(folder) for folder in (*robot.package_dirs, robot.urdf.parent)]  # the last for names without package://
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mesh loader's own chatter about STL headers
            geometry = pin.buildGeomFromUrdfString(model, _without(tree, "visual"), pin.GeometryType.COLLISION, package_dirs=folders)
    except ValueError as error:
        raise RobotError(f"{robot.urdf}: its collision geometry cannot be loaded ({error}).") from error
    upright = pin.SE3(pin.utils.rotate("x", np.pi / 2), np.zeros(3))
    for item in geometry.geometryObjects:
        if isinstance(item.geometry, coal.BVHModelBase):
            item.geometry = _hull(item.geometry)
            if is_y_up(Path(item.meshPath)):  # Pinocchio takes the file's vertices as they are
                item.placement = item.placement * upright
    return geometry


def standing_height_m(robot: Robot) -> float:
    """Height of the base link above the lowest sole in the rest posture; 0 for a robot without soles."""
    points = [FramePoint(sole.frame, offset) for sole in robot.soles.values() for offset in (sole.heel_m, sole.toe_m)]
    if not points:
        return 0.0
    return float(-Kinematics(robot).point_positions(points, robot.rest_rad)[..., 2].min())
