"""Where a URDF's meshes are: `package://` folders found by looking upwards from the file, and names that lead nowhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from motion.errors import RobotError
from robots.urdf import read_urdf, resolve_mesh
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
        if not name.startswith(_SCHEME) or _is_there(name, urdf, (*found, *default_packages())):
            continue
        inside = name.removeprefix(_SCHEME).lstrip("/")
        found += [parent for parent in urdf.resolve().parents if (parent / inside).is_file()][:1]
    return tuple(found)


def lost_meshes(urdf: Path, packages: Sequence[Path]) -> tuple[str, ...]:
    """The URDF's mesh names behind which there is no file."""
    return tuple(name for name in read_urdf(urdf).meshes if not _is_there(name, urdf, packages))


def _is_there(name: str, urdf: Path, packages: Sequence[Path]) -> bool:
    try:
        resolve_mesh(name, urdf, packages)
    except RobotError:
        return False
    return True


def urdf_entry(urdf: Path, folder: Path) -> str:
    """What `urdf:` says: package://... for a file of an installed package, else the way to it from the folder."""
    for prefix in default_packages():
        if urdf.resolve().is_relative_to(prefix.resolve()):
            return _SCHEME + urdf.resolve().relative_to(prefix.resolve()).as_posix()
    return os.path.relpath(urdf.resolve(), folder.resolve())
