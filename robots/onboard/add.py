"""`robots add`: a URDF in, a folder with robot.yaml and a picture of the mapping out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from motion.errors import RobotError, require
from motion.store import write_text
from robots.onboard.draft import Draft, draft
from robots.onboard.picture import write_picture
from robots.onboard.write import yaml_text
from robots.yaml_loader import FILE, catalogue

PICTURE = "mapping.png"


def add(urdf: Path, folder: Path | None = None, packages: Sequence[Path] = (), overwrite: bool = False) -> tuple[Draft, Path]:
    """Draft a robot and write its folder; returns the draft and the folder.

    Args:
        urdf: the file.
        folder: to write to; named after the URDF, in the current directory, by default.
        packages: folders in which `package://` is resolved, beside those that are found.
        overwrite: whether a robot.yaml that is there may be replaced.

    Raises:
        RobotError: no URDF of a humanoid or a hand, or a robot.yaml is there already.
    """
    folder = folder or Path(urdf.stem)
    target = folder / FILE
    require(overwrite or not target.exists(), RobotError, f"{target} is there already; overwrite=true replaces it, output= names another.")
    require(not folder.is_file(), RobotError, f"output={folder}: that is a file; a folder is needed.")
    taken = catalogue()
    if folder.resolve().name in taken and folder.resolve() != taken[folder.resolve().name]:
        name = folder.resolve().name
        raise RobotError(f"{folder}: {name!r} is the name of a shipped robot. Give output= another folder, for example my_{name}.")
    made = draft(urdf, folder, packages)
    folder.mkdir(parents=True, exist_ok=True)
    write_picture(made, folder / PICTURE)
    write_text(target, yaml_text(made, urdf.name))
    return made, folder
