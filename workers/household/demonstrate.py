"""From recordings of people to demonstrations of a robot, one step after the other; every step says why it drops one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.disturbance import MILD, Disturbance
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.refine import Attempt, RefineSettings, replay_and_refine
from envs.household.replay import Score
from envs.household.replay_law import LAW, ReplayLaw
from envs.plants import Plant, find_plant
from motion.demonstration import Demonstration
from motion.errors import UnderstudyError
from motion.handling import Handling
from motion.human import HumanMotion
from motion.provenance import Parent
from motion.transform import Transform
from retarget.handling.recorded import RecordedSettings, handling_of
from retarget.handling.settings import HandlingSettings
from retarget.handling.solution import retarget_handling
from workers.household.labelled import with_labels

OUT_OF_REACH = 0.1
"""A recording of which more than this share of the wanted frames is out of the robot's reach is not admitted."""


@dataclass(frozen=True)
class Source:
    """One recording and the episode that it is to be replayed in.

    Attributes:
        name: of the recording.
        variant, seed: of the chore; with `stage` things stand where the recording has them, else where the seed has them.
        motion: the recording, or
        handling: what hands did in it, where that is known already.
        parent: lineage of the file it came from.
    """

    name: str
    variant: str
    seed: int
    motion: HumanMotion | None = None
    handling: Handling | None = None
    parent: Parent | None = None


@dataclass(frozen=True)
class Demonstrated:
    """What became of a recording.

    Attributes:
        name: of the recording.
        dropped_at: "" for one that succeeded, else the step that dropped it: "understand", "reach", "replay".
        reason: why it was dropped, in words.
        plain: whether the plain replay succeeded.
        attempt: the best attempt; None where it did not come so far.
        notes: what was understood on the way.
    """

    name: str
    dropped_at: str
    reason: str
    plain: bool = False
    attempt: Attempt | None = None
    notes: tuple[str, ...] = ()

    @property
    def admitted(self) -> bool:
        """Whether it came as far as the simulation."""
        return self.attempt is not None

    @property
    def demonstration(self) -> Demonstration | None:
        """The demonstration, where it succeeded."""
        return self.attempt.demonstration if self.attempt is not None and not self.dropped_at else None


def demonstrate(
    chore: Household,
    sources: Sequence[Source],
    plant: str | Plant = "nominal",
    stage: bool = True,
    refine: RefineSettings | None = None,
    law: ReplayLaw = LAW,
    reading: RecordedSettings | None = None,
    following: HandlingSettings | None = None,
    slots: int = 16,
    threads: int = 0,
    disturbance: Disturbance = MILD,
    progress: Callable[[int], None] | None = None,
) -> list[Demonstrated]:
    """Turn recordings into demonstrations, in order.

    Args:
        chore: the chore, for one robot.
        sources: recordings; (variant, seed) has to be unique among them.
        plant: in which they are replayed.
        stage: set the scene from the recording's tracks; without it the seed's own scene stands there.
        refine: of replays that fail; `RefineSettings(rounds=0)` for none.
        law: of the replay.
        reading, following: how recordings are read, and how closely hands are followed.
        slots, threads: of the simulation.
        disturbance: what upsets every episode.
        progress: told how many recordings have just been prepared.
    """
    ready: dict[int, tuple[Episode, Score, tuple[str, ...]]] = {}
    out: dict[int, Demonstrated] = {}
    found = find_plant(plant)
    for index, source in enumerate(sources):
        made = prepared(chore, source, stage, reading, following)
        if isinstance(made, Demonstrated):
            out[index] = made
        else:
            ready[index] = (Episode(source.variant, found, source.seed), *made)
        if progress is not None:
            progress(1)
    if ready:
        episodes, scores = [part[0] for part in ready.values()], [part[1] for part in ready.values()]
        attempts = replay_and_refine(chore, episodes, scores, refine, law, slots, threads, disturbance)
        for (index, (_, score, notes)), attempt in zip(ready.items(), attempts, strict=True):
            out[index] = judged(chore, sources[index], score, attempt, notes)
    return [out[index] for index in range(len(sources))]


def prepared(
    chore: Household, source: Source, stage: bool, reading: RecordedSettings | None, following: HandlingSettings | None
) -> tuple[Score, tuple[str, ...]] | Demonstrated:
    """Understand a recording, set its scene and follow its hands: its score, and what was understood; or why there is none."""
    try:
        handling, notes = _understood(source, reading_of(chore, reading))
    except UnderstudyError as error:
        return Demonstrated(source.name, "understand", str(error))
    known = {name: track for name, track in handling.things.items() if name in chore.listing.things}
    missing = [hold.thing for hold in handling.holds if hold.thing not in known]
    if missing:
        said = f"the recording handles {', '.join(sorted(set(missing)))}; {chore.name} has {', '.join(chore.listing.things)}"
        return Demonstrated(source.name, "understand", said, notes=notes)
    if stage:
        chore.stage(source.variant, source.seed, {name: _start(track) for name, track in known.items() if name not in chore.listing.hinges})
    try:
        solution = retarget_handling(chore.robot, handling, following)
    except UnderstudyError as error:
        return Demonstrated(source.name, "reach", str(error), notes=notes)
    share, side = max((float(np.mean(frames)), side) for side, frames in solution.report.out_of_reach.items())
    if share > OUT_OF_REACH or solution.report.unsolved:
        worst = solution.report.worst_frame.get(side, 0)
        said = f"{100 * share:.0f} % of the {side} hand's frames are out of reach (the worst at {handling.time_s[0] + worst / 50:.1f} s)"
        return Demonstrated(source.name, "reach", said, notes=notes)
    return Score(solution.motion, solution.handling), notes


def reading_of(chore: Household, reading: RecordedSettings | None) -> RecordedSettings | None:
    """How recordings of a chore are read: points of its cloth are held with the tips, and never turn by themselves."""
    points = chore.listing.points
    return replace(reading or RecordedSettings(), grasps=dict.fromkeys(points, "nip")) if points else reading


def _understood(source: Source, reading: RecordedSettings | None) -> tuple[Handling, tuple[str, ...]]:
    if source.handling is not None:
        return source.handling, ()
    assert source.motion is not None
    read = handling_of(source.motion, reading)
    return read.handling, (*read.notes, *read.warnings)


def _start(track: Transform) -> Transform:
    """Where a thing stands at first."""
    return track[0]


def judged(chore: Household, source: Source, score: Score, attempt: Attempt, notes: tuple[str, ...]) -> Demonstrated:
    """What became of a recording whose best attempt is known; its demonstration names who showed it, and what it was made from."""
    done = with_labels(attempt.demonstration, score, chore.robot)
    own = score.handling.provenance
    parents = (source.parent,) if source.parent is not None else own.parents
    lineage = replace(done.provenance, parents=parents, licence=own.licence, consent=own.consent)
    scene = {**done.scene, "worker": source.motion.subject.pseudonym} if source.motion is not None else done.scene
    attempt = replace(attempt, demonstration=replace(done, provenance=lineage, actor=source.name, scene=scene))
    reason = chore.explain(done.signals, done.safety)
    return Demonstrated(source.name, "replay" if reason else "", reason, done.success and attempt.rounds == 0, attempt, notes)
