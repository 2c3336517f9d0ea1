"""Recordings of a MANUS glove: `.npz` with `data` (T, 25, 7), position and orientation of 25 keypoints, and `timestamps` (T,)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.landmarks import SIDES, hand_landmarks
from motion.store import kind_of
from motion.transform import Array
from retarget.reading.clock import clock_of
from retarget.reading.joint_arrays import load_arrays
from retarget.reading.recognise import check_hand_order
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_KEYPOINTS_N = 25
# 0 the wrist, 1-4 the thumb, then four fingers of five, each beginning inside the palm, where the vocabulary has no landmark.
_COLUMNS = (0, 1, 2, 3, 4, *(first + k for first in (5, 10, 15, 20) for k in (1, 2, 3, 4)))


class ManusSource:
    """Reads `.npz` files of a MANUS glove. Orientations of keypoints are left alone: positions are enough."""

    name = "manus"
    suffixes = (".npz",)

    def accepts(self, path: Path) -> bool:
        """Whether the file holds `data` (T, 25, 7) and `timestamps`."""
        try:
            return kind_of(path) is None and is_manus(load_arrays(path))
        except FileFormatError:
            return False

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the glove; frames whose time stamp does not rise are left out.

        Raises:
            FileFormatError: not such a file, or it does not say which hand it is.
        """
        arrays = load_arrays(path)
        require(is_manus(arrays), FileFormatError, f"{path}: wants the arrays data (T, {_KEYPOINTS_N}, 7) and timestamps (T,).")
        side = str(arrays["chirality"]).lower() if "chirality" in arrays else ""
        side = options.side or side
        require(side in SIDES, FileFormatError, f"{path}: does not say which hand it is; state source.side=left or right.")
        require(len(arrays["data"]) > 0, FileFormatError, f"{path}: holds no frames.")
        clock = clock_of(str(path), len(arrays["data"]), np.asarray(arrays["timestamps"], float), "timestamps", None, options.rate_hz)
        position: Array = np.asarray(arrays["data"], float)[clock.keep][:, _COLUMNS, :3]
        position = np.where(np.isfinite(position).all(-1, keepdims=True), position, np.nan)
        check_hand_order(str(path), tuple(name.removeprefix(f"{side}_") for name in hand_landmarks(side)), position)
        recorded = Recorded(
            format="MANUS glove",
            time_s=clock.time_s,
            tracks=dict(zip(hand_landmarks(side), np.moveaxis(position, 1, 0), strict=True)),
            joints_n=_KEYPOINTS_N,
            words={"hand": side, **clock.words},
        )
        return reading_of(path, recorded, options)


def is_manus(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether arrays are those of a MANUS glove."""
    data, stamps = arrays.get("data"), arrays.get("timestamps")
    return data is not None and stamps is not None and data.shape[1:] == (_KEYPOINTS_N, 7) and stamps.shape == data.shape[:1]


SOURCE = ManusSource()
