"""SAGE's recordings: a folder with `control.csv`, `state_motor.csv` and `joint_list.txt`; rad, rad/s, Nm, microseconds."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gap.logs.base import LogOptions
from gap.logs.log import RobotLog, standing
from gap.logs.words import COMMAND, POSITION, TIME, TORQUE, VELOCITY
from motion.errors import FileFormatError, require
from motion.provenance import parent_of, record
from motion.transform import Array

_TOLD, _DONE, _JOINTS = "control.csv", "state_motor.csv", "joint_list.txt"
_US = 1e-6
_UNITS = {TIME: "us", POSITION: "rad", COMMAND: "rad", VELOCITY: "rad/s", TORQUE: "Nm"}


class SageFormat:
    """Reads one folder, which is one motion."""

    name = "sage"
    reads = f"folder with {_TOLD}, {_DONE} and {_JOINTS}"

    def accepts(self, path: Path) -> bool:
        """Whether the three files are there."""
        return all((path / name).is_file() for name in (_TOLD, _DONE, _JOINTS))

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """The one run.

        Raises:
            FileFormatError: a file without rows, rows of another number of joints, or other units are stated.
        """
        options.require_units(self.name, _UNITS)
        joints = tuple((path / _JOINTS).read_text().split())
        told_s, told = _rows(path / _TOLD, ("positions",), len(joints))
        time_s, done = _rows(path / _DONE, ("positions", "velocities", "torques"), len(joints))
        files = [parent_of(path / name) for name in (_TOLD, _DONE, _JOINTS)]
        yield RobotLog(
            path.name,
            joints,
            time_s - time_s[0],
            done["positions"],
            command_rad=standing(time_s, told_s, told["positions"]),
            velocity_radps=done["velocities"],
            torque_nm=done["torques"],
            provenance=record(f"SAGE recording {path.name}", "log", files),
        )


def _rows(path: Path, columns: tuple[str, ...], joints: int) -> tuple[Array, dict[str, Array]]:
    """Seconds (T,), and each column (T, J): lists of numbers, as JSON."""
    with open(path, newline="") as stream:
        rows = list(csv.DictReader(stream))
    require(bool(rows), FileFormatError, f"{path.name} holds no rows.")
    missing = [name for name in ("timestamp", *columns) if name not in rows[0]]
    require(not missing, FileFormatError, f"{path.name} has no column {', '.join(missing)}; it has {', '.join(rows[0])}.")
    found: dict[str, Array] = {}
    for name in columns:
        values = [json.loads(row[name]) for row in rows]
        odd = next((number for number, value in enumerate(values) if len(value) != joints), None)
        require(odd is None, FileFormatError, f"{path.name}, row {odd}: {name} are not of the {joints} joints of {_JOINTS}.")
        found[name] = np.array(values, float)
    return np.array([float(row["timestamp"]) for row in rows]) * _US, found


FORMAT = SageFormat()
