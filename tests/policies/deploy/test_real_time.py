"""The thread: late chunks are counted and bridged, and what goes wrong in it is not lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
import pytest

from policies.deploy import Handover, RealTimeActor
from policies.spec import PolicySpec

SPEC = PolicySpec("toy", ("elbow", "base_forward_mps"), (("clock", (1,)),), 4, 0.02)


class Counting:
    """A predictor whose chunk says when it was looked: place k of a look at clock t holds t + k / 100. It computes when let."""

    spec, history_n, name = SPEC, 1, "counting"

    def __init__(self) -> None:
        self.may = threading.Event()
        self.may.set()

    def read(self, observation: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The clock."""
        clock = observation["clock"]
        return clock.astype(np.float32), np.repeat(clock[:, None], 2, axis=2)

    def predict(self, looks: np.ndarray) -> np.ndarray:
        """After it was let."""
        assert self.may.wait(10)
        return np.broadcast_to(np.arange(4)[None, :, None] / 100, (len(looks), 4, 2))


def step(actor: RealTimeActor, clock: int) -> tuple[float, float]:
    elbow, base = actor.act({"clock": np.full((1, 1), float(clock))})[0, 0]
    return round(elbow, 9), round(base, 9)


def test_late_chunks_are_bridged_and_counted() -> None:
    """The second chunk never comes while the first lasts: its four places are sent, then the last is held and the base stops."""
    slow = Counting()
    actor = RealTimeActor(slow, Handover(execute_n=1, latency_n=1))
    actor.reset(1)
    assert step(actor, 0) == (0.0, 0.0)
    slow.may.clear()
    sent = [step(actor, clock) for clock in range(1, 6)]
    assert sent == [(0.01, 0.01), (0.02, 0.02), (0.03, 0.03), (0.03, 0.0), (0.03, 0.0)]
    slow.may.set()
    actor.settle()
    assert step(actor, 6) == (0.03, 0.0)  # the look at 1 is five periods old: its chunk is over
    actor.settle()
    assert step(actor, 7) == (6.01, 6.01)
    seen = actor.timeliness
    assert (seen.periods_n, seen.chunks_n, seen.late_n, seen.late_periods_n, seen.held_n) == (8, 3, 1, 4, 3)
    assert seen.postponed_n == 4
    assert seen.slowest_s > 0
    actor.close()


def test_a_reset_drops_what_was_being_computed() -> None:
    actor = RealTimeActor(Counting(), Handover(latency_n=2))
    actor.reset(1)
    step(actor, 5)
    step(actor, 6)
    actor.reset(1)
    assert step(actor, 40) == (40.0, 40.0)
    actor.close()


class Broken(Counting):
    """Fails."""

    def predict(self, looks: np.ndarray) -> np.ndarray:
        """Not today."""
        raise ValueError("out of memory")


def test_an_error_in_the_thread_is_the_loops() -> None:
    actor = RealTimeActor(Broken(), Handover(latency_n=1))
    with pytest.raises(ValueError, match="out of memory"):
        step(actor, 0)
    actor.close()
