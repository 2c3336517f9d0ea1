"""What sources leave out but every body has: the heel under an ankle, fingertips, and segment frames of measured joints."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.landmarks import FINGERS, SIDES
from motion.segments import segment_frame
from motion.transform import Array, matrix_from_wxyz, normalized, rotate, so3_exp, wxyz_from_matrix

INFERRED_CONFIDENCE = 0.5
_TYPICAL_FOOT_PITCH_RAD = 0.55
_HEEL_BEHIND_ANKLE = 0.3
"""Heel to ankle, as a part of ankle to toe joint, both along the sole (ANSUR foot proportions, rounded)."""

_LAST_OVER_MIDDLE = {"thumb": 0.81, "index": 0.88, "middle": 0.81, "ring": 0.83, "pinky": 1.10}
"""Last bone of a finger with its flesh over the bone before. Source: Buryanov & Kotiuk 2010, Proportions of Hand Segments."""
_LAST_BEND = 2 / 3
"""Bend of a finger's last joint over that of the joint before: one tendon bends both. Source: Rijpkema & Girard 1991."""


def inferred_tips(points: Mapping[str, Array]) -> dict[str, Array]:
    """Tips (T, 3) of fingers that have the three joints before it and no tip, as in formats that record joints only."""
    tips = {}
    for side in SIDES:
        for finger in FINGERS:
            names = ("cmc", "mcp", "ip") if finger == "thumb" else ("mcp", "pip", "dip")
            first, middle, last = (points.get(f"{side}_{finger}_{name}") for name in names)
            if first is not None and middle is not None and last is not None and f"{side}_{finger}_tip" not in points:
                tips[f"{side}_{finger}_tip"] = last + _LAST_OVER_MIDDLE[finger] * _bent_on(middle - first, last - middle)
    return tips


def _bent_on(before: Array, bone: Array) -> Array:
    """(T, 3) a bone as it would go on after `bone`, bent in the same plane by a share of the bend between the two given."""
    axis = np.cross(normalized(before), normalized(bone))
    sine, cosine = np.linalg.norm(axis, axis=-1), (normalized(before) * normalized(bone)).sum(-1)
    turn = _LAST_BEND * np.arctan2(sine, cosine) / np.where(sine > 0, sine, 1.0)
    return rotate(so3_exp(turn[:, None] * axis), bone)


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
    joint = matrix_from_wxyz(joint_wxyz)
    good = (weight > 0.1) & np.isfinite(joint).all((1, 2))
    if not good.any():
        return None
    offset = np.einsum("tji,tjk,t->ik", joint[good], matrix_from_wxyz(derived[good]), weight[good])
    u, _, vt = np.linalg.svd(offset)
    offset = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return wxyz_from_matrix(joint @ offset)
