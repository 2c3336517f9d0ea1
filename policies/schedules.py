"""How noise is mixed into actions and taken out again: the schedules of `diffusion` and `flow`, a few lines each.

Time runs from 0 to 1. For diffusion it is the share of noising steps done, 0 is the recorded action and 1 is noise; for
flow it is the place on the path, 0 is noise and 1 is the recorded action: each as in its papers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from motion.errors import ShapeError, require

_OFFSET, _LARGEST_BETA = 0.008, 0.999
_EARLY = 1.5
Velocity = Callable[[int, float, Tensor], Tensor]
"""From (number of the evaluation, time, places (N, ...)) to velocities (N, ...)."""


def squared_cosine(steps_n: int) -> Tensor:
    """Share of the signal's variance that is left after each of K noising steps: (K,), falling, float64.

    Raises:
        ShapeError: fewer than 2 steps.

    Source: Nichol and Dhariwal 2021, "Improved denoising diffusion probabilistic models", equation 17; no step takes more
    than 0.999 of the variance away.
    """
    require(steps_n >= 2, ShapeError, f"{steps_n} noising steps; at least 2 are needed.")
    angle = (torch.arange(steps_n + 1, dtype=torch.float64) / steps_n + _OFFSET) / (1 + _OFFSET) * math.pi / 2
    level = torch.cos(angle).square()
    beta = (1 - level[1:] / level[:-1]).clamp(max=_LARGEST_BETA)
    return torch.cumprod(1 - beta, dim=0)


def trailing_steps(steps_n: int, sample_steps: int) -> Tensor:
    """Which S of K noising steps a sampler visits, from the last, where there is only noise, down: (S,), int64.

    Raises:
        ShapeError: S is not in 1..K.

    Source: Lin et al. 2024, "Common diffusion noise schedules and sample steps are flawed", table 2, "trailing".
    """
    require(1 <= sample_steps <= steps_n, ShapeError, f"sample_steps is {sample_steps}; 1..{steps_n}, the noising steps, was wanted.")
    return torch.round(steps_n - torch.arange(sample_steps, dtype=torch.float64) * steps_n / sample_steps).long() - 1


def noised(sample: Tensor, noise: Tensor, left: Tensor | float) -> Tensor:
    """`sample` (...) of whose variance the share `left` is left, the rest being `noise` (...)."""
    left = torch.as_tensor(left, dtype=sample.dtype)
    return left.sqrt() * sample + (1 - left).sqrt() * noise


def ddim_step(noisy: Tensor, sample: Tensor, left: float, next_left: float) -> Tensor:
    """From `noisy` (...), where the share `left` (< 1) of the signal is left, to `next_left`, without new noise.

    Args:
        noisy: where the sampler is.
        sample: the denoised actions as they are believed to be.
        left, next_left: of the variance, now and then; at `next_left` = 1 the answer is `sample`.

    Source: Song, Meng and Ermon 2021, "Denoising diffusion implicit models", equation 12 with sigma = 0.
    """
    noise = (noisy - math.sqrt(left) * sample) / math.sqrt(1 - left)
    return math.sqrt(next_left) * sample + math.sqrt(1 - next_left) * noise


def on_path(noise: Tensor, sample: Tensor, time: Tensor) -> Tensor:
    """The place at `time` on the straight path from `noise` (0) to `sample` (1).

    Source: Lipman et al. 2023, "Flow matching for generative modeling", equation 22 with sigma_min = 0.
    """
    return (1 - time) * noise + time * sample


def _logit_normal(share: Tensor) -> Tensor:
    return torch.sigmoid(torch.special.ndtri(share))


TIMES: dict[str, Callable[[Tensor], Tensor]] = {
    "uniform": lambda share: share,
    "logit_normal": _logit_normal,
    "early": lambda share: 1 - share.pow(1 / _EARLY),
}
"""Quantile functions (0..1 -> 0..1) of the times at which a flow is trained. `uniform`: all alike. `logit_normal`: the
middle more often (Esser et al. 2024). `early`: noisy places more often, 1 - Beta(1.5, 1) (Black et al. 2024)."""


def euler(start: Tensor, steps_n: int, velocity: Velocity) -> Tensor:
    """Along `velocity` from time 0 to 1 in equal steps of first order; evaluation k is at time k / steps_n."""
    place = start
    for step in range(steps_n):
        place = place + velocity(step, step / steps_n, place) / steps_n
    return place


def midpoint(start: Tensor, steps_n: int, velocity: Velocity) -> Tensor:
    """Along `velocity` from time 0 to 1 in equal steps of second order; evaluation k is at time k / (2 steps_n)."""
    place = start
    for step in range(steps_n):
        half = place + velocity(2 * step, step / steps_n, place) / (2 * steps_n)
        place = place + velocity(2 * step + 1, (step + 0.5) / steps_n, half) / steps_n
    return place


SOLVERS: dict[str, tuple[int, Callable[[Tensor, int, Velocity], Tensor]]] = {"euler": (1, euler), "midpoint": (2, midpoint)}
"""Name -> (evaluations per step, solver)."""
