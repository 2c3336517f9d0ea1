"""Clip: all frames at once. Gauss-Newton on the whole trajectory, whose Hessian is banded because frames know their neighbours.

It starts from the streaming solution, and every iteration costs one pass over the frames and one banded Cholesky
factorisation. Bounds on speed and acceleration are terms here; `Problem.held` enforces them at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpbtrf, dpbtrs
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from motion.compiled import compiled
from motion.errors import MotionError, require
from motion.transform import Array, Transform
from retarget.problem import Problem
from retarget.terms.acceleration import add_acceleration, add_base_acceleration
from retarget.terms.base import Normal
from retarget.terms.limit_margin import add_limit_margin
from retarget.terms.posture import add_posture
from retarget.terms.velocity import add_velocity

_BASE_POINTS_M = 0.3 * np.eye(3)
"""Points fixed in the base whose accelerations smooth it: as far out as its own size."""
_AT_EDGE_RAD = 1e-9
_NEAR_BOUND = 0.98
_TRIES_N = 3
_REFRESH_AFTER = (1, 4, 8)
"""Distances are measured anew after these iterations, the first of which moves much, and before a clip is called done."""
_MORE_DAMPING = 100.0
_SHORTER = 0.75
_NEIGHBOURS_N = 3
_RISE = 0.1
"""A frame is damped when its cost rose by more than this share of the largest rise."""
_IDLE_COST = 0.3
"""A clip goes on as long as the cost of any frame fell by more than this: as a sole does that is half a millimetre too deep."""
_RESTLESS_SHARE, _RESTLESS_COST = 0.5, 1.0
"""When iterations run out, a frame whose cost still fell by more than this share and this much has not come to rest."""


@dataclass(frozen=True)
class _Coupling:
    """Hessian between a frame and itself one (`after`) and two (`second`) frames later: joints (S, J), base (S, 6, 6)."""

    after: Array
    second: Array
    base_after: Array
    base_second: Array

    @classmethod
    def zeros(cls, frames: int, joints: int) -> _Coupling:
        return cls(np.zeros((frames, joints)), np.zeros((frames, joints)), np.zeros((frames, 6, 6)), np.zeros((frames, 6, 6)))

    def clear(self) -> None:
        for array in (self.after, self.second, self.base_after, self.base_second):
            array[:] = 0.0


@compiled
def _fill_band(hessian, after, second, base_after, base_second, free, damping, base, band):  # type: ignore[no-untyped-def]
    """Write the clip's Hessian into LAPACK's lower band storage (S * N, width + 1), one row per column of the matrix."""
    frames, size = hessian.shape[:2]
    band[:] = 0.0
    for s in range(frames):
        for n in range(size):
            column = band[s * size + n]
            if not free[s, n]:
                column[0] = 1.0
                continue
            column[0] = hessian[s, n, n] + damping[s]
            for m in range(n + 1, size):
                if free[s, m]:
                    column[m - n] = hessian[s, m, n]
            if n >= base:
                if s + 1 < frames and free[s + 1, n]:
                    column[size] = after[s, n - base]
                if s + 2 < frames and free[s + 2, n]:
                    column[2 * size] = second[s, n - base]
            else:
                for m in range(base):
                    if s + 1 < frames and free[s + 1, m]:
                        column[size + m - n] = base_after[s, m, n]
                    if s + 2 < frames and free[s + 2, m]:
                        column[2 * size + m - n] = base_second[s, m, n]


class ClipSolver:
    """Solves frames first .. first + S - 1 of a problem together.

    Args:
        problem: whose frames these are; all of them usable.
        first: index of the first frame.
        joints, base: (S, J) and batch (S,), where to start.
        frozen: number of frames at the beginning that stay as they are.
    """

    def __init__(self, problem: Problem, first: int, joints: Array, base: Transform, frozen: int = 0) -> None:
        self.problem, self.first, self.settings = problem, first, problem.settings
        self.joints, self.base = joints, base
        frames, size = len(joints), problem.kinematics.tangent_size
        self._dofs = problem.kinematics.base_dofs
        self._dt = np.diff(problem.targets.time_s[first : first + frames])
        self._states = problem.states(frames)
        self._normal, self._spare = Normal.zeros(frames, size), Normal.zeros(frames, size)
        self._coupling, self._spare_coupling = (_Coupling.zeros(frames, joints.shape[1]) for _ in range(2))
        self._band = np.empty((frames * size, 2 * size + max(self._dofs, 1)))
        self._frozen = frozen
        self._posture = np.full(joints.shape[1], self.settings.posture)
        self.iterations = 0

    def solve(self) -> np.ndarray:
        """Iterate until a step gains little; returns (S,) which frames have come to rest.

        Levenberg-Marquardt with a damping for every frame: where a frame's own cost rose, it and its neighbours are damped
        more, and the others go on at full speed.
        """
        settings = self.settings
        damping = np.full(len(self.joints), settings.damping)
        self.problem.refresh()
        self._evaluate(self.joints, self.base)
        restless = np.zeros(len(self.joints), bool)
        for self.iterations in range(1, settings.clip_iterations + 1):
            before = self._normal.cost.copy()
            after = self._try(damping).copy()
            at_rest = self._at_rest(before, after)
            if at_rest or self.iterations in _REFRESH_AFTER:
                at_rest &= self._at_rest(self._remeasured(), after)
            if at_rest:
                restless[:] = False
                break
            restless = before - after > _RESTLESS_SHARE * after + _RESTLESS_COST
            damping = np.maximum(0.2 * damping, settings.damping)
        return np.asarray(np.isfinite(self.joints).all(1) & ~restless)

    def _at_rest(self, before: Array, after: Array) -> bool:
        """Whether costs (S,) fell so little that going on is idle: of the clip, and of every frame."""
        fell = before - after
        return bool(fell.sum() < self.settings.clip_tolerance * after.sum() and fell.max() < _IDLE_COST)

    def _remeasured(self) -> Array:
        """Costs (S,) where the clip stands, distances measured anew."""
        if self.problem.refresh():
            self._evaluate(self.joints, self.base)
        return self._normal.cost

    def _try(self, damping: Array) -> Array:
        """Take the first step that lowers the cost, raising `damping` (S,) in place; returns the costs (S,) it led to.

        Where a full step fails, it is first tried without the frames whose own cost rose, which needs no new factorisation.
        """
        old = self._normal.cost.copy()
        for _ in range(_TRIES_N):
            step = self._step(damping)
            promised = -np.sum(self._normal.gradient * step)
            new = self._taken(step, old)
            if new is None:
                return self._normal.cost
            rise = new - old
            rose = (rise > _RISE * rise.max()).astype(float)
            damping[maximum_filter1d(rose, 2 * _NEIGHBOURS_N + 1) > 0] *= _MORE_DAMPING
            halted = uniform_filter1d(maximum_filter1d((rise > _RISE * old).astype(float), 4 * _NEIGHBOURS_N + 1), 2 * _NEIGHBOURS_N + 1)
            if self._taken((1 - _SHORTER * halted)[:, None] * step, old) is None:
                return self._normal.cost
            if promised < self.settings.clip_tolerance * old.sum():
                break  # what the model promises is less than what counts
        return old

    def _taken(self, step: Array, old: Array) -> Array | None:
        """Go where a step (S, N) leads if the cost there is no higher than `old` (S,) in all; else stay, and give that cost."""
        joints, base = self._moved(step)
        self._swap()
        self._evaluate(joints, base)
        if self._normal.cost.sum() <= old.sum():
            self.joints, self.base = joints, base
            return None
        self._swap()
        return self._spare.cost.copy()

    def _swap(self) -> None:
        self._normal, self._spare = self._spare, self._normal
        self._coupling, self._spare_coupling = self._spare_coupling, self._coupling

    def _evaluate(self, joints: Array, base: Transform) -> None:
        problem, settings, normal, coupling = self.problem, self.settings, self._normal, self._coupling
        q = problem.kinematics.configurations(joints, base)
        for s in range(len(q)):
            self._states.update(s, q[s])
        normal.clear()
        coupling.clear()
        problem.add(self._states, self.first, normal)
        bounds, arrays = problem.bounds, (normal.hessian, normal.gradient, normal.cost)
        add_posture(joints, problem.body.robot.rest_rad, self._posture, self._dofs, *arrays)
        margin = settings.limit_margin
        add_limit_margin(joints, bounds.lower_rad, bounds.upper_rad, problem.margin_rad, margin, self._dofs, *arrays)
        speed, acceleration = _NEAR_BOUND * bounds.speed_radps, _NEAR_BOUND * bounds.acceleration_radps2
        hard, after, second = settings.bound, coupling.after, coupling.second
        add_velocity(joints, self._dt, 0.0, speed, hard, self._dofs, *arrays, after)
        add_acceleration(joints, self._dt, settings.acceleration, acceleration, 0.01 * hard, self._dofs, *arrays, after, second)
        if self._dofs:
            place = self._states.placement[:, problem.base_link]
            add_base_acceleration(
                place, _BASE_POINTS_M, self._dt, settings.acceleration, *arrays, coupling.base_after, coupling.base_second
            )

    def _step(self, damping: Array) -> Array:
        """(S, N) Gauss-Newton step; joints at a stop that the gradient pushes against stay there."""
        normal, coupling, bounds, dofs = self._normal, self._coupling, self.problem.bounds, self._dofs
        push, free = normal.gradient[:, dofs:], np.ones(normal.gradient.shape, bool)
        at_lower, at_upper = self.joints <= bounds.lower_rad + _AT_EDGE_RAD, self.joints >= bounds.upper_rad - _AT_EDGE_RAD
        free[:, dofs:] = ~((at_lower & (push > 0)) | (at_upper & (push < 0)))
        free[: self._frozen] = False
        _fill_band(
            normal.hessian,
            coupling.after,
            coupling.second,
            coupling.base_after,
            coupling.base_second,
            free,
            damping,
            dofs,
            self._band,
        )
        factor, failed = dpbtrf(self._band.T, lower=1, overwrite_ab=1)
        frame = self.first + (failed - 1) // normal.gradient.shape[1]
        require(not failed, MotionError, f"frame {frame} cannot be solved: a joint there follows from nothing. Raise solver.posture.")
        step, _ = dpbtrs(factor, np.where(free, -normal.gradient, 0.0).reshape(-1), lower=1)
        return np.asarray(step.reshape(normal.gradient.shape))

    def _moved(self, step: Array) -> tuple[Array, Transform]:
        bounds, dofs = self.problem.bounds, self._dofs
        joints = np.clip(self.joints + step[:, dofs:], bounds.lower_rad, bounds.upper_rad)
        return joints, self.base @ Transform.exp(step[:, :6]) if dofs else self.base
