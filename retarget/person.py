"""The person behind a recording: what was seen of them, without what was found broken, and their measures."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

from motion.human import HumanMotion
from motion.segments import segment_frame
from motion.transform import Array, matrix_from_wxyz
from retarget.inspect import Inspection
from retarget.spans import faded, runs

BLEND_S = 0.2
"""How long what goes out of view takes to lose its weight, and what comes back to regain it."""
_LATE = 3
"""Power of that blend: weights are compared by squares, and what comes back must not win as soon as it weighs anything."""
BRIDGE_S = 0.15
"""A shorter gap is none: the solver's smoothness bridges it."""
GUESSED = 0.5
"""Confidence of a landmark that was not seen and is guessed from others."""


class Person:
    """The recording, cleaned of what the inspection found broken, with lengths and the floor.

    Args:
        motion: the recording.
        inspection: what was found in it.
        like: the same person in an earlier recording, whose measures count here; this one's own by default.
    """

    def __init__(self, motion: HumanMotion, inspection: Inspection, like: Person | None = None) -> None:
        self.motion, self._like = motion, like
        self._bones: dict[tuple[str, str], float] = {}
        position, confidence = motion.position_m.copy(), motion.confidence.copy()
        self._lost = _lost(motion.time_s, np.isfinite(position).all(-1) & (confidence > 0))
        position[inspection.broken] = np.nan
        confidence[inspection.broken] = 0.0
        self._column = {name: index for index, name in enumerate(motion.landmarks)}
        self._position, self._confidence = position, np.where(np.isfinite(position).all(-1), confidence, 0.0)
        self._presence = _presence(motion.time_s, self._lost)
        self._guessed = np.zeros(self._lost.shape, bool)
        self._missing = np.full((len(motion.time_s), 3), np.nan)
        self.floor_m, self.ankle_flat_m = inspection.floor_m, inspection.ankle_flat_m
        self.has_feet = bool(inspection.contacts)
        self.stance = inspection.stance

    def point(self, name: str) -> Array:
        """(T, 3) positions of a landmark; NaN where unseen or broken, and not guessed."""
        return self._position[:, self._column[name]] if name in self._column else self._missing

    def seen(self, *names: str) -> bool:
        """Whether every landmark was seen (or guessed) at least once, here or in the earlier recording."""
        return all(name in self._column and (self._known(name) or np.isfinite(self.point(name)).any()) for name in names)

    def _known(self, name: str) -> bool:
        return self._like is not None and self._like.seen(name)

    def trust(self, *names: str) -> Array:
        """(T,) the least confidence among the landmarks; it fades before one goes out of view, and grows when it is back."""
        columns = [self._column[name] for name in names]
        return (self._confidence[:, columns] * self._presence[:, columns] ** _LATE).min(1)

    def confidence(self, name: str) -> Array:
        """(T,) confidence of a landmark as recorded, without fading; 0 where unseen."""
        return self._confidence[:, self._column[name]] if name in self._column else np.zeros(len(self._missing))

    def presence(self, name: str) -> Array:
        """(T,) 1 while a landmark is in view, short gaps included, falling smoothly to 0 where it goes out of view for longer."""
        column = self._column.get(name)
        if column is None or self._lost[:, column].all():
            return np.zeros(len(self._missing))
        return np.where(self._guessed[:, column], 0.0, self._presence[:, column])

    def absence(self, name: str) -> Array:
        """(T,) 0 while a landmark is in view, rising smoothly to 1 within the time that it is out of view."""
        column = self._column.get(name)
        lost = np.ones(len(self._missing), bool) if column is None else self._lost[:, column]
        return np.asarray(1 - faded(self.motion.time_s, ~lost, BLEND_S))

    def guessed(self, *names: str) -> np.ndarray:
        """(T,) whether one of the landmarks is guessed."""
        return np.asarray(self._guessed[:, [self._column[name] for name in names]].any(axis=1))

    def in_view(self, names: Iterable[str]) -> np.ndarray:
        """(T,) whether any of the landmarks is seen, not guessed."""
        columns = [self._column[name] for name in names if name in self._column]
        return np.asarray(((self._confidence > 0) & ~self._guessed)[:, columns].any(axis=1))

    def with_guesses(self, guesses: Mapping[str, Array]) -> Person:
        """The same person with landmarks filled in where they are out of view: name -> (T, 3)."""
        out, frames = copy.copy(self), len(self._missing)
        out._bones = {}
        new = [name for name in guesses if name not in self._column]
        out._column = self._column | {name: len(self._column) + index for index, name in enumerate(new)}
        grown = np.zeros((frames, len(new)))
        out._position = np.concatenate([self._position, np.full((frames, len(new), 3), np.nan)], axis=1)
        out._confidence, out._presence = (np.concatenate([array, grown], axis=1) for array in (self._confidence, self._presence))
        out._lost = np.concatenate([self._lost, grown == 0], axis=1)
        out._guessed = np.concatenate([self._guessed, grown > 0], axis=1)
        for name, guess in guesses.items():
            column = out._column[name]
            here = out._lost[:, column] & np.isfinite(guess).all(-1)
            out._position[here, column], out._guessed[here, column] = guess[here], True
            out._confidence[here, column] = GUESSED
            out._presence[here, column] = self.absence(name)[here]
        return out

    def middle(self, name: str) -> Array:
        """(T, 3) halfway between the left and the right landmark of that name."""
        return (self.point(f"left_{name}") + self.point(f"right_{name}")) / 2

    def length_m(self, *chain: str) -> float:
        """Length of a chain of landmarks, each bone's median over the recording; NaN if one was never seen."""
        lengths = [self._bone_m(a, b) for a, b in pairwise(chain)]
        return float(sum(lengths))

    def _bone_m(self, a: str, b: str) -> float:
        if (a, b) not in self._bones:
            known = float("nan") if self._like is None else self._like._bone_m(a, b)
            length = np.linalg.norm(self.point(a) - self.point(b), axis=-1)
            own = float(np.nanmedian(length)) if np.isnan(known) and np.isfinite(length).any() else known
            self._bones[a, b] = own
        return self._bones[a, b]

    def orientation(self, segment: str) -> tuple[Array, Array]:
        """Rotations (T, 3, 3) of a segment and their conditioning (T,): measured where the source has it."""
        derived, weight = segment_frame(segment, self.point)
        if segment in self.motion.segments:
            assert self.motion.segment_wxyz is not None
            measured = self.motion.segment_wxyz[:, self.motion.segments.index(segment)]
            seen = np.asarray(np.isfinite(measured).all(axis=-1))
            derived, weight = np.where(seen[:, None], measured, derived), np.where(seen, 1.0, weight)
        return matrix_from_wxyz(derived), weight


def _lost(time_s: Array, visible: np.ndarray) -> np.ndarray:
    """(T, L) what is out of view for longer than a short gap."""
    lost = np.zeros(visible.shape, bool)
    for column in np.flatnonzero(~visible.all(axis=0)):
        for gap in runs(~visible[:, column]):
            before, after = max(gap.start - 1, 0), min(gap.stop, len(time_s) - 1)
            whole = gap.start == 0 and gap.stop == len(time_s)
            lost[gap, column] = whole or time_s[after] - time_s[before] > BRIDGE_S
    return lost


def _presence(time_s: Array, lost: np.ndarray) -> Array:
    presence = np.ones(lost.shape)
    for column in np.flatnonzero(lost.any(axis=0)):
        presence[:, column] = 1 - faded(time_s, lost[:, column], BLEND_S)
    return presence
