"""Limit margin: a joint that comes near a stop is pushed back, in rad, so that redundant joints stay off their stops."""

from __future__ import annotations

from motion.compiled import compiled


@compiled
def beyond(value, lower, upper, margin):  # type: ignore[no-untyped-def]
    """How far a joint is inside the margin of a limit: negative near the lower one, positive near the upper one, else 0."""
    if value > upper - margin:
        return value - (upper - margin)
    return min(0.0, value - (lower + margin))


@compiled
def add_limit_margin(joints, lower, upper, margin, weight, base, hessian, gradient, cost):  # type: ignore[no-untyped-def]
    """Add weight * beyond(...) of S frames.

    Args:
        joints: (S, J).
        lower, upper, margin: (J,).
        weight: per rad.
        base: number of tangent entries before the joints.
        hessian, gradient, cost: of a Normal.
    """
    square = weight * weight
    for s in range(len(joints)):
        for j in range(len(lower)):
            r = beyond(joints[s, j], lower[j], upper[j], margin[j])
            if r != 0.0:
                hessian[s, base + j, base + j] += square
                gradient[s, base + j] += square * r
                cost[s] += square * r * r
