"""EgoDex: `transforms/camera` (N, 4, 4) of its HDF5: x right, y down, z ahead; a world whose y is up; 30 poses a second."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from motion.errors import FileFormatError, require
from retarget.video.poses.base import PoseOptions, PoseSamples, rotations_of

_RATE_HZ = 30.0
_CAMERA = "transforms/camera"


class EgoDexPoses:
    """Reads the head camera of EgoDex episodes."""

    name = "EgoDex HDF5"

    def accepts(self, path: Path) -> bool:
        """Whether it is an HDF5 file with the pose of a camera."""
        try:
            with h5py.File(path, "r") as file:
                return _CAMERA in file
        except OSError:
            return False

    def read(self, path: Path, options: PoseOptions) -> PoseSamples:
        """Read it.

        Raises:
            FileFormatError: cut off, or matrices that are no poses.
        """
        try:
            with h5py.File(path, "r") as file:
                matrix = np.asarray(file[_CAMERA][()], float)
        except OSError as error:
            raise FileFormatError(f"{path}: cannot be read; it is cut off or broken ({error}).") from error
        require(matrix.ndim == 3 and matrix.shape[1:] == (4, 4), FileFormatError, f"{path}: {_CAMERA} is {matrix.shape}, not (N, 4, 4).")
        rotation = rotations_of(matrix[:, :3, :3], str(path))
        stamp = np.arange(len(matrix)) / _RATE_HZ
        return PoseSamples("EgoDex", stamp, matrix[:, :3, 3], rotation, "y", "optical", "stored", per_picture=True)


FORMAT = EgoDexPoses()
