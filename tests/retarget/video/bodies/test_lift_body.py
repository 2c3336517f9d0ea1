"""A body before one camera: near the truth, bones of constant length, gaps said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.landmarks import RIGID_BONES, SIDES
from motion.transform import Array
from retarget.video.bodies.lift_body import head_in_camera, lift_body, turned_to_ray
from retarget.video.paths import BodyPath
from tests.retarget.video.filmed_people import CAMERA, filmed

_JOINTS = tuple(f"{side}_{name}" for side in SIDES for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe"))


def _at(body: BodyPath, name: str) -> Array:
    return body.position_m[:, body.landmarks.index(name)]


def _error_mm(body: BodyPath, truth_m: dict[str, Array]) -> Array:
    return 1e3 * np.stack([np.linalg.norm(_at(body, name) - truth_m[name], axis=-1) for name in _JOINTS], axis=1)


@pytest.mark.parametrize(("chore", "worker"), [("reach_place", 0), ("wipe", 1)])
def test_joints_are_near_the_truth(chore: str, worker: int) -> None:
    take = filmed(chore, worker)
    body = lift_body(take.track, CAMERA, take.stature_m)
    hips = (_at(body, "left_hip") + _at(body, "right_hip") - take.truth_m["left_hip"] - take.truth_m["right_hip"]) / 2
    off = _error_mm(body, take.truth_m)
    assert np.median(off) < 130  # where the person stands hangs on proportions that differ from person to person
    own = 1e3 * np.stack([np.linalg.norm(_at(body, name) - hips - take.truth_m[name], axis=-1) for name in _JOINTS], axis=1)
    assert np.median(own) < 60


def test_bones_have_one_length() -> None:
    take = filmed()
    body = lift_body(take.track, CAMERA, take.stature_m)
    for a, b in RIGID_BONES:
        length = np.linalg.norm(_at(body, a) - _at(body, b), axis=-1)
        assert np.ptp(length) < 0.02 * length.mean()
        assert np.std(length) < 0.005


def test_stature_scales_size_and_distance() -> None:
    take = filmed()
    short, tall = (lift_body(take.track, CAMERA, height_m) for height_m in (1.5, 1.8))
    ratio = np.median(_at(tall, "pelvis")[:, 2] / _at(short, "pelvis")[:, 2])
    assert ratio == pytest.approx(1.2, abs=0.02)
    assert "1.70 m taken" in lift_body(take.track, CAMERA).words["body"]
    assert "stated" in tall.words["body"]


def test_short_gaps_are_filled_and_long_ones_left() -> None:
    take = filmed()
    track = take.track
    image, relative, visibility = track.image_px.copy(), track.relative_m.copy(), track.visibility.copy()
    short, long = slice(20, 28), slice(60, 90)
    for gap in (short, long):
        image[gap], relative[gap], visibility[gap] = np.nan, np.nan, 0.0
    body = lift_body(replace(track, image_px=image, relative_m=relative, visibility=visibility), CAMERA, take.stature_m)
    assert body.filled[short].all()
    assert body.filled.sum() == 8
    assert (body.confidence[short] <= 0.5).all()
    assert np.median(_error_mm(body, take.truth_m)[short]) < 140
    assert np.isnan(body.position_m[long]).all()
    assert (body.confidence[long] == 0).all()


def test_what_is_beyond_the_border_is_not_made_up() -> None:
    take = filmed()
    low = replace(CAMERA, height_px=420)
    track = take.track
    feet = track.image_px[:, -6:, 1].min()
    assert feet > low.height_px
    body = lift_body(track, low, take.stature_m)
    assert np.isnan(_at(body, "left_ankle")).all()
    assert np.isfinite(_at(body, "left_wrist")).all()


def test_what_a_table_hides_is_not_made_up() -> None:
    take = filmed()
    visibility = take.track.visibility.copy()
    visibility[:, -8:] = 0.08
    body = lift_body(replace(take.track, visibility=visibility), CAMERA, take.stature_m)
    assert np.isnan(_at(body, "right_ankle")).all()
    assert np.isfinite(_at(body, "right_hip")).all()


def test_the_head_looks_where_it_does() -> None:
    take = filmed(noise=0.0)
    wxyz = head_in_camera(take.track, CAMERA)
    assert np.isfinite(wxyz).all()


def test_points_are_turned_towards_the_person() -> None:
    flat = np.tile([0.5, 0.0], (1, 33, 1))
    ahead = np.zeros((1, 33, 3))
    ahead[..., 2] = 1.0
    found = turned_to_ray(ahead, flat)
    wanted = np.array([0.5, 0.0, 1.0]) / np.hypot(0.5, 1.0)
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), atol=1e-12)


def test_nobody_is_refused() -> None:
    take = filmed()
    nothing = replace(take.track, image_px=np.full_like(take.track.image_px, np.nan))
    with pytest.raises(FileFormatError, match="no person"):
        lift_body(nothing, CAMERA)
