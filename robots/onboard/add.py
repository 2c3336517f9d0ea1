"""`robots add`: a URDF in, a folder with robot.yaml and a picture of the mapping out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from motion.errors import RobotError, UnderstudyError, require
from motion.store import write_text
from robots.onboard import upright
from robots.onboard.analyse import analyse
from robots.onboard.draft import Draft, draft
from robots.onboard.packages import find_packages
from robots.onboard.picture import write_picture
from robots.onboard.upright import is_tilted, upright_text
from robots.onboard.write import yaml_text
from robots.yaml_loader import FILE, catalogue, default_packages

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
    folder = folder or _default_folder(urdf)
    target = folder / FILE
    require(overwrite or not target.exists(), RobotError, f"{target} is there already; overwrite=true replaces it, output= names another.")
    require(not folder.is_file(), RobotError, f"output={folder}: that is a file; a folder is needed.")
    taken = catalogue()
    if folder.resolve().name in taken and folder.resolve() != taken[folder.resolve().name]:
        name = folder.resolve().name
        raise RobotError(f"{folder}: {name!r} is the name of a shipped robot. Give output= another folder, for example my_{name}.")
    made = _drafted(urdf, folder, packages)
    folder.mkdir(parents=True, exist_ok=True)
    write_picture(made, folder / PICTURE)
    write_text(target, yaml_text(made, urdf.name))
    return made, folder


def _default_folder(urdf: Path) -> Path:
    """Named after the URDF; as a robot of that name ships with the project, `my_` before it."""
    return Path(f"my_{urdf.stem}" if urdf.stem in catalogue() else urdf.stem)


def _drafted(urdf: Path, folder: Path, packages: Sequence[Path]) -> Draft:
    """The draft; of a robot whose root is tilted, from an upright copy of its URDF, which is then beside robot.yaml."""
    require(urdf.is_file(), RobotError, f"{urdf}: no such file. Give the path of a URDF.")
    folders = find_packages(urdf, packages)
    anatomy = analyse(urdf, (*folders, *default_packages()))
    if not is_tilted(anatomy):
        return draft(urdf, folder, folders, anatomy)
    copy = folder / upright.FILE
    write_text(copy, upright_text(urdf, anatomy, folder))
    try:
        made = draft(copy, folder, folders, name=urdf.stem)
    except UnderstudyError:
        copy.unlink()
        raise
    said = f"The root link of {urdf.name} is not upright: {upright.FILE} is the same robot on a root with x forward and z up."
    return replace(made, unsure=(said, *made.unsure))
