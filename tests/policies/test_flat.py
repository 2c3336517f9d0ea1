"""Weights in one vector: the network computes as before, and what is done to the vector is done to the network."""

from __future__ import annotations

import copy

import safetensors.torch
import torch
from torch import Tensor, nn

from policies.flat import in_one_vector


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.SiLU(), nn.Linear(5, 7, bias=False))


def stepped(made: nn.Module, weights: list[Tensor]) -> Tensor:
    """What a network tells after some steps that take their gradients from `weights`."""
    optimizer, seen = torch.optim.AdamW(weights, lr=0.01), torch.linspace(-1, 1, 12).view(4, 3)
    for _ in range(5):
        optimizer.zero_grad(set_to_none=False)
        made(seen).square().mean().backward()
        optimizer.step()
    told: Tensor = made(seen).detach()
    return told


def test_trains_as_a_list_of_weights_does() -> None:
    plain, flat = network(), network()
    vector = in_one_vector(list(flat.parameters()))
    torch.testing.assert_close(stepped(flat, [vector]), stepped(plain, list(plain.parameters())))
    assert not torch.equal(stepped(flat, [vector]), network()(torch.linspace(-1, 1, 12).view(4, 3)))


def test_vector_and_network_are_one() -> None:
    made = network()
    before = copy.deepcopy(made.state_dict())
    vector = in_one_vector(list(made.parameters()))
    for name, weight in made.state_dict().items():
        assert torch.equal(weight, before[name]), name
        assert weight.data_ptr() % 64 == vector.data_ptr() % 64, name
    vector.mul_(2)
    assert all(torch.equal(weight, 2 * before[name]) for name, weight in made.state_dict().items())
    made.load_state_dict(before)
    torch.testing.assert_close(vector.abs().sum(), torch.stack([weight.abs().sum() for weight in before.values()]).sum())
    assert torch.equal(safetensors.torch.load(safetensors.torch.save(made.state_dict()))["3.weight"], before["3.weight"])


def test_weights_that_are_not_trained_have_no_gradients() -> None:
    assert in_one_vector(list(network().requires_grad_(False).parameters())).grad is None
