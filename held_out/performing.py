"""Policies on the stage: what a process needs to play a block of episodes, whoever sends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from envs.chores.registry import make_household
from envs.household.chore import Household
from envs.household.takeover import Ideal
from gap.attempts import attempts
from gap.episode import EpisodeResult, is_stable
from gap.human import HumanGap, compare_with_person, recording_of
from gap.suites.plan import Block
from motion.demonstration import Actor, Demonstration
from policies import Policy, PolicyActor, load_policy
from workers.household.prompting import Prompts, prompts_of, told_actors
from workers.household.replays import source_of

BESIDE = {
    "open_loop": "none: the recording's motion, replayed as it is",
    "reference": "none: the recording's motion, replayed with feedback",
}
"""Who else is given the recordings, and what it is."""


@dataclass(frozen=True)
class Performer:
    """A policy, as it acts on a robot.

    Attributes:
        name: in tables and folders.
        checkpoint: its folder.
        execute_n, latency_n, blend_n, ensemble: as of `PolicyActor`.
    """

    name: str
    checkpoint: Path
    execute_n: int
    latency_n: int = 0
    blend_n: int = 0
    ensemble: float | None = None

    @property
    def policy(self) -> Policy:
        """Loaded once in each process."""
        return _policy(self.checkpoint)

    def actor(self) -> PolicyActor:
        """Made anew."""
        return PolicyActor(self.policy, self.execute_n, self.name, latency_n=self.latency_n, blend_n=self.blend_n, ensemble=self.ensemble)


@dataclass(frozen=True)
class Stage:
    """Where policies perform.

    Attributes:
        robot, base: who does it; the chores' usual base where none is said.
        performers: name -> policy.
        recordings: chore -> files that the policies are given, each in its own scene; empty where they are given none.
    """

    robot: str
    base: str | None
    performers: Mapping[str, Performer]
    recordings: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody who performs."""
        return (*self.performers, *(BESIDE if self.recordings else ()))

    def chore(self, name: str) -> Household:
        """One of the chores, its scenes set from the recordings; each process makes it once."""
        return self._set(name)[0]

    def prompts(self, name: str) -> Prompts:
        """What the recordings of a chore ask for."""
        return self._set(name)[1]

    def _set(self, name: str) -> tuple[Household, Prompts]:
        return _set(name, self.robot, self.base, self.recordings.get(name, ()))

    def play(self, policy: str, block: Block, shown: Callable[[Demonstration], object] | None = None) -> list[EpisodeResult]:
        """A block's rows; `shown` is told of each episode."""
        torch.set_num_threads(1)
        chore, met = self.chore(block.chore), block.condition
        actor, asked = self._actor(policy, chore), met.asked(chore)
        return list(attempts(chore, actor, block.run(), len(block.episodes), 1, met.disturbance, shown, met.appearance, asked))

    def beside_person(self, chore: Household, attempt: Demonstration) -> HumanGap | None:
        """An attempt against the recording that it was given; None for one that became unstable."""
        if not is_stable(attempt):
            return None
        prompts = self.prompts(chore.name)
        index = next(k for k, one in prompts.sources.items() if (one.variant, one.seed) == (attempt.variant, attempt.seed))
        source, score = prompts.sources[index], prompts.scores[index]
        assert source.motion is not None
        ideal = Ideal(source.variant, source.seed, score, source.name, source.motion.subject.pseudonym)
        return compare_with_person(chore, ideal, attempt, recording_of(source.motion, score.handling))

    def _actor(self, policy: str, chore: Household) -> Actor:
        first = next(iter(self.performers.values()))
        actor = self.performers.get(policy, first).actor()
        if not self.recordings:
            return actor
        told = dict(zip((actor.name, *BESIDE), told_actors(chore, actor, self.prompts(chore.name)), strict=True))
        return told[policy]


@lru_cache(maxsize=4)
def _policy(checkpoint: Path) -> Policy:
    torch.set_num_threads(1)
    return load_policy(checkpoint)


@lru_cache(maxsize=4)
def _set(name: str, robot: str, base: Any, recordings: tuple[Path, ...]) -> tuple[Household, Prompts]:
    chore = make_household(name, robot, base)
    sources = [source_of(path, chore, number=number) for number, path in enumerate(recordings)]
    return chore, prompts_of(chore, sources)
