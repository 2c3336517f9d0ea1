"""Real clips, their targets, and how closely a motion follows them: what the stages of `benchmarks.retarget` share."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.table import data_folder
from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform, normalized
from retarget.body_map import BodyMap, body_map
from retarget.problem import Problem, SolverSettings
from retarget.sources.base import SourceOptions, read_recording
from retarget.streaming import StreamingSolver
from retarget.targets import LIMBS, WORLD, Targets, build_targets
from robots import load_robot

_LIMB_NAMES = frozenset(f"{a}>{b}" for a, b in LIMBS)
CLIMB_HZ = 120.0


@cache
def body(robot: str = "g1") -> BodyMap:
    """A shipped robot, by name."""
    return body_map(load_robot(robot))


@cache
def bandai() -> tuple[HumanMotion, ...]:
    """The 25 Bandai-Namco clips: everyday gestures and gaits, no fingers."""
    return tuple(read_recording(path).motion for path in sorted((data_folder() / "body" / "bandai_namco").glob("*.bvh")))


@cache
def climbs() -> tuple[HumanMotion, ...]:
    """The climb: the body, and fingers that hold still, 120 frames/s."""
    paths = sorted((data_folder() / "body" / "holosoma_climb").rglob("*.npy"))
    return tuple(read_recording(path, SourceOptions(rate_hz=CLIMB_HZ)).motion for path in paths)


@cache
def bandai_targets(robot: str = "g1") -> tuple[Targets, ...]:
    """Targets of the Bandai-Namco clips, the same for all sides."""
    return tuple(build_targets(body(robot), clip) for clip in bandai())


@dataclass(frozen=True)
class Streamed:
    """What the streaming solver made of a recording.

    Attributes:
        seconds: (T,) of every frame's step; 0 for frames that hold too little to be solved.
        motion: NaN in frames that were not solved.
    """

    seconds: Array
    motion: RobotMotion


def streamed(robot: BodyMap, item: Targets, settings: SolverSettings | None = None) -> Streamed:
    """Stream through some targets, timing every frame."""
    solver = StreamingSolver(Problem(robot, item, (settings or SolverSettings()).causal()))
    frames = len(item.time_s)
    seconds, solved = np.zeros(frames), np.zeros(frames, bool)
    joints, q = np.full((frames, len(solver.joints)), np.nan), np.full((frames, len(solver.q)), np.nan)
    for frame in map(int, np.flatnonzero(item.usable)):
        begin = time.perf_counter()
        solved[frame] = solver.step(frame)
        seconds[frame] = time.perf_counter() - begin
        if solved[frame]:
            joints[frame], q[frame] = solver.joints, solver.q
    base = robot.kinematics.base_pose(q)
    return Streamed(seconds, RobotMotion(robot.robot.name, item.time_s, robot.robot.joint_names, joints, base, solved))


def first_posture(robot: BodyMap, item: Targets) -> tuple[Array, Transform]:
    """Joints (J,) and base pose of our solution of the first usable frame, from which every side starts."""
    solver = StreamingSolver(Problem(robot, item, SolverSettings().causal()))
    solver.step(int(np.flatnonzero(item.usable)[0]))
    return solver.joints, robot.kinematics.base_pose(solver.q)


def tracking(robot: BodyMap, followed: Iterable[tuple[RobotMotion, Targets]]) -> tuple[float, float]:
    """Mean foot error (mm) and mean limb direction error (deg) over all solved frames, by forward kinematics alone."""
    foot, limb = [], []
    for motion, item in followed:
        place = robot.kinematics.point_positions(item.points, motion.joint_position_rad, motion.T_world_base)
        for k, name in enumerate(item.vector_names):
            if name.endswith("_ankle") and item.vector_from[k] == WORLD:
                error = np.linalg.norm(place[:, item.vector_to[k]] - item.vector_m[:, k], axis=-1)
                foot.append(error[motion.solved & (item.vector_weight[:, k] > 0)])
        for d, name in enumerate(item.direction_names):
            if name in _LIMB_NAMES:
                bone = normalized(place[:, item.direction_to[d]] - place[:, item.direction_from[d]])
                sine_of_half = np.linalg.norm(bone - item.direction[:, d], axis=-1) / 2
                limb.append(2 * np.arcsin(np.minimum(sine_of_half, 1))[motion.solved & (item.direction_weight[:, d] > 0)])
    return 1e3 * float(np.concatenate(foot).mean()), float(np.degrees(np.concatenate(limb).mean()))
