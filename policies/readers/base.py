"""The one interface of a reader: from named observations to numbers that a small network can use at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

if TYPE_CHECKING:
    from policies.base import PolicySpec


@dataclass(frozen=True)
class Told:
    """Where in a look things are told of.

    Attributes:
        columns: (K, D) places in the inputs of what is told of each of K things, for all the same in the same order.
        unit: (D,) what counts as much, in the number's own unit.
    """

    columns: Tensor
    unit: Tensor


class Reader(ABC):
    """What is read of one kind of chore, pictures left aside. Pure: no weights, no statistics, no memory.

    Args:
        spec: what was recorded, and how often.
        previous_action: whether the policy is told its previous action.

    Attributes:
        names: observations that it needs.
        optional: observations that it reads, too, where they were recorded.
        instead_of_text: those that it does without where it is told in words what is to be done; empty for readers that read no words.
        things: those of both that tell of things; it does without them where a policy shall not know them (`policies.spec.Reads`).
        width: F, numbers per look.
        floor: (F,) smallest spread of each number that counts as a change, in the number's own unit.
        noise: (F,) how far, in the number's own unit, what a robot meets is off what was recorded: sensors, and its own errors; None
            where nobody knows the units.
        offset_floor: smallest spread of an action's offset that counts as a movement.
        kept: (F,) bool, numbers that a policy keeps within what it was shown: what never changes while it acts, and decides little; None
            where there are none.
        told: where things are told of, all alike; None where they are not.
        carried_out: share of a chunk that is usually carried out before the next look, of one action at least.
        channels_n: C, where the inputs begin with C channels of every joint in turn, (C, J) flattened; 0 where they do not.
    """

    names: ClassVar[tuple[str, ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    things: ClassVar[tuple[str, ...]] = ()
    instead_of_text: ClassVar[tuple[str, ...]] = ()
    carried_out: ClassVar[float] = 0.0

    width: int
    floor: Tensor
    noise: Tensor | None = None
    kept: Tensor | None = None
    told: Told | None = None
    offset_floor: float = 0.005
    channels_n: int = 0

    def __init__(self, spec: PolicySpec, previous_action: bool) -> None:
        self.spec, self.previous_action = spec, previous_action

    @abstractmethod
    def inputs(self, observation: Mapping[str, Tensor]) -> Tensor:
        """(N, F), raw units, from observations (N, ...)."""

    @abstractmethod
    def anchor_rad(self, observation: Mapping[str, Tensor]) -> Tensor:
        """What the predicted offsets are counted from: (N, H, J), or (N, 1, J) for all places of the chunk alike."""
