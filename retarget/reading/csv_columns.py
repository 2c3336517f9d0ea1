"""CSV files with one line of column names: names, and numbers at the speed of a CSV library."""

from __future__ import annotations

import csv as text_csv
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from motion.errors import FileFormatError, require
from motion.transform import Array
from retarget.reading.text_tables import head_of, text_of

_MISSING = ["", "NaN", "nan", "NAN", "NULL", "null", "None", "N/A", "n/a", "-"]
_LONGEST_HEADER = 200_000


def header_of(path: Path) -> list[str]:
    """Column names of a CSV file; empty where the first line is none. Reads the head of the file only."""
    lines = head_of(path, _LONGEST_HEADER).split("\n")
    return _cells(lines[0]) if len(lines) > 1 else []


def _cells(line: str) -> list[str]:
    delimiter = max(",;\t", key=line.count)
    return [cell.strip() for cell in next(text_csv.reader([line], delimiter=delimiter), [])]


def read_columns(path: Path) -> tuple[list[str], Array]:
    """Column names, and numbers (T, C); an empty cell, or a cell of a column of words, is NaN.

    Raises:
        FileFormatError: no header, no rows, or rows of different length.
    """
    text = text_of(path)
    first, _, body = text.partition("\n")
    names = _cells(first)
    require(len(names) > 1, FileFormatError, f"{path}: its first line names no columns.")
    require(bool(body.strip()), FileFormatError, f"{path}: holds no frames.")
    try:
        table = csv.read_csv(
            pa.BufferReader(body.encode()),
            read_options=csv.ReadOptions(column_names=[str(k) for k in range(len(names))], use_threads=False),
            parse_options=csv.ParseOptions(delimiter=max(",;\t", key=first.count)),
            convert_options=csv.ConvertOptions(null_values=_MISSING, strings_can_be_null=True, timestamp_parsers=[]),
        )
    except pa.ArrowInvalid as error:
        raise FileFormatError(f"{path}: cannot be read as a table; its lines differ in length, or it is cut off ({error}).") from error
    return names, np.column_stack([_numbers(column) for column in table.columns])


def _numbers(column: pa.ChunkedArray) -> Array:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return np.full(len(column), np.nan)
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), float)
