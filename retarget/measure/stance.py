"""When the person's feet stand, by one rule that looks at the person alone, so that it judges every tool alike.

A foot stands in a frame when its toe is lower than its own 2nd percentile over the recording plus 60 mm, and came from
the frame before slower than 0.25 m/s. A step from one frame to the next counts when the foot stands in both. A stance
is a run of at least 5 standing frames and 0.15 s. No solver may look at this: whoever tunes contacts would be judging
themselves.
"""

from __future__ import annotations

import numpy as np

from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.transform import Array

HEIGHT_M, SPEED_MPS, LOW_PERCENTILE = 0.060, 0.25, 2.0
MIN_FRAMES_N, MIN_STANCE_S = 5, 0.15


def standing_toe(time_s: Array, toe_m: Array) -> np.ndarray:
    """(T,) whether the foot of this toe (T, 3) stands; never where the toe is unseen."""
    if len(toe_m) < 2 or not np.isfinite(toe_m[:, 2]).any():
        return np.zeros(len(toe_m), bool)
    speed = np.empty(len(toe_m))
    speed[1:] = np.linalg.norm(np.diff(toe_m, axis=0), axis=-1) / np.diff(time_s)
    speed[0] = speed[1]  # nothing came before the first frame: it stands as the second does
    low = np.nanpercentile(toe_m[:, 2], LOW_PERCENTILE)
    with np.errstate(invalid="ignore"):
        return (toe_m[:, 2] < low + HEIGHT_M) & (speed < SPEED_MPS)


def stances_of(human: HumanMotion) -> dict[str, np.ndarray]:
    """Side -> (T,) whether the person's foot stands, for every foot whose toe was seen."""
    return {side: standing_toe(human.time_s, human.point(f"{side}_toe")) for side in SIDES if human.has(f"{side}_toe")}


def runs_of(marked: np.ndarray) -> list[slice]:
    """Runs of marked frames, in order."""
    edges = np.flatnonzero(np.diff(np.r_[0, marked.astype(int), 0]))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def long_stances(time_s: Array, standing: np.ndarray) -> list[slice]:
    """The stances: runs long enough to speak of drift."""
    return [
        run
        for run in runs_of(standing)
        if run.stop - run.start >= MIN_FRAMES_N and time_s[run.stop - 1] - time_s[run.start] >= MIN_STANCE_S - 1e-9
    ]
