"""Words of commands that need no configuration: files and key=value. Nothing here takes long to load."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from motion.errors import UnderstudyError, UnknownNameError, require

_LEAST_PX, _MOST_PX = 64, 4096
_YES = MappingProxyType({"true": True, "false": False})


class CommandError(UnderstudyError):
    """A command was asked for what it cannot do."""


def split_words(
    words: Sequence[str], keys: Sequence[str], where: str, inputs: Sequence[str] = ("input",)
) -> tuple[list[str], dict[str, str]]:
    """Files, and key=value words.

    Args:
        words: of the command line.
        keys: that there are; one that ends in a dot stands for all that begin with it.
        where: the command, for complaints.
        inputs: keys whose values are files, too.

    Raises:
        UnknownNameError: a key that does not exist.
    """
    files, values = [], {}
    for word in words:
        key, is_pair, value = word.partition("=")
        if key in inputs and is_pair:
            files.append(value)
        elif is_pair and not Path(word).exists():
            if key not in keys and f"{key.partition('.')[0]}." not in keys:
                raise UnknownNameError("setting", key, keys, where)
            values[key] = value
        else:
            files.append(word)
    return files, values


def numbered(values: Mapping[str, str], key: str, default: float | None) -> float | None:
    """A number of the command line.

    Raises:
        CommandError: not a number above 0.
    """
    if key not in values:
        return default
    try:
        number = float(values[key])
    except ValueError:
        number = -1.0
    require(number > 0, CommandError, f"{key}={values[key]}: a number above 0 is wanted.")
    return number


def is_true(values: Mapping[str, str], key: str) -> bool:
    """Whether a switch of the command line is on; off where it is left out.

    Raises:
        CommandError: neither true nor false.
    """
    word = values.get(key, "false").lower()
    require(word in _YES, CommandError, f"{key}={values.get(key)}: true or false is wanted.")
    return _YES[word]


def film_output(values: Mapping[str, str]) -> Path:
    """Where a film goes, `output=`.

    Raises:
        CommandError: left out, a folder, or no .mp4.
    """
    require("output" in values, CommandError, "output= is missing, e.g. output=clip.mp4.")
    output = Path(values["output"]).expanduser()
    require(output.suffix.lower() == ".mp4", CommandError, f"output={output}: a film is written as .mp4; give it that ending.")
    require(not output.is_dir(), CommandError, f"output={output}: that is a folder; a file is needed.")
    return output


def film_size(values: Mapping[str, str], default: str) -> tuple[int, int]:
    """Width and height, pixels, `size=`; even, as films have to be.

    Raises:
        CommandError: not WIDTHxHEIGHT, or out of range.
    """
    word = values.get("size", default)
    found = re.fullmatch(r"(\d+)x(\d+)", word)
    fits = found is not None and all(_LEAST_PX <= int(side) <= _MOST_PX for side in found.groups())
    require(fits, CommandError, f"size={word}: WIDTHxHEIGHT is wanted, {_LEAST_PX} to {_MOST_PX} each, e.g. {default}.")
    assert found is not None
    return int(found[1]) // 2 * 2, int(found[2]) // 2 * 2
