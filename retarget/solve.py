"""Per-frame box-constrained Gauss-Newton: targets in, joint positions out, limits kept by construction.

`Problem` states the least-squares problem of a frame (build), `StreamingSolver` solves frame after frame (solve),
causally: every frame starts from the one before and may move each joint by no more than its speed limit allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_lapack_funcs

from motion.robot_motion import RobotMotion
from motion.transform import Array, Transform, wxyz_from_matrix
from retarget.body_map import BodyMap
from retarget.targets import WORLD, Targets

_MAX_ROUNDS = 10
_SHY = 1.0 - 1e-9
"""Bounds are drawn in by one part in 1e9, so that no rounding in the output passes a limit."""


@dataclass(frozen=True)
class SolverSettings:
    """Settings of the solver.

    Attributes:
        posture: weight per rad of leaving the rest posture; fills in what was not seen.
        velocity: weight per rad of a joint's step from the last frame.
        acceleration: weight per rad of a joint's step leaving the last step.
        damping: weight per unit of every Gauss-Newton step.
        tolerance_rad: a frame has converged when no part of the step was larger.
        tolerance_cost: nor, once an iteration gained less than this share of the cost.
        max_iterations: per frame.
        first_iterations: for the first frame, which starts from the rest posture.
        speed_scale: share of the speed limits that may be used.
    """

    posture: float = 0.05
    velocity: float = 0.10
    acceleration: float = 0.10
    damping: float = 1e-3
    tolerance_rad: float = 0.02
    tolerance_cost: float = 1e-4
    max_iterations: int = 30
    first_iterations: int = 200
    speed_scale: float = 1.0


@dataclass(frozen=True)
class SolveReport:
    """How the solver fared.

    Attributes:
        converged: (T,) bool.
        iterations: (T,).
        residuals: term -> (T, n) errors: m for vectors, rad for directions and orientations; NaN where unseen.
    """

    converged: np.ndarray
    iterations: np.ndarray
    residuals: dict[str, Array]


class Problem:
    """The weighted least-squares problem of every frame of some targets."""

    def __init__(self, body: BodyMap, targets: Targets) -> None:
        self.body, self.targets = body, targets
        self.kinematics = body.kinematics
        self.tracker = self.kinematics.tracker(targets.points, targets.links)
        self._vectors, self._offsets = len(targets.vector_to), len(targets.vector_to) + len(targets.direction_to)
        self._select = _selection(targets)
        rows = self._offsets + len(targets.links)
        self._jacobian = np.empty((rows, 3, self.kinematics.tangent_size))
        self._residual = np.empty((rows, 3))
        self.weights = np.concatenate([targets.vector_weight, targets.direction_weight, targets.orientation_weight], axis=1)
        self._wanted = np.concatenate([targets.vector_m, targets.direction], axis=1)

    def residual(self, frame: int, q: Array, unweighted: bool = False) -> tuple[Array, Array]:
        """Residuals (R, 3) and Jacobian (R, 3, N) of the rows (vectors, directions, orientations) at q."""
        tracker, split, end, residual, jacobian = self.tracker, self._vectors, self._offsets, self._residual, self._jacobian
        tracker.update(q)
        moving = tracker.position_jacobian
        offset = self._select @ tracker.position_m
        np.matmul(self._select, moving.reshape(len(moving), -1), out=jacobian[:end].reshape(end, -1))
        unit, turning = offset[split:], jacobian[split:end]
        length = np.sqrt(np.einsum("ij,ij->i", unit, unit))[:, None]
        unit /= length
        turning -= (unit[:, None, :] @ turning) * unit[:, :, None]
        turning /= length[:, :, None]
        np.subtract(offset, self._wanted[frame], out=residual[:end])
        tracker.orientation_error(self.targets.orientation[frame], residual[end:], jacobian[end:])
        if not unweighted:
            weight = self.weights[frame][:, None]
            residual *= weight
            jacobian *= weight[:, :, None]
        return residual, jacobian

    def normal_equations(self, frame: int, q: Array) -> tuple[Array, Array, float]:
        """Gauss-Newton Hessian (N, N) and gradient (N,) of half the squared residual, and the squared residual."""
        residual, jacobian = self.residual(frame, q)
        flat, r = jacobian.reshape(-1, jacobian.shape[-1]), residual.reshape(-1)
        return flat.T @ flat, r @ flat, float(r @ r)


def _selection(targets: Targets) -> Array:
    """(K + D, P): +1 at the point a row ends in, -1 at the point it starts from, unless that is the world's origin."""
    start = np.r_[targets.vector_from, targets.direction_from]
    end = np.r_[targets.vector_to, targets.direction_to]
    select = np.zeros((len(end), len(targets.points)))
    select[np.arange(len(end)), end] = 1.0
    anchored = start != WORLD
    select[np.flatnonzero(anchored), start[anchored]] = -1.0
    return select


class StreamingSolver:
    """Solves frames in order. `step(frame)` returns whether the frame converged; `q` and `joints` hold the result."""

    def __init__(self, problem: Problem, settings: SolverSettings | None = None) -> None:
        self.problem, self.settings = problem, settings or SolverSettings()
        robot = problem.body.robot
        self._base = problem.kinematics.base_dofs
        self._lower = np.maximum(robot.lower_rad, -1e6)
        self._upper = np.minimum(robot.upper_rad, 1e6)
        self._speed = np.minimum(robot.speed_radps, 1e6) * self.settings.speed_scale * _SHY
        self._rest = robot.rest_rad
        self._posv = get_lapack_funcs("posv", (np.eye(2),))
        self._last_frame: int | None = None
        self._last_step = np.zeros_like(self._rest)
        self._still = np.zeros(self._base)
        self.joints = self._rest.copy()
        self.q = problem.kinematics.configuration(self._rest)
        self.iterations = 0

    def step(self, frame: int) -> bool:
        """Solve one frame, starting from the last one solved. Frames must be taken in rising order."""
        previous, settings = self.joints, self.settings
        if self._last_frame is None:
            lower, upper, ahead = self._lower, self._upper, np.zeros_like(previous)
            self.q = self.problem.kinematics.configuration(self._rest, _initial_base(self.problem, frame))
            limit, smooth = settings.first_iterations, (0.0, 0.0)
        else:
            elapsed = self.problem.targets.time_s[frame] - self.problem.targets.time_s[self._last_frame]
            reach = self._speed * elapsed
            lower, upper = np.maximum(self._lower, previous - reach), np.minimum(self._upper, previous + reach)
            consecutive = frame == self._last_frame + 1
            ahead = self._last_step if consecutive else np.zeros_like(previous)
            limit = settings.max_iterations if consecutive else settings.first_iterations
            smooth = (settings.velocity**2, settings.acceleration**2)
        converged = self._iterate(frame, previous, ahead, lower, upper, smooth, limit)
        self._last_step, self._last_frame = self.joints - previous, frame
        return converged

    def _iterate(
        self, frame: int, previous: Array, ahead: Array, lower: Array, upper: Array, smooth: tuple[float, float], limit: int
    ) -> bool:
        """Levenberg-Marquardt in the box. A step that made things worse is taken back and damped more."""
        settings, base, problem = self.settings, self._base, self.problem
        velocity, acceleration = smooth
        anchor = settings.posture**2 * self._rest + velocity * previous + acceleration * (previous + ahead)
        total = settings.posture**2 + velocity + acceleration
        joints = np.minimum(np.maximum(previous + ahead, lower), upper)
        q = problem.kinematics.moved(self.q, self._still, joints)
        damping, best = settings.damping, np.inf
        for self.iterations in range(1, limit + 1):
            new_hessian, new_gradient, cost = problem.normal_equations(frame, q)
            # Smoothing costs total/2 |j|^2 - anchor.j, up to a constant; doubled to match the squared residual.
            pull = total * joints
            cost += float(joints @ (pull - 2 * anchor))
            if cost <= best:
                gain, best = best - cost, cost
                kept = q, joints
                hessian, gradient = new_hessian, new_gradient
                diagonal = hessian.reshape(-1)[:: len(gradient) + 1]
                diagonal[base:] += total
                gradient[base:] += pull - anchor
                damping, added = max(0.2 * damping, settings.damping), 0.0
            else:
                gain, (q, joints) = np.inf, kept
                damping, added = max(10 * damping, 1e-2), damping
            diagonal += damping - added
            step = self._box_step(hessian, gradient, joints, lower, upper)
            joints = np.minimum(np.maximum(joints + step[base:], lower), upper)
            q = problem.kinematics.moved(q, step[:base], joints)
            if np.abs(step).max() < settings.tolerance_rad or gain < settings.tolerance_cost * abs(best):
                self.q, self.joints = q, joints
                return bool(np.isfinite(joints).all())
        self.q, self.joints = kept
        return False

    def _box_step(self, hessian: Array, gradient: Array, joints: Array, lower: Array, upper: Array) -> Array:
        """Minimiser of the quadratic model with the joints in their box.

        Primal-dual active set: joints that would leave are held at the edge, held ones that would rather come back
        in are let go, until neither is left. Source: Hintermueller, Ito, Kunisch 2002.
        """
        base = self._base
        step = -self._posv(hessian, gradient, lower=1)[1]
        moved = joints + step[base:]
        side = (moved > upper).astype(int) - (moved < lower)  # +1 held at the upper edge, -1 at the lower, 0 free
        for _ in range(_MAX_ROUNDS):
            if not side.any():
                return step
            step = self._step_with(hessian, gradient, side != 0, np.where(side > 0, upper, lower) - joints)
            moved = joints + step[base:]
            slope = (gradient + hessian @ step)[base:]
            stays = side * (side * slope < 0)  # an edge holds only what pushes against it
            wanted = np.where(side != 0, stays, (moved > upper).astype(int) - (moved < lower))
            if (wanted == side).all():
                return step
            side = wanted
        return step

    def _step_with(self, hessian: Array, gradient: Array, held: np.ndarray, fixed: Array) -> Array:
        """Newton step with the joints in `held` moved by exactly `fixed`."""
        base = self._base
        free = np.r_[np.arange(base), base + np.flatnonzero(~held)]
        step = np.zeros(len(gradient))
        step[base:][held] = fixed[held]
        slope = gradient + hessian @ step
        step[free] = -self._posv(hessian[np.ix_(free, free)], slope[free], lower=1)[1]
        return step


def _initial_base(problem: Problem, frame: int) -> Transform | None:
    """Base pose that best lays the rest posture over the anchored targets of a frame. Source: Kabsch 1976."""
    targets, body = problem.targets, problem.body
    anchored = np.flatnonzero((targets.vector_from == WORLD) & (targets.vector_weight[frame] > 0))
    wanted = targets.vector_m[frame, anchored]
    points = [targets.points[index] for index in targets.vector_to[anchored]]
    own = body.kinematics.point_positions(points, body.robot.rest_rad)[0]
    if len(anchored) >= 3:
        u, _, vt = np.linalg.svd((wanted - wanted.mean(0)).T @ (own - own.mean(0)))
        rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    else:
        pose = body.kinematics.frame_poses(targets.links[:1], body.robot.rest_rad)[0, 0]
        rotation = targets.orientation[frame, 0] @ pose.rotation().T if targets.links else np.eye(3)
    return Transform(wanted.mean(0) - rotation @ own.mean(0), wxyz_from_matrix(rotation))


def solve_clip(
    body: BodyMap, targets: Targets, settings: SolverSettings | None = None, on_frame: Callable[[int], object] | None = None
) -> tuple[RobotMotion, SolveReport]:
    """Solve all frames. Frames that are unusable or do not converge are marked and hold NaN.

    Args:
        body, targets: from `body_map` and `build_targets`.
        settings: of the solver.
        on_frame: called with every frame's index, for a progress bar.
    """
    problem = Problem(body, targets)
    solver = StreamingSolver(problem, settings)
    frames, joints = len(targets.time_s), len(body.robot.joint_names)
    position = np.full((frames, joints), np.nan)
    q = np.full((frames, len(solver.q)), np.nan)
    converged, iterations = np.zeros(frames, bool), np.zeros(frames, int)
    for frame in range(frames):
        if targets.usable[frame]:
            converged[frame] = solver.step(frame)
            iterations[frame] = solver.iterations
            if converged[frame]:
                position[frame], q[frame] = solver.joints, solver.q
        if on_frame is not None:
            on_frame(frame)
    motion = RobotMotion(
        robot=body.robot.name,
        time_s=targets.time_s,
        joint_names=body.robot.joint_names,
        joint_position_rad=position,
        T_world_base=_base_poses(body, q),
        solved=converged,
        contacts=targets.contacts,
    )
    return motion, SolveReport(converged, iterations, _residuals(problem, q, converged))


def _base_poses(body: BodyMap, q: Array) -> Transform:
    if body.kinematics.base_dofs:
        return body.kinematics.base_pose(q)
    fixed = Transform.identity(len(q))
    lost = ~np.isfinite(q).all(axis=1, keepdims=True)
    return Transform(np.where(lost, np.nan, fixed.position_m), np.where(lost, np.nan, fixed.wxyz))


def _residuals(problem: Problem, q: Array, solved: np.ndarray) -> dict[str, Array]:
    targets = problem.targets
    rows = targets.vector_weight.shape[1] + targets.direction_weight.shape[1] + targets.orientation_weight.shape[1]
    error = np.full((len(q), rows), np.nan)
    for frame in map(int, np.flatnonzero(solved)):
        error[frame] = np.linalg.norm(problem.residual(frame, q[frame], unweighted=True)[0], axis=-1)
    error[problem.weights == 0] = np.nan
    a, b = targets.vector_weight.shape[1], targets.vector_weight.shape[1] + targets.direction_weight.shape[1]
    chord = error[:, a:b]
    return {"vector_m": error[:, :a], "direction_rad": 2 * np.arcsin(np.clip(chord / 2, 0, 1)), "orientation_rad": error[:, b:]}
