"""Actors that are told of a recording while they act, and what plain replay of it does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from envs.actors import Briefed, Watching
from envs.episodes import Episodes
from envs.household.sight import Sighted
from motion.context import Context, Prompter
from motion.demonstration import Actor
from motion.errors import MotionError, require

OPEN_LOOP = "open_loop"
Contexts = Mapping[tuple[str, int], Context]
"""(variant, seed) -> what is told in that episode."""


class Prompted:
    """An actor, and a prompter that tells it of each episode's recording beside what it sees. An `Actor` itself.

    Args:
        actor: e.g. a policy that was trained with a context.
        contexts: of all episodes that it will meet.
        name: for reports; the actor's own where empty.
    """

    def __init__(self, actor: Actor, contexts: Contexts, name: str = "") -> None:
        self.actor, self.contexts = actor, contexts
        self.name, self.execute_n = name or actor.name, actor.execute_n
        self.pictures = actor.pictures if isinstance(actor, Sighted) else {}
        self._prompter = Prompter([])

    def reset(self, episodes: int) -> None:
        """Begin anew; `brief` has to follow."""
        self.actor.reset(episodes)
        self._count, self._prompter = episodes, Prompter([])

    def brief(self, episodes: Episodes) -> None:
        """Take out every slot's context."""
        own = []
        for slot in range(self._count):
            episode = episodes.episodes[slot]
            assert episode is not None
            key = (episode.variant, episode.seed)
            said = f"no recording for {episodes.chore.name} {key[0]}, seed {key[1]}; there are {len(self.contexts)}."
            require(key in self.contexts, MotionError, said)
            own.append(self.contexts[key])
        self._prompter = Prompter(own)
        if isinstance(self.actor, Briefed):
            self.actor.brief(episodes)

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The actor's targets (N, H, A)."""
        return self.actor.act({**observation, **self._prompter.tell(observation)})

    def watch(self, observation: Mapping[str, np.ndarray]) -> None:
        """The clock goes on where the actor is not asked."""
        told = self._prompter.tell(observation)
        if isinstance(self.actor, Watching):
            self.actor.watch({**observation, **told})


class PlanActor:
    """Sends what a context plans, and looks at nothing."""

    name, execute_n = "plan", 1

    def reset(self, episodes: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The plan of this period (N, 1, J)."""
        return np.asarray(observation["reference_plan_rad"], float)[:, :1]


def open_loop(contexts: Contexts, name: str = OPEN_LOOP) -> Prompted:
    """Replays recordings without any feedback: joints and fingers as recorded, the bare robot's dynamics fed forward."""
    return Prompted(PlanActor(), {key: context.unwaiting for key, context in contexts.items()}, name)
