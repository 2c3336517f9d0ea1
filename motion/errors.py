"""One error root for the project, and messages that say what exists and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

BROKEN = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What a parser may run into where a file breaks its format in an unforeseen way: still one error, and nothing read."""


class UnderstudyError(Exception):
    """Root of every error that Understudy raises on purpose."""


class UnknownNameError(UnderstudyError):
    """A name was asked for that does not exist; the message lists what does.

    Args:
        kind: what was looked up, in the singular ("landmark", "robot", "plant").
        name: what was asked for.
        known: what exists.
        where: file or place of the request, when there is one.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str], where: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        place = f" in {where}" if where else ""
        super().__init__(f"unknown {kind} {str(name)!r}{place}.{hint} Known: {', '.join(names) or 'none'}.")
        self.name, self.known = str(name), tuple(names)


class ShapeError(UnderstudyError):
    """An array does not have the shape that its field is documented to have."""


class FileFormatError(UnderstudyError):
    """A file cannot be read as what it claims to be."""


class RobotError(UnderstudyError):
    """A robot folder or its URDF breaks a rule of `robot.yaml`."""


class MotionError(UnderstudyError):
    """A motion holds data that no later stage could use."""


class CheckpointError(UnderstudyError):
    """A checkpoint cannot be loaded, or does not fit what it is asked to do."""


def require(condition: bool, error: type[UnderstudyError], message: str) -> None:
    """Raise `error(message)` unless `condition` holds."""
    if not condition:
        raise error(message)
