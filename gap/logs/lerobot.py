"""Data sets in LeRobot's layout: each episode is a run; what the robot was told is its action, what it did its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from gap.logs.base import LogOptions
from gap.logs.log import RobotLog
from gap.logs.words import COMMAND, POSITION, VELOCITY, column_of
from motion.errors import FileFormatError, UnknownNameError, require
from motion.lerobot import Dataset
from motion.lerobot.layout import ACTION, INFO, STATE_NAME
from motion.provenance import parent_of, record

_STATE = "state"
"""What others' call what the robot feels of itself."""
_NO_PLANT = ("unknown", "real")
"""What episodes name as their plant that were not simulated; ours name the plant of the simulation."""
_SPEED = "joint_velocity_radps"
"""What our own data sets call a joint's velocity."""
_SHARE = 100.0
_SHARES = (
    f"Values from -{_SHARE:g} to {_SHARE:g} may well be LeRobot's shares of each joint's calibrated range, which are no unit: record with "
    "use_degrees=true, or convert, by the calibration file: degrees = share / 200 x (range_max - range_min) x 360 / 4095. A gripper from 0 "
    "to 100 is such a share even then: leave it out with read.joints=."
)
"""What servos of 4096 steps a turn are recorded in where LeRobot is not told to use degrees."""


class LerobotFormat:
    """Reads the folder of a data set. Joints are the action's, `.pos` behind their names left out."""

    name = "lerobot"
    reads = "folder of a LeRobot data set"

    def accepts(self, path: Path) -> bool:
        """Whether its description is there."""
        return (path / INFO).is_file()

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """Every episode.

        Raises:
            FileFormatError: a state that is not of the action's joints, and no column is stated.
            UnknownNameError: a column that is not there.
        """
        data = Dataset(path)
        joints = tuple(options.joint_names) or tuple(_joint(name) for name in data.joint_names)
        provenance = record(f"LeRobot data set {path.name}", "log", [parent_of(path / INFO)])
        said = "rad" if data.head is not None else ""  # ours
        guessed = options.guessed([(POSITION, said), (COMMAND, said)])
        for index in range(len(data)):
            episode = data.episode(index, ())
            seen = episode.observations
            position = seen[_named(seen, options.columns.get(POSITION, STATE_NAME if STATE_NAME in seen else _STATE))]
            command = episode.actions if COMMAND not in options.columns else seen[_named(seen, options.columns[COMMAND])]
            fits = position.ndim == 2 and position.shape[1] >= len(joints) and command.shape[1] >= len(joints)
            message = f"episode {index}: {ACTION} is {command.shape}, the state {position.shape}; {len(joints)} joints were wanted."
            require(fits, FileFormatError, f"{message} Say which column is which with read.columns=.")
            speed = _named(seen, options.columns[VELOCITY]) if VELOCITY in options.columns else _SPEED
            velocity = np.asarray(seen[speed], float) * options.scale(VELOCITY) if speed in seen else None
            yield RobotLog(
                f"{path.name}_{index}",
                joints,
                np.arange(len(position)) * data.period_s,
                np.asarray(position[:, : len(joints)], float) * options.scale(POSITION),
                command_rad=np.asarray(command[:, : len(joints)], float) * options.scale(COMMAND),
                velocity_radps=None if velocity is None else velocity[:, : len(joints)],
                provenance=provenance,
                simulated=episode.plant not in _NO_PLANT,
                guessed=guessed,
                unit_hint=_SHARES if POSITION in guessed and np.nanmax(np.abs(position), initial=0.0) <= _SHARE else "",
            )


def _joint(name: str) -> str:
    said = column_of(name)
    return said.joint if said is not None and said.quantity == POSITION and said.joint else name


def _named(seen: Mapping[str, np.ndarray], name: str) -> str:
    if name.removeprefix("observation.") not in seen:
        raise UnknownNameError("observation", name, seen)
    return name.removeprefix("observation.")


FORMAT = LerobotFormat()
