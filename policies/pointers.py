"""Picking among things: a few pointers, each of which learns what to look for, and tells of what it finds as if there were nothing else.

A flat list of things makes a network learn everything anew for each place in the list. With pointers it learns once how to take
something, and beside it which thing that is (attention, as in pointer networks: Vinyals et al., 2015).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from policies.readers.base import Told

_SHY = 0.1
"""Standard deviation that what is learnt of each place in the list begins with."""
_SHARP = 8.0
"""How much faster shares part than the network's own numbers would let them: a pointer that hesitates finds a place between things."""
_THERE = 0.5
"""A thing whose numbers, each in its unit, have a smaller squared length is not there: two axes of one that is have 2."""
_NEVER = -30.0


class Pointers(nn.Module):
    """From inputs (..., F) to (..., width): what is not about things, then what each pointer found, and which it was.

    What is found is told coarsely, in units that are the same for all things, and finely, as the place in the list spreads: a pot
    that stands within a hand's breadth in all demonstrations is told of by the millimetre.

    Args:
        told: where in the inputs things are told of.
        inputs_n: F.
        pointers_n: M, how many.
        hidden_n: width of the network that decides how well a thing fits.
    """

    def __init__(self, told: Told, inputs_n: int, pointers_n: int, hidden_n: int = 64) -> None:
        super().__init__()
        self.things_n, numbers_n = told.columns.shape
        taken = set(told.columns.flatten().tolist())
        rest = torch.tensor([column for column in range(inputs_n) if column not in taken], dtype=torch.long)
        for name, values in {"columns": told.columns.flatten(), "unit": told.unit, "rest": rest}.items():
            self.register_buffer(name, values, persistent=False)
        self.of_thing, self.of_rest = nn.Linear(numbers_n, hidden_n), nn.Linear(len(rest), hidden_n)
        self.of_place = nn.Parameter(_SHY * torch.randn(self.things_n, hidden_n))
        self.fit = nn.Linear(hidden_n, pointers_n)
        self.width = len(rest) + pointers_n * (2 * numbers_n + self.things_n)

    def forward(self, inputs: Tensor, normalised: Tensor) -> Tensor:
        """Pick.

        Args:
            inputs: (..., F) raw units.
            normalised: (..., F) the same, normalised.
        """
        columns, rest = self.get_buffer("columns"), self.get_buffer("rest")
        raw, fine = (values.index_select(-1, columns).unflatten(-1, (self.things_n, -1)) for values in (inputs, normalised))
        scaled = raw / self.get_buffer("unit")
        there = scaled.square().sum(-1, keepdim=True) > _THERE
        things = torch.asinh(scaled) * there  # near ones finely, and yet those at the other end of a room
        beside = normalised.index_select(-1, rest)
        hidden = functional.silu(self.of_thing(things) + self.of_rest(beside)[..., None, :] + self.of_place)
        share = torch.softmax(torch.where(there, _SHARP * self.fit(hidden), _NEVER), dim=-2).transpose(-1, -2)
        found = share @ torch.cat([things, fine * there], dim=-1)
        return torch.cat([beside, found.flatten(-2), share.flatten(-2)], dim=-1)
