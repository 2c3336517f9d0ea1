"""Pointers pick among things: what is learnt with one holds for all, and the order of things does not matter to what is found."""

from __future__ import annotations

import torch

from policies.pointers import Pointers
from policies.readers.base import Told

THINGS, NUMBERS, BESIDE = 3, 2, 4


def told() -> Told:
    """Things' numbers lie number by number, behind what is told beside them: of thing 1 in columns 5 and 8."""
    columns = torch.arange(BESIDE, BESIDE + THINGS * NUMBERS).view(NUMBERS, THINGS).T
    return Told(columns, torch.tensor([0.5, 2.0]))


def pointers(count: int = 2) -> Pointers:
    torch.manual_seed(0)
    return Pointers(told(), BESIDE + THINGS * NUMBERS, count)


def test_each_pointer_finds_a_mean_of_the_things_with_shares_that_add_up() -> None:
    made, inputs = pointers(), torch.randn(5, 1, BESIDE + THINGS * NUMBERS)
    out = made(inputs, inputs)
    assert out.shape == (5, 1, made.width)
    assert torch.equal(out[..., :BESIDE], inputs[..., :BESIDE])
    found, share = out[..., BESIDE : BESIDE + 2 * NUMBERS].unflatten(-1, (2, NUMBERS)), out[..., -2 * THINGS :].unflatten(-1, (2, THINGS))
    assert torch.allclose(share.sum(-1), torch.ones(5, 1, 2))
    things = torch.asinh(inputs[..., BESIDE:].unflatten(-1, (NUMBERS, THINGS)).transpose(-1, -2) / torch.tensor([0.5, 2.0]))
    assert torch.allclose(found, share @ things, atol=1e-6)


def test_things_in_another_order_are_found_alike_where_nothing_is_known_of_their_places() -> None:
    made = pointers()
    torch.nn.init.zeros_(made.of_place)
    inputs = torch.randn(4, 1, BESIDE + THINGS * NUMBERS)
    other = inputs.clone()
    other[..., BESIDE:] = inputs[..., BESIDE:].unflatten(-1, (NUMBERS, THINGS)).roll(1, -1).flatten(-2)
    first, second = made(inputs, inputs), made(other, other)
    assert torch.allclose(first[..., : -2 * THINGS], second[..., : -2 * THINGS], atol=1e-6)
    assert not torch.allclose(first[..., -2 * THINGS :], second[..., -2 * THINGS :])


def test_they_learn_to_pick_the_thing_that_is_marked_and_pick_it_where_they_never_saw_it() -> None:
    """Taught on things 0 and 1 alone that the one with a second number of 2 is meant; then it is thing 2."""
    made = pointers(1)
    torch.nn.init.zeros_(made.of_place)
    made.of_place.requires_grad_(False)
    head = torch.nn.Linear(NUMBERS, 1)
    optimizer = torch.optim.Adam([*made.parameters(), *head.parameters()], lr=1e-2)

    def case(marked: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        things = torch.randn(len(marked), THINGS, NUMBERS)
        things[..., 1] = 2.0 * torch.nn.functional.one_hot(marked, THINGS)
        inputs = torch.cat([torch.zeros(len(marked), BESIDE), things.transpose(1, 2).flatten(1)], dim=1)
        return inputs, things[torch.arange(len(marked)), marked, :1]

    for _ in range(300):
        inputs, wanted = case(torch.randint(0, 2, (64,)))
        loss = torch.nn.functional.mse_loss(head(made(inputs, inputs)[..., BESIDE : BESIDE + NUMBERS]), wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    inputs, wanted = case(torch.full((256,), 2))
    error = torch.nn.functional.mse_loss(head(made(inputs, inputs)[..., BESIDE : BESIDE + NUMBERS]), wanted)
    assert float(error.detach()) < 0.1 * float(wanted.var())
