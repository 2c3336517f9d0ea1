"""Chores by name: every file of this folder that defines one, and those of installed plug-ins (entry points "chore.<name>")."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from envs import chores
from envs.chores.base import Chore
from envs.household.chore import Household
from motion.errors import UnderstudyError, UnknownNameError, require
from motion.plugins import plugins

_NOT_CHORES = ("base", "registry")


@cache
def own_chores() -> dict[str, type[Chore]]:
    """The chores of this folder: in each file the class whose `name` is the file's."""
    found: dict[str, type[Chore]] = {}
    for module in pkgutil.iter_modules(chores.__path__):
        if module.name not in _NOT_CHORES:
            members = vars(importlib.import_module(f"envs.chores.{module.name}")).values()
            own = [member for member in members if isinstance(member, type) and issubclass(member, Chore)]
            named = [member for member in own if getattr(member, "name", "") == module.name]
            require(len(named) == 1, UnderstudyError, f"envs/chores/{module.name}.py defines {len(named)} chores of its own name, not 1.")
            found[module.name] = named[0]
    return found


def known_chores() -> dict[str, type[Chore]]:
    """Every chore's class by name."""
    return {**own_chores(), **plugins("chore")}


def find_chore(name: str) -> type[Chore]:
    """The class of a chore.

    Raises:
        UnknownNameError: no chore of that name.
    """
    known = known_chores()
    if name not in known:
        raise UnknownNameError("chore", name, known)
    return known[name]


def household_chores() -> dict[str, type[Household]]:
    """The chores with things."""
    return {name: chore for name, chore in known_chores().items() if issubclass(chore, Household)}


def make_household(name: str, *args: object, **settings: object) -> Household:
    """A chore with things, by name; the rest as for `Household`.

    Raises:
        UnknownNameError: no such chore, or one without things.
    """
    return check_household(name)(*args, **settings)  # type: ignore[arg-type]


def check_household(name: str) -> type[Household]:
    """The class of a chore with things.

    Raises:
        UnknownNameError: no such chore, or one without things.
    """
    known = household_chores()
    if name not in known:
        raise UnknownNameError("household chore", name, known)
    return known[name]
