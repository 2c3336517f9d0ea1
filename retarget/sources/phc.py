"""Pickles of PHC and ASAP: clips by name, each a person's joints or SMPL rotations, often beside a robot's motion, which is not read here.

`smpl_joints` (T, 24, 3) are read where there are any, else `pose_aa` of 24 joints with `trans_orig` or `root_trans_offset`.
Pickles are read without running anything in them (`motion/pickles.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, UnknownNameError, require
from motion.pickles import read_pickle
from retarget.reading.named_pickles import is_phc, named_arrays
from retarget.reading.names import landmark_columns
from retarget.reading.orders import ORDERS
from retarget.reading.smpl_arrays import smpl_pose
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of
from retarget.sources.smpl import recorded_of

_ORDER = "smpl_24"
_KEYS = frozenset({"smpl_joints", "pose_aa", "root_trans_offset", "trans_orig"})


class PhcSource:
    """Reads `.pkl` files of PHC and ASAP."""

    name = "phc"
    suffixes = (".pkl",)

    def accepts(self, path: Path) -> bool:
        """Whether the names of such a clip stand in the file; nothing is unpickled for it."""
        return is_phc(path)

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the person of one clip.

        Raises:
            FileFormatError: the pickle would run code, holds no clip, several of which none was named, or no person.
            UnknownNameError: no clip of the name stated.
        """
        name, clip = _clip(path, read_pickle(path), options.clip)
        arrays = named_arrays(path, clip)
        recorded = (_joints if "smpl_joints" in arrays else _rotations)(path, arrays, options)
        words = {"clip": name, **recorded.words} if name else recorded.words
        return reading_of(path, replace(recorded, words=words), options)


def _clip(path: Path, data: Any, wanted: str | None) -> tuple[str, Mapping[str, Any]]:
    """Name and content of the clip that is wanted, or of the only one."""
    require(isinstance(data, dict), FileFormatError, f"{path}: holds no clips by name.")
    if _KEYS & data.keys():
        return "", data
    clips = {str(name): clip for name, clip in data.items() if isinstance(clip, dict) and _KEYS & clip.keys()}
    if wanted is not None:
        if wanted not in clips:
            raise UnknownNameError("clip", wanted, clips, str(path))
        return wanted, clips[wanted]
    names = f"{', '.join(list(clips)[:20])}{', ...' if len(clips) > 20 else ''}" or "none"
    require(len(clips) == 1, FileFormatError, f"{path}: holds {len(clips)} clips; name one with source.clip=. Clips: {names}.")
    return next(iter(clips.items()))


def _joints(path: Path, arrays: Mapping[str, np.ndarray], options: SourceOptions) -> Recorded:
    joints, order = np.asarray(arrays["smpl_joints"], float), ORDERS[_ORDER]
    fits = joints.ndim == 3 and joints.shape[1:] == (len(order), 3)
    require(fits, FileFormatError, f"{path}: smpl_joints is {joints.shape}; (T, {len(order)}, 3) was wanted.")
    require(bool(np.isfinite(joints).all()), FileFormatError, f"{path}: smpl_joints hold values that are no numbers.")
    _, columns = landmark_columns(order, str(path))
    rate = _rate(path, arrays, options)
    of_robot = "dof" in arrays
    words = {"rate": f"{rate:g} Hz ({'stated' if options.rate_hz else 'in the file'})"}
    if of_robot:
        words["body"] = "of the person's motion on a body fitted to the robot beside it, smaller than the person"
    return Recorded(
        format="PHC/ASAP pickle, smpl_joints",
        time_s=np.arange(len(joints)) / rate,
        tracks={name: joints[:, column] for name, column in columns.items()},
        unit_m=1.0,
        joints_n=len(order),
        words=words,
    )


def _rotations(path: Path, arrays: Mapping[str, np.ndarray], options: SourceOptions) -> Recorded:
    pose = arrays.get("pose_aa")
    person = pose is not None and pose.ndim >= 2 and pose[0].size == 3 * len(ORDERS[_ORDER])
    if pose is None or not person:
        raise FileFormatError(
            f"{path}: holds no person: neither smpl_joints nor pose_aa of {len(ORDERS[_ORDER])} joints. A robot's motion is scored with "
            f"python -m retarget score. Arrays: {', '.join(f'{name} {array.shape}' for name, array in arrays.items())}."
        )
    pelvis = np.asarray(arrays["root_trans_offset"], float) if "trans_orig" not in arrays and "root_trans_offset" in arrays else None
    known = {name: arrays[name] for name in ("trans_orig", "fps", "gender") if name in arrays} | {"pose_aa": pose}
    for name in ("beta", "betas"):
        if name in arrays:
            known["betas"] = arrays[name]
    said = smpl_pose(str(path), known if pelvis is None else known | {"trans_orig": pelvis})
    recorded = recorded_of(path, said, options, pelvis)
    return replace(recorded, format="PHC/ASAP pickle, pose_aa")


def _rate(path: Path, arrays: Mapping[str, np.ndarray], options: SourceOptions) -> float:
    rate = options.rate_hz or (float(arrays["fps"]) if "fps" in arrays and arrays["fps"].size == 1 else None)
    usable = rate is not None and np.isfinite(rate) and rate > 0
    require(bool(usable), FileFormatError, f"{path}: the clip carries no frame rate; state it with source.rate_hz=.")
    assert rate is not None
    return float(rate)


SOURCE = PhcSource()
