"""A robot that follows itself: sampled joints -> its own landmarks, taken for a person's -> retargeting -> the same joints?

Arms and fingers move while the body rests, so that every joint judged is the only way to its landmarks. The arms start
from the rest posture and first bend away from it: a straight elbow, or a wrist's outer axes in line, leave a joint free.
What a robot's landmarks do not say of its hand, as a person's would, the robot measures itself: the hand's orientation.
The origin of a robot's shoulder link wanders by millimetres in its trunk as the arm lifts, which a person's does not: rows that
place the trunk by the shoulders, and elbows and wrists by the trunk, ask for what no posture gives. They count for next to
nothing here, and joints that rest are locked, so that the trunk does not need them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from benchmarks.bodies import streamed
from benchmarks.table import Row
from motion.human import HumanMotion
from motion.provenance import record
from motion.transform import Array, Transform, matrix_from_wxyz, wxyz_from_matrix
from retarget.body_map import BodyMap, body_map
from retarget.problem import SolverSettings
from retarget.targets import TargetWeights, build_targets
from robots import Robot, load_robot

FRAMES_N, RATE_HZ, BEND_SHARE = 60, 5.0, 1 / 3
SEEDS = (0, 1, 2)
SIZE_RAD = 0.25
EXACT = SolverSettings(
    method="streaming",
    posture=1e-5,
    limit_margin=0.0,
    ground=0.0,
    stream_velocity=0.0,
    stream_acceleration=0.0,
    stream_contact=0.0,
    acceleration_scale=1e6,
    max_step_rad=1e6,
    damping=1e-9,
    tolerance_rad=1e-7,
    tolerance_cost=1e-12,
    max_iterations=300,
    first_iterations=1000,
)
"""Nothing but the targets counts, and they are followed to the end."""
DIRECTIONS_FIRST = TargetWeights(elbow=1e-3, wrist=1e-3, trunk=1e-3, shoulders=1e-3, head=1e-3)
BENT: Mapping[str, Mapping[str, float]] = {
    "g1_dex3": {".*_elbow_joint": 0.4, "left_shoulder_roll_joint": 0.4, "right_shoulder_roll_joint": -0.4},
    "alex_psyonic": {".*ElbowPitch": -1.2, "LeftWristRoll": -0.9, "RightWristRoll": 0.9},
}
MOVING: Mapping[str, str] = {"g1_dex3": ".*(shoulder|elbow|wrist|hand).*", "alex_psyonic": ".*(Shoulder|Elbow|Wrist|Gripper|_q[12]).*"}


@cache
def performer(name: str) -> BodyMap:
    """A shipped robot, joints that rest locked."""
    robot = load_robot(name)
    moves = moving(robot)
    lower, upper = (np.where(moves, limit, robot.rest_rad) for limit in (robot.lower_rad, robot.upper_rad))
    return body_map(replace(robot, lower_rad=lower, upper_rad=upper))


def moving(robot: Robot) -> np.ndarray:
    """(J,) which joints move."""
    return np.array([re.fullmatch(MOVING[robot.name], joint) is not None for joint in robot.joint_names])


def sampled_joints(name: str, seed: int = 0) -> tuple[Array, np.ndarray]:
    """Joints (T, J) from the rest posture into smooth movement, and (J,) which of them move."""
    robot, rng = performer(name).robot, np.random.default_rng(seed)
    moves = moving(robot)
    home = robot.rest_rad.copy()
    for pattern, angle in BENT[name].items():
        home[[re.fullmatch(pattern, joint) is not None for joint in robot.joint_names]] = angle
    share = np.clip(np.arange(FRAMES_N) / (BEND_SHARE * FRAMES_N), 0, 1)[:, None]
    leave = share**2 * (3 - 2 * share)
    turns = np.linspace(0, 2 * np.pi, FRAMES_N)[:, None] * rng.uniform(0.5, 1.5, len(home)) + rng.uniform(0, 2 * np.pi, len(home))
    joints = robot.rest_rad + leave * np.where(moves, home - robot.rest_rad + SIZE_RAD * np.sin(turns), 0.0)
    margin = np.minimum(0.05, 0.05 * (robot.upper_rad - robot.lower_rad))
    return np.where(moves, np.clip(joints, robot.lower_rad + margin, robot.upper_rad - margin), joints), moves


def performed(robot: BodyMap, joints: Array) -> HumanMotion:
    """The robot's own motion as a person's: its landmarks, and how pelvis and hands are turned."""
    frames = len(joints)
    base = Transform(np.tile([0, 0, robot.robot.base_height_m], (frames, 1)), np.tile([1.0, 0, 0, 0], (frames, 1)))
    segments = tuple(name for name in ("pelvis", "left_hand", "right_hand") if name in robot.link)
    poses = robot.kinematics.frame_poses([robot.link[name] for name in segments], joints, base)
    turned = matrix_from_wxyz(poses.wxyz) @ np.array([robot.link_R_segment[name] for name in segments])
    position = robot.kinematics.landmark_positions(joints, base)
    return HumanMotion(
        time_s=np.arange(frames) / RATE_HZ,
        landmarks=tuple(robot.robot.landmarks),
        position_m=position,
        confidence=np.ones(position.shape[:2]),
        segments=segments,
        segment_wxyz=wxyz_from_matrix(turned),
        provenance=record(f"performed by {robot.robot.name}", "benchmark", licence="CC0-1.0", consent="not a person"),
    )


def errors_rad(name: str, seed: int = 0) -> dict[str, float]:
    """Joint -> the largest deviation over the frames after the bend; NaN where a frame was not solved."""
    robot = performer(name)
    joints, moves = sampled_joints(name, seed)
    done = streamed(robot, build_targets(robot, performed(robot, joints), DIRECTIONS_FIRST), EXACT).motion
    off = np.abs(done.joint_position_rad - joints)[round(BEND_SHARE * FRAMES_N) :].max(0)
    return {joint: float(off[k]) for k, joint in enumerate(robot.robot.joint_names) if moves[k]}


def round_trip_rows() -> list[Row]:
    """The worst joint of either robot, over all seeds."""
    rows = []
    for name in BENT:
        runs = [errors_rad(name, seed) for seed in SEEDS]
        off = {joint: float(np.max([run[joint] for run in runs])) for joint in runs[0]}
        worst = max(off, key=lambda joint: np.nan_to_num(off[joint], nan=np.inf))
        beyond = sum(not value < 1e-3 for value in off.values())
        note = f"{worst}; {len(SEEDS)} motions; {beyond} of {len(off)} joints are off by more than 0.001"
        rows.append(Row(f"round trip, {name}: largest joint error", off[worst], 1e-3, "rad", at_least=False, note=note))
    return rows
