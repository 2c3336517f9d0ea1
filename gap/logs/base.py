"""What every format of robot logs has in common: options, finding the right format, and joints by the robot's own names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from gap.logs.log import RobotLog
from gap.logs.words import COMMAND, POSITION, QUANTITIES, TIME, UNITS, scale_of
from motion.errors import BROKEN, FileFormatError, MotionError, UnderstudyError, UnknownNameError, require
from motion.plugins import found_in
from motion.transform import Array

_TURNS = 2
"""A position beyond so many turns is in no unit that was not said."""
_SLOWEST_S = 1.0
"""Nor is a time of so much from one moment to the next, or more."""


@dataclass(frozen=True)
class LogOptions:
    """What a user states about a log; where something is left out, the file is asked.

    Attributes:
        joints: name in the log -> name of the robot's joint; only these are kept. Empty: all, by their own names.
        joint_names: J names, for files that do not name their joints.
        units: quantity -> unit, e.g. {"position": "deg"}; see `gap.logs.words.UNITS`. A command is in the position's unit.
        columns: quantity -> column, array, topic or feature that holds it. `{joint}` in a column's name stands for the joint.
        signs: robot's joint -> 1 or -1, where the log counts the other way round.
        offsets_rad: robot's joint -> what the robot counts where the log, turned by the sign, counts 0.
    """

    joints: Mapping[str, str] = field(default_factory=dict)
    joint_names: Sequence[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, float] = field(default_factory=dict)
    offsets_rad: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, told in (("units", self.units), ("columns", self.columns)):
            for quantity in told:
                if quantity not in QUANTITIES:
                    raise UnknownNameError("quantity", quantity, QUANTITIES, f"the log's {what}")
        for quantity, unit in self.units.items():
            scale_of(quantity, unit)
        for joint, sign in self.signs.items():
            require(sign in (1, -1), MotionError, f"the sign of joint {joint} is {sign}; 1 or -1 was wanted.")
        twice = sorted({name for name in self.joints.values() if list(self.joints.values()).count(name) > 1})
        require(not twice, MotionError, f"more than one joint of the log is said to be the robot's {', '.join(twice)}.")

    def scale(self, quantity: str, own: str = "") -> float:
        """Of a quantity: by what is stated, else by the unit that the file says, else 1."""
        unit = self._stated(quantity) or own
        return scale_of(quantity, unit) if unit else 1.0

    def guessed(self, units: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Of quantities and the units that a file says of them ("": none), those whose unit is not stated either."""
        return frozenset(quantity for quantity, own in units if not own and not self._stated(quantity))

    def require_units(self, name: str, units: Mapping[str, str]) -> None:
        """Refuse units other than a format's own.

        Args:
            name: of the format.
            units: quantity -> its unit; others have none that could be stated.

        Raises:
            FileFormatError: another one is stated.
        """
        other = {quantity: unit for quantity, unit in self.units.items() if units.get(quantity) != unit}
        own = ", ".join(f"{quantity} in {unit}" for quantity, unit in units.items())
        said = ", ".join(f"{quantity}: {unit}" for quantity, unit in other.items())
        require(not other, FileFormatError, f"the format {name} has {own}; read.units={{{said}}} cannot be. Leave it out.")

    def _stated(self, quantity: str) -> str:
        return self.units.get(quantity) or (self.units.get(POSITION, "") if quantity == COMMAND else "")


class LogFormat(Protocol):
    """One format. It lives in one file of `gap/logs/` as the constant FORMAT."""

    name: str
    reads: str

    def accepts(self, path: Path) -> bool:
        """Whether the file or folder looks like this format; cheap."""
        ...

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """The runs that are in it, or raise `FileFormatError`."""
        ...


@cache
def log_formats() -> dict[str, LogFormat]:
    """Name -> format, from this folder and from plug-ins (`log.<name>`)."""
    return found_in("gap.logs", "FORMAT", "log")


def read_logs(path: Path, options: LogOptions | None = None, name: str | None = None) -> tuple[RobotLog, ...]:
    """All runs of a log, by the robot's joints; a folder of logs is read in the order of their names.

    Args:
        path: file or folder.
        options: what is stated about it.
        name: of the format; found out unless given.

    Raises:
        FileFormatError: no such log, no format reads it, or it is broken.
        UnknownNameError: a format, joint, column or unit that does not exist.
        MotionError: what is there could not be a robot's joints.
    """
    path, options = Path(path), options or LogOptions()
    require(path.exists(), FileFormatError, f"{path}: no such file or folder.")
    places = list(_places(path, name))
    formats = "; ".join(f"{known.name} ({known.reads})" for known in log_formats().values())
    require(bool(places), FileFormatError, f"{path}: no format reads this as a robot's log. Formats: {formats}. Name one with format=.")
    return tuple(log for place, found in places for log in _read(place, found, options))


def _places(path: Path, name: str | None) -> Iterator[tuple[Path, LogFormat]]:
    """Files and folders that are logs, and the format of each."""
    known = log_formats()
    if name is not None and name not in known:
        raise UnknownNameError("log format", name, known)
    fitting = (one for one in known.values() if name in (None, one.name) and (one.accepts(path) or (name and path.is_file())))
    found = next(fitting, None)
    if found is not None:
        yield path, found
    elif path.is_dir():
        for part in sorted(path.iterdir()):
            if not part.name.startswith("."):
                yield from _places(part, name)


def _read(path: Path, found: LogFormat, options: LogOptions) -> tuple[RobotLog, ...]:
    try:
        logs = list(found.read(path, options))
        return tuple(_as_the_robot(_plausible(_measured(log, options), options), options) for log in logs)
    except UnderstudyError as error:
        if str(path) not in str(error):
            error.args = (f"{path}: {error}",)
        raise
    except BROKEN as error:
        said = f"{path}: broken in a way that the format {found.name} did not expect ({type(error).__name__}: {error})."
        raise FileFormatError(f"{said} Where the file is sound, this is a fault of the format's reader.") from error


def _measured(log: RobotLog, options: LogOptions) -> RobotLog:
    """The log without joints of which no position was measured, which is noted.

    Raises:
        MotionError: one of them was asked for by name.
    """
    known = np.asarray(np.isfinite(log.position_rad).any(axis=0))
    missing = [name for name, there in zip(log.joint_names, known, strict=True) if not there]
    if not missing:
        return log
    asked = ", ".join(name for name in missing if name in options.joints)
    message = f"log {log.name!r}: no position of joint {asked} was measured, which read.joints= names. Leave it out there."
    require(not asked, MotionError, message)
    kept = log.of_joints([name for name in log.joint_names if name not in missing])
    return replace(kept, notes=(*log.notes, f"no position of {', '.join(missing)} was measured"))


def _plausible(log: RobotLog, options: LogOptions) -> RobotLog:
    """The log, unless its angles can hardly be radians, or its time seconds, and nobody says that they are."""
    slow = TIME in log.guessed and log.period_s >= _SLOWEST_S
    message = (
        f"log {log.name!r}: its moments are {log.period_s:g} s apart. Which unit is its time in? State it, e.g. read.units={{time: ms}}; "
        f"units: {', '.join(UNITS[TIME])}."
    )
    require(not slow, MotionError, message)
    farthest = float(np.nanmax(np.abs(log.position_rad)))
    if POSITION not in options.units and farthest > _TURNS * 2 * math.pi:
        joint = log.joint_names[int(np.nanargmax(np.nanmax(np.abs(log.position_rad), axis=0)))]
        wrong = f"log {log.name!r}: joint {joint} reaches {farthest:g} rad, more than {_TURNS} turns."
        raise MotionError(f"{wrong} {asked_unit(log, POSITION)}")
    return log


def asked_unit(log: RobotLog, quantity: str) -> str:
    """What whoever refuses angles, of which nobody said the unit, asks for."""
    said = f"Which unit is it? State it, e.g. read.units={{position: deg}}; units: {', '.join(UNITS[quantity])}."
    return f"{said} {log.unit_hint}".rstrip()


def _as_the_robot(log: RobotLog, options: LogOptions) -> RobotLog:
    """By the robot's names, and as it counts."""
    if options.joints:
        names = tuple(options.joints.values())
        log = replace(log.of_joints(tuple(options.joints)), joint_names=names)
    for told in (options.signs, options.offsets_rad):
        for joint in told:
            if joint not in log.joint_names:
                raise UnknownNameError("joint", joint, log.joint_names, f"log {log.name!r}")
    sign = np.array([float(options.signs.get(name, 1)) for name in log.joint_names])
    offset = np.array([float(options.offsets_rad.get(name, 0)) for name in log.joint_names])
    turned: dict[str, Array] = {name: track * sign for name, track in log.tracks().items()}
    turned |= {name: turned[name] + offset for name in ("position_rad", "command_rad") if name in turned}
    return replace(log, **turned)  # type: ignore[arg-type]
