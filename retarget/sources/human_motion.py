"""Our own HumanMotion files."""

from __future__ import annotations

from pathlib import Path

from motion.human import KIND, HumanMotion
from motion.store import kind_of
from retarget.sources.base import Reading, SourceOptions


class HumanMotionSource:
    """Reads `.npz` files written by `HumanMotion.save`. The file knows all about itself: options change nothing."""

    name = "human_motion"
    suffixes = (".npz",)

    def accepts(self, path: Path) -> bool:
        """Whether the header says so."""
        return kind_of(path) == KIND

    def read(self, path: Path, options: SourceOptions) -> Reading:
        """Read the file."""
        motion = HumanMotion.load(path)
        understood = {
            "format": "human motion",
            "frames": f"{len(motion.time_s)} at {motion.rate_hz:.4g} Hz",
            "landmarks": f"{len(motion.landmarks)}, {len(motion.segments)} segments measured",
        }
        return Reading(motion, understood)


SOURCE = HumanMotionSource()
