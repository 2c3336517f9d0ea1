"""The contract of every robot, retargeted: a robot that follows its own landmarks as a person's ends where they are."""

from __future__ import annotations

import numpy as np

from contracts.base import Check, NotApplicable, hold
from motion.human import HumanMotion
from motion.provenance import record
from motion.transform import Array, Transform, normalized
from retarget.body_map import BodyMap, body_map
from retarget.pipeline import RetargetSettings, retarget_motion
from retarget.problem import SolverSettings
from retarget.targets import LIMBS
from robots.robot import Robot

FRAMES_N, RATE_HZ, SIZE_RAD = 40, 20.0, 0.25
LIMB_DEG, TIP_SHARE = 8.0, 0.2
"""Mean angle between limbs, and mean fingertip error over the length of the hand's longest finger."""


def it_can_follow_itself(robot: Robot) -> None:
    """Postures -> landmarks, taken for a person's -> retargeting -> limbs point, and fingertips are, where they were."""
    body = body_map(robot)
    if not (body.has("left_hip", "left_shoulder") or body.hand_sides()):
        raise NotApplicable("it has neither hips and shoulders nor a hand with two fingertips")
    joints = swaying(robot)
    human = performed(body, joints)
    settings = RetargetSettings(solver=SolverSettings(method="streaming"), self_contact=False)
    motion = retarget_motion(human, body, settings).motion
    hold(bool(motion.solved.all()), f"{int((~motion.solved).sum())} of {FRAMES_N} postures of its own were not solved")
    place = body.kinematics.landmark_positions(motion.joint_position_rad, motion.T_world_base)
    _limbs_point_alike(body, human.position_m, place)
    _fingertips_are_alike(body, human.position_m, place)


def swaying(robot: Robot) -> Array:
    """Smooth joints (T, J) around the rest posture, within the limits, no faster than they may be."""
    rng = np.random.default_rng(0)
    phase = 2 * np.pi * (np.arange(FRAMES_N) / FRAMES_N)[:, None] + rng.uniform(0, 2 * np.pi, len(robot.rest_rad))
    fast = 2 * np.pi * RATE_HZ / FRAMES_N
    size = np.minimum(SIZE_RAD, 0.5 * robot.speed_radps / fast)
    return np.clip(robot.rest_rad + size * np.sin(phase), robot.lower_rad, robot.upper_rad)


def performed(body: BodyMap, joints: Array) -> HumanMotion:
    """The robot's own motion as a person's: its landmarks, standing where it stands."""
    base = Transform(np.tile([0, 0, body.robot.base_height_m], (len(joints), 1)), np.tile([1.0, 0, 0, 0], (len(joints), 1)))
    position = body.kinematics.landmark_positions(joints, base)
    return HumanMotion(
        time_s=np.arange(len(joints)) / RATE_HZ,
        landmarks=tuple(body.robot.landmarks),
        position_m=position,
        confidence=np.ones(position.shape[:2]),
        provenance=record(f"performed by {body.robot.name}", "check", licence="CC0-1.0", consent="not a person"),
    )


def _limbs_point_alike(body: BodyMap, wanted: Array, place: Array) -> None:
    names = list(body.robot.landmarks)
    for a, b in LIMBS:
        if not body.has(a, b):
            continue
        first, second = names.index(a), names.index(b)
        cosine = (normalized(wanted[:, second] - wanted[:, first]) * normalized(place[:, second] - place[:, first])).sum(-1)
        off = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean())
        hold(off < LIMB_DEG, f"{a} to {b} points {off:.0f} degrees away from where the robot itself had it")


def _fingertips_are_alike(body: BodyMap, wanted: Array, place: Array) -> None:
    names = list(body.robot.landmarks)
    for side in body.hand_sides():
        tips = [k for k, name in enumerate(names) if name.startswith(side) and name.endswith("_tip")]
        wrist = names.index(f"{side}_wrist")
        reach = np.linalg.norm(wanted[0, tips] - wanted[0, wrist], axis=-1).max()
        relative = [track[:, tips] - track[:, [wrist]] for track in (wanted, place)]
        off = float(np.linalg.norm(relative[0] - relative[1], axis=-1).mean())
        hold(off < TIP_SHARE * reach, f"the {side} fingertips are {1e3 * off:.0f} mm from where the robot itself had them")


CHECKS: tuple[Check[Robot], ...] = (
    Check("it can follow itself", it_can_follow_itself, "landmarks at wrong places, or a rest posture that is none: look at the picture"),
)
