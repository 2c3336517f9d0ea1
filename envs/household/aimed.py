"""Actors that are told where things shall be in the end."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from envs.actors import Briefed, Watching
from envs.episodes import Episodes
from envs.household.sight import Sighted
from motion.demonstration import Actor
from motion.errors import MotionError, require

Goals = Mapping[tuple[str, int], Mapping[str, np.ndarray]]
"""(variant, seed) -> "goal_position_m" (K, 3) and "goal_wxyz" (K, 4) of the watched things, in the counter's frame."""


class Aimed:
    """An actor, and the goal of each episode beside what it sees. An `Actor` itself.

    Args:
        actor: e.g. a policy that was trained with `policy.goal=true`.
        goals: of all episodes that it will meet.
    """

    def __init__(self, actor: Actor, goals: Goals) -> None:
        self.actor, self.goals = actor, goals
        self.name, self.execute_n = actor.name, actor.execute_n
        self.pictures = actor.pictures if isinstance(actor, Sighted) else {}
        self._told: dict[str, np.ndarray] = {}

    def reset(self, episodes: int) -> None:
        """Begin anew; `brief` has to follow."""
        self.actor.reset(episodes)
        self._count, self._told = episodes, {}

    def brief(self, episodes: Episodes) -> None:
        """Take out every slot's goal.

        Raises:
            MotionError: there is none for an episode.
        """
        own = []
        for slot in range(self._count):
            episode = episodes.episodes[slot]
            assert episode is not None
            key = (episode.variant, episode.seed)
            said = f"no goal for {episodes.chore.name} {key[0]}, seed {key[1]}; there are goals for {len(self.goals)} episodes."
            require(key in self.goals, MotionError, said)
            own.append(self.goals[key])
        self._told = {name: np.stack([goal[name] for goal in own]) for name in own[0]}
        if isinstance(self.actor, Briefed):
            self.actor.brief(episodes)

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The actor's targets (N, H, A)."""
        return self.actor.act({**observation, **self._told})

    def watch(self, observation: Mapping[str, np.ndarray]) -> None:
        """What happens between two looks."""
        if isinstance(self.actor, Watching):
            self.actor.watch({**observation, **self._told})
