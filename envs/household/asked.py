"""What actors are asked for in words: as usual, in other words, or in those of another chore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from envs.chores.base import Chore
from envs.disturbance import stream
from envs.episodes import Episode
from envs.household.chore import Household
from motion.errors import UnderstudyError, require
from motion.words import TEXT, text_features

Words = Callable[[Episode], str]
"""What an episode's actor is asked for; "" for nothing."""


def usual(chore: Chore) -> Words:
    """In the chore's own words, as in its demonstrations."""
    return lambda episode: chore.text(episode.variant)


def rephrased(chore: Household) -> Words:
    """In other words that mean the same; each episode draws its own from its seed.

    Raises:
        UnderstudyError: when asked for an episode of a task that nobody has put into other words.
    """

    def words(episode: Episode) -> str:
        task = chore.task_of(episode.variant)[0]
        known = chore.rephrased.get(task, ())
        require(bool(known), UnderstudyError, f"chore {chore.name}: nobody has put task {task!r} into other words (`rephrased`).")
        return _one_of(known, chore, episode)

    return words


def of_another(chore: Household) -> Words:
    """In the usual words of another chore; each episode draws its own from its seed. What is judged is still this chore."""
    from envs.chores.registry import household_chores  # brings all chores with it

    others = [text for name, other in sorted(household_chores().items()) if name != chore.name for text in other.texts.values()]
    return lambda episode: _one_of(others, chore, episode)


def told(words: Words, episodes: Sequence[Episode]) -> Mapping[str, np.ndarray]:
    """Observation "text" (n, 256) of n episodes; none where nobody asks for anything."""
    said = [words(episode) for episode in episodes]
    return {TEXT: np.stack([text_features(one) for one in said])} if any(said) else {}


def _one_of(sentences: Sequence[str], chore: Chore, episode: Episode) -> str:
    return sentences[int(stream("words", episode.seed, f"{chore.name}/{episode.variant}").integers(len(sentences)))]
