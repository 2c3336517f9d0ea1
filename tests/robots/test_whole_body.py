"""Centre of mass, dynamics of the whole body and Jacobians of points: against statics, and against differences."""

from __future__ import annotations

import numpy as np
import pytest

from motion.transform import Array, Transform
from robots import load_robot
from robots.kinematics import Kinematics

STEP = 1e-6


@pytest.fixture(scope="module", params=["g1", "alex_psyonic"])  # the second has mimic joints
def kinematics(request: pytest.FixtureRequest) -> Kinematics:
    return Kinematics(load_robot(request.param))


@pytest.fixture
def postures(kinematics: Kinematics) -> tuple[Array, Transform]:
    rng = np.random.default_rng(3)
    rest = kinematics.robot.rest_rad
    return rest + 0.1 * rng.normal(size=(2, len(rest))), Transform.exp(rng.normal(size=(2, 6)))


def stepped(postures: tuple[Array, Transform], tangent: Array) -> tuple[Array, Transform]:
    joints, base = postures
    return joints + tangent[6:], base @ Transform.exp(np.tile(tangent[:6], (len(joints), 1)))


def test_at_rest_the_base_is_held_by_the_weight_through_the_centre_of_mass(
    kinematics: Kinematics, postures: tuple[Array, Transform]
) -> None:
    joints, base = postures
    still = np.zeros((2, kinematics.tangent_size))
    wrench = kinematics.whole_body_dynamics(joints, still, still, base)[:, :6]
    inward = np.swapaxes(base.rotation(), -1, -2)
    force = (inward @ np.array([0, 0, 9.81 * kinematics.mass_kg]))[..., :]
    lever = (inward @ (kinematics.centre_of_mass(joints, base) - base.position_m)[..., None])[..., 0]
    np.testing.assert_allclose(wrench[:, :3], force, atol=1e-8)
    np.testing.assert_allclose(wrench[:, 3:], np.cross(lever, force), atol=1e-8)


def test_base_inertia_is_how_forces_grow_with_acceleration(kinematics: Kinematics, postures: tuple[Array, Transform]) -> None:
    joints, base = postures
    still = np.zeros((2, kinematics.tangent_size))
    rows = kinematics.base_inertia(joints, base)
    rest = kinematics.whole_body_dynamics(joints, still, still, base)
    for column in range(6):
        pushed = still.copy()
        pushed[:, column] = 1.0
        grown = kinematics.whole_body_dynamics(joints, still, pushed, base) - rest
        np.testing.assert_allclose(grown, rows[:, column], atol=1e-9)


def test_jacobians_of_points_against_differences(kinematics: Kinematics, postures: tuple[Array, Transform]) -> None:
    points = tuple(kinematics.robot.landmarks.values())
    jacobian, before = kinematics.point_jacobians(points, *postures), kinematics.point_positions(points, *postures)
    for column in range(kinematics.tangent_size):
        after = kinematics.point_positions(points, *stepped(postures, STEP * np.eye(kinematics.tangent_size)[column]))
        np.testing.assert_allclose(jacobian[..., column], (after - before) / STEP, atol=2e-6)


def test_an_unknown_posture_has_no_centre_of_mass(kinematics: Kinematics, postures: tuple[Array, Transform]) -> None:
    joints, base = postures
    joints[1, 0] = np.nan
    assert np.isfinite(kinematics.centre_of_mass(joints, base)).all(1).tolist() == [True, False]
