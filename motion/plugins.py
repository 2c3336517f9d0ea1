"""Extensions from outside the repo: entry points of the group `understudy.plugins`, named `<kind>.<name>`.

A package that adds a source called "mocap_x" declares, in its pyproject.toml:

    [project.entry-points."understudy.plugins"]
    "source.mocap_x" = "my_package.mocap_x:SOURCE"
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any

GROUP = "understudy.plugins"


def plugins(kind: str) -> dict[str, Any]:
    """Name -> object of every installed plug-in of one kind ("source", "chore", "policy")."""
    found = (entry for entry in entry_points(group=GROUP) if entry.name.startswith(f"{kind}."))
    return {entry.name.removeprefix(f"{kind}."): entry.load() for entry in found}


def found_in(package: str, constant: str, kind: str) -> dict[str, Any]:
    """Name -> what the modules of a package hold as `constant`, one each, and what plug-ins of that kind add."""
    modules = [import_module(f"{package}.{module.name}") for module in iter_modules(import_module(package).__path__)]
    own = [found for module in modules if (found := getattr(module, constant, None)) is not None]
    return {found.name: found for found in own} | plugins(kind)
