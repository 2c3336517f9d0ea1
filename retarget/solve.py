"""Solving: targets in, a robot's motion out, by the streaming solver or, over the whole recording, by the clip solver."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform
from retarget.body_map import BodyMap
from retarget.clip import ClipSolver
from retarget.observed import observed_joints
from retarget.problem import Problem, SolveReport, SolverSettings, errors_of
from retarget.spans import runs
from retarget.streaming import stream
from retarget.targets import Targets

WINDOW_N, OVERLAP_N = 1500, 60
"""Frames that the clip solver takes at once, for its memory's sake, and frames that the next window solves again."""
_SHORTEST_N = 3
_LOOK_N, _DEEP_M = 3, 0.015
"""Every so many frames it is looked for links that are deeper than this inside one another."""


def solve(
    body: BodyMap,
    targets: Targets,
    settings: SolverSettings | None = None,
    on_frame: Callable[[int], object] | None = None,
    start_rad: Array | None = None,
) -> tuple[RobotMotion, SolveReport]:
    """Solve all frames. Frames that are unusable or do not converge are marked and hold NaN.

    Args:
        body, targets: from `body_map` and `build_targets`.
        settings: of the solver.
        on_frame: called with every frame's index, for a progress bar.
        start_rad: (J,) posture from which the first frame is solved; the rest posture by default.
    """
    settings = settings or SolverSettings()
    problem = Problem(body, targets, settings.causal())
    joints, q, converged, iterations = stream(problem, on_frame, start_rad)
    if settings.method == "clip" and settings.self_distance and _tangled(body, joints):
        # From deep inside one another links would leave by different sides in different frames.
        joints, q, converged, iterations = stream(Problem(body, targets, settings.start()), start_rad=start_rad)
    base = _base_poses(body, q)
    if settings.method == "clip":
        whole = Problem(body, targets, settings)
        for run in (span for span in runs(targets.usable) if span.stop - span.start >= _SHORTEST_N):
            joints, base, converged = _improved(whole, run, joints, base, converged, iterations)
        # Over all runs at once: a robot that was lost from view for a while was somewhere all the same.
        kept = np.flatnonzero(targets.usable & np.isfinite(joints).all(1))
        joints[kept] = whole.held(joints[kept], kept)
    joints = np.where(converged[:, None], joints, np.nan)
    lost = ~converged[:, None]
    base = Transform(np.where(lost, np.nan, base.position_m), np.where(lost, np.nan, base.wxyz))
    q = np.full(q.shape, np.nan)
    q[converged] = body.kinematics.configurations(joints[converged], base[converged])
    motion = RobotMotion(
        robot=body.robot.name,
        time_s=targets.time_s,
        joint_names=body.robot.joint_names,
        joint_position_rad=joints,
        T_world_base=base,
        solved=converged,
        contacts=targets.inspection.contacts,
        observed=observed_joints(problem, q, converged),
        objects=targets.objects,
    )
    return motion, SolveReport(converged, iterations, errors_of(problem, q, converged))


def _tangled(body: BodyMap, joints: Array) -> bool:
    """Whether links lie deep inside one another in one of some frames (T, J)."""
    known = joints[np.isfinite(joints).all(axis=1)]
    return bool(len(known)) and body.self_collision.deepest(known[::_LOOK_N]) > _DEEP_M


def _improved(
    problem: Problem, run: slice, joints: Array, base: Transform, converged: np.ndarray, iterations: np.ndarray
) -> tuple[Array, Transform, np.ndarray]:
    """Joints, base and convergence with a run of frames solved together, window after window; `iterations` are counted up."""
    joints, converged = joints.copy(), converged.copy()
    position, wxyz = base.position_m.copy(), base.wxyz.copy()
    start, frozen = run.start, 0
    while True:
        stop = min(start + WINDOW_N, run.stop)
        window = slice(start, stop)
        solver = ClipSolver(problem, start, joints[window], Transform(position[window], wxyz[window]), frozen)
        converged[window] = solver.solve()
        joints[window], position[window], wxyz[window] = solver.joints, solver.base.position_m, solver.base.wxyz
        iterations[window] += solver.iterations
        if stop == run.stop:
            break
        start, frozen = stop - OVERLAP_N, 2
    return joints, Transform(position, wxyz), converged


def _base_poses(body: BodyMap, q: Array) -> Transform:
    if body.kinematics.base_dofs:
        return body.kinematics.base_pose(q)
    return Transform.identity(len(q))
