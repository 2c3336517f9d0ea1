"""What no source measures but every body has: the heel under an ankle, and segment frames of measured joints."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.landmarks import SIDES
from motion.segments import segment_frame
from motion.transform import Array, matrix_from_wxyz, normalized, wxyz_from_matrix

INFERRED_CONFIDENCE = 0.5
_TYPICAL_FOOT_PITCH_RAD = 0.55
_HEEL_BEHIND_ANKLE = 0.3
"""Heel to ankle, as a part of ankle to toe joint, both along the sole (ANSUR foot proportions, rounded)."""


def inferred_heels(time_s: Array, points: Mapping[str, Array]) -> dict[str, Array]:
    """Heels (T, 3) of feet that have an ankle, a toe and a knee but no heel.

    The line from ankle to toe joint slopes down by a constant angle in the foot. It is measured where the foot stands
    flat (toe low and slow); the heel lies on the sole behind the ankle.
    """
    heels = {}
    for side in SIDES:
        ankle, toe, knee = (points.get(f"{side}_{name}") for name in ("ankle", "toe", "knee"))
        if ankle is None or toe is None or knee is None or f"{side}_heel" in points:
            continue
        along = normalized(toe - ankle)
        across = normalized(knee - ankle)
        upward = normalized(across - (across * along).sum(-1, keepdims=True) * along)
        pitch = _flat_pitch(time_s, ankle, toe)
        sole = np.cos(pitch) * along + np.sin(pitch) * upward
        ahead = ((toe - ankle) * sole).sum(-1, keepdims=True)
        heels[f"{side}_heel"] = toe - (1 + _HEEL_BEHIND_ANKLE) * ahead * sole
    return heels


def standing(time_s: Array, toe: Array) -> np.ndarray:
    """(T,) whether a toe (T, 3) stands: low and slow."""
    if len(time_s) < 3:
        return np.ones(len(time_s), bool)
    speed = np.linalg.norm(np.gradient(toe, time_s, axis=0), axis=-1)
    height = toe[:, 2] - np.nanpercentile(toe[:, 2], 5)
    return (height < 0.03) & (speed < 0.2)


def _flat_pitch(time_s: Array, ankle: Array, toe: Array) -> float:
    still = standing(time_s, toe)
    if still.sum() < 5:
        return _TYPICAL_FOOT_PITCH_RAD
    drop = (ankle - toe)[still]
    pitch = np.arctan2(drop[:, 2], np.linalg.norm(drop[:, :2], axis=-1))
    # A raised heel only ever steepens the line, so the flat foot is at the low end.
    return float(np.nanpercentile(pitch, 25))


def calibrated_orientation(segment: str, joint_wxyz: Array, points: Mapping[str, Array], frames_n: int) -> Array | None:
    """Orientation (T, 4) of a segment from the measured rotation of its joint.

    The constant rotation from joint to segment is the mean, over the frames where the landmark rule is well
    conditioned, of what the rule says: no format's own axes need to be known.
    """
    missing = np.full((frames_n, 3), np.nan)
    derived, weight = segment_frame(segment, lambda name: points.get(name, missing))
    good = weight > 0.1
    if not good.any():
        return None
    joint = matrix_from_wxyz(joint_wxyz)
    offset = np.einsum("tji,tjk,t->ik", joint[good], matrix_from_wxyz(derived[good]), weight[good])
    u, _, vt = np.linalg.svd(offset)
    offset = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return wxyz_from_matrix(joint @ offset)
