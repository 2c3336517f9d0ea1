"""Which episodes an evaluation runs: a list that is the same for every policy, with its digest, cut into blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from envs.episodes import Episode
from envs.household.splits import digest_of
from gap.errors import ScoreError
from gap.suites.conditions import PLANTS, RECORDED, ROBUSTNESS, SAFETY, SEEN, Condition, Suites
from motion.errors import require


@dataclass(frozen=True)
class Block:
    """Episodes of one chore under one condition that run side by side: what is kept, or run again, as a whole.

    Attributes:
        number: its place in the plan.
        chore: which.
        condition: what they meet.
        episodes: (variant, seed) of each.
    """

    number: int
    chore: str
    condition: Condition
    episodes: tuple[tuple[str, int], ...]

    def run(self) -> list[Episode]:
        """What to roll out."""
        return [Episode(variant, self.condition.plant, seed) for variant, seed in self.episodes]


@dataclass(frozen=True)
class Plan:
    """The episodes of a suite.

    Attributes:
        suite, version: which.
        blocks: in the order in which they run.
        given: recording -> digest, where episodes are those of recordings.
    """

    suite: str
    version: str
    blocks: tuple[Block, ...]
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What episodes meet, in order of appearance."""
        return tuple({block.condition.name: block.condition for block in self.blocks}.values())

    @property
    def chores(self) -> tuple[str, ...]:
        """In order of appearance."""
        return tuple(dict.fromkeys(block.chore for block in self.blocks))

    @property
    def episodes(self) -> int:
        """How many, for each policy."""
        return sum(len(block.episodes) for block in self.blocks)

    def to_json(self) -> dict[str, Any]:
        """The list, as plain data: conditions once, then [chore, condition, variant, seed] of each episode, block by block."""
        place = {condition.name: index for index, condition in enumerate(self.conditions)}
        return {
            "suite": self.suite,
            "version": self.version,
            "given": dict(self.given),
            "conditions": [condition.to_json() for condition in self.conditions],
            "blocks": [[[block.chore, place[block.condition.name], *one] for one in block.episodes] for block in self.blocks],
        }

    @property
    def sha256(self) -> str:
        """Digest of the list. Results stand beside each other episode by episode where it is the same."""
        return digest_of(self.to_json())


def plan_suite(
    suites: Suites,
    suite: str,
    tasks: Mapping[str, str],
    episodes: int | None = None,
    first_seed: int | None = None,
    curves: Sequence[str] | None = None,
    plants: Sequence[Condition] = (),
) -> Plan:
    """The list of a suite.

    Args:
        suites: the frozen numbers.
        suite: its name.
        tasks: chore -> its task (a variant without an axis).
        episodes: of each chore in each part at most, where fewer than the frozen ones are wanted.
        first_seed: of the layouts, where other ones are wanted.
        curves: names of curves, where not all are wanted.
        plants: further conditions, of `gap.suites.conditions.in_plant`, for the layouts of "seen".

    Raises:
        UnknownNameError: no such suite or curve.
        ScoreError: no chores.
    """
    require(bool(tasks), ScoreError, "no chores were named, so there is nothing to evaluate.")
    blocks: list[Block] = []
    begin = suites.first_seed if first_seed is None else first_seed
    for chore, task in tasks.items():
        for condition in (*suites.conditions(suite, curves), *plants):
            if condition.part in RECORDED:
                continue
            count = suites.parts[SEEN if condition.part == PLANTS else condition.part]
            count = count if episodes is None else min(count, episodes)
            variant = f"{task}@{condition.axis}" if condition.axis else task
            blocks += cut(chore, condition, [(variant, begin + k) for k in range(count)], suites.block, len(blocks))
    return Plan(suite, suites.version, tuple(blocks))


@dataclass(frozen=True)
class Given:
    """An episode of a recording, which a policy is given.

    Attributes:
        chore, variant, seed: which episode.
        part: what of it no policy was shown; one of `gap.suites.conditions.PARTS`.
        name, sha256: of the recording.
    """

    chore: str
    variant: str
    seed: int
    part: str
    name: str
    sha256: str


def plan_given(suites: Suites, suite: str, given: Sequence[Given], episodes: int | None = None, plants: Sequence[Condition] = ()) -> Plan:
    """The list of a suite for policies that are given recordings: all of each part, and in every plant of "safety", but no curves.

    Args:
        suites: the frozen numbers.
        suite: its name.
        given: the recordings' episodes.
        episodes: of each chore in each part at most; all by default.
        plants: further conditions, for all recordings.

    Raises:
        UnknownNameError: no such suite.
        ScoreError: none of the recordings is of a part of this suite.
    """
    blocks: list[Block] = []
    for chore in dict.fromkeys(one.chore for one in given):
        for condition in (*suites.conditions(suite), *plants):
            own = [one for one in given if one.chore == chore and condition.part in (one.part, SAFETY, PLANTS)]
            if condition.part != ROBUSTNESS and own:
                blocks += cut(chore, condition, [(one.variant, one.seed) for one in own][:episodes], suites.block, len(blocks))
    require(bool(blocks), ScoreError, f"none of the recordings is of suite {suite}: {', '.join(suites.suites[suite])}.")
    return Plan(suite, suites.version, tuple(blocks), {f"{one.chore}/{one.name}": one.sha256 for one in given})


def cut(chore: str, condition: Condition, episodes: Sequence[tuple[str, int]], size: int, begin: int = 0) -> list[Block]:
    """Blocks of so many episodes, numbered from `begin`."""
    parts = [tuple(episodes[k : k + size]) for k in range(0, len(episodes), size)]
    return [Block(begin + k, chore, condition, part) for k, part in enumerate(parts)]
