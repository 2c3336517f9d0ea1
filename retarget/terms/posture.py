"""Posture: joints like to be where they are at rest, in rad. It fills in what was not seen."""

from __future__ import annotations

from motion.compiled import compiled


@compiled
def add_posture(joints, rest, weight, base, hessian, gradient, cost):  # type: ignore[no-untyped-def]
    """Add weight * (joints - rest) of S frames.

    Args:
        joints: (S, J).
        rest, weight: (J,).
        base: number of tangent entries before the joints.
        hessian, gradient, cost: of a Normal.
    """
    for s in range(len(joints)):
        for j in range(len(rest)):
            square, away = weight[j] * weight[j], joints[s, j] - rest[j]
            hessian[s, base + j, base + j] += square
            gradient[s, base + j] += square * away
            cost[s] += square * away * away
