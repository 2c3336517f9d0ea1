"""Positions of one hand: `.npy` or `.npz` with an array (T, 21, 3) in MediaPipe's order, wrist first, as hand trackers give it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, UnderstudyError, require
from motion.human import HumanMotion, Subject
from motion.landmarks import FINGERS, SIDES, hand_landmarks
from motion.provenance import parent_of, record
from motion.segments import segment_frame
from motion.store import kind_of
from motion.transform import Array, matrix_from_wxyz
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.normalise import world_of_hand
from retarget.sources.positions import frame_rate, load_arrays, position_array, without_sentinels

JOINTS_N = len(hand_landmarks("left"))
_SIDES_STATED = {f"{side}_hand": side for side in SIDES}
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
        """Read the joints; the side is told by which way fingers bend, or stated: source.joint_names=left_hand or right_hand.

        Raises:
            FileFormatError: not 21 joints, an unknown size, or the side cannot be told.
        """
        arrays = load_arrays(path)
        array_name, raw = position_array(path, arrays, options.array)
        require(raw.shape[1] == JOINTS_N, FileFormatError, f"{path}: has {raw.shape[1]} joints; a hand has {JOINTS_N}.")
        raw = without_sentinels(raw)
        side, how = _side(path, raw, options)
        rate, rate_from = frame_rate(path, arrays, options)
        understood = {"format": f"positions of a hand, array {array_name!r}, MediaPipe's order", "side": f"{side} ({how})"}
        return hand_reading(path, np.arange(len(raw)) / rate, raw, side, options, understood | {"rate": f"{rate:g} Hz ({rate_from})"})


def hand_reading(path: Path, time_s: Array, raw: Array, side: str, options: SourceOptions, understood: Mapping[str, str]) -> Reading:
    """The reading of one hand by itself.

    Args:
        path: the file.
        time_s: (T,).
        raw: (T, 21, 3) in the file's own unit and axes; NaN where unseen.
        side: "left" or "right".
        options: what was stated.
        understood: what was found out about the format.
    """
    names = hand_landmarks(side)
    world = world_of_hand(dict(zip(names, np.moveaxis(raw, 1, 0), strict=True)), str(path), options.unit_m, options.up)
    position = world.positions(raw)
    motion = HumanMotion(
        time_s=time_s,
        landmarks=names,
        position_m=position,
        confidence=np.isfinite(position).all(-1).astype(float),
        subject=Subject(options.pseudonym, options.height_m),
        provenance=record(f"hand {path.name}", "retarget", [parent_of(path)], licence=options.licence, consent=options.consent),
    )
    return Reading(motion, {**understood, "frames": f"{len(time_s)} at {motion.rate_hz:.4g} Hz", **world.words})


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
    if options.joint_names is not None:
        stated = f"{path}: source.joint_names={options.joint_names}; of a hand it is one of {', '.join(_SIDES_STATED)}."
        require(options.joint_names in _SIDES_STATED, FileFormatError, stated)
        return _SIDES_STATED[options.joint_names], "stated"
    bend = _bend_to_the_left(raw)
    require(
        abs(bend) > 0.1,
        FileFormatError,
        f"{path}: no finger bends enough to tell which hand it is; state it with source.joint_names=left_hand or right_hand.",
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
