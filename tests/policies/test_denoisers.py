"""Every denoising network: any length of chunk, row by row, told by its condition."""

from __future__ import annotations

import pytest
import torch

from motion.errors import ShapeError
from policies.denoisers import DENOISERS, Denoiser, DenoiserSize, TimeEncoder

JOINTS, WIDTH = 3, 16


@pytest.fixture(params=[(network, chunk_n) for network in DENOISERS for chunk_n in (1, 5, 16)], ids=str)
def denoiser(request: pytest.FixtureRequest) -> tuple[Denoiser, int]:
    """A fresh one, and its H."""
    network, chunk_n = request.param
    torch.manual_seed(0)
    return DENOISERS[network](DenoiserSize(chunk_n, JOINTS, WIDTH, depth=2, heads=4)).eval(), chunk_n


def test_a_fresh_one_answers_nothing_and_one_that_learns_all_it_is_told(denoiser: tuple[Denoiser, int]) -> None:
    """Gradient reaches every weight, and what is answered depends on the chunk and on the condition."""
    network, chunk_n = denoiser
    noisy, condition = torch.randn(4, chunk_n, JOINTS), torch.randn(4, WIDTH)
    assert torch.equal(network(noisy, network.film(condition)), torch.zeros_like(noisy))
    torch.nn.init.normal_(network.leave[-1].weight)
    answer = network(noisy, network.film(condition))
    torch.autograd.backward(answer.square().sum())
    still = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    # Where there is one place only, all attention is its own, whatever is asked.
    assert [name for name in still if not (chunk_n == 1 and "attend" in name)] == []
    assert not torch.allclose(network(noisy, network.film(condition + 1)), answer)
    assert not torch.allclose(network(noisy + 1, network.film(condition)), answer)


def test_rows_do_not_know_of_each_other(denoiser: tuple[Denoiser, int]) -> None:
    network, chunk_n = denoiser
    torch.nn.init.normal_(network.leave[-1].weight)
    noisy, film = torch.randn(4, chunk_n, JOINTS), network.film(torch.randn(4, WIDTH))
    torch.testing.assert_close(network(noisy[2:3], film[2:3]), network(noisy, film)[2:3], rtol=1e-4, atol=1e-4)


def test_widths_that_cannot_be_are_refused() -> None:
    with pytest.raises(ShapeError, match="width 18 cannot be shared by 4 heads"):
        DENOISERS["transformer"](DenoiserSize(4, JOINTS, 18, 2, 4))
    with pytest.raises(ShapeError, match="width is 20; a U-Net wants a multiple of 8"):
        DENOISERS["unet"](DenoiserSize(4, JOINTS, 20, 2, 4))


def test_times_are_told_apart() -> None:
    """Neighbours among 100 noising steps differ, and the same time is the same whatever stands beside it."""
    torch.manual_seed(0)
    encoder = TimeEncoder(WIDTH).requires_grad_(False)
    told = encoder(torch.linspace(0.01, 1, 100))
    apart = torch.cdist(told, told) + torch.eye(100)
    assert float(apart.min()) > 1e-3
    torch.testing.assert_close(encoder(torch.tensor([0.5])), told[49:50])
