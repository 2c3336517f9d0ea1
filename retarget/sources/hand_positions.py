"""Positions of one hand: `.npy` or `.npz` with an array (T, 21, 3) in MediaPipe's order, wrist first, as hand trackers give it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, UnderstudyError, require
from motion.landmarks import FINGERS, hand_landmarks
from motion.segments import segment_frame
from motion.store import kind_of
from motion.transform import Array, matrix_from_wxyz
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of
from retarget.sources.positions import frame_rate, load_arrays, position_array, without_sentinels

JOINTS_N = len(hand_landmarks("left"))
_KNUCKLE_RATIO = 1.8
"""Of the longest to the shortest way from a wrist to the four knuckles; bodies with 21 joints have none such."""


class HandPositionsSource:
    """Reads `.npy` and `.npz` files of the 21 joints of one hand."""

    name = "hand_positions"
    suffixes = (".npy", ".npz")

    def accepts(self, path: Path) -> bool:
        """Whether the file holds one array (T, 21, 3) that is built like a hand."""
        if path.suffix.lower() == ".npz" and kind_of(path) is not None:
            return False
        try:
            arrays = load_arrays(path)
            _, raw = position_array(path, arrays, None)
        except UnderstudyError:
            return False
        if any(array.dtype.kind == "U" and array.shape == (JOINTS_N,) for array in arrays.values()):
            return False  # joints with names are what `positions` reads
        return raw.shape[1] == JOINTS_N and _is_built_like_a_hand(without_sentinels(raw))

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the joints; the side is told by which way fingers bend, or stated with source.side=.

        Raises:
            FileFormatError: not 21 joints, an unknown size, or the side cannot be told.
        """
        arrays = load_arrays(path)
        array_name, raw = position_array(path, arrays, options.array)
        require(raw.shape[1] == JOINTS_N, FileFormatError, f"{path}: has {raw.shape[1]} joints; a hand has {JOINTS_N}.")
        raw = without_sentinels(raw)
        side, how = _side(path, raw, options)
        rate, rate_from = frame_rate(path, arrays, options)
        recorded = Recorded(
            format=f"positions of a hand, array {array_name!r}, MediaPipe's order",
            time_s=np.arange(len(raw)) / rate,
            tracks=dict(zip(hand_landmarks(side), np.moveaxis(raw, 1, 0), strict=True)),
            words={"hand": f"{side} ({how})", "rate": f"{rate:g} Hz ({rate_from})"},
        )
        return reading_of(path, recorded, options)


def _is_built_like_a_hand(raw: Array) -> bool:
    """Whether the four knuckles are about as far from the wrist as each other, and each finger's bones get no longer."""
    names = [name.partition("_")[2] for name in hand_landmarks("left")]
    place = {name: raw[:, k] for k, name in enumerate(names)}

    def length(a: str, b: str) -> float:
        return float(np.nanmedian(np.linalg.norm(place[a] - place[b], axis=-1)))

    if not np.isfinite(raw).all(-1).any(0).all():
        return False
    palm = [length("wrist", f"{finger}_mcp") for finger in FINGERS[1:]]
    fingers = [[length(f"{finger}_{a}", f"{finger}_{b}") for a, b in pairwise(("mcp", "pip", "dip", "tip"))] for finger in FINGERS[1:]]
    return max(palm) < _KNUCKLE_RATIO * min(palm) and all(sum(bones) > 0.5 * palm[0] and bones[0] > 0.9 * bones[2] for bones in fingers)


def _side(path: Path, raw: Array, options: SourceOptions) -> tuple[str, str]:
    if options.side is not None:
        return options.side, "stated"
    bend = _bend_to_the_left(raw)
    require(
        abs(bend) > 0.1,
        FileFormatError,
        f"{path}: no finger bends enough to tell which hand it is; state it with source.side=left or right.",
    )
    return ("right" if bend > 0 else "left"), f"fingers bend to the palm of a {'right' if bend > 0 else 'left'} hand"


def _bend_to_the_left(raw: Array) -> float:
    """By how much fingers bend to the hand's own left, as a part of their length: a right hand's palm is there, a left one's not."""
    place = dict(zip(hand_landmarks("right"), np.moveaxis(raw, 1, 0), strict=True))
    wxyz, _ = segment_frame("right_hand", place.__getitem__)
    left = matrix_from_wxyz(wxyz)[..., 1]
    bends = []
    for finger in FINGERS[1:]:
        mcp, pip, tip = (place[f"right_{finger}_{name}"] for name in ("mcp", "pip", "tip"))
        along = (pip - mcp) / np.linalg.norm(pip - mcp, axis=-1, keepdims=True)
        away = tip - pip
        across = away - (away * along).sum(-1, keepdims=True) * along
        bends.append((across * left).sum(-1) / np.linalg.norm(away, axis=-1))
    return float(np.nanmean(bends))


SOURCE = HandPositionsSource()
