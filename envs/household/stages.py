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


def advance(stages: Sequence[Stage], true_now: Mapping[str, np.ndarray], held_s: Array, period_s: float) -> tuple[Array, np.ndarray, Array]:
    """One period of n episodes.

    Args:
        stages: S stages, the goal last.
        true_now: stage -> (n,) whether it is true now.
        held_s: (n, S) how long each has been true without a break; infinite once it is reached.
        period_s: control period.

    Returns:
        held_s (n, S) anew, reached (n, S), progress (n,): the share of stages reached.
    """
    held = held_s.copy()
    column = {stage.name: index for index, stage in enumerate(stages)}
    for index, stage in enumerate(stages):
        ready = np.all([np.isinf(held[:, column[name]]) for name in stage.after], axis=0) if stage.after else True
        counting = np.asarray(true_now[stage.name], bool) & ready
        own = np.where(counting, held[:, index] + period_s, 0.0)
        done = np.isinf(held[:, index]) | (counting & (own >= stage.hold_s - 1e-9))
        held[:, index] = np.where(done, np.inf, own)
    reached = np.isinf(held)
    return held, reached, reached.mean(1)
