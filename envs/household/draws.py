"""Random numbers of one scene, a stream for each purpose, and which range they come from.

What is held out is decided here: a scene of the axis "objects" draws its things from the ranges that training never sees,
one of "layouts" its places. Ranges are cut into disjoint parts by `Split`, so that no value can be in both.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

_PURPOSES = {"layout": 0, "objects": 1, "beads": 2, "side": 3}


@dataclass(frozen=True)
class Draws:
    """What a scene is drawn with.

    Attributes:
        chore, task: which.
        axis: what is held out: "", "objects" or "layouts".
        seed: of the episode.
    """

    chore: str
    task: str
    axis: str
    seed: int
    _streams: dict[str, np.random.Generator] = field(default_factory=dict, compare=False, repr=False)

    def stream(self, purpose: str) -> np.random.Generator:
        """Random numbers of one purpose: "layout", "objects" or "beads"."""
        if purpose not in self._streams:
            task = zlib.crc32(f"{self.chore}/{self.task}/{self.axis}".encode())
            self._streams[purpose] = np.random.default_rng([7, _PURPOSES[purpose], self.seed, task])
        return self._streams[purpose]

    @property
    def layout(self) -> np.random.Generator:
        """For places."""
        return self.stream("layout")

    @property
    def objects(self) -> np.random.Generator:
        """For sizes, masses, frictions."""
        return self.stream("objects")

    @property
    def layout_side(self) -> float:
        """0..1, which decides the hand."""
        return float(np.random.default_rng([7, _PURPOSES["side"], self.seed, zlib.crc32(self.chore.encode())]).random())

    @property
    def held_out_objects(self) -> bool:
        """Whether things come from the ranges that training never sees."""
        return self.axis == "objects"

    @property
    def held_out_layouts(self) -> bool:
        """Whether places do."""
        return self.axis == "layouts"
