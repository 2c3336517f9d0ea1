"""What an actor does in a chore, as rows: many episodes, one group in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from envs.chores.base import Chore
from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode
from envs.household.appearance import NEUTRAL, Appearance
from envs.household.asked import Words
from envs.rollout import rollout
from gap.episode import EpisodeResult, episode_results
from gap.statistics import Interval, clopper_pearson, wilson
from motion.demonstration import Actor, Demonstration


@dataclass(frozen=True)
class Rates:
    """How often episodes went well.

    Attributes:
        episodes: how many.
        success: as the chore judges it; Wilson's interval.
        safe: the same, and nothing was violated; the exact (Clopper-Pearson) interval.
        progress: mean share of the stages reached.
    """

    episodes: int
    success: Interval
    safe: Interval
    progress: float


def attempts(
    chore: Chore,
    actor: Actor,
    episodes: Sequence[Episode],
    slots: int = 16,
    threads: int = 0,
    disturbance: Disturbance = MILD,
    shown: Callable[[Demonstration], object] | None = None,
    appearance: Appearance = NEUTRAL,
    words: Words | None = None,
) -> Iterator[EpisodeResult]:
    """Rows of an actor's episodes, in the order asked for; each group runs when its first row is wanted.

    Args:
        chore: what is to be done.
        actor: who does it.
        episodes: which, e.g. from `envs.rollout.all_episodes`.
        slots: episodes side by side.
        threads: of the CPU for the physics; 0 takes all.
        disturbance: what upsets every episode.
        shown: told of each whole episode, e.g. to keep some for a film.
        appearance, words: how episodes look, and what is asked for in words, as for `envs.rollout.rollout`.
    """
    for begin in range(0, len(episodes), slots):
        group = episodes[begin : begin + slots]
        done = rollout(chore, actor, group, slots, threads, disturbance, appearance=appearance, words=words)
        for demonstration in done:
            if shown is not None:
                shown(demonstration)
        yield from episode_results(done, chore.model.robot)


def rates(results: Sequence[EpisodeResult]) -> Rates:
    """Success and safe success of some rows."""
    count = len(results)
    won, safely = sum(row.success for row in results), sum(row.success and row.safe for row in results)
    progress = sum(row.progress for row in results) / count if count else float("nan")
    return Rates(count, wilson(won, count), clopper_pearson(safely, count), progress)
