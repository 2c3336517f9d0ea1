"""Many episodes, run side by side, each into a Demonstration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from envs.actors import Briefed, Noting, Watching
from envs.chores.base import Chore
from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode, Episodes
from envs.household.appearance import NEUTRAL, Appearance
from envs.household.asked import Words, told, usual
from envs.household.sight import Sight
from envs.plants import Plant, find_plant
from motion.demonstration import Actor, Demonstration
from motion.errors import ShapeError, require
from motion.transform import Array

Plants = str | Plant | Mapping[str, Any] | Sequence[str | Plant | Mapping[str, Any]]
Progress = Callable[[int], None]


def all_episodes(
    chore: Chore, plants: Plants = "nominal", seeds: Sequence[int] = (0,), variants: Sequence[str] | None = None
) -> list[Episode]:
    """Every variant in every plant with every seed, variants outermost."""
    listed = [plants] if isinstance(plants, str | Plant | Mapping) else list(plants)
    found = [find_plant(plant) for plant in listed]
    return [Episode(variant, plant, int(seed)) for variant in variants or chore.variants for plant in found for seed in seeds]


def rollout(
    chore: Chore,
    actor: Actor,
    episodes: Sequence[Episode],
    slots: int = 16,
    threads: int = 0,
    disturbance: Disturbance = MILD,
    progress: Progress | None = None,
    appearance: Appearance = NEUTRAL,
    words: Words | None = None,
) -> list[Demonstration]:
    """Run episodes and return them in the order asked for.

    Episodes run in groups of `slots`, the longest first, so that those beside each other end at about the same time.
    The result does not depend on `slots` or `threads` as long as the actor treats the rows of a batch by themselves. An actor that
    looks at pictures (`envs.household.sight.Sighted`) is shown them; they are not kept in the demonstrations.

    Args:
        chore: the chore.
        actor: who acts; begun anew for every group.
        episodes: which, e.g. from `all_episodes`.
        slots: episodes at once.
        threads: of the CPU for the physics; 0 takes all.
        disturbance: what upsets every episode.
        progress: told how many episodes have just ended.
        appearance: how every episode looks, for an actor that looks at pictures; for others it changes nothing. What is not as in
            training stands in the provenance of the demonstrations.
        words: what each episode's actor is asked for, as `motion.words.text_features` in observation "text"; the chore's own words
            unless given. Others stand in the provenance of the demonstrations.
    """
    require(slots > 0, ShapeError, f"{slots} slots hold no episode.")
    length = chore.variant_index([episode.variant for episode in episodes])
    order = sorted(range(len(episodes)), key=lambda index: -chore.steps(int(length[index])))
    runner = Episodes(chore, min(slots, max(1, len(episodes))), threads, disturbance)
    done: dict[int, Demonstration] = {}
    with Sight(chore, actor, appearance) as sight:
        for group in (order[begin : begin + slots] for begin in range(0, len(order), slots)):
            own = [episodes[index] for index in group]
            asked = told(words or usual(chore), own)
            for index, demonstration in zip(group, _run_group(runner, actor, own, sight, asked), strict=True):
                done[index] = _noted_as(demonstration, appearance, words(episodes[index]) if words else "")
            if progress is not None:
                progress(len(group))
    return [done[index] for index in range(len(episodes))]


def _run_group(
    runner: Episodes, actor: Actor, group: Sequence[Episode], sight: Sight, asked: Mapping[str, np.ndarray]
) -> Iterator[Demonstration]:
    slots = np.arange(len(group))
    observation = runner.reset(slots, group)
    actor.reset(len(group))
    if isinstance(actor, Briefed):
        actor.brief(runner)
    alive = np.ones(len(group), bool)
    while alive.any():
        chunk = _chunk(actor, sight.of(runner, {**observation, **asked}, alive), len(group))
        for offset in range(actor.execute_n):
            going = slots[alive]
            if not len(going):
                break
            outcome = runner.step(going, chunk[going, offset])
            observation = _updated(observation, going, outcome.observation)
            if offset + 1 < actor.execute_n and isinstance(actor, Watching):
                actor.watch(sight.of(runner, {**observation, **asked}, alive))
            alive[going] = ~(outcome.terminated | outcome.truncated)
    return (_noted(runner.demonstration(int(slot), actor.name), actor, int(slot)) for slot in slots)


def _noted_as(done: Demonstration, appearance: Appearance, text: str) -> Demonstration:
    """With how it looked and what was asked for, where that was not as usual."""
    unusual = ({} if appearance.neutral else {"appearance": asdict(appearance)}) | ({"text": text} if text else {})
    if not unusual:
        return done
    return replace(done, provenance=replace(done.provenance, config={**done.provenance.config, **unusual}))


def _noted(done: Demonstration, actor: Actor, slot: int) -> Demonstration:
    """With what the actor has to say of its steps."""
    if not isinstance(actor, Noting):
        return done
    notes = {name: track[: len(done.actions)] for name, track in actor.notes(slot).items()}
    return replace(done, signals={**done.signals, **notes})


def _updated(old: Mapping[str, np.ndarray], rows: np.ndarray, new: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Observations with some rows replaced. Never in place: actors may keep, or hand back, what they were shown."""
    if len(rows) == len(next(iter(old.values()))):
        return dict(new)
    out = {name: values.copy() for name, values in old.items()}
    for name, values in new.items():
        out[name][rows] = values
    return out


def _chunk(actor: Actor, observation: Mapping[str, np.ndarray], count: int) -> Array:
    chunk = np.asarray(actor.act(observation), float)
    require(
        chunk.ndim == 3 and len(chunk) == count and chunk.shape[1] >= actor.execute_n,
        ShapeError,
        f"actor {actor.name!r} gave actions {chunk.shape}; (N={count}, H>={actor.execute_n}, J) was wanted.",
    )
    return chunk
