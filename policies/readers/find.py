"""Which reader a robot's observations are for: the first whose names were all recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from motion.demonstration import IMAGE
from motion.errors import MotionError, UnknownNameError, require
from motion.words import TEXT
from policies.readers.base import Reader
from policies.readers.follow import FollowReader
from policies.readers.guided import GuidedReader
from policies.readers.household import HouseholdReader
from policies.readers.state import StateReader
from policies.spec import GOAL, GOAL_TURN, USUAL, Reads

if TYPE_CHECKING:
    from policies.base import PolicySpec

READERS: tuple[type[Reader], ...] = (GuidedReader, HouseholdReader, FollowReader)


def _kind(recorded: Iterable[str], where: str) -> type[Reader]:
    known = list(recorded)
    lacking = {reader: [name for name in reader.names if name not in (*known, *_spared(reader, TEXT in known))] for reader in READERS}
    for reader, missing in lacking.items():
        if not missing:
            return reader
    if set(StateReader.names) <= set(known):
        return StateReader
    nearest = min(READERS, key=lambda reader: len(lacking[reader]))
    raise UnknownNameError("observation", lacking[nearest][0], known, where)


def _spared(reader: type[Reader], text: bool) -> tuple[str, ...]:
    """What a reader may do without."""
    return (*reader.things, *(reader.instead_of_text if text else ()))


def read_names(recorded: Iterable[str], where: str = "what was recorded", reads: Reads = USUAL) -> tuple[str, ...]:
    """What a policy reads of what was recorded, in its order; pictures come last.

    Raises:
        UnknownNameError: something that it needs was not recorded.
        MotionError: words for a reader that reads none.
    """
    known = list(recorded)
    reader = _kind(known, where)
    says = f"policy.text=true is for chores with things; {where} is not of one, or is told a recording, which says what is to be done."
    require(not reads.text or bool(reader.instead_of_text), MotionError, says)
    withheld = (*(() if reads.things else reader.things), *(reader.instead_of_text if reads.text else ()))
    goal = (GOAL, GOAL_TURN) if reads.goal else ()
    text = (TEXT,) if reads.text else ()
    needed = [name for name in (*reader.names, *goal, *text) if name not in withheld]
    pictures = [IMAGE + camera for camera in reads.cameras]
    for name in (*needed, *pictures):
        if name not in known:
            raise UnknownNameError("observation", name, known, where)
    return (*needed, *(name for name in reader.optional if name in known and name not in withheld), *pictures)


def make_reader(spec: PolicySpec, previous_action: bool) -> Reader:
    """The reader for a specification's observations."""
    return _kind(spec.shapes, "the specification")(spec, previous_action)
