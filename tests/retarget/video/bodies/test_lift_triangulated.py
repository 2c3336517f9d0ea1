"""A body from points in space: wrong points and gaps do little harm, and what was done is said."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import FileFormatError, ShapeError
from motion.landmarks import RIGID_BONES
from motion.transform import Array
from retarget.video.bodies.lift_triangulated import body_from_triangulation
from retarget.video.bodies.person import POINT
from retarget.video.paths import BodyPath
from tests.retarget.video.filmed_people import filmed


def _noisy() -> tuple[Array, Array, Array]:
    take = filmed()
    rng = np.random.default_rng(0)
    return take.track.time_s, take.points_m + 0.01 * rng.standard_normal(take.points_m.shape), take.points_m


def _off_mm(body: BodyPath, truth: Array, name: str) -> Array:
    return 1e3 * np.linalg.norm(body.position_m[:, body.landmarks.index(name)] - truth[:, POINT[name]], axis=-1)


def test_points_come_out_calmer_than_they_went_in() -> None:
    time_s, noisy, truth = _noisy()
    body = body_from_triangulation(time_s, noisy)
    for name in ("left_wrist", "right_knee", "left_shoulder"):
        before = 1e3 * np.linalg.norm(noisy - truth, axis=-1)[:, POINT[name]]
        assert np.median(_off_mm(body, truth, name)) < 0.75 * np.median(before)
    for a, b in RIGID_BONES:
        first, second = (body.position_m[:, body.landmarks.index(name)] for name in (a, b))
        assert np.std(np.linalg.norm(first - second, axis=-1)) < 0.004
    assert "mm (RMS)" in body.words["body"]


def test_a_limb_placed_wrongly_for_a_moment_stays_where_it_was() -> None:
    time_s, noisy, truth = _noisy()
    noisy[50:52, POINT["right_wrist"]] += [0.6, 0.0, 0.3]
    body = body_from_triangulation(time_s, noisy)
    assert _off_mm(body, truth, "right_wrist")[50:52].max() < 120


def test_gaps_are_filled_up_to_half_a_second() -> None:
    time_s, noisy, truth = _noisy()
    noisy[20:30] = np.nan
    noisy[60:95, POINT["left_wrist"]] = np.nan
    body = body_from_triangulation(time_s, noisy)
    assert body.filled[20:30].all()
    assert body.filled.sum() == 10
    assert _off_mm(body, truth, "left_elbow")[20:30].max() < 80
    column = body.landmarks.index("left_wrist")
    assert np.isnan(body.position_m[60:95, column]).all()
    assert (body.confidence[60:95, column] == 0).all()
    assert np.isfinite(body.position_m[60:95, body.landmarks.index("right_wrist")]).all()


def test_nothing_and_other_shapes_are_refused() -> None:
    with pytest.raises(FileFormatError, match="no person was placed"):
        body_from_triangulation(np.arange(4) / 30, np.full((4, 33, 3), np.nan))
    with pytest.raises(ShapeError, match="33, 3"):
        body_from_triangulation(np.arange(4) / 30, np.zeros((4, 17, 3)))
