"""`python -m retarget view`: motions and recordings in the browser."""

from __future__ import annotations

import contextlib
import errno
import socket
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from motion.errors import UnderstudyError, UnknownNameError, require
from retarget.pipeline import RetargetSettings
from retarget.sources.base import SourceOptions
from retarget.view.lineage import Shown, load_shown
from retarget.view.recording import Recording, is_recording, load_recording

USAGE = """usage: python -m retarget view FILE [SECOND] [key=value ...]

Shows in a browser: a robot's motion, the person it was made from, and what the solver was asked for; or a recording by
itself, anything that `python -m retarget read` reads; or two files side by side.

  port=8080          where the page is served
  host=127.0.0.1     only this machine; 0.0.0.0 lets others see it, without a password
  human=FILE         a motion's recording; found by its lineage otherwise. For two: human=A,B
  robot=NAME         for motions of other tools, or of a robot in a folder. For two: robot=A,B
  rate_hz=N          of motions that carry no rate (.csv)
  source.NAME=VALUE  stated about recordings, as for `python -m retarget read`: source.name=bvh, source.unit_m=0.01, ...
  open=true          open the page in the default browser

Ctrl-C ends it. What is to be seen: docs/view.md"""
_YES = MappingProxyType({"true": True, "false": False})
_SOURCE = "source."
SOURCE_KEYS = (f"{_SOURCE}name", *(f"{_SOURCE}{name}" for name in SourceOptions.__dataclass_fields__))
"""Words with which a user states something about recordings."""


class ViewError(UnderstudyError):
    """The page cannot be shown."""


def split_words(words: Sequence[str], keys: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Files, and key=value words.

    Raises:
        UnknownNameError: a key that does not exist.
    """
    files, values = [], {}
    for word in words:
        key, is_pair, value = word.partition("=")
        if key in ("input", "motion") and is_pair:
            files.append(value)
        elif is_pair and not Path(word).exists():
            if key not in keys:
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


def reading_settings(values: Mapping[str, str]) -> RetargetSettings:
    """How recordings are read, from the words that begin with "source.".

    Raises:
        ViewError: no number where one is wanted.
        UnderstudyError: what `SourceOptions` refuses.
    """
    stated = {key.removeprefix(_SOURCE): key for key in values if key.startswith(_SOURCE)}
    name, hints = stated.pop("name", None), get_type_hints(SourceOptions)
    options: dict[str, Any] = {
        field: numbered(values, key, None) if hints[field] == float | None else values[key] for field, key in stated.items()
    }
    found = None if name is None or values[name] == "auto" else values[name]
    return RetargetSettings(source=found, options=SourceOptions(**options))


def shown_files(files: Sequence[str], values: Mapping[str, str]) -> list[Shown | Recording]:
    """One or two files of the command line, read; motions each with its person where it is found.

    Raises:
        ViewError: none, or more than two.
    """
    require(1 <= len(files) <= 2, ViewError, f"{len(files)} files were named; one or two are wanted: motion.npz [second.npz].")
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


def _free_port(host: str, port: int) -> None:
    """Refuse a port that somebody uses: viser would take another one silently."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ViewError(f"port {port} of {host} is in use; take another one, e.g. port={port + 1}.") from error
            raise ViewError(f"host={host} port={port}: cannot be served from here ({error.strerror or error}).") from error
        except OverflowError as error:
            raise ViewError(f"port={port}: ports go from 1 to 65535.") from error


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    files, values = split_words(words, ("port", "host", "human", "robot", "rate_hz", "open", *SOURCE_KEYS))
    opened = values.get("open", "false").lower()
    require(opened in _YES, ViewError, f"open={opened}: true or false is wanted.")
    host, port = values.get("host", "127.0.0.1"), int(numbered(values, "port", 8080) or 8080)
    _free_port(host, port)
    shown = shown_files(files, values)
    from retarget.view.page import Page  # only now: viser takes a while, and a wrong word should be said at once

    with contextlib.suppress(KeyboardInterrupt), Page(shown, host, port) as page:
        for item in shown:
            print(item.title, *item.notes, sep="\n- ")
        address = f"http://{'localhost' if host in ('0.0.0.0', '127.0.0.1') else host}:{port}"
        print(f"Open {address} in a browser. Ctrl-C ends it.", flush=True)
        if _YES[opened]:
            webbrowser.open(address)
        page.run()
    return 0
