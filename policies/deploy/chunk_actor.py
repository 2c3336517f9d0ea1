"""Acting by chunks with a fixed latency, deterministic, for any number of episodes: for simulation and evaluation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.transform import Array
from policies.deploy.handover import Handover, Plan
from policies.deploy.predictor import Memory, Predictor, checked


class ChunkActor:
    """The Actor (`motion.demonstration`) of a predictor. It remembers the newest looks, and what is committed already.

    With `handover.latency_n=d` a chunk takes effect exactly d periods after its look, as on a robot where it takes so long to
    compute (`RealTimeActor`), however fast this machine is. An episode's first chunk is waited for.

    Args:
        predictor: what computes the chunks.
        handover: how they follow each other.
        name: for reports; the policy's own where empty.

    Attributes:
        pictures: observations of pictures that it looks at, and their shapes (height, width, 3).

    Raises:
        ShapeError: the policy's chunks are too short for that.
    """

    def __init__(self, predictor: Predictor, handover: Handover, name: str = "") -> None:
        handover.require_chunk(predictor.spec.chunk_n)
        self.predictor, self.handover, self.name = predictor, handover, name or predictor.name
        self.execute_n = handover.execute_n
        self.pictures = {key: predictor.spec.shapes[key] for key in predictor.spec.pictures}
        self._memory, self._plan = Memory(predictor.history_n), Plan(handover, predictor.spec.joint_names)

    def reset(self, episodes: int) -> None:
        """Begin `episodes` parallel episodes: what was seen and planned before is forgotten."""
        self._memory.clear()
        self._plan.clear()

    def watch(self, observation: Mapping[str, np.ndarray]) -> None:
        """See a period in which nothing is asked, as a chunk is being carried out; see `act`."""
        if self.predictor.history_n > 1:
            self._memory.see(self._read(observation)[0])

    def act(self, observation: Mapping[str, np.ndarray]) -> Array:
        """Targets (N, H, A), rad (of a driving base m/s and rad/s), float64, from observations (N, ...).

        Raises:
            UnknownNameError: an observation that the policy reads is not there.
            ShapeError: an observation of another shape.
        """
        look, anchor = self._read(observation)
        chunk = anchor + self.predictor.predict(self._memory.see(look))
        if self.handover.at_once:
            return chunk
        self._plan.advance(self.execute_n)
        return self._plan.join(chunk)

    def _read(self, observation: Mapping[str, np.ndarray]) -> tuple[Array, Array]:
        return self.predictor.read(checked(self.predictor.spec, observation, self.name))
