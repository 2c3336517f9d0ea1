"""A body from a camera's frame stands upright in the world, on its feet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.errors import MotionError
from motion.landmarks import RIGID_BONES, SIDES
from motion.transform import Array, Transform
from retarget.contacts import Contacts
from retarget.spans import runs
from retarget.video.bodies.body_landmarks import BODY_LANDMARKS
from retarget.video.bodies.lift_body import lift_body
from retarget.video.bodies.plant import bent_leg
from retarget.video.bodies.stand import contacts_of, looking_along_x, place_in_world
from retarget.video.bodies.upright import balanced_up, trunk_up
from retarget.video.paths import BodyPath
from tests.retarget.video.filmed_people import CAMERA, Filmed, filmed


def _true_body(take: Filmed) -> BodyPath:
    """The worker as they truly are, in the camera's frame."""
    position = np.stack([take.truth_m[name] for name in BODY_LANDMARKS], axis=1)
    frames = len(position)
    image = np.full((*position.shape[:2], 2), np.nan)
    sure = np.ones(position.shape[:2])
    return BodyPath(take.track.time_s, BODY_LANDMARKS, position, sure, image, np.zeros(frames, bool), frozenset(), {})


def _up(take: Filmed) -> Array:
    return take.T_world_camera.rotation()[2]


def _at(body: BodyPath, name: str) -> Array:
    return body.position_m[:, body.landmarks.index(name)]


def _slip_mps(body: BodyPath, contacts: Contacts, name: str) -> float:
    speed = np.linalg.norm(np.diff(_at(body, name), axis=0), axis=-1) / np.diff(body.time_s)
    inside = [speed[run.start : run.stop - 1] for run in runs(contacts.standing[name])]
    return float(np.concatenate(inside).max())


@pytest.mark.parametrize("how", ["gravity", "poses"])
def test_the_world_is_upright_with_its_floor_at_zero(how: str) -> None:
    take = filmed()
    known = {"gravity_camera": -9.81 * _up(take)} if how == "gravity" else {"T_world_camera": take.T_world_camera}
    body, camera, words = place_in_world(_true_body(take), **known)
    np.testing.assert_allclose(camera.rotation()[0] @ _up(take), [0, 0, 1], atol=1e-6)
    for side in SIDES:
        assert abs(np.median(_at(body, f"{side}_toe")[:, 2])) < 0.01
    assert np.median(_at(body, "head_top")[:, 2]) == pytest.approx(take.stature_m, abs=0.08)
    assert camera.position_m[0, 2] == pytest.approx(take.T_world_camera.position_m[2], abs=0.03)
    assert "where the feet stand" in words["floor"]


def test_a_worker_lifted_from_film_stands_still_on_both_feet() -> None:
    take = filmed()
    body, _, words = place_in_world(lift_body(take.track, CAMERA, take.stature_m), gravity_camera=-_up(take))
    contacts = contacts_of(body)
    for name in contacts.standing:
        assert _slip_mps(body, contacts, name) < 0.05
    assert min(_at(body, f"{side}_{part}")[:, 2].min() for side in SIDES for part in ("heel", "toe")) > -0.01
    for a, b in RIGID_BONES:
        assert np.ptp(np.linalg.norm(_at(body, a) - _at(body, b), axis=-1)) < 0.01
    assert "stances" in words["feet"]


@pytest.mark.parametrize("chore", ["reach_place", "fold"])
def test_up_is_found_by_the_weight_over_the_feet(chore: str) -> None:
    take = filmed(chore)
    body = lift_body(take.track, CAMERA, take.stature_m)
    found = balanced_up(body)
    assert found is not None
    up, sigma = found
    assert np.degrees(np.arccos(up @ _up(take))) < 6
    assert np.degrees(sigma) < 15
    _, camera, words = place_in_world(body)
    assert np.degrees(np.arccos((camera.rotation()[0] @ _up(take))[2])) < 6
    assert "estimated" in words["up"]


def test_without_feet_the_trunk_and_the_stature_have_to_do() -> None:
    take = filmed()
    whole = _true_body(take)
    keep = [k for k, name in enumerate(whole.landmarks) if not name.endswith(("knee", "ankle", "heel", "toe"))]
    half = replace(
        whole,
        landmarks=tuple(whole.landmarks[k] for k in keep),
        position_m=whole.position_m[:, keep],
        confidence=whole.confidence[:, keep],
        image_px=whole.image_px[:, keep],
    )
    assert balanced_up(half) is None
    found = trunk_up(half)
    assert found is not None
    assert found[1] > np.deg2rad(9)
    body, _, words = place_in_world(half, height_m=take.stature_m)
    assert "no foot" in words["floor"]
    assert np.median(_at(body, "head_top")[:, 2]) == pytest.approx(take.stature_m, abs=0.15)


@pytest.mark.parametrize("up", [(0.0, -1.0, 0.0), (0.3, -0.8, -0.5), (0.0, 0.1, -1.0), (0.05, 0.0, 1.0)])
def test_cameras_look_along_x_however_they_are_held(up: tuple[float, float, float]) -> None:
    unit = np.array(up) / np.linalg.norm(up)
    rotation = looking_along_x(unit)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation @ unit, [0, 0, 1], atol=1e-12)


def test_legs_bend_to_reach() -> None:
    hip, knee, ankle = (np.array([v]) for v in ([0.0, 0, 0.9], [0.1, 0, 0.5], [0.0, 0, 0.2]))
    bent, reached = bent_leg(hip, knee, ankle, np.array([0.42]), np.array([0.40]))
    np.testing.assert_allclose(reached, ankle)
    assert np.linalg.norm(bent - hip) == pytest.approx(0.42)
    assert np.linalg.norm(bent - reached) == pytest.approx(0.40)
    assert bent[0, 0] > 0
    far, reached = bent_leg(hip, knee, ankle - [0, 0, 1.0], np.array([0.42]), np.array([0.40]))
    assert np.linalg.norm(reached - hip) == pytest.approx(0.82, abs=1e-3)
    assert np.linalg.norm(far - hip) == pytest.approx(0.42)


def test_senseless_gravity_and_poses_are_refused() -> None:
    body = _true_body(filmed())
    with pytest.raises(MotionError, match="gravity"):
        place_in_world(body, gravity_camera=np.zeros(3))
    with pytest.raises(MotionError, match="poses of the camera: 3"):
        place_in_world(body, T_world_camera=Transform.identity(3))
