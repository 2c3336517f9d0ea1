"""From recordings to what policies that are given one learn from: demonstrations with their context, things moved, in any plant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.context import context_of
from envs.household.prompted import Prompted, open_loop
from envs.household.refine import Attempt
from envs.household.replay import ChoreReplay, Score
from envs.household.replay_law import LAW, ReplayLaw
from envs.plants import Plant, find_plant
from envs.rollout import rollout
from motion.context import with_context
from motion.demonstration import Actor
from motion.errors import UnderstudyError, require
from motion.transform import Transform
from workers.household.demonstrate import Demonstrated, Source, judged, prepared

BEHIND_M = 0.03
"""How far a thing may be moved: farther than that the replay's law does not follow it."""
REFERENCE = "reference"
"""Name of the replay with feedback."""


@dataclass(frozen=True)
class Prompts:
    """Recordings that became scores, and what became of the others.

    Attributes:
        sources, scores, notes: index of the recording -> it, what it asks for, and what was understood on the way.
        dropped: index -> why there is no score.
    """

    sources: Mapping[int, Source]
    scores: Mapping[int, Score]
    notes: Mapping[int, tuple[str, ...]]
    dropped: Mapping[int, Demonstrated]

    @property
    def episodes(self) -> list[tuple[str, int]]:
        """(variant, seed) of every score."""
        return list(self.by_episode())

    def by_episode(self) -> dict[tuple[str, int], Score]:
        """(variant, seed) -> score."""
        return {(self.sources[index].variant, self.sources[index].seed): score for index, score in self.scores.items()}


def prompts_of(chore: Household, sources: Sequence[Source], moved_m: float = 0.0) -> Prompts:
    """Set the scene of every recording, and follow its hands.

    Args:
        chore: the chore, for one robot.
        sources: recordings; (variant, seed) has to be unique among them.
        moved_m: the first thing that is carried stands up to so far from where the recording has it, each recording's elsewhere.

    Raises:
        UnderstudyError: two recordings of one episode, or a thing that is moved too far.
    """
    require(0 <= moved_m <= BEHIND_M, UnderstudyError, f"moved_m is {moved_m:g}; things can be moved by 0 to {BEHIND_M:g} m.")
    keys = [(source.variant, source.seed) for source in sources]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    require(twice is None, UnderstudyError, f"two recordings are of {chore.name} {twice}; each needs an episode of its own.")
    scores: dict[int, Score] = {}
    notes: dict[int, tuple[str, ...]] = {}
    dropped: dict[int, Demonstrated] = {}
    for index, source in enumerate(sources):
        made = prepared(chore, source, True, None, None)
        if isinstance(made, Demonstrated):
            dropped[index] = made
            continue
        scores[index], notes[index] = made
        if moved_m:
            _move(chore, source, scores[index], moved_m)
    return Prompts({index: sources[index] for index in scores}, scores, notes, dropped)


def _move(chore: Household, source: Source, score: Score, reach_m: float) -> None:
    """Let the first carried thing stand elsewhere; anywhere in a disc around where the recording has it."""
    free = [hold.thing for hold in score.handling.holds if hold.thing not in chore.listing.hinges]
    if not free or free[0] in chore.listing.points:
        return
    rng = np.random.default_rng([source.seed, 31])
    angle, away = rng.uniform(0.0, 2 * np.pi), reach_m * np.sqrt(rng.uniform())
    known = {name: track[0] for name, track in score.handling.things.items() if name in chore.listing.things}
    poses = {name: pose for name, pose in known.items() if name not in chore.listing.hinges}
    start = poses[free[0]]
    poses[free[0]] = Transform(start.position_m + away * np.array([np.cos(angle), np.sin(angle), 0.0]), start.wxyz)
    chore.stage(source.variant, source.seed, poses)


def demonstrate_with_context(
    chore: Household,
    sources: Sequence[Source],
    plant: str | Plant = "nominal",
    law: ReplayLaw = LAW,
    slots: int = 16,
    threads: int = 0,
    disturbance: Disturbance = MILD,
    moved_m: float = 0.0,
) -> list[Demonstrated]:
    """Turn recordings into demonstrations that hold what a prompter would have told, in order.

    The replay knows no more than the recording and what is seen, so that a policy can learn it; nothing is refined, because
    nobody could tell a policy what was changed.

    Args:
        chore, sources, moved_m: see `prompts_of`.
        plant: in which they are replayed.
        law: of the replay.
        slots, threads, disturbance: as for `demonstrate`.
    """
    prompts, found, own = prompts_of(chore, sources, moved_m), find_plant(plant), replace(law, knows_things=False)
    out = dict(prompts.dropped)
    if prompts.scores:
        episodes = [Episode(source.variant, found, source.seed) for source in prompts.sources.values()]
        scores = {(*key, 0): score for key, score in prompts.by_episode().items()}
        done = rollout(chore, ChoreReplay(chore, scores, own), episodes, slots, threads, disturbance)
        for (index, score), one in zip(prompts.scores.items(), done, strict=True):
            told = with_context(one, context_of(chore, score, own))
            out[index] = judged(chore, sources[index], score, Attempt(told, {}, 0), prompts.notes[index])
    return [out[index] for index in range(len(sources))]


def told_actors(chore: Household, actor: Actor, prompts: Prompts, law: ReplayLaw = LAW) -> list[Actor]:
    """An actor that is told of recordings, and what it has to stand beside: plain replay of them, and the replay with feedback.

    Args:
        chore: as the prompts have staged it.
        actor: e.g. a policy that was trained with contexts.
        prompts: the recordings.
        law: of the replay with feedback, "reference". It knows no more of the things than the recordings tell, either.
    """
    own, scores = replace(law, knows_things=False), prompts.by_episode()
    contexts = {key: context_of(chore, score, own) for key, score in scores.items()}
    reference = ChoreReplay(chore, {(*key, 0): score for key, score in scores.items()}, own, REFERENCE)
    return [Prompted(actor, contexts), open_loop(contexts), reference]
