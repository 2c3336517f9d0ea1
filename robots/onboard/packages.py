"""Where a URDF's meshes are: `package://` folders found by looking upwards from the file, and names that lead nowhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from robots.stand_ins import mesh_is_there
from robots.urdf import read_urdf
from robots.yaml_loader import default_packages

_SCHEME = "package://"


def find_packages(urdf: Path, given: Sequence[Path] = ()) -> tuple[Path, ...]:
    """Folders in which the URDF's `package://` meshes are found, beside those that are always searched.

    Args:
        urdf: the file.
        given: folders that are known to be needed; they come first.
    """
    found = [folder.resolve() for folder in given]
    for name in read_urdf(urdf).meshes:
        if not name.startswith(_SCHEME) or mesh_is_there(name, urdf, (*found, *default_packages())):
            continue
        inside = name.removeprefix(_SCHEME).lstrip("/")
        found += [parent for parent in urdf.resolve().parents if (parent / inside).is_file()][:1]
    return tuple(found)


def lost_meshes(urdf: Path, packages: Sequence[Path]) -> tuple[str, ...]:
    """The URDF's mesh names behind which there is no file, or none of a kind that can be read."""
    return tuple(name for name in read_urdf(urdf).meshes if not mesh_is_there(name, urdf, packages))


def urdf_entry(urdf: Path, folder: Path) -> str:
    """What `urdf:` says: package://... for a file of an installed package, else the way to it from the folder."""
    for prefix in default_packages():
        if urdf.resolve().is_relative_to(prefix.resolve()):
            return _SCHEME + urdf.resolve().relative_to(prefix.resolve()).as_posix()
    return os.path.relpath(urdf.resolve(), folder.resolve())
