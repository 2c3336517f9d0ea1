"""Where the corners of a sole stand: a foot that stands is put down once, and stays there until it is lifted.

Feet follow the person's scaled path, along which a standing foot creeps by centimetres. Here every stance gets one place:
the toe where its path lies on average, the heel a sole's length behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array, normalized
from retarget.spans import runs

_LATE = 3
_HEEL, _TOE = slice(0, 2), slice(2, 4)


@dataclass(frozen=True)
class Sticks:
    """Corners of one sole over T frames: `place_m` (T, 4, 3), and how firmly each stands, `strength` (T, 4) in 0..1."""

    place_m: Array
    strength: Array


@dataclass(frozen=True)
class Stance:
    """Heel or toe of one foot: `standing` (T,) bool, `strength` (T,) 0..1, `level_m` (T,) height of what it stands on."""

    standing: np.ndarray
    strength: Array
    level_m: Array


def stick_sole(path_m: Array, heel: Stance, toe: Stance) -> Sticks:
    """Places for the four corners of a sole (heel left, heel right, toe left, toe right).

    Args:
        path_m: (T, 4, 3) where the corners would go if the foot followed its path; NaN where unknown.
        heel, toe: when they stand.
    """
    place, strength = np.zeros_like(path_m), np.zeros(path_m.shape[:2])
    known = np.isfinite(path_m).all((1, 2))
    heel_path, toe_path = path_m[:, _HEEL].mean(1), path_m[:, _TOE].mean(1)
    heading = normalized((toe_path - heel_path)[:, :2])
    sole = _Sole(path_m[known])
    toes = _frames(toe.standing & known)
    anchors = []
    for run in toes:
        flat = run[heel.standing[run]] if heel.standing[run].any() else run
        anchors.append((toe_path[flat, :2].mean(0), _mean_heading(heading[flat])))
    _place(place[:, _TOE], strength[:, _TOE], toes, anchors, toe, sole.half_toe_m)
    heels, behind = _frames(heel.standing & known), []
    spans = [(int(run[0]), int(run[-1])) for run in toes]
    for run in heels:
        towards = _mean_heading(heading[run])
        shared = [min(run[-1], last) - max(run[0], first) + 1 for first, last in spans]
        if shared and max(shared) > 0:
            behind.append((anchors[int(np.argmax(shared))][0] - sole.length_m * towards, towards))
        else:
            behind.append((heel_path[run, :2].mean(0), towards))
    _place(place[:, _HEEL], strength[:, _HEEL], heels, behind, heel, sole.half_heel_m)
    return Sticks(place, strength)


class _Sole:
    """Measures of a sole from any of its postures."""

    def __init__(self, corners: Array) -> None:
        one = corners[0] if len(corners) else np.zeros((4, 3))
        self.length_m = float(np.linalg.norm(one[_TOE].mean(0) - one[_HEEL].mean(0)))
        self.half_heel_m, self.half_toe_m = (float(np.linalg.norm(one[i] - one[i + 1])) / 2 for i in (0, 2))


def _frames(mask: np.ndarray) -> list[np.ndarray]:
    return [np.arange(run.start, run.stop) for run in runs(mask)]


def _mean_heading(heading: Array) -> Array:
    return normalized(heading.mean(0))


def _place(
    place: Array, strength: Array, stances: list[np.ndarray], anchors: list[tuple[Array, Array]], stance: Stance, half_m: float
) -> None:
    """Fill places (T, 2, 3) and strengths (T, 2) of one edge; frames between two stances belong to the nearer one."""
    if not stances:
        return
    frames = np.arange(len(place))
    away = np.stack([np.maximum(run[0] - frames, frames - run[-1]) for run in stances])
    nearest = away.argmin(0)
    middle, heading = (np.stack([anchor[k] for anchor in anchors])[nearest] for k in (0, 1))
    left = np.stack([-heading[:, 1], heading[:, 0]], -1)
    for corner, sign in enumerate((1, -1)):
        place[:, corner, :2] = middle + sign * half_m * left
        place[:, corner, 2] = stance.level_m
    good = np.isfinite(place).all((1, 2))
    place[~good] = 0.0
    # A foot that comes down is still on its way: it is drawn to its place late, and let go of early.
    firm = np.array([max(stance.strength[run].max(), 1e-9) for run in stances])[nearest]
    strength[:] = (firm * (stance.strength / firm) ** _LATE * good)[:, None]
