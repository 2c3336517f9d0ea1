"""How one chunk of actions takes over from the one before: committed places, cross-fade, ensemble."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.errors import ShapeError, require
from motion.transform import Array

SPEEDS = ("_mps", "_radps")
"""Endings of the names of actions that are speeds. To hold one is to drive on, so they are stopped instead."""


@dataclass(frozen=True)
class Handover:
    """When chunks are computed, and how each takes over from the one before.

    Attributes:
        execute_n: control periods from one look to the next.
        latency_n: d, periods from a look to the moment from which its chunk is carried out. What is sent until then is committed
            already. 0: the robot waits for the chunk.
        blend_n: places over which the committed actions fade into the new chunk's, from its first one on.
        ensemble: instead of a fade, all chunks that tell of a moment are averaged, the k-th of them (0 is the oldest) with
            weight exp(-ensemble k): 0 takes their mean, more trusts the oldest, less than 0 the newest. It needs `execute_n=1`.
            Source: Zhao et al. 2023, "Learning fine-grained bimanual manipulation with low-cost hardware", temporal ensembling.
    """

    execute_n: int = 1
    latency_n: int = 0
    blend_n: int = 0
    ensemble: float | None = None

    def __post_init__(self) -> None:
        for name in ("latency_n", "blend_n"):
            require(getattr(self, name) >= 0, ShapeError, f"{name} is {getattr(self, name)}; it cannot be negative.")
        if self.ensemble is not None:
            require(bool(np.isfinite(self.ensemble)), ShapeError, f"ensemble is {self.ensemble}; a finite number was wanted.")
            require(self.execute_n == 1, ShapeError, f"execute_n is {self.execute_n}; an ensemble needs a look in every period: 1.")
            require(self.blend_n == 0, ShapeError, f"blend_n is {self.blend_n}; an ensemble does not fade: 0.")

    @property
    def at_once(self) -> bool:
        """Whether every chunk simply replaces the one before, so that nothing has to be remembered."""
        return self.latency_n == 0 and self.blend_n == 0 and self.ensemble is None

    def require_chunk(self, chunk_n: int) -> None:
        """Refuse chunks that end before the next one has taken over.

        Raises:
            ShapeError: with what the chunk is long enough for.
        """
        execute_n = self.execute_n
        require(1 <= execute_n <= chunk_n, ShapeError, f"execute_n is {execute_n}; the policy predicts chunks of {chunk_n}: 1..{chunk_n}.")
        needed = execute_n + self.latency_n + self.blend_n
        require(
            needed <= chunk_n,
            ShapeError,
            f"execute_n {execute_n} + latency_n {self.latency_n} + blend_n {self.blend_n} = {needed}; "
            f"the policy's chunks end after {chunk_n}, before the next one has taken over.",
        )


def usual(execute_n: int, ensemble: float | None) -> int:
    """How many actions are carried out per look where nobody says: as many as is usual for a policy, or 1, which an ensemble needs."""
    return execute_n if ensemble is None else 1


class Plan:
    """What is going to be sent, from the present period on, for N episodes.

    The fade is one of actions, and so the same for every policy, also for one of which only an exported graph is left. Committed
    places are not painted into samplers (flow, diffusion), neither while they sample nor in training.

    Args:
        handover: the settings.
        action_names: (A,) names of the actions; those of speeds are told by `SPEEDS`.
    """

    def __init__(self, handover: Handover, action_names: tuple[str, ...]) -> None:
        self.handover = handover
        self._speed = np.array([name.endswith(SPEEDS) for name in action_names])
        self.clear()

    def clear(self) -> None:
        """Begin anew: nothing is committed."""
        self._places: Array | None = None
        self._trust = np.zeros(0)  # (P,) sum of an ensemble's weights so far
        self._votes = np.zeros(0, int)  # (P,) chunks in it so far
        self.held = False

    @property
    def empty(self) -> bool:
        """Whether no chunk has come yet."""
        return self._places is None

    @property
    def places(self) -> Array:
        """(N, P, A), P >= 1: committed, or what would be sent if no chunk came any more."""
        require(self._places is not None, ShapeError, "nothing is planned before the first chunk.")
        assert self._places is not None
        return self._places

    def join(self, chunk: Array, age_n: int = 0) -> Array:
        """Take in a chunk (N, H, A) that was computed from a look `age_n` periods ago; gives the places from now on.

        An episode's first chunk counts from now on: a robot does not move before it has one.

        Raises:
            ShapeError: of another number of episodes than before.
        """
        new = chunk[:, age_n:]
        if not new.shape[1]:
            return self.places  # so late that it tells of the past only
        start = 0 if self.empty else max(0, self.handover.latency_n - age_n)
        old = new if self.empty else self._padded(new)
        share = self._shares(new.shape[1], start)[:, None]
        self._places = np.where(share == 1.0, new, old + share * (new - old))
        self.held = False
        return self._places

    def advance(self, periods_n: int) -> None:
        """Let time go on. At the plan's end its last targets are held, and what drives stops."""
        if self._places is None:
            return
        self.held = periods_n >= self._places.shape[1]
        last = np.where(self._speed, 0.0, self._places[:, -1:])
        self._places = last if self.held else self._places[:, periods_n:]
        self._trust, self._votes = self._trust[periods_n:], self._votes[periods_n:]

    def _padded(self, new: Array) -> Array:
        """The places until now, as many as the new ones, the last repeated."""
        old = self.places
        require(len(old) == len(new), ShapeError, f"{len(new)} episodes were seen, {len(old)} before; begin anew by reset.")
        return old[:, np.minimum(np.arange(new.shape[1]), old.shape[1] - 1)]

    def _shares(self, places_n: int, start: int) -> Array:
        """Share of the new chunk in each place (P,): 0 where another is committed."""
        if self.handover.ensemble is not None:
            return self._vote(places_n, start, self.handover.ensemble)
        fade_n = 0 if self.empty else self.handover.blend_n
        return np.clip((np.arange(places_n) - start + 1) / (fade_n + 1), 0.0, 1.0)

    def _vote(self, places_n: int, start: int, ensemble: float) -> Array:
        grown = max(0, places_n - len(self._votes))
        self._trust, self._votes = np.pad(self._trust, (0, grown)), np.pad(self._votes, (0, grown))
        counts = np.arange(len(self._votes)) >= start
        weight = np.where(counts, np.exp(-ensemble * self._votes), 0.0)
        self._trust, self._votes = self._trust + weight, self._votes + counts
        return np.divide(weight, self._trust, out=np.zeros_like(weight), where=self._trust > 0)[:places_n]
