"""Tables of numbers in text files, parsed at the speed of a CSV library, and text of any usual encoding."""

from __future__ import annotations

from collections.abc import Callable
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


def head_and_body(text: str, is_body: Callable[[str], bool], longest_head_n: int) -> tuple[list[str], str]:
    """The lines before the first one that is of the body, and from there on the text as it is."""
    head: list[str] = []
    at = 0
    while at < len(text) and len(head) < longest_head_n:
        end = text.find("\n", at)
        line = text[at : end if end >= 0 else len(text)]
        if is_body(line):
            return head, text[at:]
        head.append(line)
        at = end + 1 if end >= 0 else len(text)
    return head, ""


def without_cut_line(body: str, announced_n: int | None) -> tuple[str, bool]:
    """The body without its last line where that ends within a number: no end of line, and no more lines than announced."""
    lines_n = body.count("\n") + 1
    if announced_n is None or body.endswith("\n") or not 1 < lines_n <= announced_n:
        return body, False
    return body[: body.rfind("\n") + 1], True


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
    first = body.lstrip("\n").partition("\n")[0]
    if not body.strip():
        return np.zeros((0, columns_n))
    cells_n = max(columns_n, first.count("\t") + 1)
    try:
        table = csv.read_csv(
            pa.BufferReader(body.encode()),
            read_options=csv.ReadOptions(column_names=[str(k) for k in range(cells_n)], use_threads=False),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types={str(k): pa.float64() for k in range(cells_n)}, null_values=_MISSING, strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid as error:
        even = _even_lines(path, body, columns_n, first_line_n)
        if even != body:
            return numbers(path, even, columns_n, first_line_n)
        raise FileFormatError(f"{path}: a cell is no number ({error}).") from error
    values = np.empty((table.num_rows, cells_n))
    for index, column in enumerate(table.columns):
        values[:, index] = column.to_numpy()
    held = np.flatnonzero(np.isfinite(values).any(1))
    values = values[: held[-1] + 1 if len(held) else 0]  # lines of tabs alone at the end are none
    beyond = np.isfinite(values[:, columns_n:])
    require(not beyond.any(), FileFormatError, f"{path}: {cells_n} columns of numbers; {columns_n} were announced.")
    return values[:, :columns_n]


def _even_lines(path: Path, body: str, columns_n: int, first_line_n: int) -> str:
    """The body without lines of blanks.

    Raises:
        FileFormatError: a line with more or fewer cells than the others.
    """
    lines = [(index, line) for index, line in enumerate(body.split("\n")) if line.strip()]
    cells_n = lines[0][1].count("\t") + 1
    for index, line in lines:
        cells = line.count("\t") + 1
        where = f"{path}, line {first_line_n + index}"
        require(cells >= columns_n, FileFormatError, f"{where}: {cells} cells; {columns_n} were announced. The line is cut off.")
        require(cells == cells_n, FileFormatError, f"{where}: {cells} cells where the first line of numbers has {cells_n}.")
    return "\n".join(line for _, line in lines)
