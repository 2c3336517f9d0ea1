"""`python -m retarget view`: motions and recordings in the browser."""

from __future__ import annotations

import contextlib
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from motion.arguments import CommandError, is_true, numbered, split_words
from motion.errors import FileFormatError, require
from robots.page.port import address_of, check_port

if TYPE_CHECKING:
    from viser import ViserServer

    from retarget.view.page import Page

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
NAME, INPUTS = "python -m retarget", ("input", "motion")


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    files, values = split_words(words, ("port", "host", "human", "robot", "rate_hz", "open", "source."), NAME, INPUTS)
    opened = is_true(values, "open")
    host, port = values.get("host", "127.0.0.1"), int(numbered(values, "port", 8080) or 8080)
    _check_files(files, values)
    check_port(host, port)
    # From here on a browser loads its part of the page, while the motions, and what reads them, are loaded here.
    from robots.page.server import close_server, open_server

    server = open_server(host, port)
    try:
        address = address_of(host, port)
        print(f"Open {address} in a browser. Ctrl-C ends it.", flush=True)
        if opened:
            webbrowser.open(address)
        page = _page(server, files, values)
    except KeyboardInterrupt:
        close_server(server)
        return 0
    except BaseException:
        close_server(server)
        raise
    with contextlib.suppress(KeyboardInterrupt), page:
        page.player.run()
    return 0


def _page(server: ViserServer, files: Sequence[str], values: Mapping[str, str]) -> Page:
    from retarget.view.files import shown_files
    from retarget.view.page import Page

    shown = shown_files(files, values)
    for item in shown:
        print(item.title, *item.notes, sep="\n- ", flush=True)
    return Page(shown, server)


def _check_files(files: Sequence[str], values: Mapping[str, str]) -> None:
    """Refuse what cannot be shown for a reason that is seen at once."""
    require(1 <= len(files) <= 2, CommandError, f"{len(files)} files were named; one or two are wanted: motion.npz [second.npz].")
    for file in (*files, *filter(None, values.get("human", "").split(","))):
        require(Path(file).expanduser().is_file(), FileFormatError, f"{file}: no such file.")
