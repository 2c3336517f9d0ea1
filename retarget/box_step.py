"""Minimiser of a quadratic model with the joints in their box, compiled."""

from __future__ import annotations

import numpy as np

from motion.compiled import compiled

_MAX_ROUNDS = 10


@compiled
def cholesky_solve(matrix, vector, size):  # type: ignore[no-untyped-def]
    """Solve in place with the leading (size, size) of a positive definite matrix, lower triangle; False if it is not.

    `vector` (size,) becomes the solution; the lower triangle becomes the factor.
    """
    for i in range(size):
        for j in range(i):
            value = matrix[i, j]
            for k in range(j):
                value -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = value / matrix[j, j]
        value = matrix[i, i]
        for k in range(i):
            value -= matrix[i, k] * matrix[i, k]
        if not value > 0.0:
            return False
        matrix[i, i] = np.sqrt(value)
    for i in range(size):
        value = vector[i]
        for k in range(i):
            value -= matrix[i, k] * vector[k]
        vector[i] = value / matrix[i, i]
    for i in range(size - 1, -1, -1):
        vector[i] /= matrix[i, i]
        for k in range(i):
            vector[k] -= matrix[i, k] * vector[i]
    return True


@compiled
def _slope(hessian, gradient, step, n):  # type: ignore[no-untyped-def]
    """Entry n of gradient + Hessian @ step, from the lower triangle."""
    value = gradient[n]
    for m in range(len(step)):
        value += hessian[max(n, m), min(n, m)] * step[m]
    return value


@compiled
def _step_with(hessian, gradient, held, fixed, base, step):  # type: ignore[no-untyped-def]
    """Fill `step` with the Newton step in which entry base + j moves by fixed[j] wherever held[j] is not 0."""
    size = len(gradient)
    free, count = np.empty(size, np.int64), 0
    for n in range(size):
        step[n] = fixed[n - base] if n >= base and held[n - base] != 0 else 0.0
        if not (n >= base and held[n - base] != 0):
            free[count] = n
            count += 1
    reduced, slope = np.empty((count, count)), np.empty(count)
    for a in range(count):
        for b in range(a + 1):
            reduced[a, b] = hessian[free[a], free[b]]
        slope[a] = gradient[free[a]]
    if count < size:
        for a in range(count):
            slope[a] = _slope(hessian, gradient, step, free[a])
    if not cholesky_solve(reduced, slope, count):
        return False
    for a in range(count):
        step[free[a]] = -slope[a]
    return True


@compiled
def box_step(hessian, gradient, joints, lower, upper, base, step):  # type: ignore[no-untyped-def]
    """Fill `step` (N,) with the minimiser of gradient.s + s.Hessian.s / 2 that keeps joints + s[base:] in [lower, upper].

    Primal-dual active set: joints that would leave are held at the edge, held ones that would rather come back in are
    let go, until neither is left. Source: Hintermueller, Ito, Kunisch 2002.

    Args:
        hessian: (N, N) positive definite, lower triangle.
        gradient: (N,).
        joints, lower, upper: (J,).
        base: N - J.

    Returns:
        Whether the Hessian was positive definite.
    """
    count = len(joints)
    held, fixed = np.zeros(count, np.int64), np.zeros(count)
    for _ in range(_MAX_ROUNDS + 1):
        if not _step_with(hessian, gradient, held, fixed, base, step):
            return False
        changed = False
        for j in range(count):
            moved, side = joints[j] + step[base + j], held[j]
            if side == 0:
                wanted = 1 if moved > upper[j] else (-1 if moved < lower[j] else 0)
            else:  # an edge holds only what pushes against it
                wanted = side if side * _slope(hessian, gradient, step, base + j) < 0 else 0
            if wanted != side:
                changed = True
                held[j] = wanted
                fixed[j] = (upper[j] if wanted > 0 else lower[j]) - joints[j]
        if not changed:
            break
    for j in range(count):  # rounds may run out: the box is kept all the same
        step[base + j] = min(max(step[base + j], lower[j] - joints[j]), upper[j] - joints[j])
    return True
