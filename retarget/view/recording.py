"""A person's recording by itself: read, and looked at before anybody trusts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from motion.human import HumanMotion
from motion.robot_motion import KIND
from motion.store import kind_of
from motion.transform import Array
from retarget.inspect import Inspection, inspect
from retarget.robot_motions import SUFFIXES
from retarget.sources.base import SourceOptions, accepting, read_recording


@dataclass(frozen=True)
class Recording:
    """A recording with everything that can be shown of it.

    Attributes:
        path: the file.
        human: the person as read, nothing smoothed.
        inspection: what the recording shows of itself.
        understood: what was understood of the file, in words.
    """

    path: Path
    human: HumanMotion
    inspection: Inspection
    understood: Mapping[str, str] = field(default_factory=dict)

    @property
    def time_s(self) -> Array:
        """(T,) of its frames."""
        return self.human.time_s

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"{self.path.name}, the recording"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what was found."""
        broken = int(self.inspection.broken_frames().sum())
        said = tuple(f"{key}: {value}" for key, value in self.understood.items())
        return (*said, f"broken frames: {broken} of {len(self.time_s)}")

    def clean(self) -> HumanMotion:
        """The person without what is broken."""
        position = np.where(self.inspection.broken[..., None], np.nan, self.human.position_m)
        return replace(self.human, position_m=position)


def load_recording(path: Path, options: SourceOptions | None = None, source: str | None = None) -> Recording:
    """Read a recording and inspect it.

    Args:
        path: anything that a source reads.
        options: of that source.
        source: its name; found out by default.

    Raises:
        FileFormatError: no source reads it.
    """
    reading = read_recording(path, options, source)
    return Recording(path, reading.motion, inspect(reading.motion), reading.understood)


def is_recording(path: Path, robot: str | None = None) -> bool:
    """Whether a file is a person's recording rather than a robot's motion; one whose robot was named is a motion.

    Where a file could be either, a source that accepts it decides.
    """
    if path.suffix.lower() not in SUFFIXES:
        return True
    kind = kind_of(path)
    if kind is not None:
        return kind not in (KIND, "demonstration")
    return robot is None and path.is_file() and accepting(path) is not None
