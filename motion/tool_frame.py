"""Where a person's hand grasps: the tool frame (`motion.handling`) from the landmarks of the palm.

The palm's landmarks are one rigid body: the wrist and the knuckles of the four fingers. The frame is fixed in it, so
fingers that open and close do not move it. x points from the wrist to the middle knuckle, z to the side of the thumb.
The origin is the axis of a cylinder of 6 cm that lies against the palm below the knuckles; it is the same point of the
hand however thick the thing is that is held.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from motion.errors import UnknownNameError
from motion.landmarks import SIDES
from motion.segments import frame_from_axes
from motion.transform import Array, Transform, wxyz_from_matrix

Points = Callable[[str], Array]
"""Name of a landmark -> positions (T, 3), NaN where unseen."""

CYLINDER_M = 0.06
"""Diameter of the thing in whose axis the origin lies."""

_KNUCKLES = ("index", "middle", "ring", "pinky")
_FLESH = 0.13
"""From the knuckles' centres to the skin of the palm, in lengths of the palm (13 mm of 100 mm)."""

_AHEAD = 0.05
"""How far ahead of the knuckles a cylinder lies against the hand, in lengths of the palm."""


def palm_landmarks(side: str) -> tuple[str, ...]:
    """The landmarks that move with the palm as one body: the wrist and four knuckles."""
    return (f"{side}_wrist", *(f"{side}_{finger}_mcp" for finger in _KNUCKLES))


def tool_pose(points: Points, side: str) -> Transform:
    """`T_world_tool` of a hand over time, batch (T,); NaN where a landmark of the palm is unseen.

    Args:
        points: of the person.
        side: of the hand.

    Raises:
        UnknownNameError: a side that is neither left nor right.
    """
    if side not in SIDES:
        raise UnknownNameError("side", side, SIDES)
    wrist, *knuckles = (points(name) for name in palm_landmarks(side))
    index, middle, _, pinky = knuckles
    rotation, _ = frame_from_axes("x", middle - wrist, "z", index - pinky)
    length = np.linalg.norm(middle - wrist, axis=-1)
    outward = 1.0 if side == "right" else -1.0  # a right palm faces +y
    local = np.stack([_AHEAD * length, outward * (_FLESH * length + CYLINDER_M / 2), np.zeros_like(length)], axis=-1)
    centre = np.mean(knuckles, axis=0)
    # The knuckles' middle along and across the hand, but the depth of the middle knuckle: the little finger's lies lower.
    centre = centre + rotation[..., 1] * np.einsum("...i,...i->...", middle - centre, rotation[..., 1])[..., None]
    wxyz = wxyz_from_matrix(rotation)
    position = centre + np.einsum("...ij,...j->...i", rotation, local)
    seen = np.isfinite(position).all(-1) & np.isfinite(wxyz).all(-1)
    return Transform(np.where(seen[..., None], position, np.nan), np.where(seen[..., None], wxyz, np.nan))
