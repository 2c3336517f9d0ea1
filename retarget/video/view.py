"""From where was it filmed: from the worker's head, by a camera that sees the person, or by one that sees hands alone?"""

from __future__ import annotations

import numpy as np

from motion.errors import MotionError, require
from motion.transform import Array
from retarget.video.seen import BodyDetections, HandDetections

VIEWS = ("head", "third_person", "hands")
_WRIST, _INDEX, _MIDDLE, _PINKY = 0, 5, 9, 17
_NOSE, _SHOULDERS, _HIPS = 0, [11, 12], [23, 24]
_VISIBLE = 0.6
_WORN = 0.25
"""Backs of hands from below score 0.7 and more, palms held up to a camera about 0."""
_PERSON_SHARE = 0.5
"""A person seen in at least this share of the pictures is who was filmed."""
_OVER_HAND, _AT_HAND = 1.5, 1.0
"""A "person" whose head and trunk are no larger than this, and no farther from a hand, both over the hand's size, is that hand:
detectors of people see faces in fingertips."""
_SHOULDERS_OVER_WIDTH = 0.03
"""Shoulders closer together than this share of the picture's longer side belong to somebody in the background."""


def decide_view(hands: HandDetections, bodies: BodyDetections, size_px: tuple[int, int]) -> tuple[str, str]:
    """The view of a film, by pictures taken from all over it.

    A person whose face or hips and whose shoulders are in view was filmed by somebody else's camera. Otherwise hands decide:
    those of the wearer point up in the picture, show their backs more often than their palms, and the left one is on the left.

    Args:
        hands, bodies: what was seen in the same pictures.
        size_px: width and height of the upright picture.

    Returns:
        one of `VIEWS`, and why, in words.

    Raises:
        MotionError: neither hands nor a person were seen.
    """
    persons = (_persons(bodies, size_px) & ~_are_hands(bodies, hands)).any(1).mean()
    if persons >= _PERSON_SHARE:
        return "third_person", f"third_person: a person is in view in {persons:.0%} of the pictures looked at"
    seen = np.isfinite(hands.score).any(1)
    nothing = "neither hands nor a person were seen in any of the pictures looked at"
    require(bool(seen.any()), MotionError, f"{nothing}. Is this the right film? If hands are small or dark in it, say view=head.")
    worn = _worn(hands)
    if worn > _WORN:
        return "head", f"head: hands come from below, as those of who wears the camera ({worn:+.2f} of -1..1)"
    return "hands", f"hands: hands are seen from in front ({worn:+.2f} of -1..1); say view=head if the camera was on the head"


def are_hands(hands: HandDetections, bodies: BodyDetections) -> bool:
    """Whether most of what was taken for people are hands."""
    people = np.isfinite(bodies.score)
    return bool(people.any()) and float(_are_hands(bodies, hands)[people].mean()) > _PERSON_SHARE


def _persons(bodies: BodyDetections, size_px: tuple[int, int]) -> np.ndarray:
    """(T, K) whether a person with shoulders, and a face or hips, is in view, not far in the background."""
    visibility = np.nan_to_num(bodies.visibility)
    shoulders = visibility[..., _SHOULDERS].min(-1) > _VISIBLE
    face_or_hips = np.maximum(visibility[..., _NOSE], visibility[..., _HIPS].min(-1)) > _VISIBLE
    apart = np.linalg.norm(bodies.image_px[..., _SHOULDERS[0], :] - bodies.image_px[..., _SHOULDERS[1], :], axis=-1)
    near = np.nan_to_num(apart) > _SHOULDERS_OVER_WIDTH * max(size_px)
    return np.asarray(shoulders & face_or_hips & near)


def _are_hands(bodies: BodyDetections, hands: HandDetections) -> np.ndarray:
    """(T, K) whether what was taken for a person is a hand."""
    trunk = bodies.image_px[..., [_NOSE, *_SHOULDERS, *_HIPS], :]
    middle, extent = _middle_and_extent(trunk)
    hand_middle, hand_extent = _middle_and_extent(hands.image_px)
    away = np.linalg.norm(middle[:, :, None] - hand_middle[:, None], axis=-1)
    size = hand_extent[:, None]
    return np.asarray(((extent[:, :, None] < _OVER_HAND * size) & (away < _AT_HAND * size)).any(-1))


def _middle_and_extent(points: Array) -> tuple[Array, Array]:
    """Middle (..., 2) of the box around points (..., N, 2), and its longer side (...,)."""
    low, high = points.min(-2), points.max(-2)
    return (low + high) / 2, (high - low).max(-1)


def _worn(hands: HandDetections) -> float:
    """From -1, hands of somebody in front of the camera, to 1, hands of who wears it."""
    points, right = hands.image_px, hands.right > 0.5
    along = points[..., _MIDDLE, :] - points[..., _WRIST, :]
    up = -along[..., 1] / np.linalg.norm(along, axis=-1)
    index, pinky = points[..., _INDEX, :] - points[..., _WRIST, :], points[..., _PINKY, :] - points[..., _WRIST, :]
    turn = index[..., 0] * pinky[..., 1] - index[..., 1] * pinky[..., 0]
    back = np.sign(turn) * np.where(right, 1, -1)
    votes = [float(np.nanmean(up)), float(np.nanmean(np.where(np.isfinite(turn), back, np.nan)))]
    sides = _sides(points[..., _WRIST, 0], right)
    return float(np.mean([*votes, float(np.nanmean(sides))] if np.isfinite(sides).any() else votes))


def _sides(across_px: Array, right: np.ndarray) -> Array:
    """(T,) 1 where the left hand is on the left, -1 where it is on the right, NaN where not one of each is in view."""
    left_px = np.where(right | np.isnan(across_px), np.nan, across_px)
    right_px = np.where(right, across_px, np.nan)
    one_each = np.isfinite(left_px).any(1) & np.isfinite(right_px).any(1)
    order = np.sign(np.nanmax(np.nan_to_num(right_px, nan=-np.inf), axis=1) - np.nanmin(np.nan_to_num(left_px, nan=np.inf), axis=1))
    return np.where(one_each, order, np.nan)
