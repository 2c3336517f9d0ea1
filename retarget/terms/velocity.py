"""Velocity: joints like to be slow, in rad/s, and are pushed back hard from the bound on their speed."""

from __future__ import annotations

from motion.compiled import compiled


@compiled
def excess(value, bound):  # type: ignore[no-untyped-def]
    """By how much a value passes +bound (positive) or -bound (negative); 0 within."""
    return max(0.0, value - bound) + min(0.0, value + bound)


@compiled
def add_velocity_from(joints, previous, dt, weight, base, hessian, gradient, cost):  # type: ignore[no-untyped-def]
    """Add weight * (joints - previous) / dt of one frame, the one before it being settled.

    Args:
        joints, previous: (J,).
        dt: s between the two.
        weight: per rad/s.
        base: number of tangent entries before the joints.
        hessian, gradient, cost: one slot of a Normal.
    """
    slope = weight / dt
    for j in range(len(joints)):
        r = slope * (joints[j] - previous[j])
        hessian[base + j, base + j] += slope * slope
        gradient[base + j] += slope * r
        cost[0] += r * r


@compiled
def add_velocity(joints, dt, weight, bound, bound_weight, base, hessian, gradient, cost, after):  # type: ignore[no-untyped-def]
    """Add the velocities between S consecutive frames, all of them free.

    Args:
        joints: (S, J).
        dt: (S - 1,) s.
        weight: per rad/s; `bound_weight` likewise, of what passes `bound` (J,).
        base: number of tangent entries before the joints.
        hessian, gradient, cost: of a Normal.
        after: (S, J) Hessian between a joint and itself one frame later.
    """
    for s in range(len(dt)):
        for j in range(joints.shape[1]):
            v = (joints[s + 1, j] - joints[s, j]) / dt[s]
            over = excess(v, bound[j])
            square = weight * weight + (bound_weight * bound_weight if over != 0.0 else 0.0)
            pull = (weight * weight * v + bound_weight * bound_weight * over) / dt[s]
            curve, n = square / (dt[s] * dt[s]), base + j
            hessian[s, n, n] += curve
            hessian[s + 1, n, n] += curve
            after[s, j] -= curve
            gradient[s, n] -= pull
            gradient[s + 1, n] += pull
            cost[s + 1] += (weight * v) ** 2 + (bound_weight * over) ** 2
