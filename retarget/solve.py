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
from motion.transform import Array, Transform, normalized, wxyz_from_matrix
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
    """The weighted least-squares problem of every frame of some targets.

    A direction's residual is the bone over its length at rest, minus the wanted unit vector: bones are rigid, so the
    row is linear in the points, as a vector's is.
    """

    def __init__(self, body: BodyMap, targets: Targets) -> None:
        self.body, self.targets = body, targets
        self.kinematics = body.kinematics
        self.tracker = self.kinematics.tracker(targets.points, targets.links)
        self._select = _selection(body, targets)
        self._offsets = len(self._select)
        rows = self._offsets + len(targets.links)
        self._jacobian = np.empty((rows, 3, self.kinematics.tangent_size))
        self._residual = np.empty((rows, 3))
        self._weights = np.concatenate([targets.vector_weight, targets.direction_weight, targets.orientation_weight], axis=1)
        self._wanted = np.concatenate([targets.vector_m, targets.direction], axis=1)

    def residual(self, frame: int, q: Array) -> tuple[Array, Array]:
        """Unweighted residuals (R, 3) and Jacobian (R, 3, N) of the rows (vectors, directions, orientations) at q.

        The arrays are the problem's own, overwritten by the next call.
        """
        tracker, end, residual, jacobian = self.tracker, self._offsets, self._residual, self._jacobian
        tracker.update(q)
        points, moving = tracker.position_m, tracker.position_jacobian
        np.matmul(self._select, moving.reshape(len(moving), -1), out=jacobian[:end].reshape(end, -1))
        np.subtract(self._select @ points, self._wanted[frame], out=residual[:end])
        tracker.orientation_error(self.targets.orientation[frame], residual[end:], jacobian[end:])
        return residual, jacobian

    def normal_equations(self, frame: int, q: Array) -> tuple[Array, Array, float]:
        """Gauss-Newton Hessian (N, N) and gradient (N,) of half the squared residual, and the squared residual."""
        residual, jacobian = self.residual(frame, q)
        weight = self._weights[frame][:, None]
        residual *= weight
        jacobian *= weight[:, :, None]
        flat, r = jacobian.reshape(-1, jacobian.shape[-1]), residual.reshape(-1)
        return flat.T @ flat, r @ flat, float(r @ r)

    def errors(self, frame: int, q: Array) -> tuple[Array, Array, Array]:
        """How far off q is: vectors (K,) in m, directions (D,) in rad, orientations (O,) in rad; NaN where unseen."""
        vectors, end = len(self.targets.vector_to), self._offsets
        residual, _ = self.residual(frame, q)
        wanted = self._wanted[frame, vectors:]
        residual[vectors:end] = normalized(residual[vectors:end] + wanted) - wanted
        error = np.linalg.norm(residual, axis=-1)
        error[vectors:end] = 2 * np.arcsin(np.minimum(error[vectors:end] / 2, 1))
        error[self._weights[frame] == 0] = np.nan
        return error[:vectors], error[vectors:end], error[end:]


def _selection(body: BodyMap, targets: Targets) -> Array:
    """(K + D, P): +1 at the point a row ends in, -1 where it starts (unless at the world's origin); bones over length."""
    start = np.r_[targets.vector_from, targets.direction_from]
    end = np.r_[targets.vector_to, targets.direction_to]
    select = np.zeros((len(end), len(targets.points)))
    select[np.arange(len(end)), end] = 1.0
    anchored = start != WORLD
    select[np.flatnonzero(anchored), start[anchored]] = -1.0
    rest = body.kinematics.point_positions(targets.points, body.robot.rest_rad)[0]
    bones = select[len(targets.vector_to) :]
    bones /= np.linalg.norm(bones @ rest, axis=-1, keepdims=True)
    return select


@dataclass(frozen=True)
class _Frame:
    """One frame's start: where the joints were, their box, the step expected from the last one, and the smoothing."""

    number: int
    previous: Array
    lower: Array
    upper: Array
    ahead: Array
    velocity: float
    acceleration: float
    limit: int


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
        self._still = self._last_step = np.zeros(problem.kinematics.tangent_size)
        self.joints = self._rest.copy()
        self.q = problem.kinematics.configuration(self._rest)
        self.iterations = 0

    def step(self, frame: int) -> bool:
        """Solve one frame, starting from the last one solved. Frames must be taken in rising order."""
        settings, joints = self.settings, self.joints
        if self._last_frame is None:
            self.q = self.problem.kinematics.configuration(self._rest, _initial_base(self.problem, frame))
            return self._solve(_Frame(frame, joints, self._lower, self._upper, self._still, 0.0, 0.0, settings.first_iterations))
        time_s = self.problem.targets.time_s
        reach = self._speed * (time_s[frame] - time_s[self._last_frame])
        consecutive = frame == self._last_frame + 1
        return self._solve(
            _Frame(
                number=frame,
                previous=joints,
                lower=np.maximum(self._lower, joints - reach),
                upper=np.minimum(self._upper, joints + reach),
                ahead=self._last_step if consecutive else self._still,
                velocity=settings.velocity**2,
                acceleration=settings.acceleration**2,
                limit=settings.max_iterations if consecutive else settings.first_iterations,
            )
        )

    def _solve(self, frame: _Frame) -> bool:
        """Levenberg-Marquardt in the box. A step that made things worse is taken back and damped more."""
        settings, base, problem = self.settings, self._base, self.problem
        lower, upper, expected = frame.lower, frame.upper, frame.previous + frame.ahead[base:]
        total = settings.posture**2 + frame.velocity + frame.acceleration
        anchor = settings.posture**2 * self._rest + frame.velocity * frame.previous + frame.acceleration * expected
        joints = np.minimum(np.maximum(expected, lower), upper)
        travel = frame.ahead[:base]  # of the base since the last frame, in its own axes
        q = problem.kinematics.moved(self.q, travel, joints)
        damping, best, converged = settings.damping, np.inf, False
        for self.iterations in range(1, frame.limit + 1):
            new_hessian, new_gradient, cost = problem.normal_equations(frame.number, q)
            # Smoothing costs total/2 |j|^2 - anchor.j, up to a constant; doubled to match the squared residual.
            pull = total * joints - anchor
            cost += float(joints @ (pull - anchor))
            if cost <= best:
                gain, best, kept = best - cost, cost, (q, joints, travel)
                hessian, gradient = new_hessian, new_gradient
                diagonal = hessian.reshape(-1)[:: len(gradient) + 1]
                diagonal[base:] += total
                gradient[base:] += pull
                damping, added = max(0.2 * damping, settings.damping), 0.0
            else:
                gain, (q, joints, travel) = np.inf, kept
                damping, added = max(10 * damping, 1e-2), damping
            diagonal += damping - added
            step = self._box_step(hessian, gradient, joints, lower, upper)
            joints = np.minimum(np.maximum(joints + step[base:], lower), upper)
            q, travel = problem.kinematics.moved(q, step[:base], joints), travel + step[:base]
            if np.abs(step).max() < settings.tolerance_rad or gain < settings.tolerance_cost * abs(best):
                converged = bool(np.isfinite(joints).all())
                break
        else:
            q, joints, travel = kept
        self._last_step, self._last_frame = np.concatenate([travel, joints - frame.previous]), frame.number
        self.q, self.joints = q, joints
        return converged

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
        contacts=targets.inspection.contacts,
    )
    return motion, SolveReport(converged, iterations, errors_of(problem, q, converged))


def _base_poses(body: BodyMap, q: Array) -> Transform:
    if body.kinematics.base_dofs:
        return body.kinematics.base_pose(q)
    fixed = Transform.identity(len(q))
    lost = ~np.isfinite(q).all(axis=1, keepdims=True)
    return Transform(np.where(lost, np.nan, fixed.position_m), np.where(lost, np.nan, fixed.wxyz))


def errors_of(problem: Problem, q: Array, solved: np.ndarray) -> dict[str, Array]:
    """Errors of every term, as in `SolveReport.residuals`, at configurations q (T, nq); NaN where not solved."""
    targets = problem.targets
    sizes = {
        "vector_m": targets.vector_weight.shape[1],
        "direction_rad": targets.direction_weight.shape[1],
        "orientation_rad": targets.orientation_weight.shape[1],
    }
    out = {name: np.full((len(q), size), np.nan) for name, size in sizes.items()}
    for frame in map(int, np.flatnonzero(solved)):
        for name, error in zip(sizes, problem.errors(frame, q[frame]), strict=True):
            out[name][frame] = error
    return out
