"""Left hands are left: fingers bend to the palm, and the thumb stands out of the palm on that side."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np

from motion.errors import FileFormatError
from motion.landmarks import FINGERS, SIDES
from motion.segments import segment_frame
from motion.transform import Array, matrix_from_wxyz

SURE = 0.1
"""Evidence from which on a hand's side is certain; recorded hands reach 0.3 and more."""
_TYPICAL_THUMB = 0.28
"""How far the thumb's middle joint stands out of the palm, as a part of the way from wrist to middle knuckle."""


def palm_side(points: Mapping[str, Array], side: str) -> float:
    """Evidence for a right hand above 0, for a left one below, of landmarks under the names of `side`; NaN where nothing shows it.

    A right hand's palm faces its own left (`motion.segments`): to there its fingers bend, and there its thumb stands.
    The evidence is by how much they do, as a part of a finger's length: the mean over the frames.
    """
    missing = np.full_like(next(iter(points.values())), np.nan)

    def place(name: str) -> Array:
        return points.get(f"{side}_{name}", missing)

    wxyz, _ = segment_frame(f"{side}_hand", lambda name: points.get(name, missing))
    left = matrix_from_wxyz(wxyz)[..., 1]
    evidence = [_bend(place, finger, left) for finger in FINGERS[1:]]
    thumb = ((place("thumb_mcp") - place("wrist")) * left).sum(-1) / np.linalg.norm(place("middle_mcp") - place("wrist"), axis=-1)
    if not any(np.isfinite(bend).any() for bend in evidence):
        return np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames in which a hand is unseen have no mean
        bends = np.nanmean(np.stack(evidence), axis=0)
        return float(np.nanmean(bends + np.nan_to_num(thumb) / _TYPICAL_THUMB * 0.3))


def _bend(place: Callable[[str], Array], finger: str, left: Array) -> Array:
    """(T,) how far a finger's end lies to the hand's own left of the line of its first bone, as a part of its length."""
    mcp, pip, dip, tip = (place(f"{finger}_{name}") for name in ("mcp", "pip", "dip", "tip"))
    tip = np.where(np.isfinite(tip), tip, dip)
    with np.errstate(invalid="ignore", divide="ignore"):
        along = (pip - mcp) / np.linalg.norm(pip - mcp, axis=-1, keepdims=True)
        away = tip - pip
        across = away - (away * along).sum(-1, keepdims=True) * along
        return np.asarray((across * left).sum(-1) / np.linalg.norm(away, axis=-1))


def check_hands(points: Mapping[str, Array], where: str) -> dict[str, str]:
    """Whether the left hand is a left hand and the right one a right hand, in words; empty where no hand has fingers.

    Raises:
        FileFormatError: a hand bends the other way: left and right are exchanged, or the recording is mirrored.
    """
    found = {side: palm_side(points, side) for side in SIDES if f"{side}_wrist" in points}
    told = {side: value if side == "right" else -value for side, value in found.items() if np.isfinite(value)}
    wrong = [side for side, value in told.items() if value < -SURE]
    if wrong:
        names = " and ".join(f"{side} hand bends as a {SIDES[1 - SIDES.index(side)]} one does" for side in wrong)
        raise FileFormatError(
            f"{where}: the {names}. Left and right are exchanged, or the recording is mirrored "
            "(trackers take the left for the right where a film is mirrored): exchange the names, or mirror the positions."
        )
    words = {side: "checked by its bend" if value > SURE else "not checked, too flat" for side, value in told.items()}
    return {"hands": ", ".join(f"{side} {how}" for side, how in words.items())} if words else {}
