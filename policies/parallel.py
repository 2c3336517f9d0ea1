"""Several processes that train one policy, as torchrun starts them; one process alone is the plain case.

Each process takes its part of every batch, and the gradients of all are added up once per step, in one message. That is all
that data-parallel training has to do; it works with parts of a network that a step does not use, and with batches taken in
parts, where hooks on every gradient need to be told.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

_PATIENCE = timedelta(hours=12)
"""How long the others wait for a process that evaluates."""
Told = TypeVar("Told")


def rank_here() -> int:
    """Number of this process among those that torchrun started; 0 for one alone, and for the one that writes."""
    return int(os.environ.get("RANK", "0")) if ranks_here() > 1 else 0


def ranks_here() -> int:
    """How many processes torchrun started; 1 for one alone."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@dataclass(frozen=True)
class Group:
    """The processes of a run.

    Attributes:
        rank: number of this one.
        ranks: how many there are.
        device: that this one computes on.
    """

    rank: int = 0
    ranks: int = 1
    device: torch.device = torch.device("cpu")

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def total(self, value: float) -> float:
        """The sum over all processes."""
        return self._reduced(value, dist.ReduceOp.SUM) if self.ranks > 1 else value

    def largest(self, value: float) -> float:
        """The largest of all processes."""
        return self._reduced(value, dist.ReduceOp.MAX) if self.ranks > 1 else value

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Put the sum over all processes into each tensor, in one message."""
        if self.ranks == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """The tensors of all processes, which are of one shape, on the CPU."""
        if self.ranks == 1:
            return [tensor.cpu()]
        parts = [torch.empty_like(tensor, device=self.device) for _ in range(self.ranks)]
        dist.all_gather(parts, tensor.to(self.device))
        return [part.cpu() for part in parts]

    def told(self, value: Told) -> Told:
        """What the first process has, on all of them; the others wait for it."""
        if self.ranks == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """The first process does what is inside, then the others: they find what it made."""
        if not self.first:
            self.total(0.0)
        yield
        if self.first:
            self.total(0.0)

    def _reduced(self, value: float, how: dist.ReduceOp.RedOpType) -> float:
        box = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(box, how)
        return float(box)


@contextmanager
def process_group(device: torch.device) -> Iterator[Group]:
    """The group that this process belongs to, for the duration."""
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    if ranks == 1:
        yield Group(device=device)
        return
    importlib.import_module("torch.distributed.nn.functional")  # read later, it would keep the group, and its threads, to the end
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Group(dist.get_rank(), ranks, device)
    finally:
        dist.destroy_process_group()
