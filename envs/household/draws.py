"""Random numbers of one scene, a stream for each purpose, and which range they come from.

What is held out is decided here: a scene of the axis "objects" draws its things from the ranges that training never sees,
one of "layouts" its places. The ranges are those of `envs.household.splits`, where none of a chore's two overlap.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from envs.household.splits import Box, ChoreSplit, load_splits
from motion.errors import UnknownNameError

_PURPOSES = {"layout": 0, "objects": 1, "beads": 2, "side": 3}


@dataclass(frozen=True)
class Draws:
    """What a scene is drawn with.

    Attributes:
        chore, task: which.
        axis: what is held out: "", "objects" or "layouts".
        seed: of the episode.
        drawn: what `value` has given so far, "quantity" or "quantity/thing" -> number.
    """

    chore: str
    task: str
    axis: str
    seed: int
    drawn: dict[str, float] = field(default_factory=dict, compare=False, repr=False)
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

    @property
    def split(self) -> ChoreSplit:
        """The chore's ranges and regions.

        Raises:
            UnknownNameError: the splits do not know the chore.
        """
        return load_splits().chore(self.chore)

    def value(self, quantity: str, of: str = "") -> float:
        """A number of a thing, evenly from the quantity's range for this axis, off the stream "objects".

        Args:
            quantity: name in the split's file, under `objects` of this chore: "cup_radius_m".
            of: which thing, where several share the quantity.

        Raises:
            UnknownNameError: no such quantity.
        """
        known = self.split.objects
        if quantity not in known:
            raise UnknownNameError("quantity", quantity, known, f"objects of {self.chore} in the splits")
        number = float(self.objects.uniform(*known[quantity].range(self.held_out_objects)))
        self.drawn[f"{quantity}/{of}" if of else quantity] = number
        return number

    def box(self, region: str) -> Box:
        """Where things of a region may stand on this axis.

        Raises:
            UnknownNameError: no such region.
        """
        known = self.split.layouts
        if region not in known:
            raise UnknownNameError("region", region, known, f"layouts of {self.chore} in the splits")
        return known[region].box(self.held_out_layouts)

    def place(self, region: str) -> tuple[float, float, float]:
        """x, y (m) and yaw (rad), evenly from a region, off the stream "layout"; another one with every call."""
        box = self.box(region)
        x, y, yaw = (float(self.layout.uniform(*ends)) for ends in (box.x_m, box.y_m, box.yaw_rad))
        return x, y, yaw
