"""A lens that nobody named, by the reach of arms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retarget.video.cameras.camera import Camera
from retarget.video.cameras.reach import within_reach
from retarget.video.hands.hand_size import average_shape
from retarget.video.hands.tracks import HandTrack

TRUE = Camera(1920, 1080, (740.0, 740.0), (960.0, 540.0))
LONG = replace(TRUE, focal_px=(1480.0, 1480.0))
SHAPE = average_shape(0.187, "known")
AWAY_M = 0.6


def held_up(frames_n: int = 10) -> dict[str, HandTrack]:
    """A right hand, back to the camera, its wrist so far ahead, as the true lens shows it."""
    points = np.zeros((21, 3))
    for finger, (chain, bones) in enumerate(zip(np.arange(1, 21).reshape(5, 4), SHAPE.bones_m, strict=True)):
        points[chain[0]] = SHAPE.palm_m[finger + 1]
        points[chain[1:]] = points[chain[0]] - np.cumsum(bones)[:, None] * [0.0, 0.0, 1.0]
    seen = np.stack([-points[:, 0], points[:, 2], -points[:, 1]], axis=-1)  # fingers up, thumb to the left
    image = TRUE.project(seen + [0.0, 0.1, AWAY_M])
    ones = np.ones(frames_n)
    tile = (frames_n, 1, 1)
    return {"right": HandTrack("right", np.arange(frames_n) / 30, np.tile(image, tile), np.tile(seen, tile), ones, ones, ones < 0)}


def test_a_lens_that_arms_agree_with_stays() -> None:
    camera, words = within_reach(TRUE, held_up(), SHAPE, 1.7)
    assert camera is TRUE
    assert words == ""


def test_a_lens_that_puts_hands_out_of_reach_is_shortened_to_it() -> None:
    """Twice the focal length puts the hand twice as far away; arms of 1.7 m end at 0.42 of that."""
    camera, words = within_reach(LONG, held_up(), SHAPE, 1.7)
    assert camera.focal_px[0] / LONG.focal_px[0] == pytest.approx(0.42 * 1.7 / (2 * AWAY_M), rel=0.05)
    assert "state camera=" in words


def test_without_a_hand_nothing_is_known() -> None:
    track = held_up()["right"]
    gone = replace(track, image_px=track.image_px * np.nan, relative_m=track.relative_m * np.nan)
    assert within_reach(LONG, {"right": gone}, SHAPE, None)[0] is LONG
    assert within_reach(LONG, {}, SHAPE, None)[0] is LONG
