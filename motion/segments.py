"""Segment frames from landmarks, by one anatomical rule per segment, for people and for robots alike.

Convention: every segment frame equals the body's own (x forward, y left, z up) when the person stands upright with
the arms hanging, palms toward the thighs, toes forward. So z points from the far end of a limb bone to the near end,
and elbows flex about -y, knees about +y.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from motion.landmarks import FINGERS, SIDES
from motion.transform import Array, normalized, wxyz_from_matrix

Points = Callable[[str], Array]
"""Name of a landmark -> positions (T, 3), NaN where unseen."""

_LIMBS = {"upper_arm": ("shoulder", "elbow", "wrist"), "forearm": ("shoulder", "elbow", "wrist")}
_LIMBS |= {"thigh": ("hip", "knee", "ankle"), "shank": ("hip", "knee", "ankle")}
_BONE_ENDS = {"upper_arm": ("shoulder", "elbow"), "forearm": ("elbow", "wrist"), "thigh": ("hip", "knee"), "shank": ("knee", "ankle")}
_FINGER_BONES = dict.fromkeys(FINGERS, (("mcp", "pip"), ("pip", "dip"), ("dip", "tip")))
_FINGER_BONES["thumb"] = (("cmc", "mcp"), ("mcp", "ip"), ("ip", "tip"))
_BONE_NAMES = ("proximal", "middle", "distal")

BODY_SEGMENTS: tuple[str, ...] = (
    "pelvis",
    "chest",
    "head",
    *(f"{side}_{name}" for side in SIDES for name in ("upper_arm", "forearm", "hand", "thigh", "shank", "foot")),
)
FINGER_SEGMENTS: tuple[str, ...] = tuple(f"{side}_{finger}_{bone}" for side in SIDES for finger in FINGERS for bone in _BONE_NAMES)
SEGMENTS: tuple[str, ...] = BODY_SEGMENTS + FINGER_SEGMENTS


def frame_from_axes(primary: str, along: Array, secondary: str, near: Array) -> tuple[Array, Array]:
    """Right-handed frames with the `primary` axis along one vector and the `secondary` axis near another.

    Args:
        primary, secondary: two different ones of "x", "y", "z".
        along: (T, 3); need not be unit.
        near: (T, 3); its part across `along` is used.

    Returns:
        rotations (T, 3, 3), NaN where undefined, and (T,) the sine of the angle between the two vectors: how well
        the frame is conditioned.
    """
    p = normalized(along)
    n = normalized(near)
    across = n - (p * n).sum(-1, keepdims=True) * p
    sine = np.linalg.norm(across, axis=-1)
    s = normalized(across)
    columns = {primary: p, secondary: s}
    third = ({"x", "y", "z"} - {primary, secondary}).pop()
    cyclic = (primary + secondary) in ("xy", "yz", "zx")
    columns[third] = np.cross(p, s) if cyclic else np.cross(s, p)
    return np.stack([columns[axis] for axis in "xyz"], axis=-1), np.nan_to_num(sine)


def _middle(points: Points, name: str) -> Array:
    return (points(f"left_{name}") + points(f"right_{name}")) / 2


def _first_seen(*candidates: Array) -> Array:
    """Frame by frame, the first candidate (T, 3) that is not NaN."""
    out = candidates[0].copy()
    for candidate in candidates[1:]:
        missing = np.isnan(out).any(-1)
        out[missing] = candidate[missing]
    return out


def _pelvis(points: Points) -> tuple[Array, Array]:
    up = _first_seen(points("chest"), points("spine"), points("neck"), _middle(points, "shoulder")) - _middle(points, "hip")
    return frame_from_axes("y", points("left_hip") - points("right_hip"), "z", up)


def _chest(points: Points) -> tuple[Array, Array]:
    top = _first_seen(_middle(points, "shoulder"), points("neck"))
    low = _first_seen(_middle(points, "hip"), points("pelvis"), points("spine"))
    return frame_from_axes("z", top - low, "y", points("left_shoulder") - points("right_shoulder"))


def _head(points: Points) -> tuple[Array, Array]:
    return frame_from_axes("z", points("head_top") - points("head"), "y", points("left_shoulder") - points("right_shoulder"))


def _limb(points: Points, side: str, name: str) -> tuple[Array, Array]:
    start, middle, end = (points(f"{side}_{landmark}") for landmark in _LIMBS[name])
    far, near = points(f"{side}_{_BONE_ENDS[name][1]}"), points(f"{side}_{_BONE_ENDS[name][0]}")
    hinge = np.cross(middle - start, end - middle)  # the axis it flexes about: -y at the elbow, +y at the knee
    rotation, _ = frame_from_axes("z", near - far, "y", hinge if name in ("thigh", "shank") else -hinge)
    sine = np.linalg.norm(np.cross(normalized(middle - start), normalized(end - middle)), axis=-1)
    return rotation, np.nan_to_num(sine)


def _hand(points: Points, side: str) -> tuple[Array, Array]:
    wrist = points(f"{side}_wrist")
    index, pinky = points(f"{side}_index_mcp"), points(f"{side}_pinky_mcp")
    middle = _first_seen(points(f"{side}_middle_mcp"), (index + pinky) / 2)
    return frame_from_axes("z", wrist - middle, "x", index - _first_seen(pinky, points(f"{side}_ring_mcp")))


def _foot(points: Points, side: str) -> tuple[Array, Array]:
    toe, heel = points(f"{side}_toe"), points(f"{side}_heel")
    return frame_from_axes("x", toe - heel, "z", points(f"{side}_knee") - points(f"{side}_ankle"))


def _finger_bone(points: Points, side: str, finger: str, bone: int) -> tuple[Array, Array]:
    a, b = _FINGER_BONES[finger][bone]
    hand, sine = _hand(points, side)
    rotation, own = frame_from_axes("z", points(f"{side}_{finger}_{a}") - points(f"{side}_{finger}_{b}"), "x", hand[..., :, 0])
    return rotation, own * sine


def _rules() -> dict[str, Callable[[Points], tuple[Array, Array]]]:
    rules: dict[str, Callable[[Points], tuple[Array, Array]]] = {"pelvis": _pelvis, "chest": _chest, "head": _head}
    for side in SIDES:
        rules |= {f"{side}_{name}": partial(_limb, side=side, name=name) for name in _LIMBS}
        rules |= {f"{side}_hand": partial(_hand, side=side), f"{side}_foot": partial(_foot, side=side)}
        for finger in FINGERS:
            for index, bone in enumerate(_BONE_NAMES):
                rules[f"{side}_{finger}_{bone}"] = partial(_finger_bone, side=side, finger=finger, bone=index)
    return rules


_RULES = _rules()


def segment_frame(name: str, points: Points) -> tuple[Array, Array]:
    """Orientation of one segment over time.

    Args:
        name: one of `SEGMENTS`.
        points: landmark name -> positions (T, 3), NaN where unseen.

    Returns:
        wxyz (T, 4), NaN where its landmarks are unseen, and conditioning (T,) in 0..1 (0 where undefined: a straight
        elbow says nothing of its hinge).
    """
    rotation, sine = _RULES[name](points)
    wxyz = wxyz_from_matrix(rotation)
    return wxyz, np.where(np.isfinite(wxyz).all(-1), sine, 0.0)
