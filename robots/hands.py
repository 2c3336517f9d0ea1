"""What a robot's hands are: where they grasp, which joints move their fingers, and how these stand for each kind of grasp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from motion.errors import RobotError, UnknownNameError, require
from motion.handling import GRASPS
from motion.landmarks import FINGERS, SIDES
from motion.transform import Array, Transform, normalized, wxyz_from_matrix
from robots.chain import Chain, way
from robots.hand_guess import GRASP_M, HandShape, guessed_postures, guessed_tool_m
from robots.kinematics import Kinematics
from robots.robot import FramePoint, HandFacts, Robot
from robots.urdf import read_urdf


@dataclass(frozen=True)
class Finger:
    """One finger.

    Attributes:
        links: from the palm outwards.
        joints: motorised joints that move it, in the robot's order.
        pad: where its tip touches.
    """

    links: tuple[str, ...]
    joints: tuple[str, ...]
    pad: FramePoint


@dataclass(frozen=True)
class RobotHand:
    """One hand of a robot. A hand without fingers has a tool frame all the same: it can reach and push.

    Attributes:
        side: "left" or "right".
        link: of the palm.
        T_link_tool: the tool frame (`motion.handling`) in it, one pose.
        joint_names: k motorised joints of the fingers.
        postures: grasp -> (open (k,), closed (k,)), rad.
        fingers: name -> finger, the thumb first.
    """

    side: str
    link: str
    T_link_tool: Transform
    joint_names: tuple[str, ...]
    postures: Mapping[str, tuple[Array, Array]]
    fingers: Mapping[str, Finger]

    def posture(self, grasp: str, opening: Array | float) -> Array:
        """Angles (T, k) of the fingers' joints at openings (T,), 1 open .. 0 closed as far as the grasp goes.

        Raises:
            UnknownNameError: no such grasp.
        """
        if grasp not in self.postures:
            raise UnknownNameError("grasp", grasp, self.postures, f"{self.side} hand")
        opened, closed = self.postures[grasp]
        share = np.clip(np.atleast_1d(np.asarray(opening, float)), 0.0, 1.0)[:, None]
        return np.asarray(closed + share * (opened - closed))


def hand_of(robot: Robot, side: str) -> RobotHand:
    """One hand of a robot: as robot.yaml states it, the rest computed from its landmarks and kinematics.

    Without fingers to close around it, a cylinder lies against the knuckles.

    Raises:
        UnknownNameError: no such side.
        RobotError: robot.yaml names neither the hand's tool frame nor wrist and knuckles to compute it from.
    """
    if side not in SIDES:
        raise UnknownNameError("side", side, SIDES, f"robot {robot.name}")
    return _hand(RobotKey(robot), side)


def hand_sides(robot: Robot) -> tuple[str, ...]:
    """Sides on which `hand_of` gives a hand."""
    return tuple(side for side in SIDES if _placed(robot.hands.get(side)) or not _missing(robot, side))


class RobotKey:
    """A robot as a key: arrays have no hash, and some parts decide what its hands and arms are."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot

    @cached_property
    def _parts(self) -> tuple[object, ...]:
        robot = self.robot
        landmarks, hands = tuple(sorted(robot.landmarks.items())), tuple(sorted(robot.hands.items()))
        limits = (robot.lower_rad.tobytes(), robot.upper_rad.tobytes(), robot.rest_rad.tobytes())
        frame = (robot.floating, robot.base_height_m, robot.counter_m)
        return robot.name, robot.urdf, robot.joint_names, *frame, *limits, landmarks, hands

    def __hash__(self) -> int:
        return hash((self.robot.name, self.robot.urdf))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RobotKey) and (self.robot is other.robot or self._parts == other._parts)


def _placed(facts: HandFacts | None) -> bool:
    return facts is not None and None not in (facts.palm, facts.tool_m, facts.fingers_along, facts.thumb_side)


def _missing(robot: Robot, side: str) -> list[str]:
    """Landmarks without which a tool frame cannot be computed."""
    return [name for name in (f"{side}_{part}" for part in ("wrist", "index_mcp", "pinky_mcp")) if name not in robot.landmarks]


@lru_cache(maxsize=64)
def _hand(key: RobotKey, side: str) -> RobotHand:
    robot = key.robot
    facts = robot.hands.get(side, HandFacts())
    missing = _missing(robot, side)
    message = (
        f"{robot.name}: has no {side} hand that is known: robot.yaml names neither hands.{side} nor the landmarks {', '.join(missing)}."
    )
    require(_placed(facts) or not missing, RobotError, message + " See docs/add_a_robot.md.")
    kinematics = Kinematics(robot)
    knuckles = [point.frame for name, point in robot.landmarks.items() if name.startswith(f"{side}_") and name.endswith("_mcp")]
    link = facts.palm or kinematics.common_link(knuckles)
    turn = _axes(robot, kinematics, link, side, facts)
    fingers = _fingers(robot, link, side)
    names = facts.joints or tuple(name for name in robot.joint_names if any(name in finger.joints for finger in fingers.values()))
    place = Transform(np.zeros(3), wxyz_from_matrix(turn))
    shape = HandShape.of(robot, side, link, place, names, {name: finger.pad for name, finger in fingers.items()})
    stated = {grasp: (np.array(opened), np.array(closed)) for grasp, opened, closed in facts.postures}
    postures = {grasp: pair for grasp, pair in {**guessed_postures(shape), **stated}.items() if grasp in GRASPS}
    if facts.tool_m is not None:
        tool_m = np.array(facts.tool_m)
    elif len(fingers) > 1:
        tool_m = turn @ guessed_tool_m(shape, *postures["wrap"])
    else:
        pose = kinematics.frame_poses([link], robot.rest_rad)[0, 0]
        knuckles_m = kinematics.point_positions([robot.landmarks[f"{side}_{name}_mcp"] for name in ("index", "pinky")], robot.rest_rad)
        tool_m = pose.inverse().apply(knuckles_m[0].mean(axis=0)) + turn @ shape.inward * GRASP_M / 2
    return RobotHand(side, link, Transform(tool_m, place.wxyz), names, postures, fingers)


def _axes(robot: Robot, kinematics: Kinematics, link: str, side: str, facts: HandFacts) -> Array:
    """(3, 3) the tool's axes, as columns, in the palm's link."""
    x, z = facts.fingers_along, facts.thumb_side
    if x is None or z is None:
        pose = kinematics.frame_poses([link], robot.rest_rad)[0, 0]
        place = dict(zip(robot.landmarks, pose.inverse().apply(kinematics.landmark_positions(robot.rest_rad)[0]), strict=True))
        index, pinky = place[f"{side}_index_mcp"], place[f"{side}_pinky_mcp"]
        middle = place.get(f"{side}_middle_mcp", (index + pinky) / 2)
        x = x or middle - place[f"{side}_wrist"]
        z = z or index - pinky
    along = normalized(np.asarray(x, float))
    side_m = np.asarray(z, float)
    up = normalized(side_m - (side_m @ along) * along)
    return np.stack([along, np.cross(up, along), up], axis=1)


def _fingers(robot: Robot, link: str, side: str) -> dict[str, Finger]:
    urdf, still = read_urdf(robot.urdf), Transform.identity()
    carried = set(Chain(robot, link, still).columns.tolist())
    fingers = {}
    for name in FINGERS:
        pad = robot.landmarks.get(f"{side}_{name}_tip")
        if pad is None:
            continue
        links = [joint.child for joint in way(urdf, pad.frame)]
        beyond = links[links.index(link) + 1 :] if link in links else links
        joints = sorted(set(Chain(robot, pad.frame, still).columns.tolist()) - carried)
        fingers[name] = Finger(tuple(beyond), tuple(robot.joint_names[j] for j in joints), pad)
    return fingers
