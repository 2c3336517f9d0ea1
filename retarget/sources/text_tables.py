"""Tables of numbers in text files, parsed at the speed of a CSV library, and text of any usual encoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from motion.errors import FileFormatError, require
from motion.transform import Array

_MISSING = ["", "NaN", "nan", "NAN", "NULL", "null", "N/A", "-nan", "-nan(ind)", "1.#QNAN", "-1.#IND"]


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, UTF-16 with its mark, or Latin-1; ends of lines are plain.

    Raises:
        FileFormatError: no such file, or bytes that are no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}).") from error
    return _decoded(data, path).replace("\r\n", "\n").replace("\r", "\n")


def head_of(path: Path, bytes_n: int = 4096) -> str:
    """The beginning of a text file; empty where it is no text or cannot be read."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(bytes_n)
        return _decoded(data[: len(data) // 2 * 2], path).replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, FileFormatError):
        return ""


def _decoded(data: bytes, path: Path) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    require(b"\0" not in data, FileFormatError, f"{path}: holds bytes that are no text; it is another kind of file, or broken.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def numbers(path: Path, body: str, columns_n: int, first_line_n: int) -> Array:
    """Numbers (rows, columns) of tab-separated lines; an empty cell is NaN, an empty line is passed over.

    Args:
        path: for messages.
        body: the lines.
        columns_n: how many there have to be; cells after them have to be empty.
        first_line_n: number of the first line in the file, for messages.

    Raises:
        FileFormatError: a line with more or fewer cells, or a cell that is no number.
    """
    lines = [(index, line) for index, line in enumerate(body.split("\n")) if line.strip()]
    if not lines:
        return np.zeros((0, columns_n))
    cells_n = lines[0][1].count("\t") + 1
    for index, line in lines:
        cells = line.count("\t") + 1
        where = f"{path}, line {first_line_n + index}"
        require(cells >= columns_n, FileFormatError, f"{where}: {cells} cells; {columns_n} were announced. The line is cut off.")
        require(cells == cells_n, FileFormatError, f"{where}: {cells} cells where the first line of numbers has {cells_n}.")
    try:
        table = csv.read_csv(
            pa.BufferReader("\n".join(line for _, line in lines).encode()),
            read_options=csv.ReadOptions(column_names=[str(k) for k in range(cells_n)], use_threads=False),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types={str(k): pa.float64() for k in range(cells_n)}, null_values=_MISSING, strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid as error:
        raise FileFormatError(f"{path}: a cell is no number ({error}).") from error
    values = np.column_stack([column.to_numpy() for column in table.columns]).astype(float)
    beyond = np.isfinite(values[:, columns_n:])
    require(not beyond.any(), FileFormatError, f"{path}: {cells_n} columns of numbers; {columns_n} were announced.")
    return values[:, :columns_n]
