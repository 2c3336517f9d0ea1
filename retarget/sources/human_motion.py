"""Our own HumanMotion files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from motion.errors import FileFormatError, require
from motion.human import KIND, HumanMotion
from motion.store import kind_of
from retarget.reading.normalise import check_sides, size_of_body
from retarget.sources.base import Reading, SourceOptions

_TOO_LARGE = 3.0
_KNOWN_TO_THE_FILE = ("rate_hz", "unit_m", "up", "joint_names", "joint_map", "objects", "side", "array")


class HumanMotionSource:
    """Reads `.npz` files written by `HumanMotion.save`. The file knows its numbers; whose they are may be stated anew."""

    name = "human_motion"
    suffixes = (".npz",)

    def accepts(self, path: Path) -> bool:
        """Whether the header says so."""
        return kind_of(path) == KIND

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the file; licence, consent, pseudonym and height_m replace the file's own where they are stated.

        Raises:
            FileFormatError: not such a file, or an option about what the file itself knows.
        """
        stated = [f"source.{name}" for name in _KNOWN_TO_THE_FILE if getattr(options, name) is not None]
        if stated:
            raise FileFormatError(f"{path}: a human-motion file knows its own rate, unit, axes and names; leave out {', '.join(stated)}.")
        motion = _restated(HumanMotion.load(path), options)
        _check(motion, str(path))
        understood = {
            "format": "human motion",
            "frames": f"{len(motion.time_s)} at {motion.rate_hz:.4g} Hz",
            "landmarks": f"{len(motion.landmarks)}, {len(motion.segments)} segments measured",
            "subject": motion.subject.pseudonym,
        }
        return Reading(motion, understood)


def _check(motion: HumanMotion, where: str) -> None:
    """Refuse a file that shows nothing, a giant or a dwarf, or a body whose left is right."""
    points = {name: motion.position_m[:, column] for column, name in enumerate(motion.landmarks)}
    points = {name: track for name, track in points.items() if np.isfinite(track).any()}
    require(bool(points), FileFormatError, f"{where}: no landmark is seen in any frame.")
    off = size_of_body(points)
    wrong = f"{where}: arms and legs are {off:.3g} times as long as a person's; a human-motion file is in metres."
    require(1 / _TOO_LARGE < off < _TOO_LARGE, FileFormatError, wrong)
    check_sides(points, where)


def _restated(motion: HumanMotion, options: SourceOptions) -> HumanMotion:
    subject = replace(
        motion.subject,
        pseudonym=motion.subject.pseudonym if options.pseudonym == "unknown" else options.pseudonym,
        height_m=motion.subject.height_m if options.height_m is None else options.height_m,
    )
    provenance = replace(
        motion.provenance,
        licence=options.licence or motion.provenance.licence,
        consent=options.consent or motion.provenance.consent,
    )
    return replace(motion, subject=subject, provenance=provenance)


SOURCE = HumanMotionSource()
