"""ARKit poses as JSON: a list of frames, each with a time and a 4 x 4 matrix, as apps write them.

The list stands alone or under `frames`, `poses` or `cameraPoses`. A frame's time is `timestamp`, `time`, `t` or `time_s`; its matrix
`transform`, `cameraTransform`, `camera_transform`, `pose`, `transform_matrix` or `matrix`, 16 numbers or four lists of four, by columns
(as Apple keeps them) or by rows: the 0, 0, 0, 1 tells. ARKit's world has y up; its camera x to the right, y up and z back, of the
picture as it is stored, which lies across the phone. Source: Apple, ARCamera.transform.

Record3D's `metadata` (also inside an .r3d file): `poses` of qx, qy, qz, qw, x, y, z with `fps` or `frameTimestamps`; its camera axes
are those of the picture as it is saved, and its world begins in the first camera. Until version 1.10 pictures were saved standing even
if the phone lay: such films have to be turned. Source: its author, github.com/marek-simonik/record3d, issues 27 and 33.
"""

from __future__ import annotations

import zipfile
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array
from retarget.reading.json_numbers import loads
from retarget.reading.text_tables import head_of, text_of
from retarget.video.poses.base import PoseOptions, PoseSamples, rotations_from_xyzw, rotations_of

_LISTS = ("frames", "poses", "cameraPoses", "camera_poses")
_TIMES = ("timestamp", "time", "time_s", "t")
_MATRICES = ("transform", "cameraTransform", "camera_transform", "pose", "transform_matrix", "matrix", "cameraPose")
_SAME = 1e-4


class ArkitJson:
    """Reads JSON of ARKit apps, Record3D's among them."""

    name = "ARKit JSON"

    def accepts(self, path: Path) -> bool:
        """Whether it is JSON, or an archive of Record3D."""
        return zipfile.is_zipfile(path) or head_of(path, 64).lstrip()[:1] in ("[", "{")

    def read(self, path: Path, options: PoseOptions) -> PoseSamples:
        """Read it.

        Raises:
            FileFormatError: no list of poses in it, or poses that are none.
        """
        table = _table(path)
        if isinstance(table, dict) and "poses" in table and np.ndim(table["poses"]) == 2 and np.shape(table["poses"])[1] == 7:
            return _record3d(path, table)
        key = next((key for key in _LISTS if isinstance(table, dict) and key in table), None)
        frames = table if isinstance(table, list) else table[key] if key is not None else []
        whole = [frame for frame in frames if isinstance(frame, dict)]
        require(
            len(whole) > 0 and len(whole) == len(frames),
            FileFormatError,
            f"{path}: holds no list of frames with poses, alone or under {', '.join(_LISTS)}.",
        )
        stamp = _picked(path, whole, _TIMES, "time").ravel()
        matrix = _by_rows(path, _picked(path, whole, _MATRICES, "matrix"))
        rotation = rotations_of(matrix[:, :3, :3], str(path))
        position = np.where(np.isfinite(rotation).all(-1), matrix[:, :3, 3], np.nan)
        return PoseSamples("ARKit", stamp, position, rotation, "y", "arkit", "stored", per_picture=True)


def _table(path: Path) -> Any:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                require("metadata" in archive.namelist(), FileFormatError, f"{path}: an archive without Record3D's metadata.")
                return loads(archive.read("metadata").decode())
        return loads(text_of(path))
    except (JSONDecodeError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: cannot be read as JSON; it is cut off or broken ({error}).") from error


def _picked(path: Path, frames: list[dict[str, Any]], names: tuple[str, ...], what: str) -> Array:
    """One value of every frame, under the first name that all have."""
    name = next((name for name in names if all(name in frame for frame in frames)), None)
    require(
        name is not None,
        FileFormatError,
        f"{path}: not every frame has a {what}. Known names: {', '.join(names)}; the first frame has {', '.join(list(frames[0])[:8])}.",
    )
    try:
        return np.array([frame[str(name)] for frame in frames], float)
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: the {what} {name!r} of its frames is not of numbers alone, or not always as many.") from error


def _by_rows(path: Path, matrix: Array) -> Array:
    """(N, 4, 4) by rows."""
    require(matrix[0].size == 16, FileFormatError, f"{path}: its matrices hold {matrix[0].size} numbers; 4 x 4 were expected.")
    square = matrix.reshape(-1, 4, 4)
    known = square[np.abs(square[:, 3, 3] - 1) < _SAME]
    if len(known) and np.abs(known[:, 3, :3]).max() < _SAME:
        return square
    by_columns = len(known) > 0 and np.abs(known[:, :3, 3]).max() < _SAME
    require(by_columns, FileFormatError, f"{path}: its matrices have 0, 0, 0, 1 neither in the last row nor in the last column.")
    return np.swapaxes(square, -1, -2)


def _record3d(path: Path, table: dict[str, Any]) -> PoseSamples:
    poses = np.asarray(table["poses"], float)
    rate_hz = float(table.get("fps") or 0)
    if table.get("frameTimestamps") is not None:
        stamp = np.asarray(table["frameTimestamps"], float)
    else:
        require(rate_hz > 0, FileFormatError, f"{path}: Record3D's metadata has neither frameTimestamps nor fps.")
        stamp = np.arange(len(poses)) / rate_hz
    require(len(stamp) == len(poses), FileFormatError, f"{path}: {len(stamp)} frameTimestamps for {len(poses)} poses.")
    rotation, position = rotations_from_xyzw(poses[:, :4], str(path)), poses[:, 4:]
    begins = np.abs(rotation[0] - np.eye(3)).max() < _SAME
    first = np.asarray(table.get("initPose", [0, 0, 0, 1, 0, 0, 0]), float)
    told = np.abs(first[:3]).max() > _SAME
    if begins and told:
        origin = rotations_from_xyzw(first[None, :4], str(path))[0]
        rotation, position = origin @ rotation, position @ origin.T + first[4:]
    require(np.ptp(poses, axis=0).max() > 0 or len(poses) < 2, FileFormatError, f"{path}: all its poses are the same: nothing was tracked.")
    up = "first camera" if begins and not told else "y"
    return PoseSamples("Record3D", stamp, position, rotation, up, "arkit", "shown", per_picture=True)


FORMAT = ArkitJson()
