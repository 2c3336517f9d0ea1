"""One person is kept through a film, whoever else is in the picture, and their left stays left."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import FileFormatError
from retarget.video.bodies.person import BODY_POINTS, POINT, PersonTrack, follow_person
from retarget.video.seen import BodyDetections
from tests.retarget.video.filmed_people import filmed

_SIZE = (1280, 720)
_MIRROR = np.array([POINT[n.replace("left", "#").replace("right", "left").replace("#", "right")] for n in BODY_POINTS])


def _detections(*people: PersonTrack) -> BodyDetections:
    stacked = [
        np.stack(arrays, axis=1) for arrays in zip(*[(p.image_px, p.relative_m, p.visibility, p.score) for p in people], strict=True)
    ]
    stacked[3] = np.where(np.isfinite(stacked[0]).all((2, 3)), stacked[3], np.nan)
    return BodyDetections(people[0].time_s, *stacked)


def _smaller(track: PersonTrack, away_px: float = 450.0) -> PersonTrack:
    """Somebody in the background, half as large, in another place."""
    image = 0.5 * track.image_px[::-1] + [away_px, 100.0]
    return PersonTrack(track.time_s, image, track.relative_m[::-1], track.visibility, 0.99 * np.ones(len(track.time_s)))


def test_the_larger_person_is_followed_whatever_their_number() -> None:
    worker = filmed().track
    seen = _detections(_smaller(worker), worker)
    odd = np.arange(len(worker.time_s)) % 2 == 1
    for name in ("image_px", "relative_m", "visibility", "score"):
        getattr(seen, name)[odd] = getattr(seen, name)[odd][:, ::-1]
    track = follow_person(seen, _SIZE)
    np.testing.assert_array_equal(track.image_px, worker.image_px)
    assert track.others_n == 1
    assert "other people: 1" in track.words["person"]


def test_nobody_else_is_taken_for_the_worker_who_is_hidden() -> None:
    worker = filmed().track
    hidden = slice(40, 75)
    seen = _detections(worker, _smaller(worker))
    seen.image_px[hidden, 0] = np.nan
    track = follow_person(seen, _SIZE)
    assert not track.seen[hidden].any()
    assert track.seen[:40].all()
    assert track.seen[75:].all()
    assert (track.visibility[hidden] == 0).all()


def test_exchanged_sides_are_put_right_and_counted() -> None:
    worker = filmed().track
    wrong = np.zeros(len(worker.time_s), bool)
    wrong[[20, 21, 50, 51, 52, 53, 80]] = True
    seen = _detections(worker)
    for name in ("image_px", "relative_m", "visibility"):
        getattr(seen, name)[wrong, 0] = getattr(seen, name)[wrong, 0][:, _MIRROR]
    track = follow_person(seen, _SIZE)
    np.testing.assert_array_equal(track.exchanged, np.stack([wrong, wrong], axis=1))
    np.testing.assert_allclose(track.image_px, worker.image_px)
    assert "in 7 pictures" in track.words["sides"]
    wrist = track.visibility[:, POINT["left_wrist"]]
    assert wrist[wrong].max() < wrist[~wrong].min()


def test_a_picture_with_the_person_upside_down_is_left_out() -> None:
    worker = filmed().track
    seen = _detections(worker)
    middle = seen.image_px[40, 0].mean(0)
    seen.image_px[40, 0] = middle - (seen.image_px[40, 0] - middle) + [60.0, 0.0]
    track = follow_person(seen, _SIZE)
    np.testing.assert_array_equal(np.flatnonzero(~track.seen), [40])
    assert track.words["wild pictures"].startswith("1 ")


def test_feet_of_a_back_taken_for_a_front_point_ahead_again() -> None:
    worker = filmed(noise=0.0).track
    seen = _detections(worker)
    wrong = slice(40, 46)
    for side in ("left", "right"):
        ankle = seen.relative_m[wrong, 0, POINT[f"{side}_ankle"], 2].copy()
        for name in ("heel", "foot_index"):
            seen.relative_m[wrong, 0, POINT[f"{side}_{name}"], 2] = 2 * ankle - seen.relative_m[wrong, 0, POINT[f"{side}_{name}"], 2]
    for name in ("image_px", "relative_m", "visibility"):
        getattr(seen, name)[wrong, 0] = getattr(seen, name)[wrong, 0][:, _MIRROR]
    track = follow_person(seen, _SIZE)
    assert track.exchanged[wrong].all()
    for name in ("left_heel", "right_foot_index"):
        np.testing.assert_allclose(track.relative_m[:, POINT[name]], worker.relative_m[:, POINT[name]], atol=1e-12)


def test_legs_may_be_exchanged_alone() -> None:
    worker = filmed().track
    lower = np.array([k for k, name in enumerate(BODY_POINTS) if name.endswith(("hip", "knee", "ankle", "heel", "foot_index"))])
    seen = _detections(worker)
    for name in ("image_px", "relative_m", "visibility"):
        array = getattr(seen, name)
        array[30:34, 0][:, lower] = array[30:34, 0][:, _MIRROR[lower]]
    track = follow_person(seen, _SIZE)
    assert not track.exchanged[:, 0].any()
    np.testing.assert_array_equal(np.flatnonzero(track.exchanged[:, 1]), [30, 31, 32, 33])


def test_a_film_without_people_is_refused() -> None:
    nothing = np.full((5, 1, 33), np.nan)
    seen = BodyDetections(np.arange(5) / 30, np.full((5, 1, 33, 2), np.nan), np.full((5, 1, 33, 3), np.nan), nothing, nothing[..., 0])
    with pytest.raises(FileFormatError, match="no person is seen"):
        follow_person(seen, _SIZE)
