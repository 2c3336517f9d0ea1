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


def parse_named_numbers(text: bytes) -> tuple[Array, Array]:
    """The plain numbers (N,) of a text, and for each word (W,) that begins with a letter a number that stands for it, in order."""
    data = np.frombuffer(text, np.uint8)
    numbers, words = np.empty(len(data) // 2 + 1), np.empty(len(data) // 2 + 1, np.int64)
    numbers_n, words_n = _scan_named(data, numbers, words)
    return numbers[:numbers_n].copy(), words[:words_n].copy()


@compiled
def _number_at(data: Array, begin: int) -> tuple[float, int, bool]:
    """The plain number that begins here, where it ends, and whether it is one."""
    end, position = len(data), begin
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
        power, position, seen = _power_at(data, position + 1)
        exponent += power
    value = _scaled(mantissa, exponent)
    return -value if negative else value, position, seen and (position >= end or data[position] <= 32)


@compiled
def _power_at(data: Array, position: int) -> tuple[int, int, bool]:
    """The exponent after an e, where it ends, and whether it is one."""
    end = len(data)
    down = position < end and data[position] == 45
    if position < end and (down or data[position] == 43):
        position += 1
    power, seen = 0, False
    while position < end and 48 <= data[position] <= 57:
        power = min(power * 10 + (data[position] - 48), 9999)
        seen = True
        position += 1
    return -power if down else power, position, seen


@compiled
def _scaled(mantissa: int, exponent: int) -> float:
    if exponent >= 0:
        return mantissa * 10.0**exponent
    if exponent > -300:
        return mantissa / 10.0**-exponent
    return mantissa * 1e-300 * 10.0 ** (exponent + 300)


@compiled
def _scan(data: Array, out: Array, count: int, position: int) -> tuple[int, int]:
    """Fill `out` from `count` on; returns the new count, and where a word begins that is no plain number, or -1 at the end."""
    while position < len(data) and count < len(out):
        if data[position] <= 32:
            position += 1
            continue
        value, after, plain = _number_at(data, position)
        if not plain:
            return count, position
        out[count] = value
        count, position = count + 1, after
    return count, -1


@compiled
def _scan_named(data: Array, numbers: Array, words: Array) -> tuple[int, int]:
    """Fill both; what neither begins with a letter nor is a plain number becomes NaN."""
    numbers_n, words_n, position = 0, 0, 0
    while position < len(data):
        if data[position] <= 32:
            position += 1
            continue
        letter = 65 <= data[position] <= 90 or 97 <= data[position] <= 122
        value, _, plain = _number_at(data, position)
        word = np.int64(5381)
        while position < len(data) and data[position] > 32:
            word = word * 33 + data[position]
            position += 1
        if letter:
            words[words_n] = word
            words_n += 1
        else:
            numbers[numbers_n] = value if plain else np.nan
            numbers_n += 1
    return numbers_n, words_n
