"""Names that trackers give to the joints of a hand, in any style of writing: MediaPipe, OpenXR, WebXR, Apple, MANO, motion capture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from motion.landmarks import FINGERS

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SIDES = {"left": "left", "l": "left", "lh": "left", "right": "right", "r": "right", "rh": "right"}
FINGER_WORDS = {name: name for name in FINGERS} | {"little": "pinky", "small": "pinky", "forefinger": "index", "pointer": "index"}
_NOISE = frozenset({"xr", "hand", "hands", "joint", "joints", "ext", "finger", "phalanx", "phalange", "landmark", "landmarks"})

_OF_A_FINGER: Mapping[tuple[str, ...], str] = {
    ("mcp",): "mcp",
    ("pip",): "pip",
    ("dip",): "dip",
    ("tip",): "tip",
    ("proximal",): "mcp",  # OpenXR and WebXR name a joint after the bone that begins there
    ("intermediate",): "pip",
    ("distal",): "dip",
    ("knuckle",): "mcp",  # Apple
    ("intermediate", "base"): "pip",
    ("intermediate", "tip"): "dip",
    ("1",): "mcp",  # MANO, SMPL-X, motion capture
    ("2",): "pip",
    ("3",): "dip",
    ("4",): "tip",
}
_OF_THE_THUMB: Mapping[tuple[str, ...], str] = {
    ("cmc",): "cmc",
    ("mcp",): "mcp",
    ("ip",): "ip",
    ("tip",): "tip",
    ("metacarpal",): "cmc",
    ("proximal",): "mcp",
    ("distal",): "ip",
    ("knuckle",): "cmc",
    ("intermediate", "base"): "mcp",
    ("intermediate", "tip"): "ip",
    ("1",): "cmc",
    ("2",): "mcp",
    ("3",): "ip",
    ("4",): "tip",
}


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: "leftIndexFingerTip" -> left, index, finger, tip."""
    return [word.lower() for word in _WORD.findall(name)]


def side_of(name: str) -> str | None:
    """The side that a name tells, if any: "left_hand", "R_Wrist", "leftIndexFingerTip"."""
    sides = {_SIDES[word] for word in words_of(name) if word in _SIDES}
    return sides.pop() if len(sides) == 1 else None


@cache
def hand_joint(name: str) -> tuple[str | None, str] | None:
    """Side (None where the name tells none) and joint ("wrist", "index_pip") of a hand's joint; None for any other name.

    Joints that the vocabulary has no landmark for, such as a finger's metacarpal inside the palm, are None, too.
    """
    words = [word for word in words_of(name) if word not in _SIDES]
    said = [word if word in FINGER_WORDS else word.removesuffix("finger") or word for word in words]
    fingers = {FINGER_WORDS[word] for word in said if word in FINGER_WORDS}
    rest = tuple(word for word in said if word not in FINGER_WORDS and word not in _NOISE)
    if len(fingers) == 1:
        finger = fingers.pop()
        part = (_OF_THE_THUMB if finger == "thumb" else _OF_A_FINGER).get(rest)
        return (side_of(name), f"{finger}_{part}") if part else None
    if rest == ("forearm", "arm"):
        return side_of(name), "elbow"  # visionOS: the forearm's end at the upper arm
    is_wrist = rest in {("wrist",), ("root",)} or (not rest and "hand" in words)
    return (side_of(name), "wrist") if is_wrist and not fingers else None
