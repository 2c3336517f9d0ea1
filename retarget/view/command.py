"""`python -m retarget view`: a motion in the browser, beside the person that it was made from."""

from __future__ import annotations

import contextlib
import errno
import socket
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from motion.errors import UnderstudyError, UnknownNameError, require
from retarget.view.lineage import Shown, load_shown

USAGE = """usage: python -m retarget view MOTION.npz [SECOND.npz] [key=value ...]

Shows a robot's motion, the person it was made from, and what the solver was asked for, in a browser.

  port=8080          where the page is served
  host=127.0.0.1     only this machine; 0.0.0.0 lets others see it, without a password
  human=FILE         the recording; found by the motion's lineage otherwise. For two motions: human=A,B
  robot=NAME         for motions of other tools, or of a robot in a folder. For two motions: robot=A,B
  rate_hz=N          of motions that carry no rate (.csv)
  open=true          open the page in the default browser

Ctrl-C ends it. What is to be seen: docs/view.md"""
_YES = MappingProxyType({"true": True, "false": False})


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


def shown_files(files: Sequence[str], values: Mapping[str, str]) -> list[Shown]:
    """One or two motions of the command line, read, each with its person where it is found.

    Raises:
        ViewError: none, or more than two.
    """
    require(1 <= len(files) <= 2, ViewError, f"{len(files)} motions were named; one or two are wanted: motion.npz [second.npz].")
    rate_hz = numbered(values, "rate_hz", None)
    humans, robots = (_for_each(values.get(key, ""), len(files)) for key in ("human", "robot"))
    return [
        load_shown(Path(file).expanduser(), robot or None, Path(human).expanduser() if human else None, rate_hz)
        for file, robot, human in zip(files, robots, humans, strict=True)
    ]


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
    files, values = split_words(words, ("port", "host", "human", "robot", "rate_hz", "open"))
    opened = values.get("open", "false").lower()
    require(opened in _YES, ViewError, f"open={opened}: true or false is wanted.")
    host, port = values.get("host", "127.0.0.1"), int(numbered(values, "port", 8080) or 8080)
    _free_port(host, port)
    shown = shown_files(files, values)
    from retarget.view.page import Page  # only now: viser takes a while, and a wrong word should be said at once

    with contextlib.suppress(KeyboardInterrupt), Page(shown, host, port) as page:
        for item in shown:
            print(f"{item.path.name} on {item.body.robot.name}", *item.notes, sep="\n- ")
        address = f"http://{'localhost' if host in ('0.0.0.0', '127.0.0.1') else host}:{port}"
        print(f"Open {address} in a browser. Ctrl-C ends it.", flush=True)
        if _YES[opened]:
            webbrowser.open(address)
        page.run()
    return 0
