"""Qualisys Track Manager's text export of markers (`.tsv`): keys and values, then tab-separated numbers in millimetres."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from retarget.reading.markers import Trajectories, reading_of_markers
from retarget.reading.text_tables import head_and_body, head_of, numbers, text_of, without_cut_line
from retarget.sources.base import Reading, SourceOptions

_LONGEST_HEAD_N = 60


class QualisysSource:
    """Reads `.tsv` files with the keys NO_OF_FRAMES, FREQUENCY and MARKER_NAMES."""

    name = "qualisys"
    suffixes = (".tsv",)

    def accepts(self, path: Path) -> bool:
        """Whether the file begins as the export does."""
        return head_of(path, 256).startswith("NO_OF_FRAMES\t")

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the markers, and find joint centres from them.

        Raises:
            FileFormatError: not such a file, or broken.
        """
        return reading_of_markers(path, read_qualisys(path, options.rate_hz), options)


def read_qualisys(path: Path, rate_hz: float | None = None) -> Trajectories:
    """The markers of a Qualisys export; `rate_hz` replaces the file's FREQUENCY."""
    head, body = head_and_body(text_of(path), _is_numbers, _LONGEST_HEAD_N)
    header: dict[str, list[str]] = {}
    for line in head:
        key, *values = line.split("\t")
        header[key] = [value.strip() for value in values]
    missing = [key for key in ("NO_OF_FRAMES", "FREQUENCY", "MARKER_NAMES") if key not in header]
    require(not missing, FileFormatError, f"{path}: the key {', '.join(missing)} is missing; not an export of Qualisys, or cut off.")
    names = tuple(name for name in header["MARKER_NAMES"] if name)
    require(bool(names), FileFormatError, f"{path}: names no markers.")
    rate, said = _rate(path, header, rate_hz)
    counted = 2 if "Frame" in header else 0
    announced = int(header["NO_OF_FRAMES"][0]) if header["NO_OF_FRAMES"] and header["NO_OF_FRAMES"][0].isdigit() else None
    body, was_cut = without_cut_line(body, announced)
    words = {"cut off": "the last line ends within a number; it was left out"} if was_cut else {}
    table = numbers(path, body, counted + 3 * len(names), len(head) + 1)
    if announced not in (None, len(table)):
        words["announced"] = f"{announced} frames, of which {len(table)} are there"
    position = table[:, counted:].reshape(len(table), len(names), 3)
    return Trajectories("Qualisys markers", names, position, np.arange(len(table)) / rate, "mm", "z", {"rate": said, **words})


def _is_numbers(line: str) -> bool:
    """Whether a line begins with two numbers, as no line of the header does."""
    cells = line.split("\t")[:2]
    try:
        return len([float(cell) for cell in cells]) == 2
    except ValueError:
        return False


def _rate(path: Path, header: dict[str, list[str]], stated: float | None) -> tuple[float, str]:
    if stated:
        return stated, f"{stated:g} Hz (stated)"
    try:
        rate = float(header["FREQUENCY"][0])
    except (ValueError, IndexError):
        rate = 0.0
    require(0 < rate < 1e5, FileFormatError, f"{path}: FREQUENCY is no rate; state it with source.rate_hz=.")
    return rate, f"{rate:g} Hz (header)"


SOURCE = QualisysSource()
