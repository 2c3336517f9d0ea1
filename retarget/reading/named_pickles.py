"""Pickles by the names they hold, without unpickling: PHC's and ASAP's, or others of the SMPL family."""

from __future__ import annotations

import mmap
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, require

_OF_PHC = frozenset({"smpl_joints", "root_trans_offset", "trans_orig", "pose_quat_global"})


def words_in(path: Path, words: Collection[str]) -> frozenset[str]:
    """Those of the words whose letters stand somewhere in the file."""
    if path.stat().st_size == 0:
        return frozenset()
    with open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return frozenset(word for word in words if data.find(word.encode()) >= 0)


def is_phc(path: Path) -> bool:
    """Whether a pickle holds a person as PHC and ASAP write one: joints, or rotations with a root's way under their names."""
    found = words_in(path, _OF_PHC | {"pose_aa"})
    return "smpl_joints" in found or ("pose_aa" in found and bool(found & _OF_PHC))


def named_arrays(path: Path, data: Any) -> dict[str, np.ndarray]:
    """Numbers and texts of a pickled dictionary, by name."""
    require(isinstance(data, dict), FileFormatError, f"{path}: holds no named arrays.")
    found = {str(name): np.asarray(value) for name, value in data.items() if isinstance(value, np.ndarray | np.generic | float | int | str)}
    return {name: array for name, array in found.items() if array.dtype.kind in "fiuSU"}
