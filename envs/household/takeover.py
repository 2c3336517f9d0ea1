"""The reference controller takes an attempt over: it repeats what was done until a moment, and finishes the chore from there.

Episodes are the same bit for bit when the same is done in them, so the attempt's own actions lead to the very state in which it
strayed. From there the person's handling is replayed with real contact (`ChoreReplay`), from the moment of it that the attempt
had come to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from envs.episodes import Episodes
from envs.household.chore import Household
from envs.household.replay import ChoreReplay, Score
from envs.household.replay_law import LAW, ReplayLaw
from envs.reference import PERIOD_S
from motion.errors import MotionError, ShapeError, require
from motion.transform import Array


@dataclass(frozen=True)
class Ideal:
    """What a person would do in a layout, as a robot would replay it.

    Attributes:
        variant, seed: which episode of the chore.
        score: their handling, and the robot's motion that follows it.
        recording: name of the recording that it comes from.
        worker: pseudonym of who showed it.
    """

    variant: str
    seed: int
    score: Score
    recording: str = ""
    worker: str = ""


@dataclass(frozen=True)
class Takeover:
    """One attempt that is taken over.

    Attributes:
        score: the person's handling, as the robot replays it.
        actions: (K, A) what the attempt did in the periods before; K > 0.
        frame: of the score, where it is gone on with.
    """

    score: Score
    actions: Array
    frame: int

    def __post_init__(self) -> None:
        require(len(self.actions) > 0, ShapeError, "an attempt can be taken over after its first action, not before.")
        frames = len(self.score.motion.time_s)
        require(0 <= self.frame < frames, ShapeError, f"frame {self.frame} of a score with {frames}.")


@dataclass(frozen=True)
class TakeoverLaw:
    """How an attempt is taken over.

    Attributes:
        return_radps: how fast a joint is brought from where it was to where the score has it, on average.
        least_s: no takeover is faster.
        wait_rad: the score waits for joints that are farther off than this.
        bound_rad: joints that are farther off cannot be taken over; see `reach_rad`.
    """

    return_radps: float = 0.8
    least_s: float = 0.4
    wait_rad: float = 0.1
    bound_rad: float = 0.8


TAKEOVER = TakeoverLaw()


def reach_rad(takeover: Takeover, posture_rad: Array) -> float:
    """How far the farthest joint of a posture (J,) is from where the score goes on."""
    return float(np.abs(takeover.score.motion.joint_position_rad[takeover.frame] - posture_rad).max())


class TakeoverReplay(ChoreReplay):
    """Takes attempts over, one per episode. An `Actor`; told which episodes run by `brief`.

    At the moment of the takeover the joints' targets go on from the attempt's last ones, and fade into the controller's along a
    smooth curve, `return_radps` fast on average; fingers go on from as far as they were closed, and a hand that holds, or is
    about to, keeps its shift from the score within the law's bounds.

    Args:
        chore: where it acts.
        takeovers: (variant, seed, take) -> what is taken over.
        law: of the replay.
        taking: of the takeover.
    """

    def __init__(
        self,
        chore: Household,
        takeovers: Mapping[tuple[str, int, int], Takeover],
        law: ReplayLaw = LAW,
        taking: TakeoverLaw = TAKEOVER,
    ) -> None:
        self.takeovers, self.taking = takeovers, taking
        super().__init__(chore, {key: takeover.score for key, takeover in takeovers.items()}, law, "takeover")

    def brief(self, episodes: Episodes) -> None:
        """Prepare every slot's episode."""
        super().brief(episodes)
        briefed = [episode for episode in episodes.episodes[: self._count] if episode is not None]
        self._own = [self.takeovers[episode.variant, episode.seed, episode.take] for episode in briefed]
        self._step = 0
        self._off = np.zeros((self._count, len(self.chore.robot.joint_names)))
        self._fade_s = np.zeros(self._count)

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Targets (N, 1, A)."""
        require(self._briefed, MotionError, "a takeover acts only where it was briefed.")
        before = [row for row, own in enumerate(self._own) if self._step < len(own.actions)]
        if len(before) == self._count:
            self._step += 1
            self._sent.append(np.array([own.frame for own in self._own]))
            return np.stack([own.actions[self._step - 1] for own in self._own])[:, None]
        now = [row for row, own in enumerate(self._own) if self._step == len(own.actions)]
        for row in [*before, *now]:
            self._clock[row] = self._own[row].frame
        for row in now:
            self.go_on(row, self._own[row].actions[-1], {name: values[row] for name, values in observation.items()})
        waiting = self._clock.copy()
        out = super().act(observation)
        joints = self._off.shape[1]
        for row in now:
            self._off[row] = self._own[row].actions[-1, :joints] - out[row, 0, :joints]
            self._fade_s[row] = max(self.taking.least_s, float(np.abs(self._off[row]).max()) / self.taking.return_radps)
        for row, own in enumerate(self._own):
            gone_s = (self._step - len(own.actions)) * PERIOD_S
            if gone_s < 0:
                out[row, 0] = own.actions[self._step]
            elif gone_s < self._fade_s[row]:
                share = gone_s / self._fade_s[row]
                rest = self._off[row] * (1.0 - share**2 * (3.0 - 2.0 * share))
                out[row, 0, :joints] += rest
                if np.abs(rest).max() > self.taking.wait_rad:
                    self._clock[row] = waiting[row]
        self._step += 1
        return out
