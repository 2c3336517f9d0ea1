"""Scene: what stands on the counter in one episode."""

from __future__ import annotations

from dataclasses import dataclass

from envs.household.things import Thing
from motion.errors import UnknownNameError


@dataclass(frozen=True)
class Scene:
    """What one episode begins with, in the counter's frame. The same (chore, variant, seed) gives the same scene.

    Attributes:
        chore, variant, seed: which episode.
        side: the hand that the layout suits, "right" or "left".
        things: all of them.
        text: what is to be done, in words.
    """

    chore: str
    variant: str
    seed: int
    side: str
    things: tuple[Thing, ...]
    text: str

    def thing(self, name: str) -> Thing:
        """A thing by name.

        Raises:
            UnknownNameError: none of that name.
        """
        for thing in self.things:
            if thing.name == name:
                return thing
        raise UnknownNameError("thing", name, [thing.name for thing in self.things], f"scene of {self.chore}")
