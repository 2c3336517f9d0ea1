"""Which joints the recording shows, and which were filled in by the rest posture."""

from __future__ import annotations

import numpy as np

from motion.transform import Array
from retarget.problem import Problem
from retarget.terms.base import Normal

_EACH_N = 5
"""Frames that are looked at for every set of targets that is seen together."""
_SEEN = 0.5


def observed_joints(problem: Problem, q: Array, solved: np.ndarray) -> np.ndarray:
    """(T, J) whether the targets, rather than the rest posture, say where a joint is.

    It is the diagonal of the model resolution matrix (H + p I)^-1 H, H from the targets and p the weight of the posture:
    1 where the data decide, 0 where the prior does. Frames in which the same targets are seen are judged together.
    Source: Menke, Geophysical Data Analysis, 4.3.

    Args:
        problem: whose targets count.
        q: (T, nq) configurations.
        solved: (T,) frames that have one.
    """
    targets, base = problem.targets.seen_alone(), problem.kinematics.base_dofs
    if targets is not problem.targets:
        problem = Problem(problem.body, targets, problem.settings)
    weights = np.concatenate([targets.vector_weight, targets.direction_weight, targets.orientation_weight], axis=1)
    observed = np.zeros((len(q), len(problem.body.robot.joint_names)), bool)
    if not solved.any():
        return observed
    frames = np.flatnonzero(solved)
    _, group = np.unique(weights[frames] > 0, axis=0, return_inverse=True)
    for label in np.unique(group):
        own = frames[group.ravel() == label]
        sample = own[np.linspace(0, len(own) - 1, min(_EACH_N, len(own))).astype(int)]
        observed[own] = np.mean([_resolution(problem, q[frame], int(frame))[base:] for frame in sample], axis=0) > _SEEN
    return observed


def _resolution(problem: Problem, q: Array, frame: int) -> Array:
    """(N,) share of every entry of the tangent vector that the targets decide."""
    states, size = problem.states(1), problem.kinematics.tangent_size
    states.update(0, q)
    normal = Normal.zeros(1, size)
    for term in problem.followed.values():
        term.add(states, frame, normal)
    lower = np.tril(normal.hessian[0])
    hessian = lower + np.tril(lower, -1).T
    prior = max(problem.settings.posture, 1e-3) ** 2
    return 1 - prior * np.diag(np.linalg.inv(hessian + prior * np.eye(size)))
