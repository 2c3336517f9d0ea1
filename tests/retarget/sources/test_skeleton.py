"""Trees of joints: the chain against rotation matrices, and turns against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motion.errors import ShapeError
from motion.transform import matrix_from_wxyz
from retarget.reading.skeleton import Skeleton, euler_wxyz, world_poses

_PARENTS = (-1, 0, 1, 1, 0, 4, 5, -1)


def test_poses_chain_as_matrices_do() -> None:
    rng = np.random.default_rng(0)
    position, local = rng.normal(size=(7, len(_PARENTS), 3)), Rotation.random(7 * len(_PARENTS), rng=rng)
    wxyz = local.as_quat(scalar_first=True).reshape(7, -1, 4)
    poses = world_poses(_PARENTS, position, wxyz)
    turn, where = local.as_matrix().reshape(7, -1, 3, 3), position.copy()
    for joint, parent in enumerate(_PARENTS):
        if parent >= 0:
            where[:, joint] = where[:, parent] + np.einsum("tij,tj->ti", turn[:, parent], position[:, joint])
            turn[:, joint] = turn[:, parent] @ turn[:, joint]
    np.testing.assert_allclose(poses.position_m, where, atol=1e-12)
    np.testing.assert_allclose(poses.rotation(), turn, atol=1e-12)


@pytest.mark.parametrize("order", ["XYZ", "ZXY", "YXZ", "ZYX", "XZ", "Y", "ZXZ"])
def test_turns_follow_each_other_about_a_joints_own_axes(order: str) -> None:
    angle = np.random.default_rng(1).uniform(-3, 3, (5, 2, len(order)))
    axis = np.tile(["XYZ".index(letter) for letter in order], (2, 1))
    ours = matrix_from_wxyz(euler_wxyz(angle, axis)).reshape(-1, 3, 3)
    theirs = Rotation.from_euler(order, angle.reshape(-1, len(order)))
    np.testing.assert_allclose(ours, theirs.as_matrix(), atol=1e-12)


def test_a_joint_without_turns_stands_still() -> None:
    np.testing.assert_array_equal(euler_wxyz(np.ones((1, 1, 3)), np.full((1, 3), -1))[0, 0], [1, 0, 0, 0])


def test_offsets_hang_below_the_root() -> None:
    skeleton = Skeleton(("hip", "knee"), (-1, 0), np.array([[9.0, 9, 9], [0, 0, -0.4]]))
    still = np.tile([1.0, 0, 0, 0], (2, 2, 1))
    poses = skeleton.poses(still, np.array([[0, 0, 1.0], [0, 1, 1]]))
    np.testing.assert_array_equal(poses.position_m[:, 1], [[0, 0, 0.6], [0, 1, 0.6]])


def test_a_tree_that_is_none_is_refused() -> None:
    with pytest.raises(ShapeError, match="every parent before its children"):
        Skeleton(("a", "b"), (1, -1), np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="2 parents"):
        Skeleton(("a", "b"), (-1,), np.zeros((2, 3)))
