"""How fingers open and close: their joint angles for each grasp word and the width of the thing that is held.

The fingers' middle lines are bones without flesh, so a touching fingertip stands half a finger's thickness off the
surface. A held thing is a cylinder about the tool's z axis where fingers wrap or hook, and a blade across the tool's
y axis where they pinch or fork. The angles are found once per grasp by least squares: every tip that takes part lies on
the surface, no bone is within, and what is left follows the usual synergy of the grasp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from motion.errors import UnknownNameError
from motion.handling import GRASPS
from motion.tool_frame import tool_pose
from motion.transform import Array, Transform
from workers.body import PALM_AXES, WorkerBody
from workers.hand_model import FINGER_LANDMARKS, HIGHEST_RAD, LOWEST_RAD, HandModel, finger_points, finger_posture, joined, parted

TOUCH = 0.08
"""Opening at which the fingers touch. From there to 0 they press, and do not move any more."""

_PAD = 0.035
"""Half a fingertip's thickness in lengths of the hand (6.5 mm of 19 cm)."""

_SYNERGY = {
    **dict.fromkeys(("pinch", "nip"), (0.55, -0.5)),
    "wrap": (0.55, 0.0),
    "hook": (0.65, 0.8),
    "fork": (0.25, -0.6),
    "flat": (0.02, -0.1),
}
"""Closing and hooking synergy that each grasp starts from."""

RELAXED = (0.30, 0.10)
"""Synergies of a hanging hand."""

_ROUND = ("wrap", "hook")
_FINGERS = {"wrap": (0, 1, 2, 3), "hook": (0, 1, 2, 3), "pinch": (0, 1), "nip": (0, 1), "fork": (0, 1, 2)}
"""Which fingers (index .. pinky) press."""

_OPPOSED = np.array([1.45, 1.0, -0.1, -0.1])
"""A thumb that stands across the palm, ready to close against the fingers."""

_TIPS = np.array([FINGER_LANDMARKS.index(f"{name}_tip") for name in ("index", "middle", "ring", "pinky")])
_THUMB = np.array([FINGER_LANDMARKS.index(f"thumb_{name}") for name in ("mcp", "ip", "tip")])
_SURFACE_M, _MEET_M, _NEAR_M, _HABIT_RAD = 5e-4, 0.008, 0.04, 0.5
"""Errors that cost alike: off the surface, of tips that meet, of tips side by side, off the habit."""

_PROBE, _INNER_RAD = 1e-6, 1e-6


@dataclass(frozen=True)
class GraspPosture:
    """Finger angles (16,), rad, of a hand that is ready to take a thing, and that touches it."""

    open_rad: Array
    held_rad: Array

    def at(self, opening: Array) -> Array:
        """(T, 16) angles at openings (T,) 0..1."""
        share = np.clip((opening - TOUCH) / (1 - TOUCH), 0.0, 1.0)[:, None]
        return self.held_rad + share * (self.open_rad - self.held_rad)


def relaxed_rad() -> Array:
    """(16,) angles of a hand that hangs."""
    return synergy_rad(*RELAXED)


def synergy_rad(closing: float, hooking: float) -> Array:
    """(16,) angles of the two synergies of `workers.hand_model`."""
    return joined(*finger_posture(np.array([closing]), np.array([hooking])))[0]


def pad_m(hand: HandModel) -> float:
    """From the middle line of a finger to its skin."""
    return _PAD * hand.length_m


def hand_tool(body: WorkerBody, side: str) -> Transform:
    """`T_hand_tool`, batch (): the tool frame in the link of the hand."""
    local = finger_points(body.hand, *parted(relaxed_rad()[None]))[0] @ PALM_AXES[side]
    place = {f"{side}_{name}": local[None, index] for index, name in enumerate(FINGER_LANDMARKS)} | {f"{side}_wrist": np.zeros((1, 3))}
    return tool_pose(place.__getitem__, side)[0]


def tool_points(hand: HandModel, angles: Array) -> Array:
    """(T, 20, 3) finger landmarks in the tool frame of a right hand; a left one mirrors y. Angles (T, 16)."""
    # A right hand with its fingers ahead and its thumb up has distal, palmar and radial along x, y and z.
    points = finger_points(hand, *parted(angles))[..., [0, 2, 1]]
    place = {f"right_{name}": points[:1, index] for index, name in enumerate(FINGER_LANDMARKS)} | {"right_wrist": np.zeros((1, 3))}
    inverse = tool_pose(place.__getitem__, "right")[0].inverse()
    return np.einsum("ij,tkj->tki", inverse.rotation(), points) + inverse.position_m


def grasp_posture(hand: HandModel, grasp: str, width_m: float) -> GraspPosture:
    """Finger angles of a grasp around a thing.

    Args:
        hand: whose.
        grasp: one of `motion.handling.GRASPS`.
        width_m: how thick the thing is where it is held.

    Raises:
        UnknownNameError: no such grasp.
    """
    if grasp not in GRASPS:
        raise UnknownNameError("grasp", grasp, GRASPS)
    habit, ready = synergy_rad(*_SYNERGY[grasp]), synergy_rad(0.0, 0.0)
    if grasp == "flat":
        return GraspPosture(habit, habit)
    if grasp != "hook":  # beside a bar the thumb stays where it is
        ready[12:] = habit[12:] = _OPPOSED

    def wishes(angles: Array) -> Array:
        return _residuals(hand, grasp, width_m / 2 + pad_m(hand), habit, angles)

    def slopes(angles: Array) -> Array:
        rows = wishes(np.vstack([angles[None], angles + _PROBE * np.eye(len(habit))]))
        return (rows[1:] - rows[0]).T / _PROBE

    bounds, found = (LOWEST_RAD, HIGHEST_RAD), []
    for start in (habit, _folded(habit)):  # fingers may meet a thing from two sides of their arc
        inner = np.clip(start, LOWEST_RAD + _INNER_RAD, HIGHEST_RAD - _INNER_RAD)
        found.append(least_squares(lambda angles: wishes(angles[None])[0], inner, slopes, bounds, max_nfev=60))
    return GraspPosture(ready, min(found, key=lambda result: result.cost).x)


def _folded(angles: Array) -> Array:
    """(16,) the same thumb, with fingers straight at the knuckles and bent beyond."""
    return np.concatenate([np.tile([0.0, 1.5, 0.9], 4), angles[12:]])


def _residuals(hand: HandModel, grasp: str, reach_m: float, habit: Array, angles: Array) -> Array:
    """(T, n): tips on the surface, bones outside, near the tool's origin, near the habit."""
    points = tool_points(hand, angles)
    fingers = np.array(_FINGERS[grasp])
    tips, bones = points[:, _TIPS[fingers]], _bones(points, fingers)
    thumb = points[:, _THUMB]
    parts = [(angles - habit) / _HABIT_RAD]
    if grasp in _ROUND:
        parts.append((np.linalg.norm(tips[..., :2], axis=-1) - reach_m) / _SURFACE_M)
        parts.append(np.minimum(np.linalg.norm(bones[..., :2], axis=-1) - reach_m, 0.0) / _SURFACE_M)
        thumb_on = np.linalg.norm(thumb[..., :2], axis=-1) - reach_m
    else:
        parts.append((tips[..., 1] + reach_m) / _SURFACE_M)
        thumb_on = thumb[..., 1] - reach_m
    if grasp in ("pinch", "nip"):  # the tips meet each other
        parts.append((tips[:, :1, 0] - thumb[:, -1:, 0]) / _MEET_M)
        parts.append((tips[:, 1:, 0] - tips[:, :1, 0]) / (0.2 * _MEET_M))
        parts.append((tips[:, :1, 2] - thumb[:, -1:, 2]) / _NEAR_M)
    if grasp == "fork":  # all along the blade
        parts.append(np.minimum(-bones[..., 1] - reach_m, 0.0) / _SURFACE_M)
    if grasp != "hook":
        parts.append(thumb_on[:, -1:] / _SURFACE_M)
        parts.append(np.minimum(thumb[:, -1:, 1], 0.0) / _MEET_M)  # the thumb comes from the other side
    return np.concatenate(parts, axis=1)


def _bones(points: Array, fingers: Array) -> Array:
    """(T, n, 3) places on the middle and end bones of some fingers."""
    tips = _TIPS[fingers]
    pip, dip, tip = points[:, tips - 2], points[:, tips - 1], points[:, tips]
    return np.concatenate([pip, (pip + dip) / 2, dip, (dip + tip) / 2], axis=1)
