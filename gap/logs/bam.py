"""BAM's recordings of one servo with a weight on an arm: JSON with `entries`; rad, rad/s, seconds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gap.logs.base import LogOptions
from gap.logs.log import RobotLog
from gap.logs.words import COMMAND, POSITION, TIME, VELOCITY
from motion.errors import FileFormatError, require
from motion.provenance import parent_of, record
from motion.transform import Array

_FACTS = {
    "mass": "mass_kg",
    "length": "length_m",
    "arm_mass": "arm_mass_kg",
    "vin": "supply_v",
    "kp": "kp",
    "motor": "motor",
    "trajectory": "trajectory",
}
_UNITS = {TIME: "s", POSITION: "rad", COMMAND: "rad", VELOCITY: "rad/s"}
_SIGNALS = {"input_volts": "voltage_v", "volts": "voltage_v", "temp": "temperature_c", "load": "load"}
_SIGNED = 1 << 15
"""Loads are 16-bit numbers with a sign that some files keep in the highest bit."""


class BamFormat:
    """Reads one `.json`, which is one motion of one joint."""

    name = "bam"
    reads = ".json with entries of position and goal_position"

    def accepts(self, path: Path) -> bool:
        """Whether the words stand at the beginning of a JSON file."""
        if path.suffix != ".json" or not path.is_file():
            return False
        with open(path, "rb") as stream:
            head = stream.read(4096)
        return all(word in head for word in (b'"entries"', b'"position"', b'"goal_position"'))

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """The one run; the weight and its arm, the gain and the supply are among its facts.

        Raises:
            FileFormatError: no entries, one without time or position, or other units are stated.
        """
        options.require_units(self.name, _UNITS)
        told = json.loads(path.read_text())
        entries = told["entries"]
        for number, entry in enumerate(entries):
            for name in ("timestamp", "position", "goal_position"):
                require(name in entry, FileFormatError, f"entry {number} has no {name}; it has {', '.join(entry)}.")
        require(len(entries) >= 2, FileFormatError, f"{len(entries)} entries; at least 2 are wanted.")
        time_s = _numbers(entries, "timestamp")[:, 0]
        signals = {ours: _numbers(entries, own)[:, 0] for own, ours in _SIGNALS.items() if own in entries[0]}
        if "load" in signals:
            signals["load"] = np.where(signals["load"] >= _SIGNED, signals["load"] - 2 * _SIGNED, signals["load"])
        driven = np.array([bool(entry.get("torque_enable", True)) for entry in entries])
        yield RobotLog(
            path.stem,
            tuple(options.joint_names) or (str(told.get("motor", "joint")),),
            time_s - time_s[0],
            _numbers(entries, "position"),
            command_rad=_numbers(entries, "goal_position"),
            velocity_radps=_numbers(entries, "speed") if "speed" in entries[0] else None,
            driven=None if driven.all() else driven,
            signals=signals,
            facts={ours: told[own] for own, ours in _FACTS.items() if own in told},
            provenance=record(f"BAM recording {path.stem}", "log", [parent_of(path)]),
        )


def _numbers(entries: list[dict[str, Any]], name: str) -> Array:
    return np.array([[float(entry[name])] for entry in entries])


FORMAT = BamFormat()
