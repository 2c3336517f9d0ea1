"""From a detector's body points in metres to landmarks: joints, pelvis, neck, head, knuckles."""

from __future__ import annotations

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.video.body_bones import COLUMNS, INDEX, Bones
from retarget.video.paths import BodyPath
from retarget.video.person import PersonTrack

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


def body_path(track: PersonTrack, position_m: Array, bones: Bones, filled: np.ndarray, words: dict[str, str]) -> BodyPath:
    """The body's landmarks.

    Args:
        track: as seen.
        position_m: (T, N, 3) of `body_bones.POINTS`; NaN where neither seen nor filled.
        bones: of the person.
        filled: (T,) which frames nobody was seen in.
        words: what was found.
    """
    places = _places(position_m, bones.stature_m)
    confidence = _confidence(track.visibility[:, COLUMNS])
    image = _image(track.image_px[:, COLUMNS])
    position = np.stack([places[name] for name in BODY_LANDMARKS], axis=1)
    sure = np.stack([confidence[name] for name in BODY_LANDMARKS], axis=1)
    sure = np.where(filled[:, None], FILLED_CONFIDENCE, sure)
    return BodyPath(
        time_s=track.time_s,
        landmarks=BODY_LANDMARKS,
        position_m=position,
        confidence=np.where(np.isfinite(position).all(-1), sure, 0.0),
        image_px=np.stack([image[name] for name in BODY_LANDMARKS], axis=1),
        filled=filled,
        inferred=INFERRED,
        words=words,
    )


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
    return places | {
        "pelvis": hips,
        "neck": shoulders + _NECK_ABOVE * stature_m * normalized(shoulders - hips),
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
