"""The bones between a body detector's points: which are rigid, and how long they are in a person of some stature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array
from retarget.video.bodies.person import POINT

DEFAULT_STATURE_M = 1.70
DEFAULT_STATURE_SPREAD = 0.06
"""Of adults of either sex, as a part of their mean (ANSUR II, both surveys together)."""

POINTS = (
    "nose",
    *(f"{side}_{name}" for name in ("eye", "ear", "shoulder", "elbow", "wrist", "index", "pinky") for side in SIDES),
    *(f"{side}_{name}" for name in ("hip", "knee", "ankle", "heel", "foot_index") for side in SIDES),
)
"""The detector's points that a body is fitted to."""
COLUMNS = np.array([POINT[name] for name in POINTS])
INDEX = {name: index for index, name in enumerate(POINTS)}

_LIMBS_OF_STATURE = 0.78
"""Upper arm, forearm, thigh and shank together, between a detector's points, over stature: they lie a little inside the joints'
centres, which make 0.823. Measured on the triangulated points of pose2sim's demonstration."""
_LIMB_SHARES = {("shoulder", "elbow"): 0.186, ("elbow", "wrist"): 0.146, ("hip", "knee"): 0.245, ("knee", "ankle"): 0.246}
"""Over stature, between joint centres. Source: Drillis and Contini 1966, in Winter, Biomechanics and Motor Control, fig. 4.1."""
_FOOT_SHARES = {
    ("ankle", "heel"): 0.046,
    ("ankle", "foot_index"): 0.108,
    ("heel", "foot_index"): 0.125,
    ("wrist", "index"): 0.049,
    ("wrist", "pinky"): 0.044,
    ("index", "pinky"): 0.022,
}
"""Over stature, between a detector's points, triangulated like the limbs: its own idea of feet seen from ahead is far too short."""
_BREADTH_SHARES = {("shoulder", "other_shoulder"): 0.21, ("hip", "other_hip"): 0.10}
"""Over stature, between joint centres. Source: as above."""
_STIFF_M, _FACE_M, _BREADTH_M, _TRUNK_M = 0.004, 0.01, 0.015, 0.03
"""By how much a length may change: of a bone, of a face, between shoulders, and along a trunk, which bends."""


@dataclass(frozen=True)
class Bones:
    """Pairs of fitted points whose distance is known.

    Attributes:
        a, b: (B,) columns of `POINTS`.
        length_m, slack_m: (B,) length, and by how much it changes from frame to frame, a standard deviation.
        stature_m: of the person these lengths belong to.
        scale: metres per metre of the detector's relative points.
    """

    a: np.ndarray
    b: np.ndarray
    length_m: Array
    slack_m: Array
    stature_m: float
    scale: float


def _both(a: str, b: str, slack_m: float) -> list[tuple[str, str, float]]:
    return [(f"{side}_{a}", f"{side}_{b}", slack_m) for side in SIDES]


_RIGID: list[tuple[str, str, float]] = [
    *(bone for pair in (*_LIMB_SHARES, *_FOOT_SHARES) for bone in _both(*pair, _STIFF_M)),
    ("left_hip", "right_hip", _STIFF_M),
    ("left_shoulder", "right_shoulder", _BREADTH_M),
    *_both("shoulder", "hip", _TRUNK_M),
    ("left_shoulder", "right_hip", _TRUNK_M),
    ("right_shoulder", "left_hip", _TRUNK_M),
    *_both("shoulder", "ear", _TRUNK_M),
    ("left_ear", "right_ear", _FACE_M),
    ("left_eye", "right_eye", _FACE_M),
    *(bone for pair in (("ear", "eye"),) for bone in _both(*pair, _FACE_M)),
    *(("nose", f"{side}_{name}", _FACE_M) for side in SIDES for name in ("ear", "eye")),
]


def bones_of(relative_m: Array, weight: Array, height_m: float | None) -> Bones:
    """The bones of one person: a detector's own proportions over the clip, halfway to published ones, at the person's stature.

    Args:
        relative_m: (T, 33, 3) as a detector gives them, NaN where unseen.
        weight: (T, 33) how much to trust each point, 0 where unseen.
        height_m: stature; `DEFAULT_STATURE_M` where None.
    """
    stature = height_m or DEFAULT_STATURE_M
    seen = {pair: _usual(relative_m, weight, pair) for pair in _kinds()}
    limbs = float(sum(seen[pair] for pair in _LIMB_SHARES))
    scale = _LIMBS_OF_STATURE * stature / limbs
    published = _LIMBS_OF_STATURE * stature / sum(_LIMB_SHARES.values())
    length = {pair: scale * value for pair, value in seen.items()}
    length |= {pair: float(np.sqrt(length[pair] * share * published)) for pair, share in _LIMB_SHARES.items()}
    length |= {pair: float(np.sqrt(length[pair] * share * stature)) for pair, share in _BREADTH_SHARES.items()}
    length |= {pair: share * stature for pair, share in _FOOT_SHARES.items()}
    return _bones(length, stature, scale)


def measured_bones(position_m: Array, weight: Array) -> Bones:
    """The bones of one person as they were measured in space, left and right alike.

    Args:
        position_m: (T, 33, 3), NaN where unseen.
        weight: (T, 33) how much to trust each point, 0 where unseen.
    """
    length = {pair: _usual(position_m, weight, pair) for pair in _kinds()}
    return _bones(length, sum(length[pair] for pair in _LIMB_SHARES) / _LIMBS_OF_STATURE, 1.0)


def _bones(length: dict[tuple[str, str], float], stature_m: float, scale: float) -> Bones:
    rows = [(INDEX[a], INDEX[b], length[_kind(a, b)], slack) for a, b, slack in _RIGID]
    first, second, lengths, slacks = (np.array(values) for values in zip(*rows, strict=True))
    return Bones(first, second, lengths, slacks, stature_m, scale)


def _kind(a: str, b: str) -> tuple[str, str]:
    """A bone's name without its side; what goes across keeps that it does."""
    (side, _, part), (other, _, end) = a.partition("_"), b.partition("_")
    if side == "nose":
        return "nose", end
    return (part, end) if side == other else (part, f"other_{end}")


def _kinds() -> dict[tuple[str, str], list[tuple[str, str]]]:
    kinds: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for a, b, _ in _RIGID:
        kinds.setdefault(_kind(a, b), []).append((a, b))
    return kinds


def _usual(relative_m: Array, weight: Array, pair: tuple[str, str]) -> float:
    """The middle of a bone's lengths over both sides and all frames, each counted as surely as it was seen."""
    lengths, weights = [], []
    for a, b in _kinds()[pair]:
        lengths.append(np.linalg.norm(relative_m[:, POINT[a]] - relative_m[:, POINT[b]], axis=-1))
        weights.append(np.minimum(weight[:, POINT[a]], weight[:, POINT[b]]))
    length, sure = np.concatenate(lengths), np.concatenate(weights)
    sure = np.where(np.isfinite(length), sure + 1e-6, 0.0)
    order = np.argsort(np.where(np.isfinite(length), length, np.inf))
    total = np.cumsum(sure[order])
    return float(length[order][np.searchsorted(total, total[-1] / 2)])
