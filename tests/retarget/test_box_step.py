"""The quadratic model in a box, against SciPy's bounded least squares and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from retarget.box_step import box_step, cholesky_solve

BASE = 2


def value(hessian: np.ndarray, gradient: np.ndarray, step: np.ndarray) -> float:
    return float(gradient @ step + step @ hessian @ step / 2)


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """Hessian (its root), gradient, joints, lower, upper; some joints at an edge, some boxes empty inside."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    joints = draw(st.integers(1, 12))
    size, stretch = BASE + joints, draw(st.sampled_from([1.0, 10.0, 100.0]))
    root = rng.normal(size=(size + 2, size)) * stretch ** rng.uniform(-1, 1, size)
    place, below, above = rng.normal(size=joints), rng.exponential(0.3, joints), rng.exponential(0.3, joints)
    below[rng.uniform(size=joints) < 0.2] = 0.0
    above[rng.uniform(size=joints) < 0.2] = 0.0
    return root, rng.normal(size=size) * 3, place, place - below, place + above


def solved(hessian: np.ndarray, gradient: np.ndarray, joints: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    step = np.full(len(gradient), np.nan)
    assert box_step(np.tril(hessian), gradient, joints, lower, upper, len(gradient) - len(joints), step)
    return step


@settings(max_examples=200, deadline=None)
@given(problems())
def test_the_box_is_kept_and_the_minimum_found(problem: tuple[np.ndarray, ...]) -> None:
    """The same optimum as scipy.optimize.lsq_linear: min |A s - b|^2 with A'A the Hessian and A'b = -gradient."""
    root, gradient, joints, lower, upper = problem
    hessian = root.T @ root + 1e-6 * np.eye(len(gradient))
    step = solved(hessian, gradient, joints, lower, upper)
    assert (step[BASE:] >= lower - joints).all()
    assert (step[BASE:] <= upper - joints).all()
    lift = np.linalg.cholesky(hessian).T
    thin = 1e-13  # lsq_linear wants room between its bounds
    low, high = np.r_[[-np.inf] * BASE, lower - joints - thin], np.r_[[np.inf] * BASE, upper - joints + thin]
    best = lsq_linear(lift, np.linalg.solve(lift.T, -gradient), (low, high), method="bvls", tol=1e-14).x
    scale = abs(value(hessian, gradient, best)) + 1e-9
    assert value(hessian, gradient, step) <= value(hessian, gradient, best) + 1e-6 * scale


@settings(max_examples=50, deadline=None)
@given(problems())
def test_without_walls_it_is_the_newton_step(problem: tuple[np.ndarray, ...]) -> None:
    root, gradient, joints, *_ = problem
    hessian = root.T @ root + 1e-3 * np.eye(len(gradient))
    step = solved(hessian, gradient, joints, joints - 1e9, joints + 1e9)
    np.testing.assert_allclose(hessian @ step, -gradient, atol=1e-8 * np.abs(gradient).max())


def test_by_hand() -> None:
    """s1^2 + s2^2 + s1 s2 - 3 s1 - 3 s2 is least at (1, 1); with s2 <= 0.5 at s1 = (3 - 0.5) / 2 = 1.25; s2 lets go of an edge
    that only the first guess ran into."""
    hessian, gradient = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([-3.0, -3.0])
    joint = np.array([0.0])
    np.testing.assert_allclose(solved(hessian, gradient, joint, np.array([-9.0]), np.array([9.0])), [1.0, 1.0])
    np.testing.assert_allclose(solved(hessian, gradient, joint, np.array([-9.0]), np.array([0.5])), [1.25, 0.5])
    both = solved(np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([-1.0, -0.95]), np.zeros(2), np.zeros(2), np.array([0.2, 9.0]))
    np.testing.assert_allclose(both, [0.2, 0.77])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 20))
def test_cholesky_solves_what_is_positive_definite(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size + 3, size))
    matrix, wanted = root.T @ root + 0.1 * np.eye(size), rng.normal(size=size)
    vector = matrix @ wanted
    assert cholesky_solve(np.tril(matrix), vector, size)
    np.testing.assert_allclose(vector, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("diagonal", [(1.0, -1e-3, 1.0), (1.0, 1.0, 0.0), (-1.0, 1.0, 1.0), (1.0, np.nan, 1.0)])
def test_cholesky_and_the_step_refuse_what_is_not(diagonal: tuple[float, ...]) -> None:
    assert not cholesky_solve(np.diag(diagonal), np.ones(3), 3)
    assert not box_step(np.diag(diagonal), np.ones(3), np.zeros(2), -np.ones(2), np.ones(2), 1, np.zeros(3))
