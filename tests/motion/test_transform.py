"""Axioms of SE(3), over batch shapes, near the identity and near a half turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from motion.errors import ShapeError
from motion.transform import (
    Transform,
    matrix_from_wxyz,
    normalized,
    quaternion_product,
    rotate,
    skew,
    so3_exp,
    so3_log,
    wxyz_from_matrix,
)

TOLERANCE = 1e-9
finite = st.floats(-3, 3, allow_nan=False)
axes = hnp.arrays(float, 3, elements=st.floats(-1, 1)).filter(lambda v: np.linalg.norm(v) > 1e-3)
angles = st.one_of(
    st.floats(0, np.pi - 1e-6),
    st.floats(0, 1e-7),  # near the identity
    st.floats(np.pi - 1e-5, np.pi - 1e-9),  # near a half turn
)


@st.composite
def transforms(draw: st.DrawFn) -> Transform:
    """A pose with a random axis and an angle that likes the dangerous places."""
    axis, angle = draw(axes), draw(angles)
    return Transform(draw(hnp.arrays(float, 3, elements=finite)), so3_exp(angle * axis / np.linalg.norm(axis)))


def same(a: Transform, b: Transform, tolerance: float = TOLERANCE) -> bool:
    return np.allclose(a.matrix(), b.matrix(), atol=tolerance)


@given(transforms(), transforms())
def test_closure(a: Transform, b: Transform) -> None:
    product = (a @ b).matrix()
    np.testing.assert_allclose(product[:3, :3] @ product[:3, :3].T, np.eye(3), atol=TOLERANCE)
    assert np.linalg.det(product[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(product, a.matrix() @ b.matrix(), atol=TOLERANCE)


@given(transforms())
def test_inverse(a: Transform) -> None:
    assert same(a @ a.inverse(), Transform.identity())
    assert same(a.inverse() @ a, Transform.identity())


@given(transforms(), transforms(), transforms())
def test_associativity(a: Transform, b: Transform, c: Transform) -> None:
    assert same((a @ b) @ c, a @ (b @ c))


@given(transforms())
def test_exp_of_log_is_the_pose(a: Transform) -> None:
    # Near a half turn the inverse of V(r) is ill conditioned in no direction: the loss stays at rounding.
    assert same(Transform.exp(a.log()), a, 1e-7)


@given(axes, angles, hnp.arrays(float, 3, elements=finite))
def test_log_of_exp_is_the_twist(axis: np.ndarray, angle: float, linear: np.ndarray) -> None:
    twist = np.r_[linear, angle * axis / np.linalg.norm(axis)]
    np.testing.assert_allclose(Transform.exp(twist).log(), twist, atol=1e-6)


@given(axes, angles)
def test_so3_agrees_with_scipy(axis: np.ndarray, angle: float) -> None:
    vector = angle * axis / np.linalg.norm(axis)
    np.testing.assert_allclose(matrix_from_wxyz(so3_exp(vector)), Rotation.from_rotvec(vector).as_matrix(), atol=TOLERANCE)
    np.testing.assert_allclose(so3_log(so3_exp(vector)), vector, atol=1e-7)


@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3)])
def test_batches_behave_like_their_members(batch: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    a, b = (Transform.exp(rng.normal(size=(*batch, 6))) for _ in range(2))
    product, inverse = a @ b, a.inverse()
    point = rng.normal(size=(*batch, 3))
    for index in np.ndindex(*batch):
        assert same(product[index], a[index] @ b[index])
        assert same(inverse[index], a[index].inverse())
        np.testing.assert_allclose(a.apply(point)[index], a[index].apply(point[index]))


def test_xyzw_doors_are_inverse_and_scalar_last() -> None:
    pose = Transform.from_xyzw([1, 2, 3], [0, 0, 1, 0])
    np.testing.assert_array_equal(pose.wxyz, [0, 0, 0, 1])
    np.testing.assert_array_equal(pose.to_xyzw(), [0, 0, 1, 0])
    np.testing.assert_allclose(pose.apply([1, 0, 0]), [0, 2, 3], atol=1e-12)  # half a turn about z


def test_matrix_round_trip_and_nan() -> None:
    rng = np.random.default_rng(1)
    pose = Transform.exp(rng.normal(size=(7, 6)))
    assert same(Transform.from_matrix(pose.matrix()), pose)
    lost = pose.matrix()
    lost[2, 0, 0] = np.nan
    assert np.isnan(wxyz_from_matrix(lost[:, :3, :3])[2]).all()


def test_quaternion_product_by_hand() -> None:
    np.testing.assert_array_equal(quaternion_product([0, 1, 0, 0], [0, 0, 1, 0]), [0, 0, 0, 1])  # i j = k
    np.testing.assert_array_equal(quaternion_product([0, 0, 1, 0], [0, 1, 0, 0]), [0, 0, 0, -1])  # j i = -k


def test_rotate_skew_and_normalized_by_hand() -> None:
    quarter = so3_exp([0, 0, np.pi / 2])
    np.testing.assert_allclose(rotate(quarter, [1, 0, 0]), [0, 1, 0], atol=1e-12)
    np.testing.assert_array_equal(skew([1, 2, 3]) @ [4, 5, 6], np.cross([1, 2, 3], [4, 5, 6]))
    np.testing.assert_array_equal(normalized([0, 3, 4]), [0, 0.6, 0.8])
    assert np.isnan(normalized([0, 0, 0])).all()


@settings(max_examples=20)
@given(st.floats(0.01, 0.9))
def test_a_quaternion_that_is_not_unit_is_refused(norm: float) -> None:
    with pytest.raises(ShapeError, match="unit quaternions"):
        Transform(np.zeros(3), [norm, 0, 0, 0])


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 3\) and \(4,\)"):
        Transform(np.zeros((2, 3)), [1, 0, 0, 0])
