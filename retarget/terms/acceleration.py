"""Acceleration: joints and base like to keep their velocity, in rad/s2 and m/s2, and joints are held off their bound.

The acceleration at frame k is (v[k+1] - v[k]) / ((dt[k] + dt[k+1]) / 2), with v[k] the velocity between frames k - 1 and k.
The base is smoothed as points fixed in it, whose world positions are differenced: exact, whatever it turns.
"""

from __future__ import annotations

import numpy as np

from motion.compiled import compiled
from retarget.terms.compiled import point_of
from retarget.terms.velocity import excess


@compiled
def add_acceleration_from(joints, previous, velocity, dt, weight, base, hessian, gradient, cost):  # type: ignore[no-untyped-def]
    """Add weight * (v - velocity) / dt of one frame, v = (joints - previous) / dt, what came before being settled.

    Args:
        joints, previous, velocity: (J,), rad and rad/s.
        dt: s.
        weight: per rad/s2.
        base: number of tangent entries before the joints.
        hessian, gradient, cost: one slot of a Normal.
    """
    slope = weight / (dt * dt)
    for j in range(len(joints)):
        r = slope * (joints[j] - previous[j] - dt * velocity[j])
        hessian[base + j, base + j] += slope * slope
        gradient[base + j] += slope * r
        cost[0] += r * r


@compiled
def coefficients(before, after):  # type: ignore[no-untyped-def]
    """Factors of three consecutive values in the acceleration at the middle one; `before` and `after` in s."""
    middle = (before + after) / 2
    return 1 / (before * middle), -(1 / before + 1 / after) / middle, 1 / (after * middle)


@compiled
def add_acceleration(joints, dt, weight, bound, bound_weight, base, hessian, gradient, cost, after, second):  # type: ignore[no-untyped-def]
    """Add the joints' accelerations at the S - 2 inner frames, all frames free.

    Args:
        joints: (S, J).
        dt: (S - 1,) s.
        weight: per rad/s2; `bound_weight` likewise, of what passes `bound` (J,).
        base: number of tangent entries before the joints.
        hessian, gradient, cost: of a Normal.
        after, second: (S, J) Hessian between a joint and itself one and two frames later.
    """
    for s in range(len(dt) - 1):
        c = coefficients(dt[s], dt[s + 1])
        for j in range(joints.shape[1]):
            a = c[0] * joints[s, j] + c[1] * joints[s + 1, j] + c[2] * joints[s + 2, j]
            over = excess(a, bound[j])
            square = weight * weight + (bound_weight * bound_weight if over != 0.0 else 0.0)
            pull, n = weight * weight * a + bound_weight * bound_weight * over, base + j
            for i in range(3):
                hessian[s + i, n, n] += square * c[i] * c[i]
                gradient[s + i, n] += c[i] * pull
            after[s, j] += square * c[0] * c[1]
            after[s + 1, j] += square * c[1] * c[2]
            second[s, j] += square * c[0] * c[2]
            cost[s + 1] += (weight * a) ** 2 + (bound_weight * over) ** 2


@compiled
def base_point_jacobian(placement, offset, out):  # type: ignore[no-untyped-def]
    """(3, 6) velocity of a point fixed in the base by the base's own twist: [R, -R [offset]x]."""
    for i in range(3):
        x, y, z = placement[i], placement[3 + i], placement[6 + i]
        out[i, 0], out[i, 1], out[i, 2] = x, y, z
        out[i, 3] = z * offset[1] - y * offset[2]
        out[i, 4] = x * offset[2] - z * offset[0]
        out[i, 5] = y * offset[0] - x * offset[1]


@compiled
def add_base_acceleration(placement, offsets, dt, weight, hessian, gradient, cost, after, second):  # type: ignore[no-untyped-def]
    """Add the accelerations of points fixed in a free base.

    Args:
        placement: (S, 12) of the base.
        offsets: (P, 3) of the points in it, m.
        dt: (S - 1,) s.
        weight: per m/s2.
        hessian, gradient, cost: of a Normal; the base comes first in the tangent vector.
        after, second: (S, 6, 6) Hessian between the base (columns) and itself one and two frames later (rows).
    """
    square, place, jacobian = weight * weight, np.empty((3, 3)), np.empty((3, 3, 6))
    for s in range(len(dt) - 1):
        c = coefficients(dt[s], dt[s + 1])
        for p in range(len(offsets)):
            for i in range(3):
                point_of(placement[s + i], offsets[p], place[i])
                base_point_jacobian(placement[s + i], offsets[p], jacobian[i])
            for k in range(3):
                a = c[0] * place[0, k] + c[1] * place[1, k] + c[2] * place[2, k]
                cost[s + 1] += square * a * a
                for n in range(6):
                    early, middle, late = c[0] * jacobian[0, k, n], c[1] * jacobian[1, k, n], c[2] * jacobian[2, k, n]
                    gradient[s, n] += square * a * early
                    gradient[s + 1, n] += square * a * middle
                    gradient[s + 2, n] += square * a * late
                    for m in range(6):
                        middle_m, late_m = square * c[1] * jacobian[1, k, m], square * c[2] * jacobian[2, k, m]
                        hessian[s, n, m] += square * c[0] * jacobian[0, k, m] * early
                        hessian[s + 1, n, m] += middle_m * middle
                        hessian[s + 2, n, m] += late_m * late
                        after[s, m, n] += middle_m * early
                        after[s + 1, m, n] += late_m * middle
                        second[s, m, n] += late_m * early
