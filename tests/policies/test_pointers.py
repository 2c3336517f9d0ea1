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


def some(count: int) -> torch.Tensor:
    """Inputs in which every thing is there."""
    inputs = torch.randn(count, BESIDE + THINGS * NUMBERS)
    inputs[:, BESIDE : BESIDE + THINGS] += torch.sign(inputs[:, BESIDE : BESIDE + THINGS])
    return inputs


def test_each_pointer_finds_a_mean_of_the_things_with_shares_that_add_up() -> None:
    made, inputs = pointers(), some(5)[:, None]
    out = made(inputs, inputs)
    assert out.shape == (5, 1, made.width)
    assert torch.equal(out[..., :BESIDE], inputs[..., :BESIDE])
    found, share = out[..., BESIDE : -2 * THINGS].unflatten(-1, (2, 2 * NUMBERS)), out[..., -2 * THINGS :].unflatten(-1, (2, THINGS))
    assert torch.allclose(share.sum(-1), torch.ones(5, 1, 2))
    fine = inputs[..., BESIDE:].unflatten(-1, (NUMBERS, THINGS)).transpose(-1, -2)
    things = torch.asinh(fine / torch.tensor([0.5, 2.0]))
    assert torch.allclose(found, share @ torch.cat([things, fine], dim=-1), atol=1e-6)


def test_things_in_another_order_are_found_alike_where_nothing_is_known_of_their_places() -> None:
    made = pointers()
    torch.nn.init.zeros_(made.of_place)
    inputs = some(4)[:, None]
    other = inputs.clone()
    other[..., BESIDE:] = inputs[..., BESIDE:].unflatten(-1, (NUMBERS, THINGS)).roll(1, -1).flatten(-2)
    first, second = made(inputs, inputs), made(other, other)
    assert torch.allclose(first[..., : -2 * THINGS], second[..., : -2 * THINGS], atol=1e-6)
    assert not torch.allclose(first[..., -2 * THINGS :], second[..., -2 * THINGS :])


def test_a_thing_that_is_not_there_is_never_picked_whatever_noise_it_is_told_with() -> None:
    made, inputs = pointers(), some(6)
    gone = torch.arange(BESIDE + 1, BESIDE + THINGS * NUMBERS, THINGS)
    inputs[:, gone] = 0.1 * torch.randn(6, NUMBERS)
    share = made(inputs, inputs).detach()[..., -2 * THINGS :].unflatten(-1, (2, THINGS))
    assert float(share[..., 1].max()) < 1e-6
    quiet = inputs.index_fill(1, gone, 0.0)
    assert torch.allclose(made(inputs, inputs), made(quiet, quiet), atol=1e-6)
    nobody = inputs.clone()
    nobody[:, BESIDE:] = 0.0
    out = made(nobody, nobody)
    assert bool((out[..., BESIDE : -2 * THINGS] == 0).all())
    assert bool(out.isfinite().all())


def test_they_learn_to_pick_the_thing_that_is_marked_and_pick_it_where_they_never_saw_it() -> None:
    """Taught on things 0 and 1 alone that the one with a second number of 4 is meant, not of 2; then it is thing 2."""
    made = pointers(1)
    torch.nn.init.zeros_(made.of_place)
    made.of_place.requires_grad_(False)
    head = torch.nn.Linear(2 * NUMBERS, 1)
    optimizer = torch.optim.Adam([*made.parameters(), *head.parameters()], lr=1e-2)

    def case(marked: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        things = torch.randn(len(marked), THINGS, NUMBERS)
        things[..., 1] = 2.0 + 2.0 * torch.nn.functional.one_hot(marked, THINGS)
        inputs = torch.cat([torch.zeros(len(marked), BESIDE), things.transpose(1, 2).flatten(1)], dim=1)
        return inputs, things[torch.arange(len(marked)), marked, :1]

    for _ in range(300):
        inputs, wanted = case(torch.randint(0, 2, (64,)))
        loss = torch.nn.functional.mse_loss(head(made(inputs, inputs)[..., BESIDE:-THINGS]), wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    inputs, wanted = case(torch.full((256,), 2))
    error = torch.nn.functional.mse_loss(head(made(inputs, inputs)[..., BESIDE:-THINGS]), wanted)
    assert float(error.detach()) < 0.1 * float(wanted.var())
