"""The many ways in which files of the SMPL family name their arrays: AMASS, SMPL-X, AIST++, and dumps of estimators."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array, so3_log, wxyz_from_matrix

_POSES = ("poses", "smpl_poses", "full_pose", "fullpose", "pose_aa", "pose")
_ROOTS = ("root_orient", "global_orient", "smpl_global_orient")
_BODIES = ("pose_body", "body_pose", "smpl_body_pose")
_TRANSLATIONS = ("trans", "transl", "smpl_trans", "smpl_transl", "root_translation", "trans_orig")
_RATES = ("mocap_framerate", "mocap_frame_rate", "fps", "framerate", "frame_rate", "rate_hz")
_JOINTS_MEMBER = {22: "SMPL body", 24: "SMPL", 52: "SMPL-H", 55: "SMPL-X"}
_HAND_JOINTS_N = 15


@dataclass(frozen=True)
class SmplPose:
    """What such a file says.

    Attributes:
        member: of the family, as in `smpl_body.ORDERS`.
        pose: (T, J, 3) rotation vectors of the joints against their parents.
        translation: (T, 3) in metres.
        rate_hz: None where the file does not say.
        gender: "male", "female" or "neutral".
        betas: (B,) the shape, for the real model.
        words: more of what was understood.
    """

    member: str
    pose: Array
    translation: Array
    rate_hz: float | None
    gender: str
    betas: Array
    words: Mapping[str, str]


def is_smpl(names: Collection[str]) -> bool:
    """Whether a file with arrays of these names is of the SMPL family: rotations of joints, and a way through the room."""
    turned = any(name in names for name in _POSES) or (any(n in names for n in _BODIES) and any(n in names for n in _ROOTS))
    return turned and any(name in names for name in _TRANSLATIONS)


def smpl_pose(where: str, arrays: Mapping[str, np.ndarray]) -> SmplPose:
    """Understand a file's arrays.

    Raises:
        FileFormatError: no such arrays, unequal numbers of frames, joints of no member of the family, or values that are no numbers.
    """
    if not is_smpl(arrays):
        raise FileFormatError(
            f"{where}: is no file of the SMPL family: wants poses and trans, or root_orient, pose_body and trans, or global_orient, "
            f"body_pose and transl. Arrays: {', '.join(f'{name} {np.shape(array)}' for name, array in arrays.items())}."
        )
    words: dict[str, str] = {}
    pose, how = _pose(where, arrays, words)
    translation = _first(arrays, _TRANSLATIONS).astype(float)
    scaling = np.ravel(arrays["smpl_scaling"]).astype(float) if "smpl_scaling" in arrays else np.ones(1)
    require(bool((scaling > 0).all()), FileFormatError, f"{where}: smpl_scaling is {scaling[0]:g}; it lies above 0.")
    translation = translation.reshape(-1, 3) / scaling[0] if translation.size % 3 == 0 else translation
    if translation.shape != (len(pose), 3):
        raise FileFormatError(f"{where}: {len(pose)} frames of {how}, but a translation {translation.shape}; ({len(pose)}, 3) was wanted.")
    known = bool(np.isfinite(pose).all() and np.isfinite(translation).all())
    require(known, FileFormatError, f"{where}: {how} or the translation holds values that are no numbers.")
    member = _JOINTS_MEMBER.get(pose.shape[1])
    counts = ", ".join(f"{count} ({name})" for count, name in _JOINTS_MEMBER.items())
    require(member is not None, FileFormatError, f"{where}: {how} turns {pose.shape[1]} joints; known are {counts}.")
    assert member is not None
    turn = float(np.linalg.norm(pose, axis=-1).max(initial=0.0))
    require(turn < 4 * np.pi, FileFormatError, f"{where}: {how} turns a joint by {turn:.3g}; rotation vectors in radians were wanted.")
    betas = np.ravel(np.atleast_2d(arrays["betas"])[0]).astype(float) if "betas" in arrays and arrays["betas"].size else np.zeros(0)
    return SmplPose(member, pose, translation, _rate(where, arrays), _gender(arrays), betas, {"poses": how} | words)


def _pose(where: str, arrays: Mapping[str, np.ndarray], words: dict[str, str]) -> tuple[Array, str]:
    """Rotation vectors (T, J, 3) of all joints that the file has, and the names of the arrays."""
    whole = next((name for name in _POSES if name in arrays), None)
    if whole is not None:
        return _vectors(where, whole, arrays[whole]), whole
    root, body = (next(name for name in names if name in arrays) for names in (_ROOTS, _BODIES))
    parts = {name: _vectors(where, name, arrays[name]) for name in (root, body)}
    joints = parts[body].shape[1]
    hands = _hands(where, arrays, words) if joints == 21 else None
    frames = len(parts[body])
    for name, part in parts.items():
        require(len(part) == frames, FileFormatError, f"{where}: {name} has {len(part)} frames, {body} {frames}.")
    if hands is not None:
        require(len(hands) == frames, FileFormatError, f"{where}: the hands have {len(hands)} frames, {body} {frames}.")
        face = np.zeros((frames, 3, 3)) if "pose_jaw" in arrays or "jaw_pose" in arrays else np.zeros((frames, 0, 3))
        parts["hands"] = np.concatenate([face, hands], axis=1)
    return np.concatenate(list(parts.values()), axis=1), " + ".join(parts)


def _hands(where: str, arrays: Mapping[str, np.ndarray], words: dict[str, str]) -> Array | None:
    """(T, 30, 3) of both hands; None where the file has none, or only the numbers of a model's principal components."""
    if "pose_hand" in arrays:
        both = _vectors(where, "pose_hand", arrays["pose_hand"])
        return both if both.shape[1] == 2 * _HAND_JOINTS_N else None
    names = ("left_hand_pose", "right_hand_pose")
    if not all(name in arrays for name in names):
        return None
    if any(arrays[name].reshape(len(arrays[name]), -1).shape[1] != 3 * _HAND_JOINTS_N for name in names):
        words["hands"] = "as principal components, which only the licensed model can read: left out"
        return None
    return np.concatenate([_vectors(where, name, arrays[name]) for name in names], axis=1)


def _vectors(where: str, name: str, array: np.ndarray) -> Array:
    """Rotation vectors (T, J, 3) of an array of vectors (T, J * 3), (T, J, 3), or matrices (T, J, 3, 3)."""
    if array.dtype.kind not in "fiu" or array.ndim < 2:
        raise FileFormatError(f"{where}: {name} is {array.shape} of {array.dtype}; numbers per frame were wanted.")
    if array.ndim == 4 and array.shape[-2:] == (3, 3):
        return so3_log(wxyz_from_matrix(array))
    flat = array.reshape(len(array), int(np.prod(array.shape[1:]))).astype(float)
    require(
        flat.shape[1] % 3 == 0 and flat.shape[1] > 0,
        FileFormatError,
        f"{where}: {name} is {array.shape}; three numbers per joint were wanted.",
    )
    return flat.reshape(len(flat), flat.shape[1] // 3, 3)


def _first(arrays: Mapping[str, np.ndarray], names: Collection[str]) -> np.ndarray:
    return next(np.asarray(arrays[name]) for name in names if name in arrays)


def _rate(where: str, arrays: Mapping[str, np.ndarray]) -> float | None:
    for name in _RATES:
        if name in arrays and np.size(arrays[name]) == 1 and np.asarray(arrays[name]).dtype.kind in "fiu":
            rate = float(np.ravel(arrays[name])[0])
            require(np.isfinite(rate) and rate > 0, FileFormatError, f"{where}: {name} is {rate:g}; state source.rate_hz=.")
            return rate
    return None


def _gender(arrays: Mapping[str, np.ndarray]) -> str:
    if "gender" not in arrays or np.size(arrays["gender"]) != 1:
        return "neutral"
    said = np.ravel(arrays["gender"])[0]
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return next((gender for gender in ("female", "male", "neutral") if text.lower().strip("'b").startswith(gender[0])), "neutral")
