"""The files that `view` and `render` were given, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from motion.arguments import CommandError, numbered
from motion.errors import UnknownNameError, require
from retarget.pipeline import RetargetSettings
from retarget.sources.base import SourceOptions
from retarget.view.lineage import Shown, load_shown
from retarget.view.recording import Recording, is_recording, load_recording

_SOURCE = "source."


def reading_settings(values: Mapping[str, str]) -> RetargetSettings:
    """How recordings are read, from the words that begin with "source.".

    Raises:
        CommandError: no number where one is wanted.
        UnderstudyError: what `SourceOptions` refuses.
    """
    stated = {key.removeprefix(_SOURCE): key for key in values if key.startswith(_SOURCE)}
    name, hints = stated.pop("name", None), get_type_hints(SourceOptions)
    for field, key in stated.items():
        if field not in hints:
            raise UnknownNameError("setting", key, (f"{_SOURCE}{known}" for known in ("name", *hints)), "python -m retarget")
    options: dict[str, Any] = {
        field: numbered(values, key, None) if hints[field] == float | None else values[key] for field, key in stated.items()
    }
    found = None if name is None or values[name] == "auto" else values[name]
    return RetargetSettings(source=found, options=SourceOptions(**options))


def shown_files(files: Sequence[str], values: Mapping[str, str]) -> list[Shown | Recording]:
    """One or two files of the command line, read; motions each with its person where it is found.

    Raises:
        CommandError: none, or more than two.
    """
    require(1 <= len(files) <= 2, CommandError, f"{len(files)} files were named; one or two are wanted: motion.npz [second.npz].")
    rate_hz, settings = numbered(values, "rate_hz", None), reading_settings(values)
    humans, robots = (_for_each(values.get(key, ""), len(files)) for key in ("human", "robot"))
    return [
        _item(Path(file).expanduser(), robot or None, Path(human).expanduser() if human else None, rate_hz, settings)
        for file, robot, human in zip(files, robots, humans, strict=True)
    ]


def _item(path: Path, robot: str | None, human: Path | None, rate_hz: float | None, settings: RetargetSettings) -> Shown | Recording:
    if is_recording(path, robot):
        return load_recording(path, settings.options, settings.source)
    return load_shown(path, robot, human, rate_hz, settings)


def _for_each(value: str, count: int) -> list[str]:
    """A comma-separated value for each motion; one value is for all of them."""
    parts = value.split(",") if count > 1 else [value]
    return parts * count if len(parts) == 1 else parts[:count]
