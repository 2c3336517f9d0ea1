"""Recordings of a Poppy humanoid by pypot: a pickle of joint names and short moves; degrees, degrees per second.

Pickles are read without running anything in them (`motion/pickles.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gap.logs.base import LogOptions
from gap.logs.log import RobotLog
from gap.logs.words import COMMAND, POSITION, TIME, VELOCITY
from motion.errors import FileFormatError, require
from motion.pickles import read_pickle
from motion.provenance import parent_of, record

_UNITS = {TIME: "s", POSITION: "deg", COMMAND: "deg", VELOCITY: "deg/s"}
_SIGNALS = {"load": "load_percent", "voltage": "voltage_v", "temperature": "temperature_c"}


class PoppyFormat:
    """Reads one `.pkl`; each of its moves is a run."""

    name = "poppy"
    reads = ".pkl of joint names and moves"

    def accepts(self, path: Path) -> bool:
        """Whether the words stand in the file; nothing is unpickled for it."""
        if path.suffix != ".pkl" or not path.is_file():
            return False
        with open(path, "rb") as stream:
            head = stream.read(65536)
        return b"target" in head and b"position" in head and b"temperature" in head

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """Every move, those that were broken off among them.

        Raises:
            FileFormatError: another content than names and moves, or other units are stated.
        """
        options.require_units(self.name, _UNITS)
        data = read_pickle(path)
        good = isinstance(data, tuple) and len(data) == 2 and all(isinstance(name, str) for name in data[0])
        require(good, FileFormatError, "the pickle holds something else than (joint names, phases of moves).")
        joints, phases = data
        provenance = record(f"Poppy recording {path.stem}", "log", [parent_of(path)])
        for phase, moves in enumerate(phases):
            for number, (_, told, time_s) in enumerate(moves):
                yield _move(f"{path.stem}_{phase}_{number}", tuple(joints), told, np.asarray(time_s, float), provenance)


def _move(name: str, joints: tuple[str, ...], told: Mapping[str, Any], time_s: np.ndarray, provenance: Any) -> RobotLog:
    missing = [word for word in ("position", "target") if word not in told]
    require(not missing, FileFormatError, f"move {name} has no {', '.join(missing)}; it has {', '.join(told)}.")
    angles = {word: np.radians(np.asarray(told[word], float)) for word in ("position", "target", "speed") if word in told}
    return RobotLog(
        name,
        joints,
        time_s - time_s[0],
        angles["position"],
        command_rad=angles["target"],
        velocity_radps=angles.get("speed"),
        signals={ours: np.asarray(told[own], float) for own, ours in _SIGNALS.items() if own in told},
        provenance=provenance,
    )


FORMAT = PoppyFormat()
