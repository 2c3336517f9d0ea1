"""Hand-made handlings: what a hand does in the counter's frame, in minimum jerk."""

from __future__ import annotations

import numpy as np

from motion.handling import Handling, HandTrack, Hold
from motion.transform import Array, Transform, quaternion_product, so3_exp

RATE_HZ = 50.0
AHEAD, ASIDE = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])


def smooth(share: Array) -> Array:
    """(T,) 0 .. 1 in minimum jerk."""
    s = np.clip(share, 0.0, 1.0)
    return np.asarray(s**3 * (10 - 15 * s + 6 * s * s))


def handling(side: str, duration_s: float, position_m: Array, turn: Array, holds: tuple[Hold, ...] = ()) -> Handling:
    """One hand's, whose tracks are given for the right hand; the left one's is the mirror image."""
    time_s = np.arange(len(position_m)) * duration_s / (len(position_m) - 1)
    place, wxyz = position_m.copy(), turn.copy()
    if side == "left":
        place[:, 1] *= -1.0
        wxyz *= [1.0, -1.0, 1.0, -1.0]
    pose = Transform(place, wxyz)
    opening = np.interp(time_s, [0.0, 0.5 * duration_s, duration_s], [1.0, 1.0, 0.2])
    return Handling(time_s, {side: HandTrack(pose, opening, np.ones(len(time_s)))}, {"cup": pose}, holds)


def times(duration_s: float) -> Array:
    """(T,) 0 .. 1 at `RATE_HZ`."""
    return np.linspace(0.0, 1.0, int(duration_s * RATE_HZ) + 1)


def yawed(angle_rad: Array) -> Array:
    """(T, 4) turned about the vertical."""
    return so3_exp(angle_rad[:, None] * ASIDE)


def reach(side: str) -> Handling:
    """From the edge to something in the middle of the work."""
    s = smooth(times(3.0))[:, None]
    return handling(side, 3.0, (1 - s) * [0.08, -0.30, 0.20] + s * [0.22, -0.15, 0.09], yawed(0.6 * s[:, 0]))


def circle(side: str) -> Handling:
    """Three turns of 5 cm, as in stirring."""
    angle = 6 * np.pi * smooth(times(6.0))
    place = np.stack([0.17 + 0.05 * np.cos(angle), -0.2 + 0.05 * np.sin(angle), np.full(len(angle), 0.12)], axis=1)
    return handling(side, 6.0, place, yawed(np.full(len(angle), 0.3)))


def knob(side: str) -> Handling:
    """A quarter turn about the fingers, the thumb inwards."""
    angle = np.radians(90) * smooth(times(3.0))
    return handling(side, 3.0, np.tile([0.15, -0.2, 0.15], (len(angle), 1)), so3_exp(-angle[:, None] * AHEAD))


def pour(side: str) -> Handling:
    """A tilt of 120 degrees over the palm."""
    angle = np.radians(120) * smooth(times(3.0))
    turn = quaternion_product(so3_exp(-angle[:, None] * AHEAD), yawed(np.full(len(angle), 0.4)))
    return handling(side, 3.0, np.tile([0.15, -0.2, 0.2], (len(angle), 1)), turn)
