"""An average body for files of the SMPL family, which store joint rotations and leave the bones to a licensed model.

The numbers are our own. Rest pose as theirs: arms to the sides, palms down; x left, y up, z forward; no joint turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from motion.landmarks import FINGERS, SIDES
from motion.transform import Array, rotate
from retarget.reading.average_hand import BONES_M, FIRST_JOINT_M
from retarget.reading.skeleton import Skeleton

STATURE_M = 1.70
"""Of the body below."""
ROOT_M = np.array([0.0, -0.225, 0.03])
"""Where the pelvis stands when `trans` is zero and nothing is turned. Source: ASAP's clips give it with and without `trans`."""

_BODY_ORDER = (
    "pelvis left_hip right_hip spine left_knee right_knee spine2 left_ankle right_ankle chest left_toe right_toe neck "
    "left_clavicle right_clavicle head left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist"
).split()
# Joint -> parent and place in it, left side, in metres.
# Legs: the bones with which standing feet do not slide in the 14 recordings of people in LeCAR-Lab/ASAP (MIT), rounded to 5 mm;
# a test finds them again. Trunk and arms: joints of published simulation models of the average body (smpl_humanoid.xml of
# NVlabs/ProtoMotions), rounded to 5 mm and made symmetric; the arms' span is the stature, as it should be.
_LEFT: dict[str, tuple[str, tuple[float, float, float]]] = {
    "spine": ("pelvis", (0.0, 0.11, -0.025)),
    "spine2": ("spine", (0.0, 0.135, 0.0)),
    "chest": ("spine2", (0.0, 0.055, 0.025)),
    "neck": ("chest", (0.0, 0.215, -0.045)),
    "head": ("neck", (0.0, 0.065, 0.05)),
    "left_hip": ("pelvis", (0.065, -0.09, -0.01)),
    "left_knee": ("left_hip", (0.04, -0.38, -0.005)),
    "left_ankle": ("left_knee", (-0.02, -0.395, -0.04)),
    "left_toe": ("left_ankle", (0.02, -0.06, 0.115)),
    "left_clavicle": ("chest", (0.08, 0.12, -0.035)),
    "left_shoulder": ("left_clavicle", (0.09, 0.03, -0.01)),
    "left_elbow": ("left_shoulder", (0.26, -0.015, -0.025)),
    "left_wrist": ("left_elbow", (0.25, 0.01, 0.0)),
}
HEAD_TOP_M = np.array([0.0, 0.18, 0.015])
"""Crown of the head, from the head's joint."""
_SMPL_FINGERS = ("index", "middle", "pinky", "ring", "thumb")  # their order
_POINTS = {finger: ("cmc", "mcp", "ip") if finger == "thumb" else ("mcp", "pip", "dip") for finger in FINGERS}
_SPREAD_DEG = {"thumb": 45.0, "index": 0.0, "middle": 0.0, "ring": -15.0, "pinky": -35.0}
"""By how much a finger points forward of the arm's line at rest, rounded to 5 degrees, as in published humanoids with such hands."""

ORDERS: dict[str, tuple[str, ...]] = {
    "SMPL body": tuple(_BODY_ORDER),
    "SMPL": (*_BODY_ORDER, "left_hand", "right_hand"),
    "SMPL-H": (*_BODY_ORDER, *(f"{side}_{f}_{p}" for side in SIDES for f in _SMPL_FINGERS for p in _POINTS[f])),
    "SMPL-X": (
        *_BODY_ORDER,
        "jaw",
        "left_eye",
        "right_eye",
        *(f"{side}_{f}_{p}" for side in SIDES for f in _SMPL_FINGERS for p in _POINTS[f]),
    ),
}
"""Joints of each member of the family, in its own order, by landmarks where there is one."""


def knuckle(side: str, finger: str) -> Array:
    """(3,) where a finger begins, from the wrist, at rest."""
    ahead, out_of_palm, to_elbow = FIRST_JOINT_M[finger]
    return np.array([to_elbow if side == "right" else -to_elbow, -out_of_palm, ahead])


def finger_tip(side: str, finger: str) -> Array:
    """(3,) the last bone of a finger, from its last joint."""
    return BONES_M[finger][2] * _pointing(side, finger)


@cache
def average_body(member: str) -> Skeleton:
    """The tree of a member of the family ("SMPL", "SMPL-H", "SMPL-X"), the root at `ROOT_M`; metres."""
    names = ORDERS[member]
    placed = [_place(name) for name in names]
    parents = tuple(names.index(parent) if parent else -1 for parent, _ in placed)
    return Skeleton(names, parents, np.array([offset for _, offset in placed]))


def _place(name: str) -> tuple[str, Array]:
    """Parent and offset of a joint."""
    side, _, rest = name.partition("_")
    if name == "pelvis":
        return "", ROOT_M
    if name in ("jaw", "left_eye", "right_eye"):
        return "head", np.zeros(3)
    if rest == "hand":
        return f"{side}_wrist", knuckle(side, "middle")
    if side in SIDES and rest.partition("_")[0] in FINGERS:
        return _finger_place(side, *rest.split("_"))
    mirrored = side == "right"
    parent, offset = _LEFT[f"left_{rest}" if mirrored else name]
    return (parent.replace("left_", "right_"), np.array(offset) * [-1, 1, 1]) if mirrored else (parent, np.array(offset))


def _finger_place(side: str, finger: str, point: str) -> tuple[str, Array]:
    index = _POINTS[finger].index(point)
    if index == 0:
        return f"{side}_wrist", knuckle(side, finger)
    return f"{side}_{finger}_{_POINTS[finger][index - 1]}", BONES_M[finger][index - 1] * _pointing(side, finger)


def _pointing(side: str, finger: str) -> Array:
    angle = np.deg2rad(_SPREAD_DEG[finger])
    return np.array([(1 if side == "left" else -1) * np.cos(angle), 0.0, np.sin(angle)])


_LEG = ("pelvis", "hip", "knee", "ankle")
_LEAST_SWAY_M = 0.08
"""Standing legs that sway less over a recording show nothing of how long they are."""
_STANDING_MPS = 0.15
_COMPARED_HZ = 30.0
_SIZES = (0.8, 1.25)
"""Of grown people. Feet that slide, as estimated ones do, would make dwarfs and giants."""


def size_of_standing(skeleton: Skeleton, wxyz: Array, root: Array, rate_hz: float) -> float | None:
    """How many times larger the person is than the skeleton: feet that stand do not slide over the floor.

    Between two frames a standing foot stays where it is, so that the root's way is the opposite of the leg's sway, which
    grows with its length. Least squares over the frames in which a foot stands, found anew with each size.

    Args:
        skeleton: with the legs' landmarks among its names.
        wxyz: (T, J, 4) world orientations of its joints.
        root: (T, 3) position of the root in metres.
        rate_hz: of the frames.

    Returns:
        The size, or None where no foot stands while the leg sways.
    """
    step = max(1, round(rate_hz / _COMPARED_HZ))
    way, rate = np.diff(root[::step], axis=0), rate_hz / step
    sway = [np.diff(_leg(skeleton, wxyz[::step], side), axis=0) for side in SIDES]
    if len(way) < 2:
        return None
    size = 1.0
    for _ in range(6):
        moved, against, square = [], 0.0, 0.0
        for leg in sway:
            speed = np.linalg.norm(way + size * leg, axis=-1) * rate
            still = speed < max(_STANDING_MPS, float(np.percentile(speed, 20)))
            against += float(-(leg[still] * way[still]).sum())
            square += float((leg[still] ** 2).sum())
            moved.append(still)
        if square < _LEAST_SWAY_M**2:
            return None
        size = against / square
    return size if _SIZES[0] < size < _SIZES[1] else None


def _leg(skeleton: Skeleton, wxyz: Array, side: str) -> Array:
    """(T, 3) from the root to the ball of the foot."""
    names: Sequence[str] = [name if name == "pelvis" else f"{side}_{name}" for name in _LEG]
    chain = [*names[1:], f"{side}_toe"]
    joints = [skeleton.names.index(name) for name in names]
    return sum(
        (rotate(wxyz[:, joint], skeleton.offset[skeleton.names.index(after)]) for joint, after in zip(joints, chain, strict=True)),
        np.zeros(3),
    )
