"""What the formats of camera poses share: samples as they stand in the file, and how its axes lie in ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array, matrix_from_wxyz

CAMERA_AXES: dict[str, Array] = {
    "optical": np.eye(3),
    "arkit": np.diag([1.0, -1.0, -1.0]),
    "body": np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]]),
}
"""Columns: our camera axes (x right, y down, z ahead) in the file's. "optical" is ours; "arkit" has x right, y up, z back; "body" has
x ahead, y left, z up, as ROS' robots have."""
WORLD_AXES: dict[str, Array] = {"z": np.eye(3), "y": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])}
"""By the file's upward axis: the matrix that takes its world to ours, whose z is up."""
PHONE_AXES = np.array([[0.0, -1, 0], [-1, 0, 0], [0, 0, -1]])
"""Rows: the stored picture's camera axes (x right, y down, z ahead) in the phone's own (x right, y to its top, z out of the screen).

The sensor of a phone lies across: its right is the phone's bottom, so pictures of an upright phone are turned by 90 degrees."""
FRONT_AXES = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
"""The same of the camera beside the screen, which looks out of it. iPhones' lie so; other makers' may be turned by 180 degrees."""


@dataclass(frozen=True)
class PoseOptions:
    """What the user may say of a file of poses.

    Attributes:
        topic: of an MCAP file, where it holds several; for transforms also "topic:child_frame".
        offset_s: added to the file's times after they were brought to begin with the film; None: 0.
        up: upward axis of the file's world, "y" or "z"; None: as the format has it.
        axes: how the camera's axes lie, one of `CAMERA_AXES`; None: as the format has it.
    """

    topic: str | None = None
    offset_s: float | None = None
    up: str | None = None
    axes: str | None = None

    def __post_init__(self) -> None:
        require(self.up in (None, *WORLD_AXES), FileFormatError, f"poses: up={self.up}; known: {', '.join(WORLD_AXES)}.")
        require(self.axes in (None, *CAMERA_AXES), FileFormatError, f"poses: axes={self.axes}; known: {', '.join(CAMERA_AXES)}.")


@dataclass(frozen=True)
class PoseSamples:
    """Poses as they stand in a file.

    Attributes:
        format: its name, for the reader.
        stamp_s: (N,) seconds, from any zero.
        position_m: (N, 3) of the camera in the file's world; NaN where tracking failed.
        rotation: (N, 3, 3) from the file's camera axes to its world; NaN where tracking failed.
        up: "y" or "z", the upward axis of the file's world; "first camera" where it begins in the first camera, gravity unknown.
        axes: the file's camera axes, a name of `CAMERA_AXES`.
        belongs: to which picture: the "stored" one, with which they have to be turned; the "shown" one, turned as the film's file
            says; or the "upright" one.
        per_picture: whether the file has one pose for every picture of its film.
        words: what else was understood.
    """

    format: str
    stamp_s: Array
    position_m: Array
    rotation: Array
    up: str
    axes: str
    belongs: str
    per_picture: bool
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GravitySamples:
    """Which way was down, as a phone felt it.

    Attributes:
        format: its name, for the reader.
        stamp_s: (N,) seconds, from any zero.
        down: (N, 3) acceleration with gravity in it, any unit, pointing down when still, in the axes that `axes` names.
        axes: "phone" (x right, y to its top, z out of the screen), or a name of `CAMERA_AXES` for the stored picture.
        sign_known: whether the format says that it points down, and not up.
        words: what else was understood.
    """

    format: str
    stamp_s: Array
    down: Array
    axes: str
    sign_known: bool
    words: Mapping[str, str] = field(default_factory=dict)


Samples = PoseSamples | GravitySamples


class PoseFormat(Protocol):
    """A format of camera poses, one file of this folder."""

    name: str

    def accepts(self, path: Path) -> bool:
        """Whether the file is one, by its content."""

    def read(self, path: Path, options: PoseOptions) -> Samples:
        """Read it.

        Raises:
            FileFormatError: cut off, or broken.
        """


def rotations_from_xyzw(xyzw: Array, where: str) -> Array:
    """Rotation matrices (N, 3, 3) of scalar-last quaternions; all zeros, as trackers write when lost, give NaN.

    Raises:
        FileFormatError: quaternions that are not of length 1.
    """
    norm = np.linalg.norm(xyzw, axis=-1)
    lost = ~(norm > 1e-9)
    off = np.abs(norm - 1) > _UNIT_OFF
    bad = int((off & ~lost).sum())
    require(bad == 0, FileFormatError, f"{where}: {bad} of {len(norm)} quaternions are not of length 1; these are no rotations.")
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.where(lost[:, None], np.nan, xyzw / norm[:, None])
    return matrix_from_wxyz(np.roll(unit, 1, axis=-1))


def rotations_of(matrix: Array, where: str) -> Array:
    """The same matrices (N, 3, 3), if they are rotations; all zeros give NaN.

    Raises:
        FileFormatError: scaled, sheared or mirrored.
    """
    lost = ~np.isfinite(matrix).all((-1, -2)) | (np.abs(matrix).max((-1, -2)) < 1e-9)
    square = np.where(lost[:, None, None], np.eye(3), matrix)
    off = np.abs(square @ np.swapaxes(square, -1, -2) - np.eye(3)).max((-1, -2)) > _UNIT_OFF
    mirrored = np.linalg.det(square) < 0
    bad = int((off | mirrored).sum())
    what = "mirrored" if mirrored.any() else "scaled or sheared"
    require(bad == 0, FileFormatError, f"{where}: {bad} of {len(matrix)} matrices are no rotations ({what}).")
    return np.where(lost[:, None, None], np.nan, matrix)


_UNIT_OFF = 0.02
"""Rounded text is off by less."""
