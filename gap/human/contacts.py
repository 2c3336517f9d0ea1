"""Which hand touches which thing when: a person's holds beside a robot's, in their order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from motion.demonstration import Demonstration
from motion.errors import UnknownNameError
from motion.handling import Handling
from motion.landmarks import SIDES

BRIDGE_S, LEAST_S = 0.15, 0.2
"""Shorter breaks in a touch are none, and shorter touches are no hold; recordings are read by the same rule."""


@dataclass(frozen=True)
class Contact:
    """A hand on a thing, from one time (s) to another."""

    side: str
    thing: str
    start_s: float
    end_s: float

    @property
    def name(self) -> str:
        """Hand and thing."""
        return f"{self.side} {self.thing}"


@dataclass(frozen=True)
class ContactGap:
    """A robot's contacts beside a person's.

    Attributes:
        person, robot: holds in the order of their start.
        edits: fewest holds that have to be added, left out or exchanged to make the robot's train of holds the person's.
        order: -1..1 Kendall's tau-b of when each hand first came to each thing, of those that both came to; NaN with fewer than two.
        missing, additional: hand and thing that only the person, or only the robot, held.
    """

    person: tuple[Contact, ...]
    robot: tuple[Contact, ...]
    edits: int
    order: float
    missing: tuple[str, ...]
    additional: tuple[str, ...]


def person_contacts(handling: Handling) -> tuple[Contact, ...]:
    """A person's holds, since the handling's first frame."""
    first = float(handling.time_s[0])
    return tuple(Contact(hold.side, hold.thing, hold.start_s - first, hold.end_s - first) for hold in handling.holds)


def robot_contacts(attempt: Demonstration, things: Sequence[str]) -> tuple[Contact, ...]:
    """A robot's holds in an episode, of K things in the order of its signals.

    Raises:
        UnknownNameError: an episode without the signal "touch", which only chores with things record.
    """
    if "touch" not in attempt.signals:
        raise UnknownNameError("signal", "touch", attempt.signals, f"attempt {attempt.variant}, seed {attempt.seed}")
    touch = np.asarray(attempt.signals["touch"]) > 0
    found = [
        Contact(side, thing, begin * attempt.period_s, end * attempt.period_s)
        for row, side in enumerate(SIDES)
        for column, thing in enumerate(things)
        for begin, end in _runs(touch[:, row, column], round(BRIDGE_S / attempt.period_s), round(LEAST_S / attempt.period_s))
    ]
    return tuple(sorted(found, key=lambda one: (one.start_s, one.end_s)))


def contact_gap(person: Sequence[Contact], robot: Sequence[Contact]) -> ContactGap:
    """How one train of holds differs from another."""
    theirs, its = [one.name for one in person], [one.name for one in robot]
    both = [name for name in dict.fromkeys(theirs) if name in its]
    ranks = ([theirs.index(name) for name in both], [its.index(name) for name in both])
    return ContactGap(
        person=tuple(person),
        robot=tuple(robot),
        edits=edit_distance(theirs, its),
        order=float(kendalltau(*ranks).statistic) if len(both) > 1 else math.nan,
        missing=tuple(name for name in dict.fromkeys(theirs) if name not in its),
        additional=tuple(name for name in dict.fromkeys(its) if name not in theirs),
    )


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Fewest insertions, deletions and substitutions between two sequences (V. Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for i, own in enumerate(one):
        above, row = row, [i + 1]
        for j, its in enumerate(other):
            row.append(min(above[j] + (own != its), above[j + 1] + 1, row[j] + 1))
    return row[-1]


def _runs(touching: np.ndarray, bridge: int, least: int) -> list[tuple[int, int]]:
    """First frame of each run of touches, and the one after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], touching.astype(int), [0]])))
    runs: list[tuple[int, int]] = []
    for begin, end in edges.reshape(-1, 2).tolist():
        if runs and begin - runs[-1][1] < bridge:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((begin, end))
    return [(begin, end) for begin, end in runs if end - begin >= least]
