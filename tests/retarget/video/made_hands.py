"""Hands made of numbers, and what a faultless detector sees of them, for tests."""

from __future__ import annotations

import numpy as np

from motion.transform import Array, matrix_from_wxyz, so3_exp
from retarget.video.cameras.camera import Camera
from retarget.video.hands.fit_hand import Posture, posture_points
from retarget.video.hands.hand_size import HandShape, average_shape
from retarget.video.hands.lift_hand import as_drawn
from retarget.video.hands.tracks import HandTrack
from retarget.video.seen import HandDetections

CAMERA = Camera(1920, 1080, (900.0, 900.0), (960.0, 540.0))
SIZE = (1920, 1080)
RATE_HZ = 30.0
LENGTH_M = 0.19
SHAPE: HandShape = average_shape(LENGTH_M, "stated")


def times(count: int) -> Array:
    """(count,) of an even clock."""
    return np.arange(count) / RATE_HZ


def hand(side: str, place_m: Array, turn: Array | None = None, bend_rad: Array | float = 0.3, shape: HandShape = SHAPE) -> Array:
    """(T, 21, 3) a hand in the camera's frame: back to the camera, fingers up, as the wearer of the camera sees their own.

    Args:
        place_m: (T, 3) of the wrist.
        turn: (T, 3) rotation vectors in the camera's axes, from there.
        bend_rad: of each finger joint, (T,) or one number.
    """
    count = len(place_m)
    thumb = -1.0 if side == "right" else 1.0  # a right hand's thumb points left in the wearer's picture
    x, z = np.array([thumb, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    axes = np.stack([x, np.cross(z, x), z], axis=1)
    axes = np.broadcast_to(axes, (count, 3, 3)) if turn is None else matrix_from_wxyz(so3_exp(turn)) @ axes
    bend = np.broadcast_to(np.asarray(bend_rad, float), (count,))
    palmar = 1.0 if side == "right" else -1.0
    angle = bend[:, None] * np.array([1.0, 2.0, 3.0])
    straight = np.stack([np.zeros_like(angle), palmar * np.sin(angle), -np.cos(angle)], axis=-1)
    bones = np.repeat(np.einsum("nij,nbj->nbi", axes, straight)[:, None], 5, axis=1)
    lean = np.array([0.6, 0.5 * palmar, -0.6]) / np.linalg.norm([0.6, 0.5, 0.6])
    bones[:, 0] = np.einsum("nij,j->ni", axes, lean)[:, None]
    return posture_points(Posture(axes, np.asarray(place_m, float), bones, axes), shape.palm_of(side), shape.bones_m)


def still(place_m: tuple[float, float, float], count: int) -> Array:
    """(count, 3) one place."""
    return np.tile(np.array(place_m), (count, 1))


def seen(hands: list[tuple[str, Array]], score: float = 0.95, camera: Camera = CAMERA) -> HandDetections:
    """Detections of hands (T, 21, 3), given with their sides, each in a column of its own; NaN in, NaN out."""
    points = np.stack([points for _, points in hands], axis=1)
    count = len(points)
    image = camera.project(points)
    relative = np.stack([as_drawn(p - p[:, :1], camera.flat(camera.project(p))) for _, p in hands], axis=1)
    there = np.isfinite(image).all((2, 3))
    right = np.tile([0.95 if side == "right" else 0.05 for side, _ in hands], (count, 1))
    return HandDetections(times(count), image, relative, np.where(there, right, np.nan), np.where(there, score, np.nan))


def track(side: str, points_m: Array, camera: Camera = CAMERA) -> HandTrack:
    """What a faultless detector sees of one hand."""
    found = seen([(side, points_m)], camera=camera)
    there = np.isfinite(found.score[:, 0])
    score = np.where(there, found.score[:, 0], 0.0)
    return HandTrack(side, found.time_s, found.image_px[:, 0], found.relative_m[:, 0], score, 10.0 * there, np.zeros(len(there), bool))
