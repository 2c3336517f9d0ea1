"""From a detector's body points in metres to landmarks: joints, pelvis, neck, head, knuckles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.spans import runs
from retarget.video.bodies.body_bones import INDEX
from retarget.video.paths import BodyPath

_SAME = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel")
_OTHER = {"foot_index": "toe", "index": "index_mcp", "pinky": "pinky_mcp"}
_ROUGH = ("index_mcp", "pinky_mcp")
INFERRED_CONFIDENCE, FILLED_CONFIDENCE = 0.5, 0.4
_HEAD_TOP_M = 0.075
"""From the middle of the ears to the vertex, over stature. Source: Drillis and Contini 1966: 1 minus the ears' height of 0.925."""
_NECK_ABOVE = 0.035
"""Base of the neck over the shoulders' middle, over stature, along the trunk."""
INFERRED = frozenset({"pelvis", "neck", "head_top"})

BODY_LANDMARKS: tuple[str, ...] = (
    *("pelvis", "neck", "head", "head_top"),
    *(f"{side}_{name}" for side in SIDES for name in (*_SAME, *_OTHER.values())),
)


@dataclass(frozen=True)
class FittedBody:
    """What a fit found of `body_bones.POINTS` over T frames.

    Attributes:
        time_s: (T,) rising.
        position_m: (T, N, 3); NaN in frames that were not solved.
        visibility: (T, N) how surely each point was seen, 0..1; 0 where it was not.
        image_px: (T, N, 2) where it was seen; NaN where it was not.
        stature_m: of the person.
        fill_s: points that are unseen for longer than this are left out.
    """

    time_s: Array
    position_m: Array
    visibility: Array
    image_px: Array
    stature_m: float
    fill_s: float


def body_path(fitted: FittedBody, words: dict[str, str]) -> BodyPath:
    """The body's landmarks; `words`: what was found.

    Points that nobody saw for longer than `fill_s` are NaN. Shorter gaps keep what bones and movement say, with less confidence.
    """
    seen = fitted.visibility > 0
    gone = np.stack([long_gone(fitted.time_s, column, fitted.fill_s) for column in seen.T], axis=1)
    position = np.where(gone[..., None], np.nan, fitted.position_m)
    places, image = _places(position, fitted.stature_m), _image(fitted.image_px)
    confidence = _confidence(np.where(seen, fitted.visibility, FILLED_CONFIDENCE))
    positions = np.stack([places[name] for name in BODY_LANDMARKS], axis=1)
    sure = np.stack([confidence[name] for name in BODY_LANDMARKS], axis=1)
    filled = ~seen.any(1) & np.isfinite(positions).all(-1).any(1)
    return BodyPath(
        time_s=fitted.time_s,
        landmarks=BODY_LANDMARKS,
        position_m=positions,
        confidence=np.where(np.isfinite(positions).all(-1), sure, 0.0),
        image_px=np.stack([image[name] for name in BODY_LANDMARKS], axis=1),
        filled=filled,
        inferred=INFERRED,
        words=words | {"filled": f"{int(filled.sum())} pictures in which the person was not seen"},
    )


def long_gone(time_s: Array, seen: np.ndarray, fill_s: float) -> np.ndarray:
    """(T,) frames of gaps in `seen` (T,) that begin or end the clip, or last for longer than `fill_s`."""
    gone = np.zeros(len(seen), bool)
    for gap in runs(~seen):
        inside = gap.start > 0 and gap.stop < len(seen)
        gone[gap] = not inside or time_s[gap.stop] - time_s[gap.start - 1] > fill_s
    return gone


def _sources() -> dict[str, str]:
    """Landmark -> the fitted point that it is."""
    return {f"{side}_{to}": f"{side}_{name}" for side in SIDES for name, to in ({name: name for name in _SAME} | _OTHER).items()}


def _middle(array: Array, name: str) -> Array:
    return np.asarray((array[:, INDEX[f"left_{name}"]] + array[:, INDEX[f"right_{name}"]]) / 2)


def _places(position: Array, stature_m: float) -> dict[str, Array]:
    places = {name: position[:, INDEX[source]] for name, source in _sources().items()}
    hips, shoulders, ears = (_middle(position, name) for name in ("hip", "shoulder", "ear"))
    face = _middle(position, "eye") - ears
    across = position[:, INDEX["left_ear"]] - position[:, INDEX["right_ear"]]
    crown = normalized(np.cross(face, across))
    along = normalized(shoulders - hips)
    along = np.where(np.isfinite(along), along, normalized(ears - shoulders))  # who sits at a table shows no hips
    return places | {
        "pelvis": hips,
        "neck": shoulders + _NECK_ABOVE * stature_m * along,
        "head": ears,
        "head_top": ears + _HEAD_TOP_M * stature_m * crown,
    }


def _confidence(visibility: Array) -> dict[str, Array]:
    sure = {name: visibility[:, INDEX[source]] for name, source in _sources().items()}
    sure |= {name: value * INFERRED_CONFIDENCE for name, value in sure.items() if name.endswith(_ROUGH)}
    hips, shoulders, ears = (
        np.minimum(visibility[:, INDEX[f"left_{name}"]], visibility[:, INDEX[f"right_{name}"]]) for name in ("hip", "shoulder", "ear")
    )
    half = INFERRED_CONFIDENCE
    return sure | {"pelvis": half * hips, "neck": half * shoulders, "head": ears, "head_top": half * ears}


def _image(image_px: Array) -> dict[str, Array]:
    """Where landmarks were seen; nothing for those that are worked out."""
    unseen = np.full((len(image_px), 2), np.nan)
    image = {name: image_px[:, INDEX[source]] for name, source in _sources().items()}
    return image | {"head": _middle(image_px, "ear")} | dict.fromkeys(INFERRED, unseen)
