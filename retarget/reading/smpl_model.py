"""The real body of a file of the SMPL family, where the user has the licensed weights: joints from shape, as the model defines them.

Joints at rest are a linear map of the shape: J = R (v + S b), of the template's vertices v, shape directions S and regressor R.
Source: Loper et al. 2015, SMPL, eq. 10. Neither the vertices nor the package smplx are needed for more than that.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array
from retarget.reading.skeleton import Skeleton
from retarget.reading.smpl_body import ORDERS, average_body

_NEEDED = ("v_template", "shapedirs", "J_regressor")
_GENDERS = ("female", "male", "neutral")
_FILES_MAX = 200


def real_body(where: str, folder: Path, member: str, gender: str, betas: Array) -> tuple[Skeleton, Path]:
    """The tree of a member of the family with the bones of a shape, and the file of weights that was used.

    Args:
        where: the recording, for messages.
        folder: where the weights lie as `.npz`, at any depth; or one such file.
        member, gender, betas: as the recording says.

    Raises:
        FileFormatError: no weights for that member and gender, or a file that is none.
    """
    path = _weights(where, folder, member, gender)
    template, directions, regressor = _load(path)
    fits = directions.shape[:2] == template.shape and regressor.shape[1:] == template.shape[:1]
    require(
        fits,
        FileFormatError,
        f"{path}: v_template {template.shape}, shapedirs {directions.shape} and J_regressor {regressor.shape} differ.",
    )
    used = min(len(betas), directions.shape[-1])
    joints = regressor @ (template + directions[..., :used] @ betas[:used])
    tree = average_body(member)
    joints = joints[: len(tree.names)]
    offset = np.array([joint - joints[parent] if parent >= 0 else joint for joint, parent in zip(joints, tree.parents, strict=True)])
    return Skeleton(tree.names, tree.parents, offset), path


def _load(path: Path) -> tuple[Array, Array, Array]:
    try:
        with np.load(path, allow_pickle=False) as data:
            template, directions, regressor = (np.asarray(data[name], float) for name in _NEEDED)
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path}: cannot be read as weights of a body model ({error}).") from error
    require(
        regressor.ndim == 2 and directions.ndim == 3, FileFormatError, f"{path}: J_regressor or shapedirs have not the shape of a model's."
    )
    return template, directions, regressor


def _weights(where: str, folder: Path, member: str, gender: str) -> Path:
    require(folder.exists(), FileFormatError, f"source.model_folder={folder}: no such folder.")
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.npz"))[:_FILES_MAX]
    wanted = len(ORDERS["SMPL" if member == "SMPL body" else member])
    models = {path: joints for path in files if (joints := _joints_n(path)) is not None}
    fitting = {path: _gender_of(path) for path, joints in models.items() if joints == wanted}
    for asked in (gender, "neutral", ""):
        found = [path for path, said in fitting.items() if said == asked]
        if found:
            return found[0]
    if len(fitting) == 1:
        return next(iter(fitting))
    seen = ", ".join(f"{path.name} ({joints} joints)" for path, joints in models.items()) or "none"
    raise FileFormatError(
        f"{where}: no weights of {member} ({wanted} joints, {gender}) as .npz in {folder}; models there: {seen}. "
        "Models come from smpl.is.tue.mpg.de, mano.is.tue.mpg.de and smpl-x.is.tue.mpg.de; their .pkl files are not read."
    )


def _joints_n(path: Path) -> int | None:
    """How many joints a file of weights has; None where it is none."""
    try:
        with np.load(path, allow_pickle=False) as data:
            return int(data["J_regressor"].shape[0]) if set(_NEEDED) <= set(data.files) else None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        return None


def _gender_of(path: Path) -> str:
    """What the file's name, or else its folder's, says."""
    for text in (path.stem.lower(), path.parent.name.lower()):
        for gender in _GENDERS:  # female before male, which it ends in
            if gender in text:
                return gender
    return ""
