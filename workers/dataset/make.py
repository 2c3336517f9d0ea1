"""One job of a data set: recorded by a worker, or carried over from a recording; replayed, and written where it succeeded.

What a job leaves behind lies in the data set's `.work` folder: its demonstration, where it succeeded, and then its outcome, each
written under a temporary name and renamed. So a job is done when its outcome is there, and a kill loses the job in hand alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from envs.chores.registry import make_household
from envs.household.chore import Household
from envs.household.refine import RefineSettings
from envs.household.scene import Scene, scene_facts
from motion.demonstration import Demonstration
from motion.handling import Handling
from motion.provenance import parent_of
from motion.store import entries_of, write_text
from retarget.handling.recorded import handling_of
from workers.dataset.plan import RECORDED, Job, Recipe
from workers.household.augment import Origin, carried_over, freest_first, nearest_scenes, with_lineage
from workers.household.demonstrate import Demonstrated, Source, demonstrate, reading_of
from workers.household.film import record_chore
from workers.record import draw_worker

WORK, RECORDINGS = ".work", "recordings"
_SCENES = 4096
"""Scenes that a process remembers: of every origin of a chore."""
_RENEWED = 64
"""A process builds its chore anew after so many jobs: it remembers what it was set up with."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job, as it is kept.

    Attributes:
        job: which.
        name: of the demonstration.
        worker: pseudonym of who showed it; "" where nothing could be made of it.
        origin: name of the recording that it was carried over from; "" for a recorded one.
        families: kinds of the handled things, sorted.
        attempts: recordings that it was tried from.
        first: whether the first attempt succeeded.
        dropped_at, reason: "" where it succeeded.
        plain: without refinement.
        violations: of a success.
    """

    job: Job
    name: str
    worker: str
    origin: str
    families: tuple[str, ...]
    attempts: int
    first: bool
    dropped_at: str
    reason: str
    plain: bool
    violations: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether a demonstration came of it."""
        return not self.dropped_at

    def save(self, folder: Path) -> None:
        """Write where `load_outcome` looks for it."""
        write_text(outcome_path(folder, self.job), json.dumps(asdict(self), indent=1))


def outcome_path(folder: Path, job: Job) -> Path:
    """Where a job's outcome lies."""
    return folder / WORK / f"{job.name}.json"


def demonstration_path(folder: Path, job: Job) -> Path:
    """Where a job's demonstration waits until its data set is written."""
    return folder / WORK / f"{job.name}.demonstration.npz"


def handling_path(folder: Path, job: Job) -> Path:
    """Where a recorded job leaves what the hands did, for others to be made from."""
    return folder / WORK / f"{job.name}.handling.npz"


def recording_path(folder: Path, job: Job, name: str) -> Path:
    """Where a recording stays; demonstrations name it as their parent."""
    return folder / RECORDINGS / job.group / f"{name}.npz"


def load_outcome(folder: Path, job: Job) -> Outcome | None:
    """What became of a job; None where it is not done.

    Raises:
        FileFormatError: a file that no job left there.
    """
    path = outcome_path(folder, job)
    if not path.is_file():
        return None
    with entries_of(path):
        told = json.loads(path.read_text())
        lists = {name: tuple(told[name]) for name in ("families", "violations")}
        return Outcome(**(told | lists | {"job": Job(**told["job"])}))


def do_job(job: Job, recipe: Recipe, folder: Path, origins: Sequence[Outcome] = (), turn: int = 0) -> Outcome:
    """Do one job and leave its outcome behind.

    Args:
        job: which.
        recipe: of the data set.
        folder: of the data set.
        origins: recorded successes of its group, that an augmented job may be made from.
        turn: number of the job: a process builds its chore anew now and then.
    """
    chore = _household(job.chore, recipe.robot, turn // _RENEWED)
    if job.kind == RECORDED:
        outcome, done = _recorded(job, recipe, folder, chore)
    else:
        outcome, done = _augmented(job, recipe, folder, chore, origins)
    if done is not None and outcome.kept:
        done.save(demonstration_path(folder, job))
    outcome.save(folder)
    return outcome


@lru_cache(maxsize=1)
def _household(name: str, robot: str, generation: int) -> Household:
    return make_household(name, robot)


@lru_cache(maxsize=_SCENES)
def _scene(chore: str, variant: str, layout: int) -> Scene:
    return _drawing(chore).scene(variant, layout)


@lru_cache(maxsize=2)
def _drawing(chore: str) -> Household:
    """A chore whose scenes nobody stages."""
    return make_household(chore, "g1_dex3")


def _recorded(job: Job, recipe: Recipe, folder: Path, chore: Household) -> tuple[Outcome, Demonstration | None]:
    """A worker records, and the robot does it again."""
    motion = record_chore(job.chore, job.variant, job.layout, job.worker, view=recipe.view).observed
    worker = draw_worker(job.worker).name
    name = f"{worker}_{job.chore}_{job.variant.replace('@', '-')}_{job.layout:06d}"
    path = recording_path(folder, job, name)
    motion.save(path)
    source = Source(name, job.variant, job.layout, motion, parent=parent_of(path, motion.provenance))
    refine = RefineSettings(rounds=recipe.rounds, tries=recipe.tries)
    done = _replayed(chore, source, recipe, refine)
    outcome = _outcome(job, recipe, done, worker, "", 1)
    if outcome.kept:
        handling_of(motion, reading_of(chore, None)).handling.save(handling_path(folder, job))
    return outcome, done.demonstration


def _augmented(
    job: Job, recipe: Recipe, folder: Path, chore: Household, origins: Sequence[Outcome]
) -> tuple[Outcome, Demonstration | None]:
    """What others recorded, carried over to this layout: the nearest one, and the next where that fails."""
    scene = _scene(job.chore, job.variant, job.layout)
    none = Demonstrated("", "augment", "no recording with the same things succeeded")
    outcome, made = _outcome(job, recipe, none, "", "", 0), None
    refine = RefineSettings(rounds=recipe.augmented_rounds, tries=recipe.tries)
    for attempt, (origin, handling) in enumerate(_candidates(folder, origins, scene, recipe.origins), 1):
        source = Source(f"{origin.name}_to_{job.layout:06d}", job.variant, job.layout, handling=handling)
        done = _replayed(chore, source, recipe, refine, stage=False)
        made = done.demonstration and with_lineage(done.demonstration, handling, origin.worker)
        outcome = _outcome(job, recipe, done, origin.worker, origin.name, attempt)
        if outcome.kept:
            break
    return outcome, made


def _replayed(chore: Household, source: Source, recipe: Recipe, refine: RefineSettings, stage: bool = True) -> Demonstrated:
    """One recording in one scene, as the recipe wants it replayed."""
    tried = demonstrate(
        *(chore, [source], recipe.plant, stage, refine, recipe.law), slots=recipe.tries, threads=1, disturbance=recipe.disturbance
    )
    return tried[0]


def _candidates(folder: Path, origins: Sequence[Outcome], scene: Scene, count: int) -> Iterator[tuple[Outcome, Handling]]:
    """Origins and what they would do in a scene: of those whose things would have to be moved least, the ones with a free way first."""
    ranked = nearest_scenes([_scene(one.job.chore, one.job.variant, one.job.layout) for one in origins], scene)
    carried = ((origins[number], carried_over(_origin(folder, origins[number]), scene)) for number in ranked)
    yield from freest_first(carried, scene, count)


def _origin(folder: Path, one: Outcome) -> Origin:
    handling = Handling.load(handling_path(folder, one.job))
    parent = parent_of(recording_path(folder, one.job, one.name), handling.provenance)
    return Origin(one.name, handling, _scene(one.job.chore, one.job.variant, one.job.layout), parent)


def _outcome(job: Job, recipe: Recipe, done: Demonstrated, worker: str, origin: str, attempts: int) -> Outcome:
    made = done.demonstration
    dropped, reason = done.dropped_at, done.reason
    if made is not None and recipe.safely and made.violations:
        dropped, reason = "safety", f"it violated {', '.join(made.violations)}"
    violations = made.violations if made is not None else ()
    first = not dropped and attempts == 1
    families = _families(_scene(job.chore, job.variant, job.layout))
    return Outcome(job, done.name, worker, origin, families, attempts, first, dropped, reason, done.plain, violations)


def _families(scene: Scene) -> tuple[str, ...]:
    """Kinds of what can be carried."""
    loose = {thing.name for thing in scene.things if thing.joint is not None and thing.joint.kind == "free"}
    return tuple(sorted({str(family) for name, family in scene_facts(scene)["families"].items() if name in loose}))


def facts_of(outcome: Outcome) -> dict[str, Any]:
    """What goes with a demonstration into its data set."""
    return {"worker": outcome.worker, "kind": outcome.job.kind, "origin": outcome.origin, "families": list(outcome.families)}
