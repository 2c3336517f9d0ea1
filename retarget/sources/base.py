"""What every source has in common: options, the report of what was understood, and finding the right source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from motion.errors import BROKEN, FileFormatError, MotionError, ShapeError, UnknownNameError, require
from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.plugins import found_in

SHARED_SUFFIXES = frozenset({".csv", ".json", ".pkl", ".tsv", ".txt"})
"""Endings that many other things have, too: met in a folder, such a file is a recording only where a source accepts it."""


@dataclass(frozen=True)
class SourceOptions:
    """What a user may state about a recording; None means: detect it, or leave it unstated.

    Attributes:
        rate_hz: frame rate, where the file carries none or a wrong one.
        unit_m: length of one unit of the file in metres (0.01 for centimetres).
        up: vertical axis of the file, one of "x", "y", "z", with "-" before it where it points down.
        joint_names: for files without names: a known order ("smpl_24"), or a path to a JSON list of names.
        joint_map: path to a JSON object, name of a joint in the file -> landmark: for skeletons that no dialect knows.
        skeleton: path to the `.asf` of an `.amc`, where it does not lie beside it.
        clip: for files of several clips: the name of one.
        model_folder: folder of the body models of SMPL, SMPL-H or SMPL-X, where you have their weights and the package smplx.
        objects: for files of markers: the groups of markers that are things beside the person ("pillow,box").
        angle_unit: "degrees" or "radians", for files of joint angles.
        hand_length_m: wrist to the tip of the middle finger, for files of joint angles; otherwise it follows from the stature.
        side: "left" or "right", for files of one hand that do not say which.
        array: for `.npz`: the array that holds the positions.
        licence, consent: what the recording may be used for, and the reference to the person's consent.
        pseudonym, height_m: the subject.
    """

    rate_hz: float | None = None
    unit_m: float | None = None
    up: str | None = None
    joint_names: str | None = None
    joint_map: str | None = None
    skeleton: str | None = None
    clip: str | None = None
    model_folder: str | None = None
    objects: str | None = None
    angle_unit: str | None = None
    hand_length_m: float | None = None
    side: str | None = None
    array: str | None = None
    licence: str | None = None
    consent: str | None = None
    pseudonym: str = "unknown"
    height_m: float | None = None

    def __post_init__(self) -> None:
        for name in ("rate_hz", "unit_m", "hand_length_m", "height_m"):
            value = getattr(self, name)
            usable = value is None or (isinstance(value, int | float) and math.isfinite(value) and value > 0)
            require(usable, MotionError, f"source.{name} is {value}; it wants a number above 0. Leave it out where it is not known.")
        if self.side not in (None, *SIDES):
            raise UnknownNameError("side", self.side, SIDES, "source.side")
        if self.angle_unit not in (None, "degrees", "radians"):
            raise UnknownNameError("unit of angles", self.angle_unit, ("degrees", "radians"), "source.angle_unit")


@dataclass(frozen=True)
class Reading:
    """A recording as read: the motion, and what was understood of the file, in words."""

    motion: HumanMotion
    understood: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """One file format. A source lives in one file of `retarget/sources/` as the constant SOURCE."""

    name: str
    suffixes: tuple[str, ...]

    def accepts(self, path: Path) -> bool:
        """Whether the file looks like this format; cheap."""
        ...

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the file, or raise `FileFormatError`."""
        ...


@cache
def sources() -> dict[str, Source]:
    """Name -> source, from this folder and from plug-ins."""
    return found_in("retarget.sources", "SOURCE", "source")


def source_for(path: Path, name: str | None = None) -> Source:
    """The source named, or the one that accepts the file.

    Raises:
        UnknownNameError: no source of that name.
        FileFormatError: no file, or no source accepts it.
    """
    known = sources()
    if name is not None:
        if name not in known:
            raise UnknownNameError("source", name, known)
        return known[name]
    if not path.is_file():
        raise FileFormatError(f"{path}: no such file.")
    found = accepting(path)
    if found is not None:
        return found
    formats = "; ".join(f"{source.name} ({', '.join(source.suffixes)})" for source in known.values())
    raise FileFormatError(f"{path}: no source reads this file. Sources: {formats}. Name one with source.name=.")


def accepting(path: Path) -> Source | None:
    """The first source that accepts the file."""
    fitting = (source for source in sources().values() if path.suffix.lower() in source.suffixes)
    return next((source for source in fitting if source.accepts(path)), None)


def read_recording(path: Path, options: SourceOptions | None = None, name: str | None = None) -> Reading:
    """Read any recording into a HumanMotion."""
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    source = source_for(path, name)
    try:
        return source.read(path, options or SourceOptions())
    except (MotionError, ShapeError) as error:
        raise FileFormatError(f"{path}: {error}") from error
    except BROKEN as error:
        said = f"{path}: broken in a way that the source {source.name} did not expect ({type(error).__name__}: {error})."
        raise FileFormatError(f"{said} Where the file is sound, this is a fault of the source.") from error
