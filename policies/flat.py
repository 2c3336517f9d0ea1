"""All weights of a network in one vector, and all gradients in another: a step of training is then a few calls, not one per weight."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_ALIGNED = 16
"""Numbers; every weight begins at a multiple of 64 bytes, as matrix products like it."""


def in_one_vector(network: nn.Module) -> Tensor:
    """(W,) vector that from now on holds the weights of `network`, each padded by zeros; who writes to one writes to both.

    Where weights are trained, `.grad` of the vector holds their gradients in the same way: zero it, do not set it to None.
    The network has to be on its device, and in its type, already.
    """
    weights = list(network.parameters())
    sizes = [-(-weight.numel() // _ALIGNED) * _ALIGNED for weight in weights]
    vector = torch.zeros(sum(sizes), dtype=weights[0].dtype, device=weights[0].device)
    if any(weight.requires_grad for weight in weights):
        vector.grad = torch.zeros_like(vector)
    with torch.no_grad():
        for weight, place in zip(weights, _places(sizes), strict=True):
            part = vector[place : place + weight.numel()].view_as(weight)
            weight.data = part.copy_(weight)
            if vector.grad is not None and weight.requires_grad:
                weight.grad = vector.grad[place : place + weight.numel()].view_as(weight)
    return vector


def _places(sizes: list[int]) -> list[int]:
    return [sum(sizes[:number]) for number in range(len(sizes))]
