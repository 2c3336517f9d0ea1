"""Streaming: frame after frame, no frame knowing of a later one; every joint stays within its bounds by construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from motion.compiled import compiled
from motion.transform import Array, Transform, wxyz_from_matrix
from retarget.box_step import box_step
from retarget.limits import reachable_box
from retarget.problem import Problem
from retarget.targets import WORLD
from retarget.terms.acceleration import add_acceleration_from
from retarget.terms.base import Normal
from retarget.terms.limit_margin import add_limit_margin
from retarget.terms.points import PointRows
from retarget.terms.posture import add_posture
from retarget.terms.velocity import add_velocity_from

_LONG_STEP = 4.0
"""After a step of time that is longer than the last one by more than this factor, nobody goes on as they went."""


@compiled
def _joint_terms(  # type: ignore[no-untyped-def]
    joints, rest, posture, lower, upper, margin, limit, previous, velocity, dt, slow, smooth, base, hessian, gradient, cost
):
    """Terms of the joints alone: one call for all of them, which happens once per iteration."""
    add_posture(joints, rest, posture, base, hessian, gradient, cost)
    add_limit_margin(joints, lower, upper, margin, limit, base, hessian, gradient, cost)
    if dt > 0.0:
        add_velocity_from(joints[0], previous, dt, slow, base, hessian[0], gradient[0], cost)
        if smooth > 0.0:
            add_acceleration_from(joints[0], previous, velocity, dt, smooth, base, hessian[0], gradient[0], cost)


_STANDS = 0.5
"""Strength from which a contact counts: below, a foot is still coming down, or nobody knows whether it stands."""


@dataclass(frozen=True)
class _Start:
    """Where a frame starts: its number, the last joints and velocity, time since, the box, the expected step, iterations."""

    number: int
    previous: Array
    velocity: Array
    dt: float
    lower: Array
    upper: Array
    ahead: Array
    smooth: float
    limit: int


class StreamingSolver:
    """Solves frames in order. `step(frame)` returns whether the frame converged; `q` and `joints` hold the result.

    Args:
        problem: whose frames are solved.
        start_rad: (J,) where the joints are before the first frame, at rest; by default that frame may have them anywhere.
        start_dt_s: time from there to the first frame.
    """

    def __init__(self, problem: Problem, start_rad: Array | None = None, start_dt_s: float = 0.0) -> None:
        self.problem, self.settings = problem, problem.settings
        robot = problem.body.robot
        self._base, size = problem.kinematics.base_dofs, problem.kinematics.tangent_size
        self._states, self._normal = problem.states(1), Normal.zeros(1, size)
        self._kept, self._step = Normal.zeros(1, size), np.zeros(size)
        self._rest, self._posture = robot.rest_rad, np.full(len(robot.rest_rad), self.settings.posture)
        self._last_frame, self._last_time_s = -1, float("nan")
        self._last_dt = 0.0 if start_rad is None else start_dt_s
        self._last_step = np.zeros(size)
        self.joints = (self._rest if start_rad is None else start_rad).copy()
        self.q = problem.kinematics.configuration(self.joints)
        self._stood = np.zeros(len(problem.targets.stick_points), bool)
        self.iterations = 0

    def follow(self, problem: Problem) -> None:
        """Go on with another problem of the same robot."""
        if problem.links != self.problem.links:
            self._states = problem.states(1)
        self.problem = problem

    def step(self, frame: int) -> bool:
        """Solve one frame, starting from the last one solved. Frames must be taken in rising order."""
        lost, self._last_frame = frame != self._last_frame + 1, frame
        if lost:  # how joints moved when they were last seen says nothing
            self._last_dt = 0.0
        return self.step_at(frame, float(self.problem.targets.time_s[frame]))

    def step_at(self, frame: int, time_s: float, reach_s: float = float("inf")) -> bool:
        """Solve a frame of the problem at a time of its own; joints go no further than they could from rest within `reach_s`."""
        settings, bounds, joints = self.settings, self.problem.bounds, self.joints
        first, known = np.isnan(self._last_time_s), self._last_dt > 0
        if first:
            self.q = self.problem.kinematics.configuration(joints, _initial_base(self.problem, frame))
        dt = self._last_dt if first else time_s - self._last_time_s
        late = dt > min(reach_s, _LONG_STEP * self._last_dt) if known else dt > reach_s
        lower, upper = self._reachable(dt, reach_s) if dt > 0 else (bounds.lower_rad, bounds.upper_rad)
        start = _Start(
            number=frame,
            previous=joints,
            velocity=self._velocity(),
            dt=dt,
            lower=lower,
            upper=upper,
            ahead=self._last_step * (dt / self._last_dt) if known and not late else np.zeros_like(self._last_step),
            smooth=settings.stream_acceleration if known else 0.0,
            limit=settings.first_iterations if first or late or not known else settings.max_iterations,
        )
        self._last_time_s = time_s
        self._stand(frame, settled=not first and not late)
        return self._solve(start)

    def _stand(self, frame: int, settled: bool) -> None:
        """What stood in the frame before, and still does, stays where it came to be; what comes to stand is let be for a frame."""
        term = self.problem.terms.get("contact_stick")
        if not isinstance(term, PointRows):
            return
        stands = self.problem.targets.stick_strength[frame] > _STANDS
        stood = stands & self._stood if settled else np.zeros_like(stands)
        self._stood = stands
        term.weight[frame, ~stood] = 0.0
        if stood.any():
            self._states.update(0, self.q)
            place = term.residuals(self._states, np.array([frame]))[0] + term.wanted[frame]
            term.wanted[frame, stood, :2] = place[stood, :2]

    def coast(self, time_s: float) -> None:
        """Nothing is known of a frame: joints come to rest as soon as they can, and the base stays."""
        dt = time_s - self._last_time_s
        joints = np.clip(self.joints, *self._reachable(dt))
        self.q = self.problem.kinematics.moved(self.q, np.zeros(6), joints)
        self._last_step = np.concatenate([np.zeros(self._base), joints - self.joints])
        self.joints, self._last_dt, self._last_time_s = joints, dt, time_s

    def _velocity(self) -> Array:
        """(J,) over the last step; 0 where it is unknown."""
        return self._last_step[self._base :] / self._last_dt if self._last_dt > 0 else np.zeros_like(self.joints)

    def _reachable(self, dt: float, reach_s: float = float("inf")) -> tuple[Array, Array]:
        """(J,) lowest and highest places within all bounds after `dt`; no further than from rest within `reach_s`, if bounds allow."""
        lower, upper = self._box(self._velocity(), self._last_dt, dt)
        if dt > reach_s:
            near = self._box(np.zeros_like(self.joints), reach_s, reach_s)
            return np.clip(near[0], lower, upper), np.clip(near[1], lower, upper)
        return lower, upper

    def _box(self, velocity: Array, last_dt: float, dt: float) -> tuple[Array, Array]:
        bounds, lower, upper = self.problem.bounds, np.empty_like(self.joints), np.empty_like(self.joints)
        own = (bounds.lower_rad, bounds.upper_rad, bounds.speed_radps, bounds.acceleration_radps2)
        reachable_box(self.joints, velocity, last_dt, dt, *own, lower, upper)
        return lower, upper

    def _evaluate(self, start: _Start, q: Array, joints: Array) -> float:
        """Fill the normal equations at a posture; returns the cost."""
        problem, normal, settings = self.problem, self._normal, self.settings
        self._states.update(0, q)
        normal.clear()
        problem.add(self._states, start.number, normal)
        _joint_terms(
            joints[None],
            self._rest,
            self._posture,
            problem.bounds.lower_rad,
            problem.bounds.upper_rad,
            problem.margin_rad,
            settings.limit_margin,
            start.previous,
            start.velocity,
            start.dt,
            settings.stream_velocity,
            start.smooth,
            self._base,
            normal.hessian,
            normal.gradient,
            normal.cost,
        )
        return float(normal.cost[0])

    def _solve(self, start: _Start) -> bool:
        """Levenberg-Marquardt in the box. A step that made things worse is taken back and damped more."""
        settings, base, move = self.settings, self._base, self.problem.kinematics.moved
        joints = np.minimum(np.maximum(start.previous + start.ahead[base:], start.lower), start.upper)
        travel = start.ahead[:base]  # of the base since the last frame, in its own axes
        q = move(self.q, travel, joints)
        damping, best, converged, step = settings.damping, np.inf, False, self._step
        for self.iterations in range(1, start.limit + 1):
            cost = self._evaluate(start, q, joints)
            if cost <= best:
                gain, best, kept = best - cost, cost, (q, joints, travel)
                self._normal, self._kept = self._kept, self._normal
                damping, added = max(0.2 * damping, settings.damping), 0.0
            else:
                gain, (q, joints, travel) = np.inf, kept
                damping, added = max(10 * damping, 1e-2), damping
            hessian, gradient = self._kept.hessian[0], self._kept.gradient[0]
            hessian.reshape(-1)[:: len(gradient) + 1] += damping - added
            definite = box_step(hessian, gradient, joints, start.lower, start.upper, base, step)
            joints = np.minimum(np.maximum(joints + step[base:], start.lower), start.upper)
            q, travel = move(q, step[:base], joints), travel + step[:base]
            if np.abs(step).max() < settings.tolerance_rad or gain < settings.tolerance_cost * abs(best):
                converged = bool(definite and np.isfinite(joints).all())
                break
        else:
            q, joints, travel = kept
        self._last_step, self._last_dt = np.concatenate([travel, joints - start.previous]), start.dt
        self.q, self.joints = q, joints
        return converged


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


def stream(
    problem: Problem, on_frame: Callable[[int], object] | None = None, start_rad: Array | None = None
) -> tuple[Array, Array, np.ndarray, np.ndarray]:
    """All usable frames in order: joints (T, J) and configurations (T, nq), NaN where unusable; converged and iterations (T,).

    A frame that did not converge holds where the solver stood.
    """
    targets, solver = problem.targets, StreamingSolver(problem, start_rad)
    frames = len(targets.time_s)
    joints, q = np.full((frames, len(solver.joints)), np.nan), np.full((frames, len(solver.q)), np.nan)
    converged, iterations = np.zeros(frames, bool), np.zeros(frames, int)
    for frame in range(frames):
        if targets.usable[frame]:
            converged[frame] = solver.step(frame)
            iterations[frame], joints[frame], q[frame] = solver.iterations, solver.joints, solver.q
        if on_frame is not None:
            on_frame(frame)
    return joints, q, converged, iterations
