"""A person's own recording, beside the ideal that was made from it: which moment of one is which of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from envs.reference import PERIOD_S
from gap.errors import ScoreError
from motion.errors import require
from motion.handling import Handling, Hold
from motion.human import HumanMotion
from motion.landmarks import SIDES
from motion.resample import human_at, uniform_times
from motion.tool_frame import palm_landmarks, tool_pose
from motion.transform import Array, Transform

_GRIP = "_grip_force_n"


@dataclass(frozen=True)
class Recording:
    """What of a recording is compared; T frames at the control period.

    Attributes:
        time_s: (T,) the recording's own clock.
        hands: side -> `T_world_tool`, batch (T,), NaN where unseen; without sides that were never seen.
        grip_n: side -> (T,) grip force; without sides that wore no sensor.
        holds: as they were read from it.
    """

    time_s: Array
    hands: Mapping[str, Transform]
    grip_n: Mapping[str, Array]
    holds: tuple[Hold, ...]


def recording_of(motion: HumanMotion, handling: Handling) -> Recording:
    """A recording, from its file.

    Args:
        motion: the recording.
        handling: what was read from it, on its clock and in its own layout.
    """
    times = uniform_times(motion.time_s, 1 / PERIOD_S)
    at = human_at(motion, times)
    hands = {side: tool_pose(at.point, side) for side in SIDES if motion.has(*palm_landmarks(side))}
    seen = {side: track for side, track in hands.items() if np.isfinite(track.position_m).all(-1).sum() > 1}
    grips = {side: np.asarray(at.signals[side + _GRIP], float) for side in SIDES if side + _GRIP in at.signals}
    return Recording(times, seen, grips, handling.holds)


def is_mirrored(recorded: Sequence[Hold], ideal: Sequence[Hold]) -> bool:
    """Whether the ideal does with one hand what the recording did with the other.

    Raises:
        ScoreError: they do not hold the same things in the same order, so neither was made from the other.
    """
    one, other = [hold.thing for hold in recorded], [hold.thing for hold in ideal]
    sides = [own.side == its.side for own, its in zip(recorded, ideal, strict=False)]
    fits = one == other and (all(sides) or not any(sides))
    require(fits, ScoreError, f"the ideal was not made from this recording: {_said(ideal)} was wanted; it holds {_said(recorded)}.")
    return bool(sides) and not sides[0]


def recorded_at(recorded: Sequence[Hold], ideal: Sequence[Hold], time_s: Array) -> Array:
    """(M,) the recording's times that belong to the ideal's (M,): ends of holds belong together, and between them time goes evenly.

    Before the first and after the last of them both clocks go alike.
    """
    pairs = sorted(pair for own, its in zip(recorded, ideal, strict=True) for pair in ((its.start_s, own.start_s), (its.end_s, own.end_s)))
    if not pairs:
        return np.asarray(time_s, float)
    theirs, own = (np.array(column) for column in zip(*pairs, strict=True))
    own = np.maximum.accumulate(own)
    found = np.interp(time_s, theirs, own)
    found += np.minimum(time_s - theirs[0], 0.0) + np.maximum(time_s - theirs[-1], 0.0)
    return np.asarray(found)


def _said(holds: Sequence[Hold]) -> str:
    return ", ".join(f"{hold.side} {hold.thing}" for hold in holds) or "nothing"
