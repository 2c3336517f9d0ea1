"""Chores by name: ours and those of installed plug-ins (entry points "chore.<name>")."""

from __future__ import annotations

from envs.chores.base import Chore
from envs.chores.follow import Follow
from motion.errors import UnknownNameError
from motion.plugins import plugins


def known_chores() -> dict[str, type[Chore]]:
    """Every chore's class by name."""
    return {Follow.name: Follow, **plugins("chore")}


def find_chore(name: str) -> type[Chore]:
    """The class of a chore.

    Raises:
        UnknownNameError: no chore of that name.
    """
    known = known_chores()
    if name not in known:
        raise UnknownNameError("chore", name, known)
    return known[name]
