"""Extensions from outside the repo: entry points of the group `understudy.plugins`, named `<kind>.<name>`.

A package that adds a source called "mocap_x" declares, in its pyproject.toml:

    [project.entry-points."understudy.plugins"]
    "source.mocap_x" = "my_package.mocap_x:SOURCE"
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

GROUP = "understudy.plugins"


def plugins(kind: str) -> dict[str, Any]:
    """Name -> object of every installed plug-in of one kind ("source", "chore", "policy")."""
    found = (entry for entry in entry_points(group=GROUP) if entry.name.startswith(f"{kind}."))
    return {entry.name.removeprefix(f"{kind}."): entry.load() for entry in found}
