"""What links a robot's body to a person's: which links stand for which segments, and how they are turned and sized."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from motion.landmarks import FINGERS, SIDES
from motion.segments import segment_frame
from motion.transform import Array, matrix_from_wxyz
from robots.collision import SelfCollision
from robots.kinematics import Kinematics
from robots.robot import FramePoint, Robot

_SEGMENT_LANDMARKS: dict[str, tuple[str, ...]] = {
    "pelvis": ("pelvis",),
    "head": ("head",),
    **{f"{side}_hand": tuple(f"{side}_{finger}_mcp" for finger in FINGERS[1:]) for side in SIDES},
    **{f"{side}_foot": (f"{side}_toe", f"{side}_heel") for side in SIDES},
}
"""Segment whose orientation is followed -> landmarks; the link that carries them all turns with the segment."""

_POSTURES_N, _RIGID_M = 8, 1e-6


@dataclass(frozen=True)
class BodyMap:
    """A robot in the rest posture, seen as a body.

    Attributes:
        robot, kinematics: the robot.
        rest_m: landmark -> (3,) in the base frame, rest posture.
        link: segment -> link that stands for it; the head only where it moves against the trunk.
        link_R_segment: segment -> (3, 3), constant rotation from the anatomical frame to the link's own.
        sole_m: side -> (4, 3), corners of the sole (heel, heel, toe, toe) relative to the ankle, in the foot link's frame.
        points: landmark -> point of the robot. Beside the robot's own there are `SIDE_shoulder_on_trunk` and
            `SIDE_wrist_on_palm`: the same places at rest, but fixed in the trunk and in the palm, where a person's are.
    """

    robot: Robot
    kinematics: Kinematics
    rest_m: Mapping[str, Array]
    link: Mapping[str, str]
    link_R_segment: Mapping[str, Array]
    sole_m: Mapping[str, Array]
    points: Mapping[str, FramePoint]

    def has(self, *names: str) -> bool:
        """Whether the robot has all these landmarks."""
        return all(name in self.rest_m for name in names)

    def length_m(self, *chain: str) -> float:
        """Length of a chain of landmarks in the rest posture; NaN if one is missing."""
        if not self.has(*chain):
            return float("nan")
        return float(sum(np.linalg.norm(self.rest_m[a] - self.rest_m[b]) for a, b in itertools.pairwise(chain)))

    @cached_property
    def rigid_bones(self) -> frozenset[tuple[str, str]]:
        """Pairs of landmarks whose distance is the same in every posture."""
        robot, rng = self.robot, np.random.default_rng(0)
        lower, upper = np.clip(robot.lower_rad, -np.pi, np.pi), np.clip(robot.upper_rad, -np.pi, np.pi)
        place = self.kinematics.landmark_positions(rng.uniform(lower, upper, (_POSTURES_N, len(lower))))
        spread = np.ptp(np.linalg.norm(place[:, :, None] - place[:, None], axis=-1), axis=0)
        names = tuple(robot.landmarks)
        return frozenset((names[a], names[b]) for a, b in np.argwhere(spread < _RIGID_M))

    @cached_property
    def self_collision(self) -> SelfCollision:
        """Test of links against each other; built once, when first asked for."""
        return SelfCollision(self.kinematics)

    def sole_corners(self) -> list[FramePoint]:
        """The corners of all soles."""
        return [FramePoint(sole.frame, (float(x), float(y), float(z))) for sole in self.robot.soles.values() for x, y, z in sole.corners_m]

    def hand_sides(self) -> tuple[str, ...]:
        """Sides on which the robot has at least two fingertips."""
        return tuple(side for side in SIDES if sum(f"{side}_{finger}_tip" in self.rest_m for finger in FINGERS) >= 2)


def body_map(robot: Robot) -> BodyMap:
    """Measure the robot: every number follows from the URDF and the landmarks of robot.yaml."""
    kinematics = Kinematics(robot)
    positions = kinematics.landmark_positions(robot.rest_rad)[0]
    rest = dict(zip(robot.landmarks, positions, strict=True))
    missing = np.full((1, 3), np.nan)
    link, rotation = {}, {}
    for segment, landmarks in _SEGMENT_LANDMARKS.items():
        wxyz, weight = segment_frame(segment, lambda name: rest[name][None] if name in rest else missing)
        frames = [robot.landmarks[name].frame for name in landmarks if name in robot.landmarks]
        carrier = kinematics.common_link(frames) if frames and weight[0] > 0.1 else None
        if carrier is not None and not (segment == "head" and carrier == _trunk(robot, kinematics)):
            link[segment] = carrier
            pose = kinematics.frame_poses([link[segment]], robot.rest_rad)
            rotation[segment] = matrix_from_wxyz(pose.wxyz[0, 0]).T @ matrix_from_wxyz(wxyz[0])
    points = {**robot.landmarks, **_fixed_points(robot, kinematics, rest, link)}
    return BodyMap(robot, kinematics, rest, link, rotation, _soles(robot, kinematics, rest, link), points)


def _fixed_points(robot: Robot, kinematics: Kinematics, rest: Mapping[str, Array], link: Mapping[str, str]) -> dict[str, FramePoint]:
    """Shoulders fixed in the trunk and wrists fixed in the palm.

    A robot's shoulder is a chain of joints, and the landmark lies beyond some of them; likewise its wrist.
    """
    homes = {f"{side}_wrist_on_palm": (f"{side}_wrist", link.get(f"{side}_hand")) for side in SIDES}
    trunk = _trunk(robot, kinematics)
    if trunk is not None:
        homes |= {f"{side}_shoulder_on_trunk": (f"{side}_shoulder", trunk) for side in SIDES}
    points = {}
    for name, (landmark, home) in homes.items():
        if landmark in rest and home is not None:
            x, y, z = kinematics.frame_poses([home], robot.rest_rad)[0, 0].inverse().apply(rest[landmark])
            points[name] = FramePoint(home, (float(x), float(y), float(z)))
    return points


def _trunk(robot: Robot, kinematics: Kinematics) -> str | None:
    """The link that carries both shoulders."""
    shoulders = [robot.landmarks[name].frame for name in (f"{side}_shoulder" for side in SIDES) if name in robot.landmarks]
    return kinematics.common_link(shoulders) if len(shoulders) == len(SIDES) else None


def _soles(robot: Robot, kinematics: Kinematics, rest: Mapping[str, Array], link: Mapping[str, str]) -> dict[str, Array]:
    soles = {}
    for side, sole in robot.soles.items():
        foot, ankle = link.get(f"{side}_foot"), rest.get(f"{side}_ankle")
        if foot is None or ankle is None:
            continue
        pose = kinematics.frame_poses([sole.frame, foot], robot.rest_rad)
        points = pose[0, 0].apply(sole.corners_m) - ankle
        soles[side] = points @ pose[0, 1].rotation()
    return soles
