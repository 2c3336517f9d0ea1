"""The one landmark vocabulary. Every format maps into these names, every robot maps from them.

Body landmarks are joint centres, except heel, toe (front end of the sole) and head_top. Left and right are the
person's own. The wrists belong to the body and to the hands: a hand is its wrist and 20 finger landmarks, 21 in all,
in MediaPipe's order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from motion.errors import UnknownNameError

SIDES = ("left", "right")
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_FINGER_POINTS = dict.fromkeys(FINGERS, ("mcp", "pip", "dip", "tip")) | {"thumb": ("cmc", "mcp", "ip", "tip")}

_MIDLINE = ("pelvis", "spine", "chest", "neck", "head", "head_top")
_SIDED = ("clavicle", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "toe")


def hand_landmarks(side: str) -> tuple[str, ...]:
    """The 21 landmarks of one hand, wrist first, in MediaPipe's order."""
    fingers = (f"{side}_{finger}_{point}" for finger in FINGERS for point in _FINGER_POINTS[finger])
    return (f"{side}_wrist", *fingers)


BODY: tuple[str, ...] = (*_MIDLINE, *(f"{side}_{name}" for side in SIDES for name in _SIDED))
HANDS: tuple[str, ...] = tuple(name for side in SIDES for name in hand_landmarks(side)[1:])
LANDMARKS: tuple[str, ...] = BODY + HANDS

BONES: tuple[tuple[str, str], ...] = (
    ("pelvis", "spine"),
    ("spine", "chest"),
    ("chest", "neck"),
    ("neck", "head"),
    ("head", "head_top"),
    *(
        (f"{side}_{a}", f"{side}_{b}")
        for side in SIDES
        for a, b in (
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("hip", "knee"),
            ("knee", "ankle"),
            ("ankle", "heel"),
            ("ankle", "toe"),
        )
    ),
    ("left_hip", "right_hip"),
    ("left_shoulder", "right_shoulder"),
    *(("pelvis", f"{side}_hip") for side in SIDES),
    *((f"{side}_clavicle", f"{side}_shoulder") for side in SIDES),
    *(("neck", f"{side}_clavicle") for side in SIDES),
    *(
        (a, b)
        for side in SIDES
        for finger in FINGERS
        for chain in [(f"{side}_wrist", *(f"{side}_{finger}_{p}" for p in _FINGER_POINTS[finger]))]
        for a, b in itertools.pairwise(chain)
    ),
)
"""Pairs that a picture joins by a line; most of them are rigid."""

RIGID_BONES: tuple[tuple[str, str], ...] = tuple(
    (f"{side}_{a}", f"{side}_{b}")
    for side in SIDES
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
)
"""Bones whose length cannot change: a file in which it does is broken there."""


def mirror(name: str) -> str:
    """The same landmark or segment on the other side; a midline name is its own mirror."""
    side, _, rest = name.partition("_")
    return {"left": f"right_{rest}", "right": f"left_{rest}"}.get(side, name)


def require_known(names: Iterable[str], where: str = "") -> None:
    """Raise `UnknownNameError` for the first name outside the vocabulary."""
    for name in names:
        if name not in _KNOWN:
            raise UnknownNameError("landmark", name, LANDMARKS, where)


_KNOWN = frozenset(LANDMARKS)
