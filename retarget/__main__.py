"""Doors: `python -m retarget input=CLIP robot=g1_dex3 output=motion.npz`, `read`, and what `COMMANDS` lists.

A command's code is loaded when it is asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module

from understudy import status_of

COMMANDS = {"export": "retarget.export", "render": "retarget.render", "score": "retarget.score", "view": "retarget.view.command"}
"""First word of the command line -> the module whose `main` takes the words after it."""

if __name__ == "__main__":
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    if first in COMMANDS:
        sys.exit(status_of(lambda: import_module(COMMANDS[first]).main(sys.argv[2:])))
    door = import_module("retarget.door")
    (door.read_command if first == "read" else door.command)()
