"""TRC, the text format of markers of OpenSim, Cortex and Pose2Sim: five lines of header, then tab-separated numbers."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array
from retarget.reading.markers import Trajectories, reading_of_markers
from retarget.reading.text_tables import head_and_body, head_of, numbers, text_of, without_cut_line
from retarget.sources.base import Reading, SourceOptions

_LONGEST_HEAD_N = 40
_ROUNDING_S, _SAME_RATE = 1e-3, 0.02


class TrcSource:
    """Reads `.trc` files. The rate comes from the column Time, the unit from the header, joints from the markers' names."""

    name = "trc"
    suffixes = (".trc", ".txt")

    def accepts(self, path: Path) -> bool:
        """Whether the file begins as the format does."""
        return path.suffix.lower() == ".trc" or head_of(path, 64).startswith("PathFileType")

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the markers, and find joint centres from them.

        Raises:
            FileFormatError: not such a file, or broken.
        """
        return reading_of_markers(path, read_trc(path, options.rate_hz), options)


def read_trc(path: Path, rate_hz: float | None = None) -> Trajectories:
    """The markers of a TRC file; `rate_hz` replaces the file's own clock."""
    text = text_of(path)
    require(bool(text.strip()), FileFormatError, f"{path}: is empty.")
    head, body = head_and_body(text, _is_numbers, _LONGEST_HEAD_N)
    start = next((k for k, line in enumerate(head) if line.lstrip().lower().startswith("frame#")), None)
    cut = f"{path}: no line of marker names, which begins with Frame#, in the first lines; not a TRC file, or its header is cut off."
    require(start is not None, FileFormatError, cut)
    assert start is not None
    header = _header(path, head[:start])
    names = tuple(name.strip() for name in head[start].split("\t")[2:] if name.strip())
    require(bool(names), FileFormatError, f"{path}: names no markers.")
    _check_count(path, header, names)
    body, was_cut = without_cut_line(body, _whole(header.get("numframes")))
    words = {"cut off": "the last line ends within a number; it was left out"} if was_cut else {}
    table = numbers(path, body, 2 + 3 * len(names), len(head) + 1)
    time_s, said = _time(path, table[:, 0], table[:, 1], header, rate_hz)
    words |= {"rate": said, **_frames_words(header, len(table))}
    position = table[:, 2:].reshape(len(table), len(names), 3)
    return Trajectories("TRC markers", names, position, time_s, header.get("units"), "y", words)


def _header(path: Path, lines: list[str]) -> dict[str, str]:
    """Keys in lower case -> values, of the line of keys and the line of values below it."""
    at = next((k for k, line in enumerate(lines) if "datarate" in line.lower() and "units" in line.lower()), None)
    require(at is not None and at + 1 < len(lines), FileFormatError, f"{path}: the line DataRate ... Units, and its values, are missing.")
    assert at is not None
    keys, values = lines[at].split(), lines[at + 1].split()
    if len(values) == len(keys) - 1 and "NumMarkers" in keys:  # written by tools that leave the number of markers out
        keys = [key for key in keys if key != "NumMarkers"]
    return {key.lower(): value for key, value in zip(keys, values, strict=False)}


def _check_count(path: Path, header: dict[str, str], names: tuple[str, ...]) -> None:
    said = _whole(header.get("nummarkers"))
    differ = f"{path}: NumMarkers is {said}, and {len(names)} markers are named ({', '.join(names[:6])} ...): the header is broken."
    require(said in (None, len(names)), FileFormatError, differ)


def _whole(word: str | None) -> int | None:
    return int(float(word)) if word and re.fullmatch(r"\d+(\.0*)?", word) else None


def _is_numbers(line: str) -> bool:
    return bool(re.match(r"\s*\d+\t", line))


def _time(path: Path, frame: Array, column: Array, header: dict[str, str], rate_hz: float | None) -> tuple[Array, str]:
    """Times (T,), and in words where they come from.

    Times that are an even rate's but for rounding become that rate's: rounded to milliseconds they would shake speeds.
    """
    steps, said = np.arange(len(column)), _number(header.get("datarate"))
    if rate_hz:
        return steps / rate_hz, f"{rate_hz:g} Hz (stated)"
    told = len(column) > 1 and np.isfinite(column).all() and np.ptp(column) > 0
    if told:
        _check_rises(path, frame, column)
        mean = float(len(column) - 1) / float(column[-1] - column[0])
        for rate in (said, mean):
            if rate and np.abs(column - column[0] - steps / rate).max() < _ROUNDING_S:
                return steps / rate, f"{rate:.6g} Hz (column Time)"
        note = f"; the header says {said:g} Hz" if said and abs(said / mean - 1) > _SAME_RATE else ""
        return column, f"{mean:.5g} Hz on average (column Time{note})"
    if said is None or said <= 0:
        raise FileFormatError(f"{path}: neither Time nor DataRate give a rate above 0; state it with source.rate_hz=.")
    return steps / said, f"{said:g} Hz (header)"


def _check_rises(path: Path, frame: Array, column: Array) -> None:
    if (np.diff(column) > 0).all():
        return
    bad = int(np.argmin(np.diff(column) > 0))
    raise FileFormatError(
        f"{path}: the column Time does not rise after frame {frame[bad]:g} ({column[bad]:g} s -> {column[bad + 1]:g} s). "
        "Where only the column is wrong, state the rate with source.rate_hz=."
    )


def _number(word: str | None) -> float | None:
    try:
        value = float(word or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _frames_words(header: dict[str, str], held_n: int) -> dict[str, str]:
    announced = _whole(header.get("numframes"))
    return {} if announced in (None, held_n) else {"announced": f"{announced} frames, of which {held_n} are there"}


SOURCE = TrcSource()
