"""The person behind a recording: what was seen of them, without what was found broken, and their measures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from motion.human import HumanMotion
from motion.segments import segment_frame
from motion.transform import Array, matrix_from_wxyz
from retarget.inspect import Inspection


class Person:
    """The recording, cleaned of what the inspection found broken, with lengths and the floor."""

    def __init__(self, motion: HumanMotion, inspection: Inspection) -> None:
        self.motion = motion
        position, confidence = motion.position_m.copy(), motion.confidence.copy()
        position[inspection.broken] = np.nan
        confidence[inspection.broken] = 0.0
        self._column = {name: index for index, name in enumerate(motion.landmarks)}
        self._position, self._confidence = position, np.where(np.isfinite(position).all(-1), confidence, 0.0)
        self._missing = np.full((len(motion.time_s), 3), np.nan)
        self.floor_m, self.ankle_flat_m = inspection.floor_m, inspection.ankle_flat_m
        self.has_feet = bool(inspection.contacts)
        self.stance = inspection.stance

    def point(self, name: str) -> Array:
        """(T, 3) positions of a landmark; NaN where unseen or broken."""
        return self._position[:, self._column[name]] if name in self._column else self._missing

    def seen(self, *names: str) -> bool:
        """Whether every landmark was seen at least once."""
        return all(name in self._column and np.isfinite(self.point(name)).any() for name in names)

    def trust(self, *names: str) -> Array:
        """(T,) the least confidence among the landmarks."""
        columns = [self._column[name] for name in names]
        return self._confidence[:, columns].min(1)

    def middle(self, name: str) -> Array:
        """(T, 3) halfway between the left and the right landmark of that name."""
        return (self.point(f"left_{name}") + self.point(f"right_{name}")) / 2

    def length_m(self, *chain: str) -> float:
        """Length of a chain of landmarks, each bone's median over the recording; NaN if one was never seen."""
        if not self.seen(*chain):
            return float("nan")
        return float(sum(np.nanmedian(np.linalg.norm(self.point(a) - self.point(b), axis=-1)) for a, b in pairwise(chain)))

    def orientation(self, segment: str) -> tuple[Array, Array]:
        """Rotations (T, 3, 3) of a segment and their conditioning (T,): measured where the source has it."""
        derived, weight = segment_frame(segment, self.point)
        if segment in self.motion.segments:
            assert self.motion.segment_wxyz is not None
            measured = self.motion.segment_wxyz[:, self.motion.segments.index(segment)]
            seen = np.asarray(np.isfinite(measured).all(axis=-1))
            derived, weight = np.where(seen[:, None], measured, derived), np.where(seen, 1.0, weight)
        return matrix_from_wxyz(derived), weight
