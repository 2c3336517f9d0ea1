"""Numbers from text, fast: what a reader of large text files spends its time on."""

from __future__ import annotations

import numpy as np

from motion.compiled import compiled
from motion.errors import FileFormatError
from motion.transform import Array

_DIGITS_MAX = 18
"""As many decimal digits as a 64-bit integer surely holds; later ones are below what a float tells apart."""


def parse_numbers(text: bytes, limit: int, where: str) -> Array:
    """The numbers (N,) of a text in which only blanks, tabs and line ends stand between them; the first `limit` of them.

    A value differs from Python's own `float` by at most the last two bits.

    Raises:
        FileFormatError: a word is no number.
    """
    data = np.frombuffer(text, np.uint8)
    out = np.empty(min(limit, len(data) // 2 + 1))
    count, position = 0, 0
    while position >= 0 and count < len(out):
        count, position = _scan(data, out, count, position)
        if position >= 0 and count < len(out):  # a word that the fast way does not know, such as nan
            word = text[position:].split(None, 1)[0]
            out[count] = _number(word, where)
            count, position = count + 1, position + len(word)
    return out[:count]


def _number(word: bytes, where: str) -> float:
    try:
        return float(word)
    except ValueError as error:
        raise FileFormatError(f"{where} cannot be read: {word[:40].decode(errors='replace')!r} is no number.") from error


@compiled
def _scan(data: Array, out: Array, count: int, position: int) -> tuple[int, int]:
    """Fill `out` from `count` on; returns the new count, and where a word begins that is no plain number, or -1 at the end."""
    end = len(data)
    while position < end and count < len(out):
        if data[position] <= 32:
            position += 1
            continue
        begin = position
        negative = data[position] == 45
        if negative or data[position] == 43:
            position += 1
        mantissa, digits, exponent, point, seen = np.int64(0), 0, 0, False, False
        while position < end:
            byte = data[position]
            if 48 <= byte <= 57:
                seen = True
                if digits < _DIGITS_MAX:
                    mantissa = mantissa * 10 + (byte - 48)
                    digits += 1 if mantissa > 0 else 0
                    exponent -= 1 if point else 0
                else:
                    exponent += 0 if point else 1
            elif byte == 46 and not point:
                point = True
            else:
                break
            position += 1
        if seen and position < end and (data[position] == 101 or data[position] == 69):
            position += 1
            down = position < end and data[position] == 45
            if position < end and (down or data[position] == 43):
                position += 1
            power, seen = 0, False
            while position < end and 48 <= data[position] <= 57:
                power = min(power * 10 + (data[position] - 48), 9999)
                seen = True
                position += 1
            exponent += -power if down else power
        if not seen or (position < end and data[position] > 32):
            return count, begin
        if exponent >= 0:
            value = mantissa * 10.0**exponent
        elif exponent > -300:
            value = mantissa / 10.0**-exponent
        else:
            value = mantissa * 1e-300 * 10.0 ** (exponent + 300)
        out[count] = -value if negative else value
        count += 1
    return count, -1
