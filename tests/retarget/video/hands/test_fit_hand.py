"""The normal equations of a hand, against finite differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.transform import Array
from retarget.video.hands import fit_hand
from retarget.video.hands.fit_hand import FitSettings, Posture, Seen, fit, posture_points
from retarget.video.hands.hand_size import FINGER_POINTS, PALM_POINTS, hand_axes
from tests.retarget.video.made_hands import CAMERA, SHAPE, hand

SETTINGS = FitSettings(robust=1e6)  # squares alone, so that costs are smooth


def _case(side: str) -> tuple[Seen, Posture, Array]:
    rng = np.random.default_rng(0)
    true = hand(side, rng.normal([0.0, 0.1, 0.5], 0.05, (4, 3)), rng.normal(0, 0.4, (4, 3)), rng.uniform(-0.3, 0.8, 4))
    seen = Seen(CAMERA.flat(CAMERA.project(true)), np.full(4, 2.0), true + rng.normal(0, 0.003, true.shape))
    bones = np.stack([np.diff(true[:, chain], axis=1) for chain in FINGER_POINTS], axis=1)
    bones = bones + rng.normal(0, 0.01, bones.shape)
    axes = hand_axes(true)
    start = Posture(axes, true[:, 0] + 0.01, bones / np.linalg.norm(bones, axis=-1, keepdims=True), hand_axes(seen.relative_m))
    return seen, start, SHAPE.palm_of(side)


def _cost(seen: Seen, posture: Posture, palm_m: Array) -> Array:
    """(N,) half the sum of all squares, written down once more."""
    points = posture_points(posture, palm_m, SHAPE.bones_m)
    deviation = np.full(21, SETTINGS.image_share * 2 * np.linalg.norm(palm_m[3]) * 2.0)
    deviation *= np.where(np.isin(np.arange(21), PALM_POINTS), 1.0, SETTINGS.finger_times)
    deviation[[0, 1]] *= SETTINGS.wrist_times
    off = (points[..., :2] / points[..., 2:] - seen.flat) / deviation[:, None]
    told = (posture.axes - posture.told) / (np.sqrt(2) * SETTINGS.told_rad)
    bones = np.stack([np.diff(seen.relative_m[:, chain], axis=1) for chain in FINGER_POINTS], axis=1)
    bones = bones / np.linalg.norm(bones, axis=-1, keepdims=True)
    away = (posture.bones - bones) / [SETTINGS.bone_across, SETTINGS.bone_across, SETTINGS.bone_along]
    thumb_up = 1.0 if palm_m[1, 1] >= 0 else -1.0
    hinge = thumb_up * posture.axes[:, None, None, :, 0]
    bend = (np.cross(posture.bones[:, 1:, :2], posture.bones[:, 1:, 1:]) * hinge).sum(-1)
    back = np.minimum(bend + np.sin(SETTINGS.backward_rad), 0) / SETTINGS.joint_rad
    return 0.5 * ((off**2).sum((1, 2)) + (told**2).sum((1, 2)) + (away**2).sum((1, 2, 3)) + (back**2).sum((1, 2)))


@pytest.mark.parametrize("side", ["left", "right"])
def test_slopes_are_those_of_the_cost(side: str) -> None:
    seen, posture, palm = _case(side)
    points = posture_points(posture, palm, SHAPE.bones_m)
    look = fit_hand._looks(seen, points, palm, SETTINGS)
    _, base, _ = fit_hand._palm_equations(look, posture, palm, SETTINGS, palm_only=False)
    told = fit_hand._told_bones(seen)
    _, own, tangent = fit_hand._finger_equations(look, posture, palm, SHAPE.bones_m, told, SETTINGS)
    step = 1e-6
    for column in range(6):
        move = np.zeros((4, 6))
        move[:, column] = step
        ahead, behind = (_cost(seen, fit_hand._stepped(posture, sign * move, None), palm) for sign in (1, -1))
        if column >= 3:  # the palm's turn also moves what the hinges of the joints are measured by, which a step leaves out
            np.testing.assert_allclose(base[:, column], (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-4)
    for finger, column in [(0, 0), (1, 2), (2, 5), (4, 3)]:
        move = np.zeros((4, 5, 6))
        move[:, finger, column] = step
        ahead, behind = (_cost(seen, fit_hand._stepped(posture, np.zeros((4, 6)), sign * move, tangent), palm) for sign in (1, -1))
        np.testing.assert_allclose(own[:, finger, column], (ahead - behind) / (2 * step), rtol=1e-4, atol=1e-4)


def test_turning_the_palm_has_the_slope_of_the_cost_where_no_joint_is_at_its_end() -> None:
    seen, posture, palm = _case("right")
    straight = replace(posture, bones=np.broadcast_to(-posture.axes[:, None, None, :, 2], posture.bones.shape).copy())
    points = posture_points(straight, palm, SHAPE.bones_m)
    look = fit_hand._looks(seen, points, palm, SETTINGS)
    _, base, _ = fit_hand._palm_equations(look, straight, palm, SETTINGS, palm_only=False)
    for column in range(3):
        move = np.zeros((4, 6))
        move[:, column] = 1e-6
        ahead, behind = (_cost(seen, fit_hand._stepped(straight, sign * move, None), palm) for sign in (1, -1))
        np.testing.assert_allclose(base[:, column], (ahead - behind) / 2e-6, rtol=1e-4, atol=1e-3)


def test_elimination_solves_the_whole_system() -> None:
    """The arrow against the 36 x 36 matrix, both damped alike."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((2, 80, 36))
    whole, slope = np.swapaxes(rows, 1, 2) @ rows, rng.standard_normal((2, 36))
    blocks = np.zeros_like(whole)
    blocks[:, :6], blocks[:, :, :6] = whole[:, :6], whole[:, :, :6]
    for finger in range(5):
        at = slice(6 + 6 * finger, 12 + 6 * finger)
        blocks[:, at, at] = whole[:, at, at]
    own = np.stack([blocks[:, 6 + 6 * f : 12 + 6 * f, 6 + 6 * f : 12 + 6 * f] for f in range(5)], axis=1)
    cross = np.stack([blocks[:, :6, 6 + 6 * f : 12 + 6 * f] for f in range(5)], axis=1)
    palm, fingers = fit_hand._arrow(blocks[:, :6, :6], slope[:, :6], own, slope[:, 6:].reshape(2, 5, 6), cross)
    expected = np.linalg.solve(blocks, -slope[..., None])[..., 0]
    np.testing.assert_allclose(np.concatenate([palm, fingers.reshape(2, 30)], axis=1), expected, rtol=0.1, atol=1e-3)


@pytest.mark.parametrize("side", ["left", "right"])
def test_rounds_settle_and_lower_the_cost(side: str) -> None:
    seen, start, palm = _case(side)
    costs = [_cost(seen, fit(seen, start, palm, SHAPE.bones_m, SETTINGS, rounds, palm_only=False), palm) for rounds in (0, 3, 8, 16)]
    assert (costs[1] < costs[0]).all()
    np.testing.assert_allclose(costs[2], costs[3], rtol=0.02)


def test_bones_keep_their_length_and_the_palm_its_shape() -> None:
    seen, start, palm = _case("left")
    points = posture_points(fit(seen, start, palm, SHAPE.bones_m, FitSettings(), 4, palm_only=False), palm, SHAPE.bones_m)
    for finger, chain in enumerate(FINGER_POINTS):
        lengths = np.linalg.norm(np.diff(points[:, chain], axis=1), axis=-1)
        np.testing.assert_allclose(lengths, np.broadcast_to(SHAPE.bones_m[finger], lengths.shape), atol=1e-12)
    spans = np.linalg.norm(points[:, PALM_POINTS][:, :, None] - points[:, PALM_POINTS][:, None], axis=-1)
    np.testing.assert_allclose(spans, np.broadcast_to(np.linalg.norm(palm[:, None] - palm, axis=-1), spans.shape), atol=1e-12)
