"""What the ends of a skeleton's chains are, where no joint stands there: crown, toes, fingertips, knuckles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.landmarks import FINGERS, SIDES
from motion.transform import Array, normalized

# Landmark of a chain's last joint -> landmark of its end, the bone to compare with, and how long the end may be beside it.
_RULES: dict[str, tuple[str, tuple[str, str], tuple[float, float]]] = {"head": ("head_top", ("left_hip", "left_knee"), (0.2, 0.8))}
for _s in SIDES:
    _RULES[f"{_s}_ankle"] = (f"{_s}_toe", (f"{_s}_knee", f"{_s}_ankle"), (0.2, 0.8))
    _RULES[f"{_s}_wrist"] = (f"{_s}_middle_mcp", (f"{_s}_elbow", f"{_s}_wrist"), (0.2, 0.5))
    for _finger in FINGERS:
        _last, _before = ("ip", "mcp") if _finger == "thumb" else ("dip", "pip")
        _names = f"{_s}_{_finger}_{_last}"
        _RULES[_names] = (f"{_s}_{_finger}_tip", (f"{_s}_{_finger}_{_before}", _names), (0.4, 2.0))
_ON_THE_LINE = 0.77
"""Cosine of 40 degrees."""


def end_landmarks(tracks: Mapping[str, Array], columns: Mapping[str, int], ends: Mapping[int, Array]) -> dict[str, Array]:
    """Landmarks (T, 3) at the ends of chains; an end of no plausible length (often zero) is left out.

    Args:
        tracks: landmark -> (T, 3), of the joints.
        columns: landmark -> its joint.
        ends: joint -> (T, 3) where its chain ends.
    """
    found = {}
    for name, (end, (a, b), (shortest, longest)) in _RULES.items():
        if columns.get(name) not in ends or end in tracks or a not in tracks or b not in tracks:
            continue
        track = ends[columns[name]]
        length, beside = (float(np.linalg.norm(p[0] - q[0])) for p, q in ((track, tracks[name]), (tracks[a], tracks[b])))
        if shortest * beside < length < longest * beside and not (end.endswith("_toe") and _goes_on(tracks[a], tracks[b], track)):
            found[end] = track
    return found


def _goes_on(knee: Array, ankle: Array, end: Array) -> bool:
    """Whether a foot's end lies below the ankle, on the line of the shank: that is the sole, not the toes."""
    cosine = (normalized(ankle - knee) * normalized(end - ankle)).sum(-1)
    return bool(np.median(cosine) > _ON_THE_LINE)
