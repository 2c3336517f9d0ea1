"""Progress in stages: what has to be reached, after what, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motion.errors import ShapeError, UnknownNameError, require
from motion.transform import Array

GOAL_S = 1.0
"""How long the goal has to hold before a chore counts as done."""


@dataclass(frozen=True)
class Stage:
    """One stage of a chore. Once reached it stays reached.

    Attributes:
        name: what is true when it is reached.
        after: stages that have to be reached before.
        hold_s: how long it has to be true without a break.
    """

    name: str
    after: tuple[str, ...] = ()
    hold_s: float = 0.0


def check_stages(stages: Sequence[Stage]) -> None:
    """Refuse stages that wait for what does not come before them.

    Raises:
        UnknownNameError: a stage waits for one that is not listed before it.
        ShapeError: no stages.
    """
    require(bool(stages), ShapeError, "a chore needs at least one stage: its goal.")
    for index, stage in enumerate(stages):
        before = [earlier.name for earlier in stages[:index]]
        for name in stage.after:
            if name not in before:
                raise UnknownNameError("stage", name, before, f"what stage {stage.name} waits for")


def given(stages: Sequence[Stage], true_now: Mapping[str, np.ndarray]) -> np.ndarray:
    """(n, S) stages that need not be reached, as what they ask for is so when the episode begins; never the goal.

    Args:
        stages: S stages, the goal last.
        true_now: stage -> (n,) whether it is true in the first period. One that waits for others is given where these are.
    """
    column = {stage.name: index for index, stage in enumerate(stages)}
    found = np.zeros((len(true_now[stages[-1].name]), len(stages)), bool)
    for index, stage in enumerate(stages[:-1]):
        found[:, index] = np.asarray(true_now[stage.name], bool) & found[:, [column[name] for name in stage.after]].all(1)
    return found


def advance(stages: Sequence[Stage], true_now: Mapping[str, np.ndarray], held_s: Array, period_s: float) -> Array:
    """One period of n episodes.

    Args:
        stages: S stages, the goal last.
        true_now: stage -> (n,) whether it is true now.
        held_s: (n, S) how long each has been true without a break; infinite once it is reached.
        period_s: control period.

    Returns:
        held_s (n, S) anew.
    """
    longer = held_s.T + period_s
    reached = dict(zip((stage.name for stage in stages), np.isinf(longer), strict=True))
    held = np.empty_like(longer)
    for index, stage in enumerate(stages):
        counting = np.asarray(true_now[stage.name], bool)
        for name in stage.after:
            counting = counting & reached[name]
        reached[stage.name] |= counting & (longer[index] >= stage.hold_s - 1e-9)
        held[index] = np.where(reached[stage.name], np.inf, np.where(counting, longer[index], 0.0))
    return held.T


def stage_signals(
    stages: Sequence[Stage], true_now: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray], first: np.ndarray, period_s: float
) -> dict[str, np.ndarray]:
    """How far n episodes have come, from a period ago: what is given at the start counts as reached, but not as progress.

    Args:
        stages: S stages, the goal last.
        true_now: stage -> (n,) whether it is true now.
        before: what this returned a period ago; zeros before the first period.
        first: (n,) whether this is an episode's first period.
        period_s: control period.

    Returns:
        "stage_reached" and "stage_given" (n, S), 0 or 1; "stage_held_s" (n, S), infinite once reached; "progress" (n,), the
        share of the stages reached among those that were not given; "gain" (n,), what was added to it.
    """
    own = before["stage_given"] > 0
    if first.any():
        own = np.where(first[:, None], given(stages, true_now), own)
    held = advance(stages, true_now, np.where(first[:, None] & own, np.inf, before["stage_held_s"]), period_s)
    reached = np.isinf(held)
    progress = (reached & ~own).sum(1) / (~own).sum(1)
    return {
        "stage_reached": reached.astype(float),
        "stage_given": own.astype(float),
        "stage_held_s": held,
        "progress": progress,
        "gain": progress - before["progress"],
    }
