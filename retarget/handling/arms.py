"""The part of a robot that handles things: trunk and arms move, head and fingers are held, the base is bolted down."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.spatial import ConvexHull

from motion.errors import RobotError, require
from motion.transform import Array
from retarget.body_map import BodyMap, body_map
from robots.hands import RobotHand, RobotKey, hand_of, hand_sides
from robots.robot import FramePoint, Robot
from robots.tool_frames import tool_chain
from robots.upper_body import locked

_DIRECTIONS = np.array([way for way in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(way)])
"""Faces, edges and corners of a cube."""
_OUTSIDE_M = 0.012
"""What sticks out of what these points span by more gets further points; three times the points everywhere, and half the speed,
would gain little. A slender arm has nothing of the kind, a thick forearm would rub over the counter."""
AXIS_M = 0.1
"""How far from the tool's origin the points lie whose directions are followed."""


@dataclass(frozen=True)
class Arms:
    """Trunk and arms of a robot.

    Attributes:
        robot: the whole robot.
        body: the arms alone, base fixed: what the solver moves.
        columns: (A,) its joints among the robot's.
        hands: side -> hand.
        points: side -> the tool's origin and a point on each of its axes, `AXIS_M` away.
        outline: points around arms and hands, that keep off the counter.
        bare: the same without fingers, for hands whose tips have to touch it.
    """

    robot: Robot
    body: BodyMap
    columns: np.ndarray
    hands: Mapping[str, RobotHand]
    points: Mapping[str, tuple[FramePoint, ...]]
    outline: tuple[FramePoint, ...]
    bare: tuple[FramePoint, ...]


def arms_of(robot: Robot) -> Arms:
    """The arms of a robot whose legs are locked; made once per robot.

    Raises:
        RobotError: it has no hands that are known, or no joint moves them.
    """
    return _arms(RobotKey(robot))


@lru_cache(maxsize=16)
def _arms(key: RobotKey) -> Arms:
    robot = key.robot
    sides = hand_sides(robot)
    require(bool(sides), RobotError, f"{robot.name}: has no hands that are known; it can handle nothing. See docs/add_a_robot.md.")
    columns = np.unique(np.concatenate([tool_chain(robot, side).columns for side in sides]))
    require(len(columns) > 0, RobotError, f"{robot.name}: no joint moves its hands.")
    still = {name: float(robot.rest_rad[j]) for j, name in enumerate(robot.joint_names) if j not in columns}
    bolted = replace(locked(robot, still) if still else robot, floating=False)
    hands = {side: hand_of(robot, side) for side in sides}
    body = body_map(bolted)
    points = {side: _points(hand) for side, hand in hands.items()}
    fingers = {link for hand in hands.values() for finger in hand.fingers.values() for link in finger.links}
    return Arms(robot, body, columns, hands, points, _outline(body, sides), _outline(body, sides, fingers))


def _outline(body: BodyMap, sides: tuple[str, ...], without: Collection[str] = ()) -> tuple[FramePoint, ...]:
    """The outermost points, in some directions, of what moves as one with each joint from the shoulders on, some links left out."""
    kinematics, shapes = body.kinematics, body.kinematics.shapes()
    shoulders = [body.robot.landmarks.get(f"{side}_shoulder") for side in sides]
    arms = {joint for shoulder in shoulders if shoulder for joint in kinematics.joints_below([shoulder.frame])}
    pose = kinematics.frame_poses(shapes.links, body.robot.rest_rad)[0]
    hulls = shapes.enclosing_points()
    points: list[FramePoint] = []
    for joint in sorted(arms):
        own = np.array([g for g in np.flatnonzero(shapes.joints == joint) if shapes.links[g] not in without], int)
        if len(own):
            home = pose[own[0]].inverse()
            cloud = np.concatenate([(home @ pose[g]).apply(hulls[g]) for g in own])
            outermost = cloud[_spanning(cloud)]
            points.extend(FramePoint(shapes.links[own[0]], (float(x), float(y), float(z))) for x, y, z in outermost)
    return tuple(points)


def _spanning(cloud: Array) -> np.ndarray:
    """Rows of points whose convex hull holds all others but for `_OUTSIDE_M`."""
    rows = np.unique((cloud @ _DIRECTIONS.T).argmax(axis=0))
    while np.linalg.matrix_rank(cloud[rows] - cloud[rows[0]], tol=_OUTSIDE_M) == 3:
        faces = ConvexHull(cloud[rows]).equations
        outside = (cloud @ faces[:, :3].T + faces[:, 3]).max(axis=1)
        if outside.max() <= _OUTSIDE_M:
            break
        rows = np.union1d(rows, [int(outside.argmax())])
    return rows


def _points(hand: RobotHand) -> tuple[FramePoint, ...]:
    places = hand.T_link_tool.apply(np.vstack([np.zeros(3), AXIS_M * np.eye(3)]))
    return tuple(FramePoint(hand.link, (float(x), float(y), float(z))) for x, y, z in places)
