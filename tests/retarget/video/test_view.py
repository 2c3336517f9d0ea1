"""From where a film was taken, by hands and people drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import MotionError
from motion.transform import Array
from retarget.video.seen import BodyDetections, HandDetections
from retarget.video.view import decide_view

SIZE_PX = (1920, 1080)
BACK_OF_RIGHT = np.zeros((21, 2))
BACK_OF_RIGHT[[5, 9, 17]] = [(-60.0, -100.0), (-20.0, -120.0), (60.0, -90.0)]
"""Wrist below the knuckles, and the index finger's on the left: the back of a right hand, as its owner sees it."""
MIRROR = np.array([-1.0, 1.0])


def hands(*shapes: tuple[Array, float, tuple[float, float]], frames: int = 4) -> HandDetections:
    """The same hands in every frame: shape, how likely right, and where the wrist is."""
    image = np.stack([shape + place for shape, _, place in shapes])
    right = np.array([chance for _, chance, _ in shapes])
    return HandDetections(
        time_s=np.arange(frames) / 30,
        image_px=np.tile(image, (frames, 1, 1, 1)),
        relative_m=np.zeros((frames, len(shapes), 21, 3)),
        right=np.tile(right, (frames, 1)),
        score=np.full((frames, len(shapes)), 0.9),
    )


def nobody(frames: int = 4) -> BodyDetections:
    missing = np.full((frames, 1, 33, 3), np.nan)
    return BodyDetections(np.arange(frames) / 30, missing[..., :2], missing, missing[..., 0], missing[:, :, 0, 0])


def somebody(apart_px: float, visible: float = 0.9, frames: int = 4) -> BodyDetections:
    image = np.zeros((frames, 1, 33, 2))
    image[:, :, 11, 0] = apart_px
    return BodyDetections(
        np.arange(frames) / 30, image, np.zeros((frames, 1, 33, 3)), np.full((frames, 1, 33), visible), np.full((frames, 1), 0.9)
    )


def no_hands(frames: int = 4) -> HandDetections:
    seen = hands((BACK_OF_RIGHT, 1.0, (0.0, 0.0)), frames=frames)
    return HandDetections(seen.time_s, seen.image_px * np.nan, seen.relative_m * np.nan, seen.right * np.nan, seen.score * np.nan)


def test_backs_of_hands_from_below_are_the_wearers() -> None:
    both = hands((BACK_OF_RIGHT, 0.9, (1200.0, 900.0)), (BACK_OF_RIGHT * MIRROR, 0.1, (600.0, 900.0)))
    view, why = decide_view(both, nobody(), SIZE_PX)
    assert view == "head"
    assert "come from below" in why
    assert decide_view(hands((BACK_OF_RIGHT, 0.9, (1200.0, 900.0))), nobody(), SIZE_PX)[0] == "head"


def test_a_palm_or_hands_that_hang_are_seen_from_in_front() -> None:
    palm, hanging = hands((BACK_OF_RIGHT * MIRROR, 0.9, (900.0, 500.0))), hands((BACK_OF_RIGHT * [1, -1], 0.9, (900.0, 500.0)))
    assert decide_view(palm, nobody(), SIZE_PX)[0] == "hands"
    assert decide_view(hanging, nobody(), SIZE_PX)[0] == "hands"


def test_a_person_is_filmed_by_somebody_else_unless_far_away_or_hidden() -> None:
    worn = hands((BACK_OF_RIGHT, 0.9, (1200.0, 900.0)))
    assert decide_view(worn, somebody(300.0), SIZE_PX)[0] == "third_person"
    assert decide_view(worn, somebody(20.0), SIZE_PX)[0] == "head"
    assert decide_view(worn, somebody(300.0, visible=0.3), SIZE_PX)[0] == "head"


def test_a_face_seen_in_fingertips_is_no_person() -> None:
    worn = hands((BACK_OF_RIGHT, 0.9, (100.0, 100.0)))
    small = somebody(100.0)
    assert decide_view(worn, small, SIZE_PX)[0] == "head"
    elsewhere = hands((BACK_OF_RIGHT, 0.9, (1200.0, 900.0)))
    assert decide_view(elsewhere, small, SIZE_PX)[0] == "third_person"


def test_nothing_in_view_is_one_error() -> None:
    with pytest.raises(MotionError, match="neither hands nor a person"):
        decide_view(no_hands(), nobody(), SIZE_PX)
