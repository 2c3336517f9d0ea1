"""C3D, the binary format of optical motion capture: markers, and what a model made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from retarget.reading.c3d_file import C3d, read_c3d
from retarget.reading.markers import Trajectories, reading_of_markers
from retarget.sources.base import Reading, SourceOptions

_NOT_MARKERS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS")


class C3dSource:
    """Reads the points of `.c3d` files; analogue signals, and angles and forces of a model, are left alone."""

    name = "c3d"
    suffixes = (".c3d",)

    def accepts(self, path: Path) -> bool:
        """Whether the file is called so."""
        return path.suffix.lower() == ".c3d"

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the markers, and find joint centres from them.

        Raises:
            FileFormatError: not such a file, or broken.
        """
        file = read_c3d(path)
        rate = options.rate_hz or file.rate_hz
        require(0 < rate < 1e6, FileFormatError, f"{path}: gives {rate:g} as its rate; state it with source.rate_hz=.")
        names, position = _markers(file)
        words = {"rate": f"{rate:g} Hz ({'stated' if options.rate_hz else 'POINT:RATE'})"}
        time_s = np.arange(len(position)) / rate
        return reading_of_markers(path, Trajectories("C3D markers", names, position, time_s, file.unit, _up(file), words), options)


def _markers(file: C3d) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and positions of the points that are places."""
    other = {name for group in _NOT_MARKERS for name in np.atleast_1d(file.parameters.get(f"POINT:{group}", []))}
    keep = [k for k, name in enumerate(file.labels) if name not in other and not name.startswith("*")]
    return tuple(file.labels[k] for k in keep), file.position[:, keep]


def _up(file: C3d) -> str:
    """The vertical axis that the file names for its screen, z where it names none."""
    word = file.parameters.get("POINT:Y_SCREEN", "")
    axis = word.strip().lower() if isinstance(word, str) else ""
    return axis.lstrip("+") if axis.strip("+-") in ("x", "y", "z") else "z"


SOURCE = C3dSource()
