"""Door: `python -m envs view`: a demonstration of a chore with things, in the browser."""

from __future__ import annotations

import contextlib
import webbrowser
from collections.abc import Sequence

from envs.household.render_command import demonstration_of
from motion.arguments import is_true, numbered, split_words
from robots.page.port import address_of, check_port

USAGE = """usage: python -m envs view DEMONSTRATION.npz [key=value ...]

Shows in a browser what a robot did in a chore with things: the scene, the stages as they were reached, and the forces
on its hands.

  port=8080       where the page is served
  host=127.0.0.1  only this machine; 0.0.0.0 lets others see it, without a password
  robot=FOLDER    of the demonstration, where it is not one of ours
  open=true       open the page in the default browser

Ctrl-C ends it."""


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0
    files, values = split_words(words, ("port", "host", "robot", "open"), "python -m envs view")
    opened, host, port = is_true(values, "open"), values.get("host", "127.0.0.1"), int(numbered(values, "port", 8080) or 8080)
    demonstration = demonstration_of(files)
    check_port(host, port)
    # Only now: all of this takes a while to load, and a wrong word should be said at once.
    from envs.household.film import chore_of
    from envs.household.page import Page
    from robots.page.server import open_server

    chore = chore_of(demonstration, values.get("robot"))
    with contextlib.suppress(KeyboardInterrupt), Page(demonstration, chore, open_server(host, port)) as page:
        print(f"Open {address_of(host, port)} in a browser. Ctrl-C ends it.", flush=True)
        if opened:
            webbrowser.open(address_of(host, port))
        page.player.run()
    return 0
