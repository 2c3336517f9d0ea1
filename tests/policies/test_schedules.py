"""Schedules and solvers against what can be derived: with the exact denoiser of a known Gaussian they have to recover it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from motion.errors import ShapeError
from policies.schedules import SOLVERS, TIMES, ddim_step, noised, on_path, squared_cosine, trailing_steps

MEAN, SPREAD = 0.7, 0.3


def start() -> Tensor:
    """A standard Gaussian's quantiles, (999,), float64."""
    return torch.special.ndtri(torch.arange(1, 1000, dtype=torch.float64) / 1000)


def goal() -> Tensor:
    """Where each quantile has to arrive: order is kept, so the same quantile of the Gaussian that was asked for."""
    return MEAN + SPREAD * start()


def believed(noisy: Tensor, signal: float, noise: float) -> Tensor:
    """The mean of N(MEAN, SPREAD^2) after seeing `noisy` = signal * sample + noise * N(0, 1): by Bayes' rule."""
    gain = signal * SPREAD**2 / ((signal * SPREAD) ** 2 + noise**2)
    return MEAN + gain * (noisy - signal * MEAN)


def ddim_error(sample_steps: int) -> float:
    left = squared_cosine(1000)
    levels = [*left[trailing_steps(1000, sample_steps)].tolist(), 1.0]
    place = start()
    for now, following in pairwise(levels):
        place = ddim_step(place, believed(place, math.sqrt(now), math.sqrt(1 - now)), now, following)
    return float((place - goal()).abs().max())


def test_ddim_recovers_a_known_gaussian() -> None:
    """Mean and spread, with an error of first order in the number of steps."""
    errors = [ddim_error(steps) for steps in (25, 50, 100, 200)]
    assert errors[-1] < 0.04 * SPREAD
    assert all(1.7 < coarse / fine < 2.3 for coarse, fine in pairwise(errors))


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2)])
def test_a_flow_recovers_a_known_gaussian_with_its_solvers_order_at_least(solver: str, order: int) -> None:
    evaluations, solve = SOLVERS[solver]
    errors, asked = [], []

    def velocity(number: int, time: float, place: Tensor) -> Tensor:
        asked.append((number, time))
        return (believed(place, time, 1 - time) - place) / (1 - time)

    for steps in (20, 40, 80, 160):
        asked.clear()
        errors.append(float((solve(start(), steps, velocity) - goal()).abs().max()))
        assert asked == [(number, pytest.approx(number / (evaluations * steps))) for number in range(evaluations * steps)]
    assert errors[-1] < 0.04 * SPREAD
    assert all(coarse / fine > 0.9 * 2**order for coarse, fine in pairwise(errors))


def test_squared_cosine_by_hand() -> None:
    """Half-way cos^2(0.504 / 1.008 * 90 deg) = 1/2 exactly but for the offset; it falls to almost nothing."""
    left, first = squared_cosine(100), math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    assert left.shape == (100,)
    assert float(left[49]) == pytest.approx(math.cos(0.508 / 1.008 * math.pi / 2) ** 2 / first, rel=1e-12)
    assert float(left[0]) == pytest.approx(math.cos(0.018 / 1.008 * math.pi / 2) ** 2 / first, rel=1e-12)
    assert bool((torch.diff(left) < 0).all())
    assert float(left[99]) == pytest.approx(float(left[98]) * 0.001, rel=1e-9)
    assert 0 < float(left[99]) < 1e-5


def test_visited_steps_begin_where_there_is_only_noise() -> None:
    assert trailing_steps(100, 10).tolist() == [99, 89, 79, 69, 59, 49, 39, 29, 19, 9]
    assert trailing_steps(5, 5).tolist() == [4, 3, 2, 1, 0]
    assert trailing_steps(100, 1).tolist() == [99]
    for wrong in (0, 101):
        with pytest.raises(ShapeError, match=rf"sample_steps is {wrong}; 1\.\.100"):
            trailing_steps(100, wrong)
    with pytest.raises(ShapeError, match="at least 2"):
        squared_cosine(1)


def test_a_step_of_ddim_changes_the_share_of_noise_and_nothing_else() -> None:
    sample, noise = torch.randn(2, 3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    noisy = noised(sample, noise, torch.full((3, 1, 1), 0.2))
    torch.testing.assert_close(ddim_step(noisy, sample, 0.2, 0.7), noised(sample, noise, 0.7), rtol=0, atol=1e-7)
    assert torch.equal(ddim_step(noisy, sample, 0.2, 1.0), sample)


def test_a_path_is_straight() -> None:
    noise, sample = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(on_path(noise, sample, torch.tensor(0.0)), noise)
    assert torch.equal(on_path(noise, sample, torch.tensor(1.0)), sample)
    torch.testing.assert_close(on_path(noise, sample, torch.tensor(0.25)), 0.75 * noise + 0.25 * sample)


@pytest.mark.parametrize(
    ("name", "mean", "middle"), [("uniform", 0.5, 0.5), ("logit_normal", 0.5, 0.5), ("early", 0.4, 1 - 0.5 ** (1 / 1.5))]
)
def test_distributions_of_times(name: str, mean: float, middle: float) -> None:
    """Means by hand: of 1 - Beta(1.5, 1) it is 1 - 1.5 / 2.5."""
    share = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    time = TIMES[name](share)
    assert float(time.mean()) == pytest.approx(mean, abs=1e-4)
    assert float(TIMES[name](torch.tensor(0.5, dtype=torch.float64))) == pytest.approx(middle)
    assert 0 <= float(time.min()) <= float(time.max()) <= 1
