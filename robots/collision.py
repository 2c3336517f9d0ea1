"""Self-collision of a robot's links, by convex hulls of its collision meshes. Talks to Pinocchio's geometry (coal)."""

from __future__ import annotations

import warnings

import coal
import numpy as np
import pinocchio as pin

from motion.errors import RobotError
from motion.landmarks import FINGERS, SIDES
from motion.transform import Array
from robots.kinematics import Kinematics
from robots.robot import Robot
from robots.urdf import read_urdf, resolve_mesh


class SelfCollision:
    """Which frames of a motion have links inside one another.

    Pairs that touch at rest do not count, nor do neighbours, nor fingers of one hand: they meet in every grasp.

    Args:
        kinematics: of the robot.
        margin_m: depth from which an overlap counts.
    """

    def __init__(self, kinematics: Kinematics, margin_m: float = 0.002) -> None:
        robot = kinematics.robot
        for mesh in read_urdf(robot.urdf).meshes:
            resolve_mesh(mesh, robot.urdf, robot.package_dirs)
        self._kinematics, self._margin = kinematics, margin_m
        self._model, self._data = kinematics._model, kinematics._data
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the mesh loader's own chatter about STL headers
                geometry = pin.buildGeomFromUrdf(
                    self._model, str(robot.urdf), pin.GeometryType.COLLISION, package_dirs=[str(d) for d in robot.package_dirs]
                )
        except ValueError as error:
            raise RobotError(f"{robot.urdf}: its collision geometry cannot be loaded ({error}).") from error
        for item in geometry.geometryObjects:
            if isinstance(item.geometry, coal.BVHModelBase):
                item.geometry.buildConvexHull(True, "Qt")
                item.geometry = item.geometry.convex
        geometry.addAllCollisionPairs()
        self._geometry = geometry
        self._drop_expected_pairs()

    def _prepare(self) -> None:
        self._geometry_data = self._geometry.createData()
        for request in self._geometry_data.collisionRequests:
            request.security_margin = -self._margin

    def _drop_expected_pairs(self) -> None:
        model, geometry, robot = self._model, self._geometry, self._kinematics.robot
        self._prepare()
        rest = self._kinematics.configuration(robot.rest_rad)
        pin.computeCollisions(model, self._data, geometry, self._geometry_data, rest, False)
        touching = [result.isCollision() for result in self._geometry_data.collisionResults]
        allowed = {frozenset(pair) for pair in robot.no_collision}
        hands = [set(self._kinematics.joints_below(links)) for links in _knuckles(robot)]
        # Copies: the pairs are views into a list that shrinks as pairs are removed.
        pairs = [pin.CollisionPair(pair.first, pair.second) for pair in geometry.collisionPairs]
        for pair, touches in zip(pairs, touching, strict=True):
            a, b = geometry.geometryObjects[pair.first], geometry.geometryObjects[pair.second]
            names = frozenset((model.frames[a.parentFrame].name, model.frames[b.parentFrame].name))
            neighbours = (
                a.parentJoint == b.parentJoint
                or a.parentJoint == model.parents[b.parentJoint]
                or b.parentJoint == model.parents[a.parentJoint]
            )
            grasping = any({a.parentJoint, b.parentJoint} <= hand for hand in hands)
            if touches or neighbours or grasping or names in allowed:
                geometry.removeCollisionPair(pair)
        self._prepare()

    def frames(self, joint_position_rad: Array) -> np.ndarray:
        """(T,) whether links overlap in postures (T, J)."""
        hit = np.zeros(len(joint_position_rad), bool)
        for t, joints in enumerate(joint_position_rad):
            q = self._kinematics.configuration(joints)
            hit[t] = pin.computeCollisions(self._model, self._data, self._geometry, self._geometry_data, q, True)
        return hit


def _knuckles(robot: Robot) -> list[list[str]]:
    """Links of the knuckles of each hand that hangs on an arm; a hand by itself is all there is to measure."""
    hands = []
    for side in SIDES:
        marks = [f"{side}_{finger}_mcp" for finger in FINGERS[1:]]
        if f"{side}_elbow" in robot.landmarks and any(mark in robot.landmarks for mark in marks):
            hands.append([robot.landmarks[mark].frame for mark in marks if mark in robot.landmarks])
    return hands
