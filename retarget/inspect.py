"""Looking at a recording before trusting it: broken frames, the floor, and which foot stands.

What is broken is marked and said, never smoothed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from motion.human import HumanMotion
from motion.landmarks import RIGID_BONES
from motion.transform import Array
from retarget.contacts import Contacts, detect_contacts

JUMP_MPS2 = 150.0
"""A step that outruns both neighbouring steps by this is no movement: throws reach about 100 m/s2 at the wrist."""
JUMP_M = 0.02
"""And it must be larger than the jitter of any tracker, whatever the frame rate."""
_PAIRED_S = 0.25
BONE_TOLERANCE = 0.15


@dataclass(frozen=True)
class Inspection:
    """What a recording shows of itself.

    Attributes:
        landmarks: L names.
        broken: (T, L) landmarks that jumped or whose bone changed length.
        floor_m: height of the floor in the recording's world.
        ankle_flat_m: height of the ankle over the floor when the foot stands flat.
        contacts: side -> (T,) whether the foot stands.
        stance: which heel and which toe stands, how firmly, and on what.
    """

    landmarks: tuple[str, ...]
    broken: np.ndarray
    floor_m: float
    ankle_flat_m: float
    contacts: dict[str, np.ndarray]
    stance: Contacts

    def broken_frames(self, landmarks: Iterable[str] | None = None) -> np.ndarray:
        """(T,) frames in which one of the landmarks (all by default) is broken."""
        wanted = set(self.landmarks if landmarks is None else landmarks)
        columns = [index for index, name in enumerate(self.landmarks) if name in wanted]
        return np.asarray(self.broken[:, columns].any(axis=1))


def inspect(motion: HumanMotion) -> Inspection:
    """Inspect a recording."""
    broken = _jumps(motion.time_s, motion.position_m) | stretched(motion)
    stance = detect_contacts(motion, broken)
    return Inspection(motion.landmarks, broken, stance.floor_m, stance.ankle_flat_m, dict(stance.feet), stance)


def _jumps(time_s: Array, position: Array) -> np.ndarray:
    """(T, L) frames between a jump away and a jump back, cut off by a jump at either end, or around a lone jump."""
    frames, landmarks = position.shape[:2]
    broken = np.zeros((frames, landmarks), bool)
    if frames < 4:
        return broken
    steps = np.diff(position, axis=0)
    dt = np.diff(time_s)[:, None]
    excess, one_sided = _excess(np.linalg.norm(steps, axis=-1) / dt)
    with np.errstate(invalid="ignore"):
        alone = excess * dt > np.maximum(JUMP_M, np.where(one_sided, 2, 1) * JUMP_MPS2 * dt**2)
    for column in np.flatnonzero(alone.any(0)):
        _mark(broken[:, column], np.flatnonzero(alone[:, column]), steps[:, column], time_s)
    return broken


def _excess(speed: Array) -> tuple[Array, np.ndarray]:
    """(T-1, L) by how much each step outruns the calmer surroundings, and whether only one side could be compared.

    Of the two steps on either side the slower counts: one other jump among them, as beside a frame that is out and
    back, does not hide this one.
    """
    pad = np.full((2, speed.shape[1]), np.nan)
    padded = np.vstack([pad, speed, pad])
    before = np.fmin(padded[0:-4], padded[1:-3])
    after = np.fmin(padded[3:-1], padded[4:])
    return speed - np.fmax(before, after), np.isnan(before) | np.isnan(after)


def _mark(broken: np.ndarray, jumps: np.ndarray, steps: Array, time_s: Array) -> None:
    """Mark frames by their jumps; step k lies between frames k and k + 1."""
    taken: set[int] = set()
    for first, second in pairwise(map(int, jumps)):
        usual = (steps[max(first - 1, 0)] + steps[min(second + 1, len(steps) - 1)]) / 2
        away, back = steps[first] - usual, steps[second] - usual
        returns = np.linalg.norm(away + back) < 0.5 * np.linalg.norm(away)
        if first not in taken and returns and time_s[second] - time_s[first] <= _PAIRED_S:
            broken[first + 1 : second + 1] = True
            taken |= {first, second}
    for step in set(map(int, jumps)) - taken:
        if time_s[step] - time_s[0] <= _PAIRED_S:
            broken[: step + 1] = True
        elif time_s[-1] - time_s[step + 1] <= _PAIRED_S:
            broken[step + 1 :] = True
        else:
            broken[step : step + 2] = True


def stretched(motion: HumanMotion) -> np.ndarray:
    """(T, L) ends of rigid bones in frames where the bone is not its usual length."""
    broken = np.zeros(motion.position_m.shape[:2], bool)
    for a, b in RIGID_BONES:
        if a in motion.landmarks and b in motion.landmarks and motion.has(a, b):
            length = np.linalg.norm(motion.point(a) - motion.point(b), axis=-1)
            usual = np.nanmedian(length)
            with np.errstate(invalid="ignore"):
                wrong = np.abs(length - usual) > BONE_TOLERANCE * usual
            for name in (a, b):
                broken[:, motion.landmarks.index(name)] |= wrong
    return broken
