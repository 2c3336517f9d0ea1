"""The C3D file format, read with bounds on every step: a broken file is an error and never more than that.

Source: the C3D file format user guide, c3d.org (header, parameter records, float and integer data, three processors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array

_BLOCK = 512
_INTEL, _DEC, _MIPS = 84, 85, 86
_KEY = 0x50
_CHARACTERS, _FLOAT = -1, 4
_SIZES = {_CHARACTERS: 1, 1: 1, 2: 2, _FLOAT: 4}
_LONGEST_HEADER_N = 65535


@dataclass(frozen=True)
class C3d:
    """Points of a C3D file.

    Attributes:
        labels: M names.
        position: (T, M, 3) in the file's unit and axes; NaN where the residual says that a point is not valid.
        rate_hz: frames per second.
        unit: the file's word for its unit; empty where it has none.
        parameters: "GROUP:NAME" -> text, list of texts, or array.
    """

    labels: tuple[str, ...]
    position: Array
    rate_hz: float
    unit: str
    parameters: Mapping[str, Any]


def read_c3d(path: Path) -> C3d:
    """Read the points of a C3D file.

    Raises:
        FileFormatError: not such a file, cut off, or without points.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}).") from error
    require(len(data) >= _BLOCK and data[1] == _KEY, FileFormatError, f"{path}: not a C3D file, or cut off within its header.")
    start = (data[0] - 1) * _BLOCK
    require(0 < start <= len(data) - 4, FileFormatError, f"{path}: cut off before its parameters.")
    processor = data[start + 3]
    known = f"{path}: written for processor {processor}; known are {_INTEL} (Intel), {_DEC} (DEC) and {_MIPS} (MIPS)."
    require(processor in (_INTEL, _DEC, _MIPS), FileFormatError, known)
    parameters = _Records(path, data, start, processor).parameters()
    return _points(path, data, processor, parameters)


def _points(path: Path, data: bytes, processor: int, parameters: Mapping[str, Any]) -> C3d:
    words = np.frombuffer(data, ">u2" if processor == _MIPS else "<u2", _BLOCK // 2)
    points_n, analogs_n = int(words[1]), int(words[2])
    require(points_n > 0, FileFormatError, f"{path}: holds no points, only other signals.")
    scale = _number(parameters.get("POINT:SCALE"), float(_floats(data[12:16], processor)[0]))
    begin = (int(_number(parameters.get("POINT:DATA_START"), float(words[8]))) - 1) * _BLOCK
    kind = _DTYPES[processor][0 if scale < 0 else 1]
    values_n = 4 * points_n + analogs_n
    frame_bytes = values_n * np.dtype(kind).itemsize
    available = max(0, len(data) - begin) // frame_bytes if begin > 0 else 0
    frames_n = _frames_n(words, parameters, available)
    require(frames_n > 0, FileFormatError, f"{path}: holds no frames.")
    short = f"{path}: {frames_n} frames of {points_n} points were announced {available} are there; the file is cut off."
    require(frames_n <= available, FileFormatError, short)
    raw = data[begin : begin + frames_n * frame_bytes]
    table = _floats(raw, processor) if scale < 0 else np.frombuffer(raw, kind)
    table = table.reshape(frames_n, values_n)[:, : 4 * points_n].reshape(frames_n, points_n, 4)
    position = table[..., :3].astype(float) * (1.0 if scale < 0 else scale)
    position[~(table[..., 3] >= 0)] = np.nan
    rate = _number(parameters.get("POINT:RATE"), float(_floats(data[20:24], processor)[0]))
    return C3d(_labels(parameters, points_n), position, rate, _text(parameters.get("POINT:UNITS")), parameters)


_DTYPES = {_INTEL: ("<f4", "<i2"), _DEC: ("<u4", "<i2"), _MIPS: (">f4", ">i2")}


def _floats(raw: bytes, processor: int) -> Array:
    """Numbers of 4 bytes; DEC's have their halves exchanged and are four times as large."""
    if processor != _DEC:
        return np.frombuffer(raw, _DTYPES[processor][0])
    halves = np.frombuffer(raw, "<u2").reshape(-1, 2)[:, ::-1]
    return np.ascontiguousarray(halves).view("<f4").ravel() / 4


def _frames_n(words: np.ndarray, parameters: Mapping[str, Any], available: int) -> int:
    """Frames of the file: by its trial's first and last, by POINT:FRAMES, or by the header, which cannot count above 65535."""
    first, last = (parameters.get(f"TRIAL:ACTUAL_{end}_FIELD") for end in ("START", "END"))
    if isinstance(first, np.ndarray) and isinstance(last, np.ndarray) and first.size == 2 and last.size == 2:
        ends = [int(pair[0]) % 65536 + 65536 * (int(pair[1]) % 65536) for pair in (first.ravel(), last.ravel())]
        return ends[1] - ends[0] + 1
    header = int(words[4]) - int(words[3]) + 1
    if int(words[4]) < _LONGEST_HEADER_N:
        return header
    said = int(_number(parameters.get("POINT:FRAMES"), -1.0))
    return said if said > _LONGEST_HEADER_N else available


def _number(value: Any, otherwise: float) -> float:
    """A parameter's number; negative 16-bit counts are those above 32767."""
    if not isinstance(value, np.ndarray) or value.size == 0:
        return otherwise
    number = float(value.ravel()[0])
    return number + 65536 if value.dtype.kind == "i" and value.dtype.itemsize == 2 and number < 0 else number


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else ""


def _labels(parameters: Mapping[str, Any], points_n: int) -> tuple[str, ...]:
    """Names of the points; those without one are called *1, *2 ..."""
    names: list[str] = []
    for number in ("", *range(2, 10)):
        value = parameters.get(f"POINT:LABELS{number}")
        names += value if isinstance(value, list) else [value] if isinstance(value, str) else []
    named = [name.strip() for name in names[:points_n]]
    return tuple(name or f"*{k + 1}" for k, name in enumerate([*named, *[""] * (points_n - len(named))]))


class _Records:
    """Walks the records of the parameter section; a step out of the file is an error."""

    def __init__(self, path: Path, data: bytes, start: int, processor: int) -> None:
        self._path, self._processor = path, processor
        blocks = data[start + 2]
        self._data = data[start : start + blocks * _BLOCK if blocks else len(data)]
        self._cut = FileFormatError(f"{path}: its parameters are cut off or broken.")
        self._whole = len(self._data) == blocks * _BLOCK or not blocks
        self._order = ">" if processor == _MIPS else "<"

    def parameters(self) -> dict[str, Any]:
        """ "GROUP:NAME" -> value."""
        require(self._whole, FileFormatError, str(self._cut))
        groups: dict[int, str] = {}
        found: list[tuple[int, str, Any]] = []
        at: int | None = 4
        while at is not None:
            at = self._record(at, groups, found)
        return {f"{groups.get(group, str(group))}:{name}": value for group, name, value in found}

    def _record(self, at: int, groups: dict[int, str], found: list[tuple[int, str, Any]]) -> int | None:
        """Read the record at a place; gives the place of the next, None after the last."""
        length, group = np.frombuffer(self._take(at, 2), np.int8)
        if length == 0:
            return None
        size = abs(int(length))
        name = self._take(at + 2, size).decode("latin-1").strip().upper()
        link = at + 2 + size
        step = int(np.frombuffer(self._take(link, 2), self._order + "i2")[0])
        if group < 0:
            groups[-int(group)] = name
        elif group > 0:
            found.append((int(group), name, self._value(link + 2)))
        if step == 0:
            return None
        if step < 2:
            raise self._cut
        return link + step

    def _value(self, at: int) -> Any:
        kind, dimensions_n = np.frombuffer(self._take(at, 2), np.int8)
        if int(kind) not in _SIZES or not 0 <= dimensions_n <= 7:
            raise self._cut
        shape = tuple(self._take(at + 2, int(dimensions_n)))
        count = int(np.prod(shape, dtype=np.int64))
        raw = self._take(at + 2 + len(shape), count * _SIZES[int(kind)])
        if kind == _CHARACTERS:
            return _texts(raw, shape)
        if kind == _FLOAT:
            return _floats(raw, self._processor).reshape(shape, order="F")
        return np.frombuffer(raw, np.int8 if kind == 1 else self._order + "i2").reshape(shape, order="F")

    def _take(self, at: int, count: int) -> bytes:
        if not 0 <= at <= at + count <= len(self._data):
            raise self._cut
        return self._data[at : at + count]


def _texts(raw: bytes, shape: tuple[int, ...]) -> str | list[str]:
    """Characters as one text, or as a list of texts of the length that comes first."""
    text = raw.decode("latin-1").replace("\0", " ")
    if len(shape) < 2:
        return text.strip()
    width = shape[0]
    return [text[k : k + width].strip() for k in range(0, len(text), width)] if width else []
