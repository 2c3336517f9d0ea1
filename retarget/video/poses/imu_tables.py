"""What a phone felt, in tables: Stray Scanner's `imu.csv`, Sensor Logger's `Gravity.csv` and `TotalAcceleration.csv`.

| format | columns |
|---|---|
| Stray Scanner | `timestamp, a_x, a_y, a_z, alpha_x, alpha_y, alpha_z`, s |
| Sensor Logger | `time` (ns), `seconds_elapsed`, `z`, `y`, `x` |

Axes are the phone's own: x to its right, y to its top, z out of the screen. iPhones write acceleration that points down when still,
Androids the opposite, and no file says which; upright pictures do. Sensor Logger's `Accelerometer.csv` has gravity taken out and is
refused. Source: github.com/tszheichoi/awesome-sensor-logger (COORDINATES, UNITS), docs.strayrobots.io.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from retarget.reading.csv_columns import header_of, read_columns
from retarget.video.poses.base import GravitySamples, PoseOptions

_STRAY = ("timestamp", "a_x", "a_y", "a_z")
_LOGGER = ("seconds_elapsed", "x", "y", "z")


class ImuTables:
    """Reads accelerometers and gravity of phones."""

    name = "phone's accelerometer"

    def accepts(self, path: Path) -> bool:
        """Whether it has the columns of one."""
        header = set(header_of(path))
        return set(_STRAY) <= header or (set(_LOGGER) <= header and "qw" not in header)

    def read(self, path: Path, options: PoseOptions) -> GravitySamples:
        """Read it.

        Raises:
            FileFormatError: rows of different length.
        """
        header, values = read_columns(path)
        columns = _STRAY if set(_STRAY) <= set(header) else _LOGGER
        numbers = np.column_stack([values[:, header.index(name)] for name in columns])
        name = "Stray Scanner's accelerometer" if columns is _STRAY else f"Sensor Logger's {path.stem}"
        return GravitySamples(name, numbers[:, 0], numbers[:, 1:], "phone", sign_known=False)


FORMAT = ImuTables()
