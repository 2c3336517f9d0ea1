"""JSON whose long tables of numbers come as arrays, at many times the speed of the standard library's lists."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from motion.compiled import compiled
from motion.transform import Array
from retarget.reading.numbers import _number_at

_LONG = re.compile(r"(?<=:)\s*\[\s*\[[\s\d.eE+\-,\[\]nulNa]{20000,}")
"""A list of lists under a key, as far as nothing but numbers, null and NaN stands in it."""
_DEEPEST = 8
_OPEN, _CLOSE, _COMMA = 91, 93, 44


def loads(text: str) -> Any:
    """As `json.loads`; a long even table of numbers under a key is an array (..., n), null in it is NaN.

    Raises:
        json.JSONDecodeError: not JSON.
    """
    tables: dict[str, Array] = {}

    def lifted(found: re.Match[str]) -> str:
        run = found[0]
        end = run.rfind("]") + 1
        table = _table(run[:end])
        if table is None:
            return run
        word = f"\x1atable {len(tables)}"
        tables[word] = table
        return json.dumps(word) + run[end:]

    def restored(values: dict[str, Any]) -> dict[str, Any]:
        return {key: tables.get(value, value) if isinstance(value, str) else value for key, value in values.items()}

    short = _LONG.sub(lifted, text)
    try:
        return json.loads(short, object_hook=restored) if tables else json.loads(text)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError) as error:  # nested without end, or a number of thousands of digits
        raise json.JSONDecodeError(f"no JSON that a recording has: {error}", text[:40], 0) from error


def _table(text: str) -> Array | None:
    """The numbers of nested lists, None where lists of one level differ in length."""
    data = np.frombuffer(text.encode(), np.uint8)
    values, sizes = np.empty(len(data) // 2 + 1), np.full(_DEEPEST, -1, np.int64)
    count = _scan_table(data, values, sizes)
    shape = sizes[sizes >= 0]
    whole = count > 0 and int(np.prod(shape)) == count
    return values[:count].reshape(shape).copy() if whole else None


@compiled
def _scan_table(data: Array, values: Array, sizes: Array) -> int:
    """Fill `values`, and in `sizes` the length of the lists of each level; gives the count, or -1 for anything uneven."""
    held = np.zeros(len(sizes), np.int64)
    depth, leaf, count, position = 0, 0, 0, 0
    while position < len(data):
        byte = data[position]
        if byte == _OPEN:
            if depth + 1 > len(sizes) or (leaf and depth >= leaf) or (depth == 0 and position > 0 and sizes[0] >= 0):
                return -1
            if depth:
                held[depth - 1] += 1
            held[depth] = 0
            depth += 1
        elif byte == _CLOSE:
            depth -= 1
            if depth < 0 or (sizes[depth] >= 0 and sizes[depth] != held[depth]):
                return -1
            sizes[depth] = held[depth]
        elif byte > 32 and byte != _COMMA:
            if depth == 0 or (leaf and depth != leaf):
                return -1
            leaf = depth
            if byte == 110 or byte == 78:  # null or NaN
                value, after, good = np.nan, position + (4 if byte == 110 else 3), True
            else:
                value, after, _ = _number_at(data, position)
                last = data[after - 1]
                good = after > position and (48 <= last <= 57 or last == 46)
            if not good or (after < len(data) and data[after] > 32 and data[after] != _COMMA and data[after] != _CLOSE):
                return -1
            values[count] = value
            held[depth - 1] += 1
            count, position = count + 1, after - 1
        position += 1
    return count if depth == 0 else -1
