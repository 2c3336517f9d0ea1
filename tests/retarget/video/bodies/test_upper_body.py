"""The upper body inferred from head and wrists, against workers whose body is known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from motion.errors import MotionError, ShapeError
from motion.human import HumanMotion
from motion.landmarks import SIDES, hand_landmarks
from motion.segments import segment_frame
from motion.transform import Array, Transform, matrix_from_wxyz, wxyz_from_matrix
from retarget.video.bodies.upper_body import CONFIDENCE, UPPER_BODY, UpperBodySettings, body_below, head_from_camera, infer_upper_body
from retarget.video.paths import HandPath
from workers import record

_TILT_RAD = 0.7


@lru_cache(maxsize=8)
def _truth(chore: str, worker: int) -> HumanMotion:
    truth = record(chore, worker, view="head").truth
    return truth.slice(slice(0, 360, 3))


def _T_world_camera(truth: HumanMotion) -> Transform:
    """Where a phone on the forehead would be: 11 cm ahead of the neck's base, 72 % of the way to the vertex, looking down."""
    head = matrix_from_wxyz(segment_frame("head", truth.point)[0])
    over = 0.72 * np.linalg.norm(truth.point("head_top") - truth.point("neck"), axis=-1, keepdims=True)
    place = truth.point("neck") + 0.11 * head[:, :, 0] + over * head[:, :, 2]
    ahead = np.cos(_TILT_RAD) * head[:, :, 0] - np.sin(_TILT_RAD) * head[:, :, 2]
    right = -head[:, :, 1]
    return Transform(place, wxyz_from_matrix(np.stack([right, np.cross(ahead, right), ahead], axis=-1)))


def _hands(truth: HumanMotion, hidden: dict[str, slice] | None = None) -> dict[str, HandPath]:
    hands = {}
    for side in SIDES:
        position = np.stack([truth.point(name) for name in hand_landmarks(side)], axis=1)
        position[(hidden or {}).get(side, slice(0, 0))] = np.nan
        frames = len(position)
        sure = np.isfinite(position).all(-1).astype(float)
        nothing = np.full((frames, 21, 2), np.nan)
        hands[side] = HandPath(side, truth.time_s, position, nothing, sure, np.zeros(frames), np.zeros(frames, bool), 0.19, "stated")
    return hands


def _off_mm(found: Array, truth: HumanMotion, name: str) -> Array:
    return 1e3 * np.linalg.norm(found[:, UPPER_BODY.index(name)] - truth.point(name), axis=-1)


@pytest.mark.parametrize("stated", [True, False])
def test_shoulders_and_elbows_are_near_the_truth(stated: bool) -> None:
    off: dict[str, list[Array]] = {"shoulder": [], "elbow": []}
    for chore, worker in (("wipe", 0), ("stir", 1), ("fold", 2), ("reach_place", 3)):
        truth = _truth(chore, worker)
        height_m = truth.subject.height_m if stated else None
        found = infer_upper_body(truth.time_s, _T_world_camera(truth), _hands(truth), height_m).body.position_m
        for name, values in off.items():
            values += [_off_mm(found, truth, f"{side}_{name}") for side in SIDES]
    assert np.median(np.concatenate(off["shoulder"])) < (40 if stated else 80)
    assert np.median(np.concatenate(off["elbow"])) < (60 if stated else 110)


def test_all_of_it_is_marked_as_inferred_and_has_no_legs() -> None:
    truth = _truth("stir", 1)
    upper = infer_upper_body(truth.time_s, _T_world_camera(truth), _hands(truth), 1.7)
    body = upper.body
    assert body.inferred == set(body.landmarks)
    assert body.confidence.max() <= CONFIDENCE
    assert not any(name.endswith(("hip", "knee", "ankle", "wrist")) for name in body.landmarks)
    assert np.isnan(body.image_px).all()
    assert "nobody saw it" in body.words["upper body"]
    np.testing.assert_allclose(np.abs((upper.head_wxyz * segment_frame("head", truth.point)[0]).sum(-1)), 1, atol=1e-6)


def test_an_arm_whose_wrist_is_unseen_is_not_inferred() -> None:
    truth = _truth("wipe", 0)
    hidden = slice(30, 60)
    found = infer_upper_body(truth.time_s, _T_world_camera(truth), _hands(truth, {"left": hidden}), 1.7).body
    left, right = (found.position_m[:, UPPER_BODY.index(f"{side}_elbow")] for side in SIDES)
    assert np.isnan(left[hidden]).all()
    assert np.isfinite(left[:30]).all()
    assert np.isfinite(right).all()
    assert np.isfinite(found.position_m[:, UPPER_BODY.index("left_shoulder")]).all()


def test_a_wrist_out_of_reach_is_said() -> None:
    time_s = np.arange(30) / 30
    head = Transform(np.tile([0.0, 0.0, 1.5], (30, 1)), np.tile([1.0, 0, 0, 0], (30, 1)))
    near = body_below(time_s, head, {"right": np.tile([0.35, -0.2, 1.2], (30, 1))}, None, 1.7)
    far = body_below(time_s, head, {"right": np.tile([0.9, -0.2, 1.3], (30, 1))}, None, 1.7)
    elbow = UPPER_BODY.index("right_elbow")
    assert "out of reach" in far.words
    assert "out of reach" not in near.words
    assert np.isnan(far.position_m[:, elbow]).all()
    assert np.isfinite(near.position_m[:, elbow]).all()
    shoulder = UPPER_BODY.index("right_shoulder")
    assert far.confidence[0, shoulder] < near.confidence[0, shoulder]
    assert far.position_m[0, shoulder, 0] > near.position_m[0, shoulder, 0] + 0.02  # it goes along with the hand


def test_elbows_hang_below_and_outside_of_arms() -> None:
    time_s = np.arange(10) / 30
    head = Transform(np.tile([0.0, 0.0, 1.5], (10, 1)), np.tile([1.0, 0, 0, 0], (10, 1)))
    wrists = {"left": np.tile([0.3, 0.15, 1.25], (10, 1)), "right": np.tile([0.3, -0.15, 1.25], (10, 1))}
    body = body_below(time_s, head, wrists, None, 1.7)
    for side, sign in (("left", 1), ("right", -1)):
        shoulder, elbow = (body.position_m[0, UPPER_BODY.index(f"{side}_{name}")] for name in ("shoulder", "elbow"))
        assert elbow[2] < min(shoulder[2], wrists[side][0, 2])
        assert sign * elbow[1] > 0.15
        assert np.linalg.norm(elbow - shoulder) == pytest.approx(0.160 * 1.7, abs=1e-6)
        assert np.linalg.norm(elbow - wrists[side][0]) == pytest.approx(0.151 * 1.7, abs=1e-6)


def test_the_phone_looks_down_by_its_tilt() -> None:
    level = head_from_camera(
        Transform(
            np.array([[0.0, 0.0, 1.6]]),
            wxyz_from_matrix(np.array([[[0.0, -np.sin(0.5), np.cos(0.5)], [-1, 0, 0], [0, -np.cos(0.5), -np.sin(0.5)]]])),
        ),
        1.7,
        UpperBodySettings(tilt_rad=0.5),
    )
    np.testing.assert_allclose(level.rotation()[0], np.eye(3), atol=1e-9)
    assert level.position_m[0, 2] < 1.6
    assert level.position_m[0, 0] < 0


def test_missing_heads_and_other_lengths_are_refused() -> None:
    time_s = np.arange(4) / 30
    with pytest.raises(MotionError, match="not known in any frame"):
        body_below(time_s, Transform(np.full((4, 3), np.nan), np.full((4, 4), np.nan)), {})
    with pytest.raises(ShapeError, match="right"):
        body_below(time_s, Transform.identity(4), {"right": np.zeros((3, 3))})
