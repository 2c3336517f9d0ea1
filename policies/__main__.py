"""Doors: `python -m policies export checkpoint=runs/mine/best output=exported/`, and `play checkpoint=exported/`.

A command's code is loaded when it is asked for: `play` runs where PyTorch is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from motion.errors import UnderstudyError, UnknownNameError

USAGE = """usage: python -m policies export checkpoint=FOLDER output=FOLDER [format=onnx]    a checkpoint as graphs: onnx or torchscript
       python -m policies play checkpoint=FOLDER [key=value ...]                  a control loop around what was exported
All settings of a command: python -m policies COMMAND --help"""


def export(config: dict[str, Any]) -> int:
    """Write the graphs of a checkpoint."""
    from policies.export import export_checkpoint
    from understudy import needed, output_of, path_of

    checkpoint = path_of(needed(config, "checkpoint", "runs/mine/best"))
    folder = export_checkpoint(checkpoint, output_of(config, "exported/"), str(config["format"]))
    print(f"wrote {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return 0


def _export(words: Sequence[str]) -> int:
    from understudy import door

    door("export", command="export")(export)()  # leaves the program
    return 0


def _play(words: Sequence[str]) -> int:
    from policies.deploy.play import main as play

    return play(words)


COMMANDS = {"export": _export, "play": _play}


def main(words: Sequence[str]) -> int:
    """Run the command line; returns the exit status."""
    if not words or words[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    return _status(lambda: _command(words[0])(words[1:]))


def _command(name: str) -> Callable[[Sequence[str]], int]:
    if name not in COMMANDS:
        raise UnknownNameError("command", name, COMMANDS, "python -m policies")
    return COMMANDS[name]


def _status(run: Callable[[], int]) -> int:
    """Exit status of a command; what went wrong is one line. As `understudy.status_of`, which would bring Hydra with it."""
    try:
        return run()
    except UnderstudyError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped.", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
