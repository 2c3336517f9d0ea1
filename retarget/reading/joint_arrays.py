"""Arrays of joints as files hold them: blocks of positions, names where there are any, confidences, time stamps.

Reads `.npy` and `.npz`; `joint_text.py` reads the same from JSON and CSV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, UnknownNameError, require
from motion.landmarks import SIDES
from motion.store import plain_arrays
from motion.transform import Array
from retarget.reading.clock import is_time
from retarget.reading.hand_names import side_of

_SENTINEL = 1e6
"""Nobody is a million units away: such values mean "missing" in several exporters."""
_RATE_KEYS = ("fps", "rate_hz", "mocap_framerate", "mocap_frame_rate", "framerate", "frame_rate", "sampling_rate")
_KEYPOINTS_N = (17, 21, 25, 26, 33, 133)
_NAME_KEYS = ("joint_names", "joints_names", "names", "joints", "landmark_names", "keypoint_names")
_NO_POSITIONS = ("quat", "wxyz", "xyzw", "rot", "orient", "matrix", "velocity", "image", "pixel", "2d")


@dataclass(frozen=True)
class Block:
    """Joints that belong together: a body, or one hand.

    Attributes:
        label: the array's name in the file.
        position: (T, J, 3), NaN where unseen.
        names: J, where the file names its joints.
        side: "left" or "right", where the file says so.
        confidence: (T, J) in 0..1, where the file has it.
        wxyz: (T, J, 4), where the file has it.
    """

    label: str
    position: Array
    names: tuple[str, ...] | None = None
    side: str | None = None
    confidence: Array | None = None
    wxyz: Array | None = None


@dataclass(frozen=True)
class JointArrays:
    """What a file holds: blocks of as many frames each, and what it says about time, unit and axis."""

    blocks: tuple[Block, ...]
    stamps: Array | None = None
    stamps_name: str = ""
    rate_hz: float | None = None
    unit_m: float | None = None
    up: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a `.npy` or `.npz` file by name; never a pickle."""
    return plain_arrays(path)


def joint_arrays(path: Path, arrays: Mapping[str, np.ndarray], wanted: str | None = None) -> JointArrays:
    """The joints among named arrays: the one array that is `wanted`, a left and a right hand's, a body with its hands, or the only one.

    Raises:
        FileFormatError: no array of joints, or several that are not parts of one person.
    """
    stamps_name = next((name for name, array in arrays.items() if array.ndim == 1 and array.dtype.kind in "fiu" and is_time(name)), "")
    names = next((arrays[key] for key in _NAME_KEYS if key in arrays and arrays[key].dtype.kind == "U" and arrays[key].ndim == 1), None)
    arrays = {name: _of_one(array) for name, array in arrays.items()}
    found = _position_arrays(path, arrays, wanted)
    blocks = []
    for label, array in found.items():
        block = replace(block_of(path, label, array), side=side_of(label) or _stated_side(arrays))
        if names is not None and len(names) == block.position.shape[1]:
            block = replace(block, names=tuple(map(str, names)))
        blocks.append(_with_confidence(block, arrays, len(found) == 1))
    return described(arrays, tuple(blocks), arrays[stamps_name] if stamps_name else None, stamps_name)


def described(arrays: Mapping[str, np.ndarray], blocks: tuple[Block, ...], stamps: Array | None, stamps_name: str) -> JointArrays:
    """Blocks with the rate, unit and axis that a file's other entries state."""
    rates = (rate for key in _RATE_KEYS if (rate := _number(arrays, key)) is not None)
    return JointArrays(blocks, stamps, stamps_name, next(rates, None), _number(arrays, "unit_m"), _text(arrays, "up"))


def _stated_side(arrays: Mapping[str, np.ndarray]) -> str | None:
    said = (_text(arrays, key) for key in ("side", "hand", "handedness", "chirality"))
    return next((text.lower() for text in said if text and text.lower() in SIDES), None)


def _text(arrays: Mapping[str, np.ndarray], key: str) -> str | None:
    return str(arrays[key]) if key in arrays and arrays[key].dtype.kind == "U" and arrays[key].ndim == 0 else None


def _number(arrays: Mapping[str, np.ndarray], key: str) -> float | None:
    return float(arrays[key]) if key in arrays and arrays[key].dtype.kind in "fiu" and arrays[key].size == 1 else None


def blocks_of_one_person(path: Path, blocks: tuple[Block, ...], wanted: str | None = None) -> tuple[Block, ...]:
    """The blocks that are one body at most, and one hand of each side: positions in the world rather than in an image.

    Raises:
        UnknownNameError: no block of the name `wanted`.
        FileFormatError: several people, and nobody said which.
    """
    if wanted is not None:
        named = tuple(block for block in blocks if block.label == wanted)
        if not named:
            raise UnknownNameError("array", wanted, (block.label for block in blocks), str(path))
        return named
    found = tuple(block for block in blocks if "world" in block.label.lower()) or blocks
    found = tuple(block for block in found if not _is_other(block.label)) or found
    sides = [block.side for block in found]
    require(
        len(set(sides)) == len(sides),
        FileFormatError,
        f"{path}: several bodies or hands of one side: {', '.join(block.label for block in found)}; name one with source.array=.",
    )
    return found


def block_of(path: Path, label: str, array: np.ndarray) -> Block:
    """A block of an array (T, J, 3), (T, J, 4): and confidence, (T, J, 5): and visibility and presence, (T, J, 7): and wxyz."""
    raw = np.asarray(array, float)
    confidence, wxyz = None, None
    if raw.shape[-1] in (4, 5):
        confidence = raw[..., 3]
        said = np.append(confidence[np.isfinite(confidence)], 0.0)
        require(
            bool(said.min() >= -1.0 and said.max() <= 1.001),
            FileFormatError,
            f"{path}: the fourth column of {label!r} reaches from {said.min():g} to {said.max():g}; it should be a confidence in 0..1.",
        )
    elif raw.shape[-1] == 7:
        wxyz = np.where((np.abs(np.linalg.norm(raw[..., 3:], axis=-1) - 1) < 0.1)[..., None], raw[..., 3:], np.nan)
    return Block(label, without_sentinels(raw[..., :3]), confidence=confidence, wxyz=wxyz)


def without_sentinels(raw: Array) -> Array:
    """Positions (T, J, 3) with NaN where a value stands for "missing": 1e9, infinity, all zeros, or all -1."""
    out = np.array(raw, float)
    out[~np.isfinite(out).all(-1) | (np.abs(out) >= _SENTINEL).any(-1)] = np.nan
    for value in (0.0, -1.0):
        alike = (out == value).all(-1)
        # A joint exactly at the origin beside joints that are not there was never seen; one root at the origin is a habit, and so are
        # the wrists of two hands, where they are there whenever anything is seen.
        always = alike.all(0) if alike.all(0).sum() <= 2 else np.zeros(alike.shape[1], bool)
        count = alike.sum(1, keepdims=True)
        out[alike & (count > 1) & ~(always & (count == always.sum()))] = np.nan
    return out


def _position_arrays(path: Path, arrays: Mapping[str, np.ndarray], wanted: str | None) -> dict[str, np.ndarray]:
    if wanted is not None:
        if wanted not in arrays:
            raise UnknownNameError("array", wanted, arrays, str(path))
        usable = arrays[wanted].ndim == 3 and arrays[wanted].dtype.kind in "fiu" and arrays[wanted].shape[-1] in (3, 4, 5, 7)
        require(usable, FileFormatError, f"{path}: the array {wanted!r} is {arrays[wanted].shape}; (frames, joints, 3) is wanted.")
        return {wanted: arrays[wanted]}
    found = _shaped(arrays)
    if len(found) > 1:
        found = _of_one_person(found)
    require(
        len(found) > 0 and _belong_together(found),
        FileFormatError,
        f"{path}: {len(found)} arrays look like joint positions (T, J, 3) of one person; name one with source.array=, "
        "or write one that is: two columns are keypoints in an image. "
        f"Arrays: {', '.join(f'{name} {array.shape}' for name, array in arrays.items())}.",
    )
    return found


def holds_joints(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether an array could be joints' positions, or keypoints that reading refuses with a reason: of several people, or in an image."""
    one = {name: _of_one(array) for name, array in arrays.items()}
    refused = (array for array in one.values() if array.dtype.kind == "f" and array.ndim in (3, 4) and array.shape[-2] in _KEYPOINTS_N)
    return bool(_shaped(one)) or any(array.shape[-1] in (2, 3) for array in refused)


def _of_one(array: np.ndarray) -> np.ndarray:
    """(T, 1, J, 3) as (T, J, 3): one person among one."""
    return array[:, 0] if array.ndim == 4 and array.shape[1] == 1 else array


def _shaped(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays (T, J, 3), or with confidences or orientations after the position, but for those whose names say another thing."""
    shaped = {name: array for name, array in arrays.items() if array.ndim == 3 and array.shape[1] > 1 and array.dtype.kind in "fi"}
    found = {name: array for name, array in shaped.items() if array.shape[-1] == 3}
    found |= {name: array for name, array in shaped.items() if array.shape[-1] in (4, 5, 7) and not _is_other(name)}
    return {name: array for name, array in found.items() if not _is_other(name)} or found


def _is_other(name: str) -> bool:
    return any(word in name.lower() for word in _NO_POSITIONS)


def _of_one_person(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of several arrays those that are a body and its hands, where the names tell which they are."""
    world = {name: array for name, array in found.items() if "world" in name.lower()}
    candidates = world or found
    if _belong_together(candidates):
        return candidates
    sided = {name: array for name, array in candidates.items() if side_of(name)}
    named = {name: array for name, array in candidates.items() if "joint" in name.lower() or "position" in name.lower()}
    return sided if _belong_together(sided) else named if len(named) == 1 else candidates


def _belong_together(found: Mapping[str, np.ndarray]) -> bool:
    """Whether arrays are one body at most and one hand of each side at most, over the same frames."""
    sides = [side_of(name) for name in found]
    lengths = {len(array) for array in found.values()}
    return len(found) > 0 and len(lengths) == 1 and all(sides.count(side) <= 1 for side in (None, *SIDES))


def _with_confidence(block: Block, arrays: Mapping[str, np.ndarray], alone: bool) -> Block:
    """The block with confidences (T, J) or (T,) of an array of its own, and orientations (T, J, 4)."""
    frames, joints = block.position.shape[:2]
    for name, array in arrays.items():
        mine = array.dtype.kind == "f" and (alone or side_of(name) == block.side)
        is_confidence = any(word in name.lower() for word in ("confidence", "visib", "score"))
        if mine and is_confidence and block.confidence is None and array.shape in ((frames, joints), (frames,)):
            block = replace(block, confidence=np.broadcast_to(array.reshape(frames, -1), (frames, joints)))
        if mine and block.wxyz is None and array.shape == (frames, joints, 4) and "wxyz" in name.lower():
            block = replace(block, wxyz=np.asarray(array, float))
    return block
