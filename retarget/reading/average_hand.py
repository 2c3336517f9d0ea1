"""An average hand: how long its bones are and where its fingers begin. Tells one order of joints from another, and gives angles a body."""

from __future__ import annotations

from functools import cache

import numpy as np

from motion.landmarks import FINGERS
from motion.transform import Array

HAND_LENGTH_M = 0.19
"""Wrist to the tip of the middle finger, of the hand below."""
HAND_OVER_STATURE = 0.108
"""Source: Drillis & Contini 1966."""

BONES_M: dict[str, tuple[float, float, float]] = {
    "thumb": (0.0462, 0.0316, 0.0253),
    "index": (0.0398, 0.0224, 0.0197),
    "middle": (0.0446, 0.0263, 0.0214),
    "ring": (0.0414, 0.0257, 0.0213),
    "pinky": (0.0327, 0.0181, 0.0197),
}
"""The three bones of each finger from its first joint to the tip's skin. Source: Buryanov & Kotiuk 2010, tables 1 and 2, rounded."""

FIRST_JOINT_M: dict[str, tuple[float, float, float]] = {
    "thumb": (0.023, 0.017, -0.023),
    "index": (0.025, 0.007, -0.096),
    "middle": (0.0, 0.0, -0.098),
    "ring": (-0.022, 0.003, -0.090),
    "pinky": (-0.039, 0.007, -0.078),
}
"""Where each finger begins, from the wrist, in the axes of a right hand (`motion.segments`): x to the thumb's side, y out of
the palm, z to the elbow. Rounded mean of three recorded hands: a glove's, a film's and a headset's."""

_JOINTS = dict.fromkeys(FINGERS, ("mcp", "pip", "dip", "tip")) | {"thumb": ("cmc", "mcp", "ip", "tip")}


def finger_chain(finger: str) -> tuple[str, ...]:
    """Names of a finger's joints from the palm to the tip, without the side: index_mcp, index_pip, index_dip, index_tip."""
    return tuple(f"{finger}_{joint}" for joint in _JOINTS[finger])


@cache
def bone_lengths() -> dict[tuple[str, str], float]:
    """(joint, joint) -> length in m, of every bone from a wrist to the tips, and of the breadth of the palm."""
    lengths = {}
    for finger in FINGERS:
        chain = finger_chain(finger)
        lengths["wrist", chain[0]] = float(np.linalg.norm(FIRST_JOINT_M[finger]))
        lengths |= {(a, b): length for a, b, length in zip(chain, chain[1:], BONES_M[finger], strict=False)}
    breadth = np.subtract(FIRST_JOINT_M["index"], FIRST_JOINT_M["pinky"])
    return lengths | {("index_mcp", "pinky_mcp"): float(np.linalg.norm(breadth))}


def place_in_palm(finger: str, side: str) -> Array:
    """(3,) where a finger begins, as a part of the way from wrist to middle knuckle, in the axes of the hand of that side."""
    palm = np.linalg.norm(FIRST_JOINT_M["middle"])
    return np.array(FIRST_JOINT_M[finger]) / palm * ([1, 1, 1] if side == "right" else [1, -1, 1])
