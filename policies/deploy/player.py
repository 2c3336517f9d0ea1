"""A robot's control loop around an exported policy."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from motion.errors import MotionError, require
from motion.transform import Array
from policies.deploy.handover import Handover
from policies.deploy.predictor import Predictor, blank
from policies.deploy.real_time import RealTimeActor
from policies.spec import is_picture


class RobotSide(Protocol):
    """What a robot's own software offers to the loop."""

    @property
    def joint_names(self) -> Sequence[str]:
        """(A,) names of the actions that it takes, in order; those of a driving base's speeds come last."""
        ...

    @property
    def period_s(self) -> float:
        """Control period that it works at."""
        ...

    @property
    def keeps_time(self) -> bool:
        """Whether `observe` itself waits for the next period. Otherwise the loop keeps the time."""
        ...

    def observe(self) -> Mapping[str, np.ndarray] | None:
        """What is seen at the beginning of a period, each observation without N; None at the end of the episode."""
        ...

    def send(self, action: Array) -> None:
        """Send targets (A,), rad (of a driving base m/s and rad/s), to be held for one period."""
        ...


class Player:
    """Acts in every control period, for one robot; counts what came too late.

    Args:
        predictor: e.g. from `load_exported`.
        handover: how chunks follow each other; with `latency_n` above 0 they are computed in a thread of their own.
        clock: seconds that only grow.
        sleep: waits for so many seconds.

    Attributes:
        missed_n: periods whose action came after the period's end.
        slowest_s: longest time from a period's beginning to its action.
    """

    def __init__(
        self,
        predictor: Predictor,
        handover: Handover | None = None,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.spec, self.missed_n, self.slowest_s = predictor.spec, 0, 0.0
        self.actor = RealTimeActor(predictor, handover or Handover())
        self._clock, self._sleep = clock, sleep
        self._warm_up(predictor)

    def require(self, joint_names: Sequence[str], period_s: float) -> None:
        """Refuse a robot that the policy was not made for.

        Raises:
            CheckpointError: naming the joints that are missing or too many, or both control periods.
        """
        self.spec.require_joints(joint_names, "the robot's side")
        self.spec.require_period(period_s, "the robot's side")

    def reset(self) -> None:
        """Begin a new episode: what was seen and planned before is forgotten."""
        self.actor.reset(1)

    def step(self, observation: Mapping[str, np.ndarray]) -> Array:
        """Targets (A,) for this period, from observations without N. The first of an episode waits for its chunk.

        Raises:
            UnknownNameError: an observation that the policy reads is not there.
            ShapeError: an observation of another shape.
            MotionError: an observation, or the action, is not finite.
        """
        batch = {}
        for name in self.spec.shapes:
            if name in observation:
                batch[name] = np.asarray(observation[name], None if is_picture(name) else np.float64)[None]
                require(bool(np.isfinite(batch[name]).all()), MotionError, f"observation {name!r} holds a number that is not finite.")
        action: Array = self.actor.act(batch)[0, 0]
        require(bool(np.isfinite(action).all()), MotionError, "the policy's action is not finite; nothing was sent.")
        return action

    def run(self, robot: RobotSide, periods_n: int | None = None) -> int:
        """Play one episode: until the robot's side ends it, or for so many periods. Returns the periods played.

        Where a period took too long, the next one begins at once, and the ones after it keep their distance to it.

        Raises:
            CheckpointError: the robot is not the one that the policy was made for.
        """
        self.require(robot.joint_names, robot.period_s)
        self.reset()
        played, begin = 0, self._clock()
        while periods_n is None or played < periods_n:
            observation = robot.observe()
            if observation is None:
                break
            if robot.keeps_time:
                begin = self._clock()
            robot.send(self.step(observation))
            self._note(self._clock() - begin)
            played += 1
            if not robot.keeps_time:
                begin = self._await_next(begin)
        return played

    def summary(self) -> str:
        """How timely it was, in a few lines."""
        seen, period_s = self.actor.timeliness, self.spec.period_s
        mean_s = seen.total_s / max(1, seen.chunks_n)
        enough = math.ceil(seen.slowest_s / period_s)
        return (
            f"{seen.periods_n} periods of {1e3 * period_s:g} ms; {self.missed_n} actions missed their deadline, "
            f"the slowest took {1e3 * self.slowest_s:.1f} ms\n"
            f"{seen.chunks_n} chunks, {1e3 * mean_s:.1f} ms each, at most {1e3 * seen.slowest_s:.1f} ms; {seen.late_n} came late, "
            f"by {seen.late_periods_n} periods in all; {seen.postponed_n} looks postponed; targets held in {seen.held_n} periods\n"
            f"latency_n={self.actor.handover.latency_n}; {enough} would have been enough for every chunk"
        )

    def close(self) -> None:
        """End the thread."""
        self.actor.close()

    def _note(self, took_s: float) -> None:
        self.missed_n += took_s > self.spec.period_s
        self.slowest_s = max(self.slowest_s, took_s)

    def _await_next(self, begin: float) -> float:
        following, now = begin + self.spec.period_s, self._clock()
        if following > now:
            self._sleep(following - now)
        return max(following, now)

    def _warm_up(self, predictor: Predictor) -> None:
        """Run everything once: a graph's first run is slower than all others, and would count against the robot's clock."""
        look, _ = predictor.read(blank(self.spec))
        predictor.predict(np.repeat(look[:, None], predictor.history_n, axis=1))
