"""Conditional flow matching: chunks flow from noise to actions along straight paths, in a few steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from motion.errors import ShapeError, require
from policies.base import PolicySpec
from policies.denoising import Clean, DenoisingConfig, DenoisingPolicy, require_known
from policies.schedules import SOLVERS, TIMES, on_path

PREDICTIONS = ("sample", "velocity")


@dataclass(frozen=True)
class FlowConfig(DenoisingConfig):
    """Settings of `flow`.

    Attributes:
        sample_steps: steps from noise to actions when acting.
        solver: "euler", one evaluation per step, or "midpoint", two.
        times: distribution of the times trained at; see `policies.schedules.TIMES`.
        prediction: what the network answers: the denoised "sample", or the "velocity". A velocity holds all of the noise,
            H * J numbers that a narrow network cannot carry; actions lie on far fewer.
    """

    sample_steps: int = 5
    solver: str = "euler"
    times: str = "uniform"
    prediction: str = "sample"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.sample_steps >= 1, ShapeError, f"sample_steps is {self.sample_steps}; at least 1 was wanted.")
        require_known("solver", self.solver, SOLVERS)
        require_known("distribution of times", self.times, TIMES)
        require_known("prediction", self.prediction, PREDICTIONS)


class Flow(DenoisingPolicy):
    """Time 0 is noise, time 1 is the recorded chunk; the network is trained on the straight path between the two.

    Source: Lipman et al. 2023, "Flow matching for generative modeling"; of the sample's prediction, equation 7 of
    Li and He 2025, "Back to basics: let denoising generative models denoise".
    """

    name: ClassVar[str] = "flow"
    Config: ClassVar[type[FlowConfig]] = FlowConfig
    config: FlowConfig

    def __init__(self, spec: PolicySpec, config: FlowConfig) -> None:
        evaluations, _ = SOLVERS[config.solver]
        asked_n = evaluations * config.sample_steps
        super().__init__(spec, config, torch.arange(asked_n) / asked_n)

    def corrupted(self, wanted: Tensor, noise: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Places on the paths."""
        time = TIMES[self.config.times](share)
        noisy = on_path(noise, wanted, time[:, None, None])
        return noisy, wanted if self.config.prediction == "sample" else wanted - noise, time

    def solved(self, start: Tensor, clean: Clean) -> Tensor:
        """By the settings' solver."""

        def velocity(number: int, time: float, place: Tensor) -> Tensor:
            answer = clean(number, place)
            return answer if self.config.prediction == "velocity" else (answer - place) / (1 - time)

        _, solver = SOLVERS[self.config.solver]
        return solver(start, self.config.sample_steps, velocity)
