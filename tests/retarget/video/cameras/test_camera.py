"""Pixels to rays and back, for the lenses that films are taken with."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retarget.video.cameras.camera import Camera

_BRIEF = settings(max_examples=60, deadline=None)
_BENDS = st.tuples(st.floats(-0.5, 0.5), st.floats(-0.3, 0.3), st.floats(-5e-3, 5e-3), st.floats(-5e-3, 5e-3), st.floats(-0.1, 0.1))
_POINTS = st.lists(st.tuples(st.floats(-1.2, 1.2), st.floats(-1.2, 1.2), st.floats(0.1, 5.0)), min_size=1, max_size=8)


@_BRIEF
@given(_BENDS, _POINTS)
def test_flat_undoes_project_wherever_the_lens_reaches(bends: tuple[float, float, float, float, float], points: list) -> None:
    camera = Camera(1920, 1080, (900.0, 910.0), (955.0, 545.0), bends)
    place = np.array(points)
    place[:, :2] *= place[:, 2:]
    flat = place[:, :2] / place[:, 2:]
    inside = np.linalg.norm(flat, axis=-1) < 0.9 * camera.reach
    found = camera.flat(camera.project(place))
    np.testing.assert_allclose(found[inside], flat[inside], atol=1e-6)


@_BRIEF
@given(_BENDS, st.lists(st.tuples(st.floats(0, 1920), st.floats(0, 1080)), min_size=1, max_size=8))
def test_a_ray_that_is_given_leads_back_to_its_pixel(bends: tuple[float, float, float, float, float], pixels: list) -> None:
    camera = Camera(1920, 1080, (900.0, 910.0), (955.0, 545.0), bends)
    image = np.array(pixels)
    back = camera.project(camera.rays(image))
    found = np.isfinite(back).all(-1)
    np.testing.assert_allclose(back[found], image[found], atol=1e-4)


def test_the_middle_ray_is_the_axis() -> None:
    camera = Camera(640, 480, (500.0, 500.0), (320.0, 240.0), (-0.3, 0.1, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(camera.rays(np.array([320.0, 240.0])), [0, 0, 1])


def test_a_pixel_by_hand() -> None:
    """k1 = 0.1 at (0.5, 0): 0.5 (1 + 0.1 x 0.25) = 0.5125; 100 px of focal length from a centre at 50 make 101.25."""
    camera = Camera(100, 100, (100.0, 100.0), (50.0, 50.0), (0.1, 0.0, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(camera.project(np.array([1.0, 0.0, 2.0])), [101.25, 50.0])


def test_beyond_the_fold_there_is_nothing() -> None:
    """r (1 - 0.3 r2) turns back at r = 1 / sqrt(0.9) = 1.054, where it is 0.703: no ray for a pixel beyond, no pixel for such a ray."""
    camera = Camera(2000, 2000, (1000.0, 1000.0), (1000.0, 1000.0), (-0.3, 0.0, 0.0, 0.0, 0.0))
    assert abs(camera.reach - 1.054) < 2e-3
    assert np.isnan(camera.flat(np.array([1000.0 + 720, 1000.0]))).all()
    assert np.isnan(camera.project(np.array([1.5, 0.0, 1.0]))).all()
    assert np.isfinite(camera.flat(np.array([1000.0 + 690, 1000.0]))).all()


def test_what_is_behind_or_unseen_is_nan() -> None:
    camera = Camera(640, 480, (500.0, 500.0), (320.0, 240.0))
    assert np.isnan(camera.project(np.array([[0.0, 0, -1], [0, 0, 0]]))).all()
    assert np.isnan(camera.flat(np.array([np.nan, 3.0]))).any()
