"""EgoDex: HDF5 with a 4 x 4 pose per joint and frame, and the head camera's, in Apple's names.

Source: Hoque et al. 2025, EgoDex, and the data set's own description: `transforms/<joint>` (N, 4, 4) in a world whose y is
up, metres; `transforms/camera` the camera's pose, x to the right of the picture, y down it, z ahead; `camera/intrinsic` (3, 3);
`confidences/<joint>` (N,) where there are any; 30 frames a second without time stamps. Legs are not recorded.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from motion.errors import FileFormatError, require
from motion.human import Label
from motion.landmarks import SIDES
from motion.transform import Array, wxyz_from_matrix
from retarget.reading.clock import clock_of
from retarget.reading.hand_names import hand_joint
from retarget.reading.joint_arrays import without_sentinels
from retarget.reading.recognise import check_hand_order
from retarget.sources.base import Reading, SourceOptions
from retarget.sources.finish import Recorded, reading_of

_RATE_HZ = 30.0
_MIDLINE = {"hip": "pelvis", "spine3": "spine", "spine7": "chest", "neck1": "neck", "neck4": "head"}
_ARMS = {
    f"{side}{joint}": f"{side}_{landmark}"
    for side in SIDES
    for joint, landmark in (("Shoulder", "clavicle"), ("Arm", "shoulder"), ("Forearm", "elbow"), ("Hand", "wrist"))
}
_AHEAD_LEFT_UP = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
"""Columns: ahead, left and up in the axes of a camera whose x goes right, y down and z ahead."""
_MAGIC = b"\x89HDF\r\n\x1a\n"


class EgoDexSource:
    """Reads EgoDex episodes."""

    name = "egodex"
    suffixes = (".hdf5", ".h5")

    def accepts(self, path: Path) -> bool:
        """Whether the file holds the transforms of a camera and of hands."""
        try:
            with open(path, "rb") as stream:
                if stream.read(8) != _MAGIC:
                    return False
            with h5py.File(path, "r") as file:
                return isinstance(file.get("transforms"), h5py.Group) and any(f"{side}Hand" in file["transforms"] for side in SIDES)
        except OSError:
            return False

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read an episode: arms, hands, trunk as far as it is tracked, and the head by its camera.

        Raises:
            FileFormatError: not such a file, or cut off.
        """
        poses, confidence, labels, words = _parts(path)
        frames_n = len(next(iter(poses.values())))
        clock = clock_of(str(path), frames_n, None, rate_hz=_RATE_HZ, stated_hz=options.rate_hz)
        landmarks = {joint: landmark for joint in poses if (landmark := _landmark(joint)) is not None}
        position = without_sentinels(np.stack([poses[joint][:, :3, 3] for joint in landmarks], axis=1))
        for side in SIDES:
            own = {name.removeprefix(f"{side}_"): k for k, name in enumerate(landmarks.values()) if name.startswith(f"{side}_")}
            check_hand_order(f"{path}, {side} hand", tuple(own), position[:, list(own.values())])
        wrists = {f"{side}_wrist": _orientation(poses[f"{side}Hand"]) for side in SIDES if f"{side}Hand" in poses}
        recorded = Recorded(
            format="EgoDex",
            time_s=clock.time_s,
            tracks={landmark: position[:, k] for k, landmark in enumerate(landmarks.values())},
            wxyz=wrists,
            segments={"head": _orientation(poses["camera"], _AHEAD_LEFT_UP)} if "camera" in poses else {},
            confidence={landmark: confidence[joint] for joint, landmark in landmarks.items() if joint in confidence},
            unit_m=1.0,
            up="y",
            joints_n=len(poses) - ("camera" in poses),
            labels=tuple(Label(0.0, float(clock.time_s[-1]), text) for text in labels),
            words={"rate": f"{options.rate_hz or _RATE_HZ:g} Hz ({'stated' if options.rate_hz else 'by the format'})", **words},
        )
        return reading_of(path, recorded, options)


def _parts(path: Path) -> tuple[dict[str, Array], dict[str, Array], list[str], dict[str, str]]:
    """Poses (T, 4, 4) and confidences (T,) by joint, what was done, and more words."""
    try:
        with h5py.File(path, "r") as file:
            poses = _datasets(path, file, "transforms", (4, 4))
            confidence = _datasets(path, file, "confidences", ()) if "confidences" in file else {}
            attributes = {name: _text(value) for name, value in file.attrs.items()}
    except (OSError, KeyError, AttributeError) as error:
        raise FileFormatError(f"{path}: cannot be read as EgoDex HDF5, or is cut off ({error}).") from error
    require(bool(poses), FileFormatError, f"{path}: holds no transforms/<joint> of (N, 4, 4).")
    lengths = {len(pose) for pose in (*poses.values(), *confidence.values())}
    alike = len(lengths) == 1 and lengths != {0}
    require(alike, FileFormatError, f"{path}: its joints have {sorted(lengths)} frames; each should have as many, and some.")
    which = attributes.get("which_llm_description", "1")
    described = attributes.get("llm_description2" if which == "2" else "llm_description", "")
    head = "by its camera" if "camera" in poses else "not recorded"
    words = {"head": head, "confidences": "in the file" if confidence else "none", "task": attributes.get("task", "unstated")}
    return poses, {name: np.clip(np.nan_to_num(value), 0, 1) for name, value in confidence.items()}, [described] if described else [], words


def _datasets(path: Path, file: h5py.File, group: str, shape: tuple[int, ...]) -> dict[str, Array]:
    found = {}
    for name, item in file[group].items():
        fits = isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and item.shape[1:] == shape and item.ndim == len(shape) + 1
        require(fits, FileFormatError, f"{path}: {group}/{name} is {getattr(item, 'shape', 'a group')}; numbers (N, {shape}) are wanted.")
        found[name] = np.asarray(item[()], float)
    return found


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _landmark(joint: str) -> str | None:
    if joint in _MIDLINE or joint in _ARMS:
        return _MIDLINE.get(joint) or _ARMS[joint]
    hand = hand_joint(joint)
    return f"{hand[0]}_{hand[1]}" if hand is not None and hand[0] is not None else None


def _orientation(poses: Array, columns: Array | None = None) -> Array:
    """(T, 4) orientations, NaN where a matrix is no rotation; with other axes where `columns` names them in the pose's own."""
    rotation = poses[:, :3, :3] if columns is None else poses[:, :3, :3] @ columns
    is_rotation = np.abs(np.linalg.det(np.where(np.isfinite(rotation), rotation, 0.0)) - 1) < 0.05
    return np.where(is_rotation[:, None], wxyz_from_matrix(np.where(is_rotation[:, None, None], rotation, np.eye(3))), np.nan)


SOURCE = EgoDexSource()
