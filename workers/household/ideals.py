"""What people did, for any layout: their recordings carried over to it, as a robot would replay them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envs.household.chore import Household
from envs.household.scene import Scene
from envs.household.staging import staged
from envs.household.takeover import Ideal
from motion.errors import MotionError, UnderstudyError, require
from motion.handling import Handling
from motion.human import HumanMotion
from motion.provenance import parent_of
from motion.store import entries_of
from retarget.handling.recorded import handling_of
from workers.household.augment import Origin, carried_over, freest_first, nearest_scenes
from workers.household.demonstrate import Demonstrated, Source, prepared, reading_of

_TRIED = 2
"""Recordings that are tried for one layout, the nearest first."""


@dataclass(frozen=True)
class _Told:
    origin: Origin
    worker: str


class Ideals:
    """Recordings of a chore, ready to be carried over.

    Args:
        chore: for one robot; its scenes are not staged.
        files: HumanMotion files with object tracks, as of `python -m workers record`, or in a data set's `recordings/`.

    Attributes:
        unread: file -> why it cannot be used.

    Raises:
        MotionError: none of them can be used.
    """

    def __init__(self, chore: Household, files: Sequence[Path]) -> None:
        self.chore, self.unread = chore, dict[str, str]()
        self._told = list(self._read(files))
        why = next(iter(self.unread.values()), "none was given")
        require(bool(self._told), MotionError, f"no recording of {chore.name} can be used ({why}).")

    def __len__(self) -> int:
        return len(self._told)

    def of(self, variant: str, seed: int) -> Ideal | None:
        """What the person would do whose things would have to be moved least; None where no recording is within the robot's reach."""
        scene = self.chore.scene(variant, seed)
        ranked = nearest_scenes([told.origin.scene for told in self._told], scene)
        carried = ((self._told[number], carried_over(self._told[number].origin, scene)) for number in ranked)
        for told, handling in freest_first(carried, scene, _TRIED):
            found = prepared(self.chore, Source(told.origin.name, variant, seed, handling=handling), False, None, None)
            if not isinstance(found, Demonstrated):
                return Ideal(variant, seed, found[0], told.origin.name, told.worker)
        return None

    def _read(self, files: Sequence[Path]) -> Iterator[_Told]:
        for number, path in enumerate(files):
            try:
                motion = HumanMotion.load(path)
                handling = handling_of(motion, reading_of(self.chore, None)).handling
                origin = Origin(path.stem, handling, self._scene(motion, handling, path, number), parent_of(path, motion.provenance))
            except UnderstudyError as error:
                self.unread[path.name] = str(error)
                continue
            yield _Told(origin, motion.subject.pseudonym)

    def _scene(self, motion: HumanMotion, handling: Handling, path: Path, number: int) -> Scene:
        """The scene that the recording names; where it names none, what was seen of it."""
        told = motion.provenance.config
        own = str(told.get("chore", self.chore.name))
        require(own == self.chore.name, MotionError, f"{path.name} is a recording of {own}.")
        variant = str(told.get("variant", self.chore.variants[0]))
        with entries_of(path):
            seed = int(told.get("seed", -1))
        if seed >= 0:
            return self.chore.scene(variant, seed)
        listing = self.chore.listing
        loose = [name for name in handling.things if name in listing.things and name not in listing.hinges]
        return staged(self.chore.scene(variant, number), {name: handling.things[name][0] for name in loose})
