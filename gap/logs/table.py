"""Tables of numbers with a header: `.csv` and the like, one column per joint and quantity."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from gap.logs.base import LogOptions
from gap.logs.log import RobotLog, standing
from gap.logs.words import COMMAND, COMMAND_TORQUE, COMMAND_VELOCITY, POSITION, TIME, TORQUE, TRACKS, VELOCITY, Column, column_of
from motion.errors import FileFormatError, UnknownNameError, require
from motion.provenance import parent_of, record
from motion.transform import Array

_SUFFIXES = (".csv", ".tsv", ".txt")
_PAIRS = (("measured", "desired"), ("measured", "commanded"), ("state", "command"), ("actual", "target"))
"""What two tables of one run are called: of what was measured, and of what was asked for."""
_ALONE = "joint"
_NUMBER, _COMMA = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"), re.compile(r"\s*[-+]?\d*,\d+\s*")


class TableFormat:
    """Reads one table; where a second one beside it says what was asked for (`data_measured`, `data_desired`), both."""

    name = "table"
    reads = ".csv, .tsv or .txt with a header of time, <joint>_position, <joint>_command .."

    def accepts(self, path: Path) -> bool:
        """Whether its header names a position; a table of what was asked for belongs to the one beside it."""
        if path.suffix.lower() not in _SUFFIXES or not path.is_file() or _beside(path, [(wanted, done) for done, wanted in _PAIRS]):
            return False
        header, _ = _header(path)
        return any((said := column_of(own)) is not None and said.quantity == POSITION for own in header)

    def read(self, path: Path, options: LogOptions) -> Iterable[RobotLog]:
        """The one run.

        Raises:
            FileFormatError: no header of names, no positions, columns that are the same thing, or no numbers where the time or a joint that
                was asked for by name should be.
            UnknownNameError: a column or joint that is not there.
        """
        (columns, odd), files = _columns(path), [parent_of(path)]
        which = _recognised({**columns, **odd}, options.columns)
        for quantity, pattern in options.columns.items():
            which |= _stated({**columns, **odd}, quantity, pattern)
        notes = _odd(which, odd, options)
        which = {own: said for own, said in which.items() if own in columns}
        time_s = _time(columns, which, options)
        joints = tuple(dict.fromkeys(said.joint for said in which.values() if said.quantity == POSITION))
        there = f"there are {', '.join(columns)}" + "".join(f"; {note}" for note in notes)
        require(bool(joints), FileFormatError, f"no column holds positions; {there}. Say which one with read.columns=.")
        tracks = _tracks(columns, which, joints, options)
        partner = _beside(path, _PAIRS)
        guessed = options.guessed((said.quantity, said.unit) for said in which.values())
        if partner is not None and "command_rad" not in tracks:
            asked, more = _asked(partner, time_s, joints, options)
            tracks, guessed = tracks | asked, guessed | more
            files.append(parent_of(partner))
        names = tuple(options.joint_names) or tuple(joint or _ALONE for joint in joints)
        require(len(names) == len(joints), FileFormatError, f"{len(names)} joints are named, {len(joints)} have columns.")
        folder = f"{path.parent.name}_" if partner is not None else ""
        provenance = record(f"table {path.name}", "log", files)
        yield RobotLog(
            f"{folder}{path.stem}",
            names,
            time_s - time_s[0],
            **tracks,  # type: ignore[arg-type]
            provenance=provenance,
            guessed=guessed,
            notes=notes,
        )


def _header(path: Path) -> tuple[list[str], str]:
    """Names of the columns, and what stands between them."""
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as stream:
        first = stream.readline()
    delimiter = max(",;\t", key=first.count)
    return [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])], delimiter


def _columns(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The columns of numbers, by name; and of the others what is wrong with them."""
    header, delimiter = _header(path)
    twice = sorted({name for name in header if header.count(name) > 1})
    require(not twice, FileFormatError, f"column {', '.join(twice)} is there more than once.")
    try:
        table = pacsv.read_csv(path, pacsv.ReadOptions(column_names=header, skip_rows=1), pacsv.ParseOptions(delimiter=delimiter))
    except pa.ArrowInvalid as error:
        raise FileFormatError(f"cannot be read as a table ({error}).") from error
    kinds = dict(zip(header, table.schema.types, strict=True))
    numbers = [name for name, kind in kinds.items() if pa.types.is_floating(kind) or pa.types.is_integer(kind)]
    odd = {name: _wrong(table[name]) for name in header if name not in numbers}
    return {name: table[name].to_numpy().astype(float) for name in numbers}, odd


def _wrong(column: pa.ChunkedArray) -> str:
    """Why a column holds no numbers."""
    for cell in column.drop_null():
        said = str(cell.as_py())
        if not _NUMBER.fullmatch(said):
            return f"holds {said!r}, which is no number" + (": decimals have to be behind a point" if _COMMA.fullmatch(said) else "")
    return "is empty"


def _odd(which: Mapping[str, Column], odd: Mapping[str, str], options: LogOptions) -> tuple[str, ...]:
    """What is said of columns that would mean something, but hold no numbers.

    Raises:
        FileFormatError: they are the time, or the position of a joint that was asked for by name.
    """
    notes = []
    for own, wrong in odd.items():
        if own not in which:
            continue
        time = which[own].quantity == TIME
        needed = time or (which[own].quantity == POSITION and (which[own].joint or _ALONE) in options.joints)
        wanted = "time as a number is wanted, in s or in a unit that read.units={time: ..} states" if time else "numbers are wanted"
        require(not needed, FileFormatError, f"column {own} {wrong}; {wanted}.")
        notes.append(f"column {own} {wrong}")
    return tuple(notes)


def _recognised(columns: Iterable[str], stated: Iterable[str] = ()) -> dict[str, Column]:
    """Column -> what it is, of those whose names say it and that are of no quantity that is stated."""
    which = {own: said for own in columns if (said := column_of(own)) is not None and said.quantity not in stated}
    meant: dict[tuple[str, str], str] = {}
    for own, said in which.items():
        other = meant.setdefault((said.quantity, said.joint), own)
        message = f"columns {other} and {own} could each be the {said.quantity} of joint {said.joint or _ALONE}."
        require(other == own, FileFormatError, f"{message} Say which one with read.columns=.")
    return which


def _stated(columns: Iterable[str], quantity: str, pattern: str) -> dict[str, Column]:
    """The columns of a quantity whose pattern is stated.

    Raises:
        UnknownNameError: there is none.
    """
    before, joint, after = pattern.partition("{joint}")
    fitting = re.compile(f"{re.escape(before)}(.+){re.escape(after)}" if joint else f"{re.escape(pattern)}()")
    found = {own: told[1] for own in columns if (told := fitting.fullmatch(own))}
    if not found:
        raise UnknownNameError("column", pattern, columns)
    return {own: Column(quantity, name, said.unit if (said := column_of(own)) else "") for own, name in found.items()}


def _time(columns: Mapping[str, Array], which: Mapping[str, Column], options: LogOptions) -> Array:
    own = next((own for own, said in which.items() if said.quantity == TIME), None)
    require(
        own is not None,
        FileFormatError,
        f"no column is the time; there are {', '.join(columns)}. Say which one with read.columns={{time: ...}}.",
    )
    assert own is not None
    return columns[own] * options.scale(TIME, which[own].unit)


def _tracks(columns: Mapping[str, Array], which: Mapping[str, Column], joints: Iterable[str], options: LogOptions) -> dict[str, Array]:
    """(T, J) of every quantity that there is for any of the joints; NaN for the others."""
    place, moments = {joint: number for number, joint in enumerate(joints)}, len(next(iter(columns.values())))
    tracks: dict[str, Array] = {}
    for own, said in which.items():
        if said.quantity in TRACKS and said.joint in place:
            track = tracks.setdefault(TRACKS[said.quantity], np.full((moments, len(place)), np.nan))
            track[:, place[said.joint]] = columns[own] * options.scale(said.quantity, said.unit)
    return tracks


def _beside(path: Path, pairs: Iterable[tuple[str, str]]) -> Path | None:
    """The other table of the run, by the words of each pair: its own, the other's."""
    others = [path.with_name(path.name.replace(own, other)) for own, other in pairs if own in path.name]
    return next((other for other in others if other.is_file()), None)


def _asked(partner: Path, time_s: Array, joints: Iterable[str], options: LogOptions) -> tuple[dict[str, Array], frozenset[str]]:
    """Commands of the other table, as they stood at these moments (NaN before the first), and of which quantities the unit was guessed."""
    columns, _ = _columns(partner)
    which = _recognised(columns)
    own_s = _time(columns, which, options)
    asked = {
        own: Column({POSITION: COMMAND, VELOCITY: COMMAND_VELOCITY, TORQUE: COMMAND_TORQUE}.get(said.quantity, ""), said.joint, said.unit)
        for own, said in which.items()
    }
    tracks = _tracks(columns, asked, joints, options)
    half_s = 0.5 * float(np.median(np.diff(own_s)))
    together = len(own_s) == len(time_s) and bool((np.abs(own_s - time_s) < half_s).all())
    stood = {name: track if together else standing(time_s, own_s, track) for name, track in tracks.items()}
    return stood, options.guessed((said.quantity, said.unit) for said in asked.values())


FORMAT = TableFormat()
