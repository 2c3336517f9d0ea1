"""A contract: named checks that raise where they are broken, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from motion.errors import UnderstudyError

Thing = TypeVar("Thing")


class ContractError(UnderstudyError):
    """A plug-in breaks its contract; the message says where and by how much."""


class NotApplicable(Exception):
    """A check does not apply to this thing; the message says why."""


@dataclass(frozen=True)
class Check(Generic[Thing]):
    """One thing that has to be true.

    Attributes:
        says: what, as a sentence.
        run: raises ContractError (or any error of ours) where it is not true, NotApplicable where it cannot be asked.
        advice: what to do where it fails.
    """

    says: str
    run: Callable[[Thing], None]
    advice: str


@dataclass(frozen=True)
class Outcome:
    """What came of one check: `why` it failed or was skipped, and what to do about it."""

    says: str
    result: Literal["passed", "failed", "skipped"]
    why: str = ""
    advice: str = ""


def examine(thing: Thing, checks: Sequence[Check[Thing]]) -> Iterator[Outcome]:
    """Run the checks one after another; an error of ours is a failure, any other a bug and not caught."""
    for check in checks:
        try:
            check.run(thing)
        except NotApplicable as reason:
            yield Outcome(check.says, "skipped", str(reason))
        except UnderstudyError as error:
            yield Outcome(check.says, "failed", str(error), check.advice)
        else:
            yield Outcome(check.says, "passed")


def hold(condition: bool, message: str) -> None:
    """Raise `ContractError(message)` unless the condition holds."""
    if not condition:
        raise ContractError(message)
