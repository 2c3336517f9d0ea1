"""Poses in tables of text.

| format | columns | world | camera axes |
|---|---|---|---|
| ours | `time_s, x_m, y_m, z_m, qw, qx, qy, qz` | z up | x right, y down, z ahead, of the upright picture |
| Stray Scanner, `odometry.csv` | `timestamp, frame, x, y, z, qx, qy, qz, qw` | y up | x right, y down, z ahead, of the stored picture |
| TUM | `t x y z qx qy qz qw`, no names, blanks or commas between | z up by custom | x right, y down, z ahead, of the shown picture |
| Project Aria, `closed_loop_trajectory.csv` | `tracking_timestamp_us, tx_world_device ..` | z up | of the device, see below |

Aria's trajectory is of the glasses' device frame. Where its colour camera sits in it stands in `online_calibration.jsonl`, which has to
lie beside the file. That camera is mounted on its side: upright pictures are turned by 90 degrees clockwise, by vrs_to_mp4 before they
are stored, so this does not depend on what the film says. Source: docs.strayrobots.io (format), the TUM RGB-D benchmark, Project
Aria's documentation of MPS and its projectaria_tools.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.store import entries_of
from motion.transform import Array, matrix_from_wxyz
from retarget.reading.csv_columns import header_of, read_columns
from retarget.reading.text_tables import head_of, text_of
from retarget.video.poses.base import PoseOptions, PoseSamples, rotations_from_xyzw

_OURS = ("time_s", "x_m", "y_m", "z_m", "qx", "qy", "qz", "qw")
_STRAY = ("timestamp", "x", "y", "z", "qx", "qy", "qz", "qw")
_ARIA = ("tracking_timestamp_us", *(f"t{axis}_world_device" for axis in "xyz"), *(f"q{axis}_world_device" for axis in "xyzw"))
_ARIA_CAMERA, _ARIA_CALIBRATION = "camera-rgb", "online_calibration.jsonl"
_ARIA_UPRIGHT = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
"""Columns: right, down, ahead of the picture turned clockwise, in the axes of the camera as it is mounted."""
_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_TUM_LINE = re.compile(rf"^\s*{_NUMBER}([\s,]+{_NUMBER}){{7}}\s*$")


class PoseTables:
    """Reads tables of poses."""

    name = "pose table"

    def accepts(self, path: Path) -> bool:
        """Whether it has the columns of one."""
        header = set(header_of(path))
        return any(set(columns) <= header for columns in (_OURS, _STRAY, _ARIA)) or _is_tum(path)

    def read(self, path: Path, options: PoseOptions) -> PoseSamples:
        """Read it.

        Raises:
            FileFormatError: rows of different length, or quaternions that are no rotations.
        """
        if _is_tum(path):
            numbers = _tum(path)
            return _samples("TUM trajectory", path, numbers, "z", "shown", per_picture=False)
        header, values = read_columns(path)
        column = {name: values[:, k] for k, name in enumerate(header)}
        if set(_OURS) <= set(header):
            return _samples("pose table", path, np.column_stack([column[name] for name in _OURS]), "z", "upright", False)
        if set(_STRAY) <= set(header):
            return _samples("Stray Scanner", path, np.column_stack([column[name] for name in _STRAY]), "y", "stored", "frame" in header)
        return _aria(path, np.column_stack([column[name] for name in _ARIA]))


def _samples(name: str, path: Path, numbers: Array, up: str, belongs: str, per_picture: bool) -> PoseSamples:
    """Of rows (N, 8): time, x, y, z, qx, qy, qz, qw."""
    return PoseSamples(
        name, numbers[:, 0], numbers[:, 1:4], rotations_from_xyzw(numbers[:, 4:], str(path)), up, "optical", belongs, per_picture
    )


def _is_tum(path: Path) -> bool:
    lines = [line for line in head_of(path).splitlines()[:-1] if line.strip() and not line.lstrip().startswith("#")]
    return len(lines) > 0 and all(_TUM_LINE.match(line) for line in lines)


def _tum(path: Path) -> Array:
    lines = [re.split(r"[\s,]+", line.strip()) for line in text_of(path).splitlines() if line.strip() and not line.lstrip().startswith("#")]
    require(all(len(line) == 8 for line in lines), FileFormatError, f"{path}: not every line has eight numbers; it is cut off or broken.")
    try:
        return np.array(lines, float)
    except ValueError as error:
        raise FileFormatError(f"{path}: a cell is no number ({error}).") from error


def _aria(path: Path, numbers: Array) -> PoseSamples:
    calibration = path.parent / _ARIA_CALIBRATION
    require(
        calibration.is_file(),
        FileFormatError,
        f"{path}: follows Aria's glasses, not their camera; put {_ARIA_CALIBRATION} of the same recording beside it.",
    )
    position, wxyz = _aria_camera(calibration)
    device = rotations_from_xyzw(numbers[:, 4:], str(path))
    camera = matrix_from_wxyz(wxyz) @ _ARIA_UPRIGHT
    return PoseSamples(
        "Project Aria",
        numbers[:, 0] * 1e-6,
        numbers[:, 1:4] + device @ position,
        device @ camera,
        "z",
        "optical",
        belongs="upright",
        per_picture=False,
        words={"camera": f"{_ARIA_CAMERA} of {_ARIA_CALIBRATION}, as it was calibrated first"},
    )


def _aria_camera(path: Path) -> tuple[Array, Array]:
    """Where the colour camera sits in the device: position (3,) and wxyz (4,), of the first line."""
    with entries_of(path):
        try:
            first = json.loads(text_of(path).splitlines()[0])
        except (json.JSONDecodeError, IndexError) as error:
            raise FileFormatError(f"{path}: its first line is no JSON.") from error
        cameras = {camera["Label"]: camera["T_Device_Camera"] for camera in first["CameraCalibrations"]}
        pose = cameras[_ARIA_CAMERA]
        w, (x, y, z) = pose["UnitQuaternion"]
        return np.array(pose["Translation"], float), np.array([w, x, y, z], float)


FORMAT = PoseTables()
