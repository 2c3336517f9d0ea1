"""Acting by chunks on a robot: a thread computes the next one while the control loop goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from motion.transform import Array
from policies.deploy.handover import Handover, Plan
from policies.deploy.predictor import Looks, Memory, Predictor, checked


@dataclass
class Timeliness:
    """How it went, counted over all episodes.

    Attributes:
        periods_n: control periods acted in.
        chunks_n: chunks computed.
        late_n: chunks that came after the period from which they should have been carried out.
        late_periods_n: periods that these were late, summed.
        postponed_n: periods in which a look was due but the chunk before was still being computed.
        held_n: periods in which nothing was planned any more: the last targets were held, and what drives was stopped.
        slowest_s: longest computation of a chunk.
        total_s: all computations together.
    """

    periods_n: int = 0
    chunks_n: int = 0
    late_n: int = 0
    late_periods_n: int = 0
    postponed_n: int = 0
    held_n: int = 0
    slowest_s: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True)
class _Asked:
    """A chunk that is being computed: from the look in which period, and what will be there with the seconds it took."""

    period: int
    coming: Future[tuple[Array, float]]


class RealTimeActor:
    """Gives the next action in every control period, at once; chunks are computed beside it.

    A look at period t gives a chunk that is carried out from t + `handover.latency_n` on, as by `ChunkActor`, whose actions
    these are where every chunk comes in time. Where one is late, what was planned goes on until it comes; where nothing is
    planned any more, the last targets are held and what drives stops. Only an episode's first chunk, and with
    `latency_n=0` every chunk, is waited for.

    It is an Actor (`motion.demonstration`) that is asked in every period.

    Args:
        predictor: what computes the chunks; its `predict` runs in a thread of its own.
        handover: how they follow each other.
        name: for reports; the policy's own where empty.

    Attributes:
        timeliness: how it went.
        pictures: observations of pictures that it looks at, and their shapes (height, width, 3).

    Raises:
        ShapeError: the policy's chunks are too short for that.
    """

    execute_n = 1

    def __init__(self, predictor: Predictor, handover: Handover, name: str = "") -> None:
        handover.require_chunk(predictor.spec.chunk_n)
        self.predictor, self.handover, self.name = predictor, handover, name or predictor.name
        self.timeliness = Timeliness()
        self.pictures = {key: predictor.spec.shapes[key] for key in predictor.spec.pictures}
        self._memory, self._plan = Memory(predictor.history_n), Plan(handover, predictor.spec.joint_names)
        self._thread = ThreadPoolExecutor(1, "chunks")
        self._asked: _Asked | None = None
        self._period = self._next_look = 0

    def reset(self, episodes: int) -> None:
        """Begin anew; what is still being computed is waited for, and dropped."""
        self.settle()
        self._asked = None
        self._memory.clear()
        self._plan.clear()
        self._period = self._next_look = 0

    def act(self, observation: Mapping[str, np.ndarray]) -> Array:
        """Targets (N, 1, A) for this period, from observations (N, ...).

        Raises:
            UnknownNameError: an observation that the policy reads is not there.
            ShapeError: an observation of another shape.
        """
        due = self._period >= self._next_look
        if due or self.predictor.history_n > 1:
            look, anchor = self.predictor.read(checked(self.predictor.spec, observation, self.name))
            looks = self._memory.see(look)
        self._take()
        if due:
            self._ask(looks, anchor)
        if self._plan.empty or self.handover.latency_n == 0:
            self.settle()
        self._take()
        action = self._plan.places[:, :1].copy()
        self.timeliness.periods_n += 1
        self.timeliness.held_n += self._plan.held
        self._plan.advance(1)
        self._period += 1
        return action

    def settle(self) -> None:
        """Wait until nothing is being computed."""
        if self._asked is not None:
            wait([self._asked.coming])

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _ask(self, looks: Looks, anchor: Array) -> None:
        """Let a chunk be computed, if none is."""
        if self._asked is not None:
            self.timeliness.postponed_n += 1
            return
        self._asked = _Asked(self._period, self._thread.submit(self._computed, looks, anchor))
        self._next_look = self._period + self.handover.execute_n

    def _computed(self, looks: Looks, anchor: Array) -> tuple[Array, float]:
        begin = time.perf_counter()
        chunk = anchor + self.predictor.predict(looks)
        return chunk, time.perf_counter() - begin

    def _take(self) -> None:
        """Take in the chunk that was asked for, if it is there."""
        if self._asked is None or not self._asked.coming.done():
            return
        (chunk, took_s), age_n = self._asked.coming.result(), self._period - self._asked.period
        late_n = max(0, age_n - self.handover.latency_n)
        seen = self.timeliness
        seen.chunks_n, seen.late_n, seen.late_periods_n = seen.chunks_n + 1, seen.late_n + (late_n > 0), seen.late_periods_n + late_n
        seen.slowest_s, seen.total_s = max(seen.slowest_s, took_s), seen.total_s + took_s
        self._asked = None
        self._plan.join(chunk, age_n)
