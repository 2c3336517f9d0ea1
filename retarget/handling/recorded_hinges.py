"""Doors and knobs in a recording: a track that turns about one fixed axis is brought onto it."""

from __future__ import annotations

import numpy as np

from motion.transform import Array, Transform, matrix_from_wxyz, quaternion_product, so3_exp, so3_log
from retarget.handling.recorded_tracks import continuous

_LEAST_TURN_RAD = 0.35
"""What turns by less says too little of its axis."""

_OFF_RAD = 0.12
"""A track that is turned further off the best axis than this has none."""

_SHARE = 95
"""A twentieth of the time may be worse."""


def on_hinge(track: Transform, off_m: float) -> Transform | None:
    """The same track turning about one fixed axis; None where it does something else.

    The turn about the axis is the track's own; what is off the axis was the tracker's. Found by least squares: the axis is
    the main direction of the turns, its place the point that stays, p = (I - R) c + R p0.

    Args:
        track: smooth, batch (T,).
        off_m: a track whose place is further off the best axis than this has none.
    """
    wxyz = continuous(track.wxyz)
    start = wxyz[0]
    turn = so3_log(quaternion_product(wxyz, start * [1.0, -1, -1, -1]))
    _, vectors = np.linalg.eigh(turn.T @ turn)
    axis = vectors[:, -1]
    angle = turn @ axis
    if np.ptp(angle) < _LEAST_TURN_RAD or np.percentile(np.linalg.norm(turn - angle[:, None] * axis, axis=1), _SHARE) > _OFF_RAD:
        return None
    place = _turned_places(track.position_m, axis, angle)
    if np.percentile(np.linalg.norm(place - track.position_m, axis=1), _SHARE) > off_m:
        return None
    return Transform(place, quaternion_product(so3_exp(angle[:, None] * axis), _start(wxyz, axis, angle)))


def _turned_places(position: Array, axis: Array, angle: Array) -> Array:
    """(T, 3) places of a point that goes around the axis that fits best."""
    rotation = matrix_from_wxyz(so3_exp(angle[:, None] * axis))
    system = np.concatenate([np.eye(3) - rotation, rotation], axis=2).reshape(-1, 6)
    # Along the axis its place is undetermined; the least-norm solution leaves it at 0.
    found, *_ = np.linalg.lstsq(system, position.reshape(-1), rcond=1e-6)
    return np.asarray((system @ found).reshape(-1, 3))


def _start(wxyz: Array, axis: Array, angle: Array) -> Array:
    """(4,) the orientation at angle 0 that fits all frames best."""
    back = quaternion_product(so3_exp(-angle[:, None] * axis), wxyz)
    _, vectors = np.linalg.eigh(back.T @ back)
    return np.asarray(vectors[:, -1])
