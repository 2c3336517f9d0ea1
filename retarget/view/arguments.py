"""The words of `view` and `render`. Nothing here takes long to load: a wrong word should be said at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from motion.errors import UnderstudyError, UnknownNameError, require


class ViewError(UnderstudyError):
    """The page cannot be shown."""


def split_words(words: Sequence[str], keys: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Files, and key=value words; a key that ends in a dot stands for all that begin with it.

    Raises:
        UnknownNameError: a key that does not exist.
    """
    files, values = [], {}
    for word in words:
        key, is_pair, value = word.partition("=")
        if key in ("input", "motion") and is_pair:
            files.append(value)
        elif is_pair and not Path(word).exists():
            if key not in keys and f"{key.partition('.')[0]}." not in keys:
                raise UnknownNameError("setting", key, keys, "python -m retarget")
            values[key] = value
        else:
            files.append(word)
    return files, values


def numbered(values: Mapping[str, str], key: str, default: float | None) -> float | None:
    """A number of the command line.

    Raises:
        ViewError: not a number above 0.
    """
    if key not in values:
        return default
    try:
        number = float(values[key])
    except ValueError:
        number = -1.0
    require(number > 0, ViewError, f"{key}={values[key]}: a number above 0 is wanted.")
    return number
