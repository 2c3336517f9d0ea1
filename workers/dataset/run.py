"""All jobs of a data set, over the cores, from where it was stopped; then its parts, one data set for each split and chore."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from envs.chores.registry import household_chores, make_household
from envs.household.leaks import Axis, check_leaks
from envs.household.leaks_command import rows_of
from envs.household.splits import Splits, load_splits
from envs.plants import find_plant
from motion.cores import over_cores
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnderstudyError, UnknownNameError, require
from motion.lerobot import Dataset
from motion.lerobot.layout import UNDERSTUDY
from motion.lerobot.writer import DatasetWriter, episode_name
from motion.provenance import file_sha256, git_commit, library_versions
from motion.store import entries_of, write_text
from workers.dataset.coverage import write_coverage
from workers.dataset.make import RECORDINGS, WORK, Outcome, demonstration_path, do_job, facts_of, load_outcome
from workers.dataset.page import card_text
from workers.dataset.plan import RECORDED, TESTS, TRAIN, Job, Recipe, jobs_of
from workers.handwork.registry import known_scripts

HEAD, INDEX, JOBS, CARD = "dataset.json", "index.json", "jobs.json", "README.md"


@dataclass(frozen=True)
class Made:
    """A finished data set: what became of its jobs, in order, and what its index says."""

    outcomes: tuple[Outcome, ...]
    index: Mapping[str, Any]


def able_chores() -> tuple[str, ...]:
    """Chores with things that workers know how to do."""
    return tuple(name for name in household_chores() if name in known_scripts())


def make_dataset(recipe: Recipe, folder: Path, processes: int | None = None) -> Made:
    """Make a data set, or go on with one that was stopped. The same recipe gives the same data set for any number of processes.

    Args:
        recipe: what it is made of.
        folder: new, or begun with the same recipe.
        processes: all cores by default.

    Raises:
        UnknownNameError: a chore that workers do not know.
        FileFormatError: the folder holds something else, or a data set of another recipe.
        LeakError: something of a test is in training.
        UnderstudyError: a process was killed; start again to go on.
    """
    for chore in recipe.chores:
        if chore not in able_chores():
            raise UnknownNameError("chore", chore, able_chores(), "chores=")
    find_plant(recipe.plant)
    splits = load_splits()
    jobs = jobs_of(recipe, {chore: make_household(chore, recipe.robot).variants for chore in recipe.chores}, splits)
    _begin(folder, recipe, splits)
    outcomes = _all_done(jobs, recipe, folder, processes or os.cpu_count() or 1)
    _check(folder)
    index = _describe(folder, recipe, splits, outcomes)
    return Made(tuple(outcomes), index)


def _begin(folder: Path, recipe: Recipe, splits: Splits) -> None:
    path, own = folder / HEAD, recipe.to_json()
    told = {"recipe": own, "splits": splits.version, "splits_sha256": splits.sha256}
    if path.is_file():
        with entries_of(path):
            known = json.loads(path.read_text())
        differs = sorted(key for key in own if known["recipe"].get(key) != own[key])
        said = f"{folder}: is a data set of another recipe ({', '.join(differs) or 'splits'}). Say the same, or name a new folder."
        require(known == told, FileFormatError, said)
        for left in [*(folder / WORK).rglob(".*"), *(folder / RECORDINGS).rglob(".*")]:
            left.unlink()  # temporary files of a process that was killed
        return
    free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    require(free, FileFormatError, f"{folder}: holds files, but no data set of ours to go on with. Name a new folder.")
    write_text(path, json.dumps(told, indent=1))


# Jobs.


def _all_done(jobs: Sequence[Job], recipe: Recipe, folder: Path, processes: int) -> list[Outcome]:
    """Every job's outcome, in order: first what is recorded, then what is made from it; groups are written as they get whole."""
    found = {job: outcome for job in jobs if (outcome := load_outcome(folder, job)) is not None}
    left = Counter(job.group for job in jobs if job not in found)
    groups = {group: [job for job in jobs if job.group == group] for group in dict.fromkeys(job.group for job in jobs)}
    with tqdm(total=len(jobs), initial=len(found), unit="demonstration", desc="dataset", disable=None) as bar:
        for group, own in groups.items():
            if not left[group]:
                _write_group(folder, group, [found[job] for job in own])
        for kind in (True, False):
            tasks = [task for task in _tasks(jobs, found, recipe, folder) if (task[0].kind == RECORDED) is kind]
            for outcome in _over(tasks, processes):
                found[outcome.job] = outcome
                left[outcome.job.group] -= 1
                bar.set_postfix(kept=sum(one.kept for one in found.values()), refresh=False)
                bar.update()
                if not left[outcome.job.group]:
                    _write_group(folder, outcome.job.group, [found[job] for job in groups[outcome.job.group]])
    return [found[job] for job in jobs]


def _tasks(jobs: Sequence[Job], found: Mapping[Job, Outcome], recipe: Recipe, folder: Path) -> list[tuple[Any, ...]]:
    """What is left to be done, with what it is made from."""
    origins: dict[str, list[Outcome]] = {}
    for job in jobs:
        if job.kind == RECORDED and job in found and found[job].kept:
            origins.setdefault(job.group, []).append(found[job])
    left = enumerate(job for job in jobs if job not in found)
    return [(job, recipe, folder, () if job.kind == RECORDED else tuple(origins.get(job.group, ())), turn) for turn, job in left]


def _over(tasks: Sequence[tuple[Any, ...]], processes: int) -> Iterator[Outcome]:
    """Outcomes as they get ready; a process has done the jobs before a killed one, which are kept."""
    if processes == 1 or len(tasks) < 2:
        yield from (do_job(*task) for task in tasks)
        return
    for index, outcome in over_cores(do_job, tasks, min(processes, len(tasks))):
        if outcome is None:
            raise UnderstudyError(f"the process that made {tasks[index][0].name} was killed from outside. Start again to go on.")
        yield outcome


# Parts.


def _write_group(folder: Path, group: str, outcomes: Sequence[Outcome]) -> None:
    """A group's data set, in the order of its jobs; its demonstrations' files are taken away once it is finished."""
    kept = [outcome for outcome in outcomes if outcome.kept]
    waiting = [demonstration_path(folder, outcome.job) for outcome in kept]
    if not kept or ((folder / group / UNDERSTUDY).is_file() and not any(path.is_file() for path in waiting)):
        return
    with DatasetWriter(folder / group, split=group.partition("/")[0]) as writer:
        for outcome, path in zip(kept, waiting, strict=True):
            if path.is_file():
                demonstration = Demonstration.load(path)
                if episode_name(demonstration) not in writer:
                    writer.add(demonstration, facts=facts_of(outcome))
    for path in waiting:
        path.unlink(missing_ok=True)


def parts_of(folder: Path) -> list[Path]:
    """The finished data sets in a folder, those of training first."""
    return [path for split in (TRAIN, *TESTS) for path in sorted((folder / split).glob("*")) if (path / UNDERSTUDY).is_file()]


def _check(folder: Path) -> None:
    """No test holds what training has seen, of what it holds out; nor any other episode of training."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for part in parts_of(folder):
        rows.setdefault(part.parent.name, []).extend(rows_of(part))
    for split, axis in TESTS.items():
        axes: tuple[Axis, ...] = (axis,)  # type: ignore[assignment]
        check_leaks(rows.get(TRAIN, []), rows.get(split, []), axes)


def _describe(folder: Path, recipe: Recipe, splits: Splits, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Write what became of all jobs, coverage, index and card; the index last."""
    kept = [{**facts_of(one), **_plain(one)} for one in outcomes]
    write_text(folder / JOBS, json.dumps(kept, indent=1))
    write_coverage(folder, outcomes)
    parts = [_part(folder, path) for path in parts_of(folder)]
    index = {
        "robot": recipe.robot,
        "recipe": recipe.to_json(),
        "splits": {"version": splits.version, "sha256": splits.sha256, "leaks": "none"},
        "datasets": parts,
        "versions": library_versions(),
        "git_commit": git_commit(),
    }
    write_text(folder / CARD, card_text(recipe, index, outcomes))
    write_text(folder / INDEX, json.dumps(index, indent=1))
    return index


def _plain(one: Outcome) -> dict[str, Any]:
    job, names = one.job, ("name", "attempts", "dropped_at", "reason", "plain")
    told = {"split": job.split, "chore": job.chore, "variant": job.variant, "layout": job.layout}
    return told | {name: getattr(one, name) for name in names} | {"violations": list(one.violations)}


def _part(folder: Path, path: Path) -> dict[str, Any]:
    dataset = Dataset(path)
    told: dict[str, Any] = {"folder": path.relative_to(folder).as_posix(), "split": path.parent.name, "chore": path.name}
    provenance = json.loads((path / UNDERSTUDY).read_text())["provenance"]
    told |= {"episodes": len(dataset), "frames": int(dataset.info["total_frames"]), "fps": dataset.info["fps"]}
    told |= {"licence": provenance["licence"], "consent": provenance["consent"]}
    return told | {"sha256": file_sha256(path / UNDERSTUDY)}
