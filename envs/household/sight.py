"""What an actor that looks at pictures is shown: they are drawn when it looks, and only then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from envs.chores.base import Chore
from envs.episodes import Episodes
from envs.household.appearance import NEUTRAL, Appearance
from envs.household.eyes import Eyes
from motion.demonstration import IMAGE


@runtime_checkable
class Sighted(Protocol):
    """An actor that may look at pictures.

    Attributes:
        pictures: observations that it looks at, "image_head" ..., -> shape (height, width, 3).
    """

    pictures: Mapping[str, tuple[int, ...]]


class Sight:
    """The cameras that an actor looks through; none for one that does not. Use it in a `with` block.

    Args:
        chore: a chore; one with things, where there is something to look at.
        actor: any.
        appearance: how episodes look other than in training.

    Raises:
        UnderstudyError: pictures of a chore without things.
        UnknownNameError: no such camera.
    """

    def __init__(self, chore: Chore, actor: object, appearance: Appearance = NEUTRAL) -> None:
        wanted = actor.pictures if isinstance(actor, Sighted) else {}
        self._eyes = {name: Eyes(chore, (name.removeprefix(IMAGE),), (shape[1], shape[0]), appearance) for name, shape in wanted.items()}

    def of(self, episodes: Episodes, observation: Mapping[str, np.ndarray], alive: np.ndarray) -> Mapping[str, np.ndarray]:
        """Observations (N, ...) with the pictures (N, height, width, 3), as all is now; black for episodes that are over.

        Args:
            episodes: that run.
            observation: (N, ...) of the first N slots.
            alive: (N,) whose episode goes on.
        """
        return _Seen(observation, self._eyes, episodes, np.flatnonzero(alive)) if self._eyes else observation

    def close(self) -> None:
        """Give OpenGL back."""
        for eyes in self._eyes.values():
            eyes.close()

    def __enter__(self) -> Sight:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Seen(Mapping[str, np.ndarray]):
    """Observations whose pictures are drawn when they are asked for."""

    def __init__(
        self, plain: Mapping[str, np.ndarray], eyes: Mapping[str, Eyes], episodes: Episodes, slots: Sequence[int] | np.ndarray
    ) -> None:
        self._plain, self._eyes, self._episodes, self._slots = plain, eyes, episodes, slots
        self._drawn: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._eyes:
            return self._plain[name]
        if name not in self._drawn:
            count = len(next(iter(self._plain.values())))
            width, height = self._eyes[name].size
            self._drawn[name] = np.zeros((count, height, width, 3), np.uint8)
            if len(self._slots):
                self._drawn[name][self._slots] = self._eyes[name].see(self._episodes, self._slots)[name]
        return self._drawn[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._plain, *self._eyes))

    def __len__(self) -> int:
        return len(self._plain) + len(self._eyes)
