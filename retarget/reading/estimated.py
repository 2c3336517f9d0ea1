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
_ROUNDS = 12
"""Each halves what both bones of a limb still lack, or better."""
_ROUGH = ("index_mcp", "pinky_mcp")
"""Points that estimators of bodies put on a hand roughly, one per finger."""
_CLEAR = 0.1


def steady_limbs(tracks: dict[str, Array], confidence: dict[str, Array]) -> str:
    """Give limbs their usual length, in place, by moving elbows, wrists, knees and ankles as little as that takes.

    Shoulders and hips stay; hands and feet go with wrists and ankles. Confidences fall by the factor by which a bone was too
    short or too long, also where it was so far off that it is left as it was. Bones of constant length are not moved.

    Args:
        tracks: landmark -> (T, 3).
        confidence: landmark -> (T,); gets an entry for every landmark whose bone changes its length.

    Returns:
        what was done, in words.
    """
    off = [np.zeros(1)]
    for side in SIDES:
        for chain in _CHAINS:
            names = [f"{side}_{name}" for name in chain]
            bones = [bone for bone in pairwise(names) if set(bone) <= tracks.keys()]
            usual = {bone: float(np.nanmedian(_length(tracks, *bone))) for bone in bones if np.isfinite(_length(tracks, *bone)).any()}
            hanging, end = _hanging_on(side, chain, tracks), tracks.get(names[-1])
            off += [_doubt(tracks, confidence, bone, usual[bone], [*names[names.index(bone[1]) :], *hanging]) for bone in usual]
            wanted = {bone: _reachable(tracks, bone, length) for bone, length in usual.items()}
            for _ in range(_ROUNDS):
                for bone, length_m in wanted.items():
                    _stretch(tracks, bone, length_m, kept=bone[0] == names[0])
            for name in hanging if end is not None else ():
                tracks[name] = tracks[name] + np.nan_to_num(tracks[names[-1]] - end)
    seen = np.concatenate(off)
    return f"limbs set to their usual length; they were off by {np.percentile(seen, 95):.0%} at most in 95% of the frames"


def _length(tracks: Mapping[str, Array], near: str, far: str) -> Array:
    return np.asarray(np.linalg.norm(tracks[far] - tracks[near], axis=-1))


def _doubt(tracks: Mapping[str, Array], confidence: dict[str, Array], bone: tuple[str, str], usual: float, names: list[str]) -> Array:
    """(N,) by which part of its usual length a bone was off where it was seen; lowers the confidence of what hangs on it."""
    length = _length(tracks, *bone)
    ratio = np.maximum(np.where(np.isfinite(length), length, usual), 1e-12) / usual
    for name in names:
        if name in tracks:
            confidence[name] = np.minimum(ratio, 1 / ratio) * confidence.get(name, np.ones(len(ratio)))
    return np.asarray(np.abs(ratio - 1)[np.isfinite(length)])


def _reachable(tracks: Mapping[str, Array], bone: tuple[str, str], usual: float) -> Array:
    """(T,) the length that a bone is to have: the usual one, or its own where it was missed rather than breathing."""
    length = _length(tracks, *bone)
    with np.errstate(invalid="ignore", divide="ignore"):
        breathes = (length > _BREATHES * usual) & (length < usual / _BREATHES)
    return np.where(breathes, usual, length)


def _stretch(tracks: dict[str, Array], bone: tuple[str, str], length: Array, kept: bool) -> None:
    """Move both ends of a bone by half of what it lacks, or the far end by all of it where the near one is kept."""
    near, far = bone
    way = tracks[far] - tracks[near]
    now = np.linalg.norm(way, axis=-1)
    lacks = np.nan_to_num(((length - now) / np.maximum(now, 1e-12))[:, None] * way)
    tracks[far] = tracks[far] + lacks * (1.0 if kept else 0.5)
    tracks[near] = tracks[near] - lacks * (0.0 if kept else 0.5)


def _hanging_on(side: str, chain: tuple[str, ...], tracks: Mapping[str, Array]) -> list[str]:
    hanging = [f"{side}_heel", f"{side}_toe"] if "ankle" in chain else hand_landmarks(side)[1:]
    return [name for name in hanging if name in tracks]


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
