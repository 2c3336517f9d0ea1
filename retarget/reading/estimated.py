"""What an estimator of keypoints in film needs beside a measured recording: bones that breathe, rough hands, a head from a face."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from motion.landmarks import SIDES, hand_landmarks
from motion.segments import frame_from_axes
from motion.transform import Array, wxyz_from_matrix
from retarget.reading.complete import INFERRED_CONFIDENCE

_CHAINS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
_BREATHES = 0.6
"""A bone seen shorter or longer than by this factor of its usual length was not breathing but missed, and is left as it is."""
_ROUGH = ("index_mcp", "pinky_mcp")
"""Points that estimators of bodies put on a hand roughly, one per finger."""
_CLEAR = 0.1


def steady_limbs(tracks: dict[str, Array], confidence: dict[str, Array]) -> str:
    """Give limbs their usual length, in place: a picture shows where a bone points better than how long it is.

    What hangs on a bone moves with its end. Confidences fall by the factor by which a bone was too short or too long.

    Args:
        tracks: landmark -> (T, 3).
        confidence: landmark -> (T,); gets an entry for every landmark that moves.

    Returns:
        what was done, in words.
    """
    largest = 0.0
    for side in SIDES:
        for chain in _CHAINS:
            names = [f"{side}_{name}" for name in chain]
            for k, (near, far) in enumerate(pairwise(names)):
                if near in tracks and far in tracks and np.isfinite(tracks[far] - tracks[near]).any():
                    moving = [*names[k + 1 :], *_hanging_on(side, chain, tracks)]
                    largest = max(largest, _steady(tracks, confidence, near, far, moving))
    return f"limbs set to their usual length; they were off by up to {largest:.0%}"


def _hanging_on(side: str, chain: tuple[str, ...], tracks: Mapping[str, Array]) -> list[str]:
    hanging = [f"{side}_heel", f"{side}_toe"] if "ankle" in chain else hand_landmarks(side)[1:]
    return [name for name in hanging if name in tracks]


def _steady(tracks: dict[str, Array], confidence: dict[str, Array], near: str, far: str, moving: list[str]) -> float:
    """Give one bone its usual length; returns the largest part of it by which it was off, of what was corrected."""
    bone = tracks[far] - tracks[near]
    length = np.linalg.norm(bone, axis=-1)
    ratio = np.nanmedian(length) / np.maximum(length, 1e-12)
    with np.errstate(invalid="ignore"):
        usable = (ratio > _BREATHES) & (ratio < 1 / _BREATHES)
    factor = np.where(usable, ratio, 1.0)
    shift = np.nan_to_num((factor - 1)[:, None] * bone)
    for name in moving:
        if name in tracks:
            tracks[name] = tracks[name] + shift
            confidence[name] = np.minimum(factor, 1 / factor) * confidence.get(name, np.ones(len(factor)))
    return float(np.abs(1 / factor - 1).max())


def rough_hands(tracks: Mapping[str, Array], confidence: dict[str, Array]) -> None:
    """Half the confidence, in place, for knuckles of a hand that an estimator of bodies saw as a few points only."""
    for side in SIDES:
        if f"{side}_index_tip" not in tracks:
            for name in (f"{side}_{part}" for part in _ROUGH if f"{side}_{part}" in tracks):
                confidence[name] = INFERRED_CONFIDENCE * confidence.get(name, np.ones(len(tracks[name])))


def head_of_a_face(points: Mapping[str, Array]) -> tuple[Array, Array] | None:
    """Middle (T, 3) and orientation (T, 4) of the head by its ears and eyes: left along the ears, ahead to the eyes, which lie level."""
    names = ("left_ear", "right_ear", "left_eye", "right_eye")
    if any(name not in points for name in names):
        return None
    left, right, left_eye, right_eye = (points[name] for name in names)
    middle = (left + right) / 2
    rotation, sine = frame_from_axes("y", left - right, "x", (left_eye + right_eye) / 2 - middle)
    return middle, np.where((sine > _CLEAR)[:, None], wxyz_from_matrix(rotation), np.nan)
