"""Terms of the joints and the base alone: gradients and Hessians, also between frames, against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from motion.transform import Array, Transform
from retarget.terms.acceleration import add_acceleration, add_acceleration_from, add_base_acceleration, coefficients
from retarget.terms.base import Normal
from retarget.terms.limit_margin import add_limit_margin, beyond
from retarget.terms.posture import add_posture
from retarget.terms.velocity import add_velocity, add_velocity_from, excess

BASE, JOINTS, FRAMES = 6, 3, 5
RNG = np.random.default_rng(0)
WALK = np.cumsum(RNG.normal(0, 0.3, (FRAMES, JOINTS)), axis=0)
CLOCK = RNG.uniform(0.005, 0.04, FRAMES - 1)
WEIGHT, REST, SPEED = np.array([0.5, 1.0, 2.0]), np.array([0.1, -0.4, 0.2]), np.array([5.0, 20.0, 1e6])
Add = Callable[[Array, Normal, Array, Array], None]
"""Adds a term at joints (S, J) to normal equations, and to the Hessians one and two frames on (S, J)."""


def _posture(joints: Array, normal: Normal, after: Array, second: Array) -> None:
    add_posture(joints, REST, WEIGHT, BASE, normal.hessian, normal.gradient, normal.cost)


def _margin(joints: Array, normal: Normal, after: Array, second: Array) -> None:
    lower, upper, margin = np.array([-0.3, -0.1, -1.0]), np.array([0.3, 0.6, 0.2]), np.array([0.1, 0.2, 0.3])
    add_limit_margin(joints, lower, upper, margin, 1.7, BASE, normal.hessian, normal.gradient, normal.cost)


def _velocity(joints: Array, normal: Normal, after: Array, second: Array) -> None:
    add_velocity(joints, CLOCK, 0.03, SPEED, 0.8, BASE, normal.hessian, normal.gradient, normal.cost, after)


def _acceleration(joints: Array, normal: Normal, after: Array, second: Array) -> None:
    add_acceleration(joints, CLOCK, 0.002, 100 * SPEED, 0.01, BASE, normal.hessian, normal.gradient, normal.cost, after, second)


def _velocity_from(joints: Array, normal: Normal, after: Array, second: Array) -> None:
    add_velocity_from(joints[0], REST, 0.013, 0.03, BASE, normal.hessian[0], normal.gradient[0], normal.cost)


def _acceleration_from(joints: Array, normal: Normal, after: Array, second: Array) -> None:
    add_acceleration_from(joints[0], REST, 3 * WEIGHT, 0.013, 0.002, BASE, normal.hessian[0], normal.gradient[0], normal.cost)


TERMS: dict[str, Add] = {
    "posture": _posture,
    "limit_margin": _margin,
    "velocity": _velocity,
    "acceleration": _acceleration,
    "velocity_from": _velocity_from,
    "acceleration_from": _acceleration_from,
}


def added(add: Add, joints: Array) -> tuple[Normal, Array, Array]:
    normal, after, second = Normal.zeros(FRAMES, BASE + JOINTS), np.zeros((FRAMES, JOINTS)), np.zeros((FRAMES, JOINTS))
    add(joints, normal, after, second)
    return normal, after, second


def assembled(normal: Normal, after: Array, second: Array) -> Array:
    """(S J, S J) Hessian of all frames from the joints' blocks and the diagonals between frames."""
    whole = np.zeros((FRAMES, JOINTS, FRAMES, JOINTS))
    diagonal = np.arange(JOINTS)
    for s in range(FRAMES):
        whole[s, :, s] = np.tril(normal.hessian[s, BASE:, BASE:])
        for ahead, block in ((1, after), (2, second)):
            if s + ahead < FRAMES:
                whole[s + ahead, diagonal, s, diagonal] = whole[s, diagonal, s + ahead, diagonal] = block[s]
    return whole.reshape(FRAMES * JOINTS, -1)


@pytest.mark.parametrize("name", TERMS)
def test_gradient_and_hessian_are_those_of_half_the_cost(name: str) -> None:
    """The residuals are linear between their kinks, so Gauss-Newton is exact, and central differences nearly are."""
    add, step = TERMS[name], 1e-6
    normal, after, second = added(add, WALK)
    assert (normal.cost > 0).any()
    units = step * np.eye(FRAMES * JOINTS).reshape(-1, FRAMES, JOINTS)
    costs = np.array([[added(add, WALK + sign * unit)[0].cost.sum() for sign in (1, -1)] for unit in units])
    gradient = normal.gradient[:, BASE:].reshape(-1)
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(gradient, (costs[:, 0] - costs[:, 1]) / (4 * step), atol=1e-6 * scale)
    slopes = [[added(add, WALK + sign * unit)[0].gradient[:, BASE:].reshape(-1) for sign in (1, -1)] for unit in units]
    hessian = np.array([(ahead - behind) / (2 * step) for ahead, behind in slopes])
    np.testing.assert_allclose(assembled(normal, after, second), hessian, atol=1e-6 * np.abs(hessian).max())
    assert not normal.gradient[:, :BASE].any()
    assert not normal.hessian[:, :, :BASE].any()


def test_bounds_pull_only_when_they_are_passed() -> None:
    assert [excess(v, 2.0) for v in (-2.5, -2.0, 0.0, 2.0, 3.0)] == [-0.5, 0, 0, 0, 1.0]
    assert [round(beyond(v, -1.0, 1.0, 0.1), 12) for v in (-1.0, -0.9, 0.0, 0.9, 1.05)] == [-0.1, 0, 0, 0, 0.15]
    slow = np.tile(0.01 * np.arange(FRAMES)[:, None], (1, JOINTS))  # 0.01 rad a frame, 2 rad/s at most
    normal = Normal.zeros(FRAMES, BASE + JOINTS)
    add_velocity(slow, CLOCK, 0.0, np.full(JOINTS, 2.1), 1.0, BASE, normal.hessian, normal.gradient, normal.cost, np.zeros_like(slow))
    assert not normal.cost.any()
    assert not normal.hessian.any()


def test_acceleration_of_a_parabola_by_hand() -> None:
    """x = t^2 accelerates by 2 on every clock: v[k] is taken in the middle of its step, and (dt1 + dt2) / 2 between middles."""
    for before, after in ((0.01, 0.01), (0.005, 0.02), (0.04, 0.013)):
        factors = coefficients(before, after)
        assert np.dot(factors, np.array([-before, 0, after]) ** 2) == pytest.approx(2.0, rel=1e-12)
        assert np.dot(factors, [1, 1, 1]) == pytest.approx(0.0, abs=1e-9)
        assert np.dot(factors, [-before, 0, after]) == pytest.approx(0.0, abs=1e-12)


def test_the_base_is_smoothed_by_points_fixed_in_it() -> None:
    """Gradient and all blocks of the Hessian, from residuals differenced along twists in the base's own axes."""
    poses = Transform.exp(np.cumsum(RNG.normal(0, 0.2, (FRAMES, 6)), axis=0))
    offsets, weight = 0.3 * np.eye(3), 0.7

    def residuals(poses: Transform) -> Array:
        place = poses.position_m[:, None] + np.einsum("sij,pj->spi", poses.rotation(), offsets)
        speed = np.diff(place, axis=0) / CLOCK[:, None, None]
        return np.asarray(weight * np.diff(speed, axis=0) / ((CLOCK[:-1] + CLOCK[1:]) / 2)[:, None, None]).reshape(-1)

    def moved(frame: int, entry: int, step: float) -> Transform:
        twist = np.zeros((FRAMES, 6))
        twist[frame, entry] = step
        return poses @ Transform.exp(twist)

    step = 1e-6
    columns = [(residuals(moved(s, n, step)) - residuals(moved(s, n, -step))) / (2 * step) for s in range(FRAMES) for n in range(6)]
    jacobian = np.stack(columns, -1)
    normal, after, second = Normal.zeros(FRAMES, BASE + JOINTS), np.zeros((FRAMES, 6, 6)), np.zeros((FRAMES, 6, 6))
    placement = np.concatenate([poses.rotation().transpose(0, 2, 1).reshape(FRAMES, 9), poses.position_m], axis=1)
    add_base_acceleration(placement, offsets, CLOCK, weight, normal.hessian, normal.gradient, normal.cost, after, second)
    assert normal.cost.sum() == pytest.approx((residuals(poses) ** 2).sum(), rel=1e-12)
    gradient = (jacobian.T @ residuals(poses)).reshape(FRAMES, 6)
    np.testing.assert_allclose(normal.gradient[:, :6], gradient, atol=1e-6 * np.abs(gradient).max())
    hessian = (jacobian.T @ jacobian).reshape(FRAMES, 6, FRAMES, 6)
    tolerance = 1e-6 * np.abs(hessian).max()
    for s in range(FRAMES):
        np.testing.assert_allclose(np.tril(normal.hessian[s, :6, :6]), np.tril(hessian[s, :, s]), atol=tolerance)
        if s + 1 < FRAMES:
            np.testing.assert_allclose(after[s], hessian[s + 1, :, s], atol=tolerance)
        if s + 2 < FRAMES:
            np.testing.assert_allclose(second[s], hessian[s + 2, :, s], atol=tolerance)
    assert not normal.gradient[:, 6:].any()


def test_a_base_that_moves_steadily_costs_nothing() -> None:
    """Constant velocity on an uneven clock: no acceleration, whatever the base looks like."""
    time = np.r_[0, np.cumsum(CLOCK)]
    turn = Transform.exp([0, 0, 0, 0.3, -0.5, 0.8])
    poses = Transform(time[:, None] * [1.0, 2.0, -0.5], np.tile(turn.wxyz, (FRAMES, 1)))
    placement = np.concatenate([poses.rotation().transpose(0, 2, 1).reshape(FRAMES, 9), poses.position_m], axis=1)
    normal, blocks = Normal.zeros(FRAMES, 6), np.zeros((2, FRAMES, 6, 6))
    add_base_acceleration(placement, 0.3 * np.eye(3), CLOCK, 1.0, normal.hessian, normal.gradient, normal.cost, *blocks)
    assert normal.cost.max() < 1e-18
    assert np.abs(blocks).max() > 1.0
