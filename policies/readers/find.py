"""Which reader a robot's observations are for: the first whose names were all recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from motion.errors import UnknownNameError
from policies.readers.base import Reader
from policies.readers.follow import FollowReader
from policies.readers.household import HouseholdReader
from policies.readers.state import StateReader

if TYPE_CHECKING:
    from policies.base import PolicySpec

READERS: tuple[type[Reader], ...] = (HouseholdReader, FollowReader)


def _kind(recorded: Iterable[str], where: str) -> type[Reader]:
    known = list(recorded)
    for reader in READERS:
        if set(reader.names) <= set(known):
            return reader
    if set(StateReader.names) <= set(known):
        return StateReader
    nearest = min(READERS, key=lambda reader: len(set(reader.names) - set(known)))
    missing = next(name for name in nearest.names if name not in known)
    raise UnknownNameError("observation", missing, known, where)


def read_names(recorded: Iterable[str], where: str = "what was recorded") -> tuple[str, ...]:
    """What a policy reads of what was recorded.

    Raises:
        UnknownNameError: something that every policy needs was not recorded.
    """
    known = frozenset(recorded)
    reader = _kind(known, where)
    return (*reader.names, *(name for name in reader.optional if name in known))


def make_reader(spec: PolicySpec, previous_action: bool) -> Reader:
    """The reader for a specification's observations."""
    return _kind(spec.shapes, "the specification")(spec, previous_action)
