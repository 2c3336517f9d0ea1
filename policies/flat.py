"""All weights that are trained in one vector, and their gradients in another: a step is then a few calls, not one per weight."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

_ALIGNED = 16
"""Numbers; every weight begins at a multiple of 64 bytes, as matrix products like it."""


def in_one_vector(weights: Sequence[nn.Parameter]) -> Tensor:
    """(W,) vector that from now on holds these weights, each padded by zeros; who writes to one writes to both.

    Where weights are trained, `.grad` of the vector holds their gradients in the same way: zero it, do not set it to None.
    They have to be on their device, and of their type, already: the same for all.
    """
    sizes = [-(-weight.numel() // _ALIGNED) * _ALIGNED for weight in weights]
    vector = torch.zeros(sum(sizes), dtype=weights[0].dtype, device=weights[0].device)
    if any(weight.requires_grad for weight in weights):
        vector.grad = torch.zeros_like(vector)
    with torch.no_grad():
        for weight, place in zip(weights, accumulate(sizes, initial=0), strict=False):
            part = vector[place : place + weight.numel()].view_as(weight)
            weight.data = part.copy_(weight)
            if vector.grad is not None and weight.requires_grad:
                weight.grad = vector.grad[place : place + weight.numel()].view_as(weight)
    return vector
