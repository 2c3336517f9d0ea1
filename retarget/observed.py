"""Which joints the recording shows, and which were filled in by the rest posture."""

from __future__ import annotations

import numpy as np

from motion.transform import Array
from retarget.problem import Problem
from retarget.targets import Targets
from retarget.terms.base import Normal

_EACH_N = 5
"""Frames that are looked at for every set of targets that is seen together."""
_SEEN = 0.5


def observed_joints(problem: Problem, q: Array, solved: np.ndarray) -> np.ndarray:
    """(T, J) whether the targets, rather than the rest posture, say where a joint is.

    It is the diagonal of the model resolution matrix (H + P)^-1 H, H from the targets, P from the posture's weight and from
    the rows that are guesses: 1 where the data decide, 0 where the prior does. Frames in which the same targets are seen
    are judged together.
    Source: Menke, Geophysical Data Analysis, 4.3.

    Args:
        problem: whose targets count.
        q: (T, nq) configurations.
        solved: (T,) frames that have one.
    """
    targets, base = problem.targets.seen_alone(), problem.kinematics.base_dofs
    seen = problem if targets is problem.targets else Problem(problem.body, targets, problem.settings)
    weights = np.concatenate([_weights(problem.targets), *([] if seen is problem else [_weights(targets)])], axis=1)
    observed = np.zeros((len(q), len(problem.body.robot.joint_names)), bool)
    if not solved.any():
        return observed
    frames = np.flatnonzero(solved)
    _, group = np.unique(weights[frames] > 0, axis=0, return_inverse=True)
    for label in np.unique(group):
        own = frames[group.ravel() == label]
        sample = own[np.linspace(0, len(own) - 1, min(_EACH_N, len(own))).astype(int)]
        observed[own] = np.mean([_resolution(problem, seen, q[frame], int(frame))[base:] for frame in sample], axis=0) > _SEEN
    return observed


def _weights(targets: Targets) -> Array:
    return np.concatenate([targets.vector_weight, targets.direction_weight, targets.orientation_weight], axis=1)


def _resolution(problem: Problem, seen: Problem, q: Array, frame: int) -> Array:
    """(N,) share of every entry of the tangent vector that what is seen decides, `problem` holding the guesses, too."""
    data = _hessian(seen, q, frame)
    everything = data if seen is problem else _hessian(problem, q, frame)
    prior = max(problem.settings.posture, 1e-3) ** 2
    return np.diag(np.linalg.solve(everything + prior * np.eye(len(data)), data))


def _hessian(problem: Problem, q: Array, frame: int) -> Array:
    states, size = problem.states(1), problem.kinematics.tangent_size
    states.update(0, q)
    normal = Normal.zeros(1, size)
    for term in problem.followed.values():
        term.add(states, frame, normal)
    lower = np.tril(normal.hessian[0])
    return np.asarray(lower + np.tril(lower, -1).T)
