"""`python -m retarget export`: write robot motions in the layouts of other tools, or convert between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from motion.errors import FileFormatError, UnderstudyError, UnknownNameError, require
from retarget.exports.base import Export, export_motion, export_named, exports
from retarget.joint_orders import JOINT_ORDERS
from retarget.robot_motions import LAYOUTS, SUFFIXES, read_robot_motion, robot_motions_in, robot_named_by
from retarget.show_card import say
from robots import Robot, load_robot

_DEFAULT_ROBOT = "g1"
_KEYS: Mapping[str, str] = {
    "input": "a robot's motion, or a folder of them; `input=` may be left out",
    "format": "layout to write",
    "output": "file, or for a folder a folder",
    "robot": f"name or folder (default: what the file names, or {_DEFAULT_ROBOT})",
    "rate_hz": "frame rate to write (default: the layout's)",
    "joint_order": f"{', '.join(JOINT_ORDERS)}, or a JSON list of names (default: the layout's)",
    "input_rate_hz": "frame rate of a file that carries none (.csv)",
}


@dataclass(frozen=True)
class Wanted:
    """What the command was asked for."""

    source: Path
    export: Export
    output: Path
    robot: str | None = None
    rate_hz: float | None = None
    joint_order: str | None = None
    input_rate_hz: float | None = None


def export_file(source: Path, output: Path, wanted: Wanted) -> dict[str, str]:
    """Read any robot motion and write it in a layout; gives what was understood and what was written, in words.

    Raises:
        UnderstudyError: it cannot be read, or not be written so.
    """
    require(source.resolve() != output.resolve(), UnderstudyError, f"{output} is the file to be read; it would be overwritten.")
    robot = _robot(wanted, source)
    reading = read_robot_motion(source, robot, wanted.input_rate_hz)
    written = export_motion(reading.motion, robot, wanted.export, output, wanted.rate_hz, wanted.joint_order)
    names = ("format", "quaternions", "rate_hz", "frames", "frames_of_the_input", "resampled", "joint_order", "joints_left_out")
    said = {f"written {name.replace('_', ' ')}": written[name] for name in names if name in written}
    shown = {name: ", ".join(value) if isinstance(value, list) else f"{value}" for name, value in said.items()}
    where = {"named": wanted.export.says} if wanted.export.says else {}
    return {f"read {name}": value for name, value in reading.understood.items()} | shown | where


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    console = Console()
    if {"--help", "-h"} & set(words) or not words:
        say(console, _usage())
        return 0
    wanted = _wanted(words)
    if not wanted.source.is_dir():
        require(wanted.source.is_file(), FileFormatError, f"{wanted.source}: no such file or folder.")
        _show(console, wanted.source, wanted.output, export_file(wanted.source, wanted.output, wanted))
        return 0
    return _many(console, wanted)


def _many(console: Console, wanted: Wanted) -> int:
    """All motions of a folder; a broken one is said, and stops nobody."""
    files = robot_motions_in(wanted.source)
    require(bool(files), FileFormatError, f"{wanted.source}: no robot motion there ({', '.join(SUFFIXES)}).")
    require(not wanted.output.suffix, FileFormatError, f"output={wanted.output}: {len(files)} motions need a folder, not one file.")
    failed = 0
    outputs = [wanted.output / f"{path.stem}{wanted.export.suffix}" for path in files]
    for path, output in zip(files, outputs, strict=True):
        alike = [other.name for other, made in zip(files, outputs, strict=True) if made == output]
        try:
            require(len(alike) == 1, FileFormatError, f"{path}: {', '.join(alike)} would all be written to {output.name}.")
            export_file(path, output, wanted)
        except UnderstudyError as error:
            failed += 1
            say(console, f"- {error}")
    say(console, f"{len(files) - failed} written to {wanted.output}, {failed} failed")
    return 1 if failed else 0


def _show(console: Console, source: Path, output: Path, understood: Mapping[str, str]) -> None:
    say(console, source.name)
    for key, value in understood.items():
        say(console, f"  {key}: {value}")
    say(console, f"wrote {output}")


def _robot(wanted: Wanted, source: Path) -> Robot:
    return load_robot(wanted.robot or robot_named_by(source) or _DEFAULT_ROBOT)


def _wanted(words: Sequence[str]) -> Wanted:
    """The words of the command line as values.

    Raises:
        UnknownNameError: a key or a format that does not exist.
        UnderstudyError: what is needed is missing, or a number is none.
    """
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or (key not in _KEYS and Path(word).exists()):
            key, value = "input", word
        if key not in _KEYS:
            raise UnknownNameError("setting", key, _KEYS, "python -m retarget export")
        require(key not in given, UnderstudyError, f"{key} is given twice: {given.get(key)} and {value}.")
        given[key] = value
    missing = [key for key in ("input", "format", "output") if not given.get(key)]
    require(not missing, UnderstudyError, f"{', '.join(f'{key}=' for key in missing)} missing. {_usage()}")
    return Wanted(
        source=Path(given["input"]).expanduser(),
        export=export_named(given["format"]),
        output=Path(given["output"]).expanduser(),
        robot=given.get("robot"),
        rate_hz=_number(given, "rate_hz"),
        joint_order=given.get("joint_order"),
        input_rate_hz=_number(given, "input_rate_hz"),
    )


def _number(given: Mapping[str, str], key: str) -> float | None:
    if key not in given:
        return None
    try:
        value = float(given[key])
    except ValueError:
        value = -1.0
    require(0 < value < 1e5, UnderstudyError, f"{key}={given[key]} is no rate; a number above 0 is wanted.")
    return value


def _usage() -> str:
    lines = [f"  {key:14} {text}" for key, text in _KEYS.items()]
    formats = [f"  {name:14} {export.suffix}, {_usual(export)}" for name, export in sorted(exports().items())]
    read = [f"  {layout}" for layout in ("Understudy .npz", *LAYOUTS)]
    parts = [
        "usage: python -m retarget export MOTION format=FORMAT output=FILE [key=value ...]",
        *lines,
        "formats:",
        *formats,
        "read:",
        *read,
    ]
    return "\n".join(parts)


def _usual(export: Export) -> str:
    rate = f"{export.rate_hz:g} Hz" if export.rate_hz else "the motion's rate"
    return f"quaternions {export.quaternion}, joints in order {export.order}, {rate}"
