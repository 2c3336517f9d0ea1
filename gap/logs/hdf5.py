"""Arrays in an HDF5 file, MATLAB's `.mat` from version 7.3 on among them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from gap.logs.arrays import runs_of
from gap.logs.base import LogOptions
from gap.logs.log import RobotLog
from motion.provenance import parent_of, record

_SUFFIXES = (".mat", ".h5", ".hdf5")
_INSIDE = "#"
"""What MATLAB's own groups begin with."""


class Hdf5Format:
    """Reads the arrays of numbers of a file, however deep they lie; their names are their paths in it."""

    name = "hdf5"
    reads = ".mat (7.3), .h5, .hdf5 with arrays of time, position .."

    def accepts(self, path: Path) -> bool:
        """Whether it is such a file."""
        return path.suffix.lower() in _SUFFIXES and path.is_file() and bool(h5py.is_hdf5(path))

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """The runs that are in the arrays."""
        arrays: dict[str, np.ndarray] = {}

        def take(name: str, found: object) -> None:
            if isinstance(found, h5py.Dataset) and not name.startswith(_INSIDE) and found.dtype.kind in "fiu" and found.size > 1:
                array = found[()]
                arrays[name] = array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array

        with h5py.File(path, "r") as file:
            file.visititems(take)
        return runs_of(path.stem, arrays, options, record(f"arrays {path.name}", "log", [parent_of(path)]))


FORMAT = Hdf5Format()
