"""Refining replays that fail: small changes of how a thing is grasped, pressed and put down, tried in physics.

A bounded random search: a few changed attempts of each failing episode run side by side, the best one is where the next
round searches more narrowly. The best is the one that succeeds, safely, and whose things stay nearest to the person's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.replay import Adjustment, ChoreReplay, Score
from envs.household.replay_law import LAW, ReplayLaw
from envs.rollout import rollout
from motion.demonstration import Demonstration
from motion.errors import ShapeError, require
from motion.transform import Array


@dataclass(frozen=True)
class RefineSettings:
    """How failing replays are refined.

    Attributes:
        rounds: of the search; an episode leaves it as soon as it succeeds.
        tries: attempts at an episode in each round.
        offset_m: standard deviation of the hand's shift in the first round; each round has `narrower` of the one before.
        offset_bound_m: largest shift.
        lower_m: largest change of the height at which something is put down.
        force: largest factor, and the inverse of the smallest one, on the grip force.
        narrower: see `offset_m`.
        safely: whether attempts that succeed but harm something are refined, too.
        seed: of the search.
    """

    rounds: int = 3
    tries: int = 8
    offset_m: float = 0.006
    offset_bound_m: float = 0.02
    lower_m: float = 0.006
    force: float = 2.0
    narrower: float = 0.7
    safely: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.rounds >= 0 and self.tries > 0, ShapeError, f"refinement needs at least 0 rounds of 1 try: {self}.")
        require(self.force >= 1 and min(self.offset_m, self.lower_m) >= 0, ShapeError, f"refinement cannot have negative sizes: {self}.")


@dataclass(frozen=True)
class Attempt:
    """The best attempt at an episode.

    Attributes:
        demonstration: as it went.
        adjustments: what was changed, hold's number -> change; empty for the plain replay.
        rounds: how many rounds of refinement it took; 0 for the plain replay.
    """

    demonstration: Demonstration
    adjustments: Mapping[int, Adjustment]
    rounds: int


def replay_and_refine(
    chore: Household,
    episodes: Sequence[Episode],
    scores: Sequence[Score],
    settings: RefineSettings | None = None,
    law: ReplayLaw = LAW,
    slots: int = 16,
    threads: int = 0,
    disturbance: Disturbance = MILD,
) -> list[Attempt]:
    """Replay every episode's score, refine what fails, and return the best attempt at each, in order.

    Args:
        chore: the chore.
        episodes: which; (variant, seed) has to be unique.
        scores: what each is to replay.
        settings: of the refinement; `rounds=0` replays plainly.
        law: of the replay.
        slots, threads: of the simulation.
        disturbance: what upsets every episode.
    """
    settings = settings or RefineSettings()
    best = _attempts(chore, episodes, scores, [{}] * len(episodes), law, slots, threads, disturbance, 0)
    for number in range(settings.rounds):
        failing = [index for index, attempt in enumerate(best) if not _good(attempt.demonstration, settings.safely)]
        if not failing:
            break
        rows = [index for index in failing for _ in range(settings.tries)]
        changes = [
            _changed(scores[index], best[index].adjustments, settings, number, episodes[index].seed * settings.tries + row % settings.tries)
            for row, index in enumerate(rows)
        ]
        tried = _attempts(
            chore, [episodes[i] for i in rows], [scores[i] for i in rows], changes, law, slots, threads, disturbance, number + 1
        )
        for index, attempt in zip(rows, tried, strict=True):
            if _merit(chore, attempt.demonstration, scores[index]) > _merit(chore, best[index].demonstration, scores[index]):
                best[index] = attempt
    return best


def _attempts(
    chore: Household,
    episodes: Sequence[Episode],
    scores: Sequence[Score],
    changes: Sequence[Mapping[int, Adjustment]],
    law: ReplayLaw,
    slots: int,
    threads: int,
    disturbance: Disturbance,
    number: int,
) -> list[Attempt]:
    takes = [replace(episode, take=index) for index, episode in enumerate(episodes)]
    own = {
        (take.variant, take.seed, take.take): replace(score, adjustments=change)
        for take, score, change in zip(takes, scores, changes, strict=True)
    }
    name = "handling" if number == 0 else "refined handling"
    done = rollout(chore, ChoreReplay(chore, own, law, name), takes, slots, threads, disturbance)
    return [Attempt(demonstration, change, number) for demonstration, change in zip(done, changes, strict=True)]


def _changed(score: Score, around: Mapping[int, Adjustment], settings: RefineSettings, number: int, salt: int) -> dict[int, Adjustment]:
    """One random change of every hold, around the best one so far."""
    rng = np.random.default_rng([settings.seed, number, salt])
    width = settings.narrower**number
    changes = {}
    for hold in range(len(score.handling.holds)):
        centre = around.get(hold, Adjustment())
        x, y, z = np.array(centre.offset_m) + width * settings.offset_m * rng.standard_normal(3)
        bound = settings.offset_bound_m
        lower = float(np.clip(centre.lower_m + width * settings.lower_m * rng.uniform(-1, 1), -settings.lower_m, settings.lower_m))
        spread = np.log(settings.force)
        force = float(np.exp(np.clip(np.log(centre.force) + width * spread * rng.uniform(-1, 1), -spread, spread)))
        changes[hold] = Adjustment((_within(x, bound), _within(y, bound), _within(z, bound)), lower, force)
    return changes


def _within(value: float, bound: float) -> float:
    return float(np.clip(value, -bound, bound))


def _good(demonstration: Demonstration, safely: bool) -> bool:
    return demonstration.success and not (safely and demonstration.violations)


def _merit(chore: Household, demonstration: Demonstration, score: Score) -> tuple[bool, bool, float, float]:
    """What makes an attempt better than another: done, unharmed, farther, nearer to what the person's things did."""
    return demonstration.success, not demonstration.violations, demonstration.progress, -_strayed_m(chore, demonstration, score)


def _strayed_m(chore: Household, demonstration: Demonstration, score: Score) -> float:
    """Mean distance of the handled things from their recorded tracks, each at most 0.2 m."""
    frames = min(len(demonstration.actions), len(score.handling.time_s))
    gaps: list[Array] = []
    for name in {hold.thing for hold in score.handling.holds} & set(chore.listing.things):
        own = demonstration.signals["thing_position_m"][:frames, chore.listing.things.index(name)]
        wanted = chore.station.T_world_counter.apply(score.handling.things[name].position_m[:frames])
        gaps.append(np.minimum(np.nan_to_num(np.linalg.norm(own - wanted, axis=-1), nan=0.2), 0.2))
    return float(np.mean(gaps)) if gaps else 0.0
