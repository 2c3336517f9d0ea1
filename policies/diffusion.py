"""Denoising diffusion: noise is taken out of a chunk of actions step by step (DDPM in training, DDIM in acting)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from policies.base import PolicySpec
from policies.denoising import Clean, DenoisingConfig, DenoisingPolicy, require_known
from policies.schedules import ddim_step, noised, squared_cosine, trailing_steps

PREDICTIONS = ("sample", "noise")


@dataclass(frozen=True)
class DiffusionConfig(DenoisingConfig):
    """Settings of `diffusion`.

    Attributes:
        noise_steps: K, steps of the noising that is learnt to be undone.
        sample_steps: of these, how many are visited when acting.
        prediction: what the network answers: the denoised "sample", or the "noise" in it. The noise is H * J numbers
            that a narrow network cannot carry; actions lie on far fewer.
        clip_sample: with "noise", denoised actions are kept within this many scales: the first steps divide by almost 0.
    """

    noise_steps: int = 100
    sample_steps: int = 10
    prediction: str = "sample"
    clip_sample: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_known("prediction", self.prediction, PREDICTIONS)
        trailing_steps(self.noise_steps, self.sample_steps)


class Diffusion(DenoisingPolicy):
    """Time is the share of noising steps done: 0 is the recorded chunk, 1 is noise.

    Source: Ho et al. 2020, "Denoising diffusion probabilistic models"; Song et al. 2021, "Denoising diffusion implicit
    models"; Chi et al. 2023, "Diffusion policy".

    Attributes:
        left: (K,) share of the signal's variance after each noising step.
    """

    name: ClassVar[str] = "diffusion"
    Config: ClassVar[type[DiffusionConfig]] = DiffusionConfig
    config: DiffusionConfig
    left: Tensor

    def __init__(self, spec: PolicySpec, config: DiffusionConfig) -> None:
        left, steps = squared_cosine(config.noise_steps), trailing_steps(config.noise_steps, config.sample_steps)
        super().__init__(spec, config, (steps + 1) / config.noise_steps)
        self.register_buffer("left", left.float(), persistent=False)
        self.levels = [*left[steps].tolist(), 1.0]

    def corrupted(self, wanted: Tensor, noise: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Chunks after some number of noising steps, all numbers alike."""
        step = (share * self.config.noise_steps).long().clamp(max=self.config.noise_steps - 1)
        noisy = noised(wanted, noise, self.left[step][:, None, None])
        return noisy, wanted if self.config.prediction == "sample" else noise, (step + 1) / self.config.noise_steps

    def solved(self, start: Tensor, clean: Clean) -> Tensor:
        """By DDIM."""
        place = start
        for number, (left, following) in enumerate(zip(self.levels[:-1], self.levels[1:], strict=True)):
            place = ddim_step(place, self._sample(place, clean(number, place), left), left, following)
        return place

    def _sample(self, noisy: Tensor, answer: Tensor, left: float) -> Tensor:
        if self.config.prediction == "sample":
            return answer
        sample = (noisy - math.sqrt(1 - left) * answer) / math.sqrt(left)
        return sample.clamp(-self.config.clip_sample, self.config.clip_sample)
