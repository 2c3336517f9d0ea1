"""Points from several views: exact, robust, and what cannot be known."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import ShapeError
from motion.transform import Array, Transform, so3_exp, wxyz_from_matrix
from retarget.video.cameras.camera import Camera
from retarget.video.cameras.refine_cameras import refine_cameras
from retarget.video.cameras.triangulate import View, reprojection, triangulate, unswapped

_LENS = Camera(1920, 1080, (1400.0, 1410.0), (950.0, 545.0), (-0.05, 0.1, 0.001, -0.002, 0.0))


def _looking(position_m: tuple[float, float, float], at_m: tuple[float, float, float] = (0, 0, 1)) -> View:
    ahead = np.subtract(at_m, position_m) / np.linalg.norm(np.subtract(at_m, position_m))
    right = np.cross(ahead, [0, 0, 1])
    right /= np.linalg.norm(right)
    return _LENS, Transform(np.array(position_m), wxyz_from_matrix(np.stack([right, np.cross(ahead, right), ahead], -1)))


def _room() -> list[View]:
    return [_looking((3, 0, 1.5)), _looking((-2, 2.5, 1.2)), _looking((-1, -3, 2))]


def _person(frames_n: int = 20, points_n: int = 12) -> Array:
    rng = np.random.default_rng(3)
    return rng.uniform([-0.4, -0.4, 0.2], [0.4, 0.4, 1.7], (frames_n, points_n, 3))


def _pictures(views: list[View], points_m: Array, noise_px: float = 0.0) -> Array:
    seen = np.stack([camera.project(T.inverse().apply(points_m)) for camera, T in views])
    return seen + noise_px * np.random.default_rng(4).normal(size=seen.shape)


def test_clean_views_give_the_points_back() -> None:
    points = _person()
    found = triangulate(_room(), _pictures(_room(), points), np.ones((3, 20, 12)))
    np.testing.assert_allclose(found.position_m, points, atol=1e-7)
    assert found.used.all()
    np.testing.assert_allclose(found.reprojection_px, 0, atol=1e-4)


def test_noise_makes_the_error_that_geometry_says() -> None:
    """2 px at 3 m and 1400 px of focal length are 4 mm across one ray; three views leave about as much."""
    points = _person(100)
    found = triangulate(_room(), _pictures(_room(), points, 2.0), np.ones((3, 100, 12)))
    assert 2e-3 < np.median(np.linalg.norm(found.position_m - points, axis=-1)) < 7e-3


def test_the_result_is_the_least_of_the_squares_in_pixels() -> None:
    seen = _pictures(_room(), _person(4), 3.0)
    weight = np.random.default_rng(1).uniform(0.2, 1, (3, 4, 12))
    found = triangulate(_room(), seen, weight, robust=False)
    least = (weight * found.reprojection_px**2).sum(0)
    for step in 1e-4 * np.vstack([np.eye(3), -np.eye(3)]):
        assert ((weight * reprojection(_room(), seen, found.position_m + step) ** 2).sum(0) >= least - 1e-9).all()


@pytest.mark.parametrize(("views_n", "share"), [(4, 1.0), (3, 0.9)])
def test_one_wrong_view_is_left_out(views_n: int, share: float) -> None:
    """Of three views, the wrong one and another agree by chance now and then: their rays nearly cross somewhere else."""
    views = [*_room(), _looking((2, 2, 1.8))][:views_n]
    points = _person()
    seen = _pictures(views, points, 0.5)
    seen[1, :, 3] += [150, -90]
    found = triangulate(views, seen, np.ones((views_n, 20, 12)))
    right = ~found.used[1, :, 3]
    assert right.mean() >= share
    assert found.used[:, :, :3].all()
    assert np.linalg.norm(found.position_m[right] - points[right], axis=-1).max() < 0.02
    assert (found.reprojection_px[1, right, 3] > 100).all()


def test_fewer_than_two_views_or_rays_that_do_not_cross_are_nan() -> None:
    points, views = _person(2), _room()
    seen = _pictures(views, points)
    seen[1:, 0, 0] = np.nan
    weight = np.ones((3, 2, 12))
    weight[:2, 1, 1] = 0
    weight[0, 1, 2] = np.nan
    found = triangulate(views, seen, weight)
    assert np.isnan(found.position_m[0, 0]).all()
    assert np.isnan(found.position_m[1, 1]).all()
    assert not found.used[:, 0, 0].any()
    np.testing.assert_allclose(found.position_m[1, 2], points[1, 2], atol=1e-6)
    twins = [views[0], views[0]]
    assert np.isnan(triangulate(twins, _pictures(twins, points), np.ones((2, 2, 12))).position_m).all()


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="at least 2"):
        triangulate(_room()[:1], np.zeros((1, 5, 4, 2)), np.zeros((1, 5, 4)))
    with pytest.raises(ShapeError, match="V = 3"):
        triangulate(_room(), np.zeros((2, 5, 4, 2)), np.zeros((2, 5, 4)))


def test_left_taken_for_right_in_one_view_is_put_right() -> None:
    points = _person()
    mirror = np.array([1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 10, 11])
    seen = _pictures(_room(), points, 1.0)
    wrong = seen.copy()
    wrong[1, 5:9] = wrong[1, 5:9][:, mirror]
    right, _, swapped = unswapped(_room(), wrong, np.ones((3, 20, 12)), mirror)
    np.testing.assert_array_equal(right, seen)
    assert (np.flatnonzero(swapped[1]) == [5, 6, 7, 8]).all()
    assert not swapped[[0, 2]].any()


def test_a_bumped_camera_is_put_back_as_far_as_the_person_shows() -> None:
    """Points that took no part, elsewhere in the room, are as much nearer."""
    views, points = _room(), _person(60)
    seen = _pictures(views, points, 2.0)
    bumped = list(views)
    bumped[0] = (_LENS, Transform(views[0][1].position_m + [0.03, 0.02, -0.04], views[0][1].wxyz))
    found = refine_cameras(bumped, seen, np.ones((3, 60, 12)))
    assert found.before_px > 6
    assert found.after_px < 3
    elsewhere = np.random.default_rng(8).uniform([-1, -1, 0], [1, 1, 0.2], (1, 30, 3))
    still = _pictures(views, elsewhere)
    before, after = (np.median(triangulate(v, still, np.ones((3, 1, 30))).reprojection_px) for v in (bumped, found.views))
    assert after < before / 2
    assert "moved" in found.words


def test_cameras_that_agree_stay_where_they_are() -> None:
    views = _room()
    found = refine_cameras(views, _pictures(views, _person(60), 2.0), np.ones((3, 60, 12)))
    assert found.views == views
    assert found.before_px == found.after_px < 3


def test_turning_all_cameras_turns_the_points() -> None:
    turn = Transform(np.array([1.0, -2, 0.5]), so3_exp(np.array([0.3, -0.5, 1.0])))
    seen = _pictures(_room(), _person(5), 2.0)
    moved = [(camera, turn @ T) for camera, T in _room()]
    before, after = (triangulate(views, seen, np.ones((3, 5, 12))).position_m for views in (_room(), moved))
    np.testing.assert_allclose(after, turn.apply(before), atol=1e-7)
