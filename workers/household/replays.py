"""Recordings in files -> demonstrations in files, over the cores, with the reason for everything that was dropped."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from tqdm import tqdm

from envs.chores.registry import make_household
from envs.disturbance import MILD, Disturbance
from envs.household.chore import Household
from envs.household.refine import RefineSettings
from envs.household.replay_law import LAW, ReplayLaw
from envs.model import BaseMode
from motion.cores import over_cores
from motion.demonstration import Demonstration
from motion.errors import UnderstudyError, UnknownNameError, require
from motion.human import HumanMotion
from motion.lerobot.writer import DatasetWriter, episode_name
from motion.provenance import parent_of
from motion.store import entries_of, write_text
from workers.household.demonstrate import Demonstrated, Source, demonstrate
from workers.household.prompting import demonstrate_with_context

REPLAYS = "replays.json"
LAYOUTS = ("npz", "lerobot")
_BLOCK = 8
"""Recordings that are worked on together: their simulations run side by side."""


@dataclass(frozen=True)
class ReplayOptions:
    """How recordings are replayed.

    Attributes:
        chore, robot, base, variant: where; `base` None is the chore's usual one, `variant` is for recordings that do not say
            their own.
        plant: name or data.
        stage: set the scene from the recording's tracks; else the scene that the recording names stands there.
        refine: of replays that fail.
        law: of the replay.
        disturbance: what upsets every episode.
        context: store what a policy is told that is given the recording; replays then know nothing more, and none is refined.
        moved_m: with a context, how far from where the recording has it the first carried thing may stand.
    """

    chore: str
    robot: str
    base: BaseMode | None = None
    variant: str = ""
    plant: Any = "nominal"
    stage: bool = True
    refine: RefineSettings = RefineSettings()
    law: ReplayLaw = LAW
    disturbance: Disturbance = MILD
    context: bool = False
    moved_m: float = 0.0

    def __post_init__(self) -> None:
        require(self.context or not self.moved_m, UnderstudyError, "moved_m is for demonstrations with a context: say context=true.")
        require(
            self.stage or not self.context, UnderstudyError, "context=true needs stage=true: a context is of the scene as it was recorded."
        )


@dataclass(frozen=True)
class Row:
    """What became of one recording, without its arrays; `dropped_at` is "read" for a file that could not be read."""

    name: str
    worker: str
    dropped_at: str
    reason: str
    plain: bool
    rounds: int
    success: bool
    safe: bool
    notes: tuple[str, ...]


def replay_files(files: Sequence[Path], options: ReplayOptions, jobs: int | None = None) -> Iterator[tuple[Row, Demonstration | None]]:
    """Replay recordings, as they get done; what failed comes without a demonstration.

    Args:
        files: HumanMotion files with object tracks.
        options: how.
        jobs: processes; all cores by default.

    Raises:
        UnderstudyError: a process was killed from outside.
    """
    blocks = [tuple(files[begin : begin + _BLOCK]) for begin in range(0, len(files), _BLOCK)]
    jobs = min(jobs or os.cpu_count() or 1, len(blocks))
    first = {index: index * _BLOCK for index in range(len(blocks))}
    tasks = [(block, options, first[index]) for index, block in enumerate(blocks)]
    done = over_cores(_replay_block, tasks, jobs) if jobs > 1 else ((i, _replay_block(*task)) for i, task in enumerate(tasks))
    for index, result in done:
        if result is None:
            raise UnderstudyError(f"the process that replayed {blocks[index][0]} and those after it was killed from outside.")
        yield from result


def _replay_block(files: Sequence[Path], options: ReplayOptions, first: int) -> list[tuple[Row, Demonstration | None]]:
    chore = make_household(options.chore, options.robot, options.base)
    out: list[tuple[Row, Demonstration | None]] = []
    sources = []
    for index, path in enumerate(files):
        try:
            sources.append(source_of(path, chore, options.variant, first + index))
        except UnderstudyError as error:
            out.append((_unread(path, error), None))
    told = {source.name: source for source in sources}
    for group in _apart(sources):
        done = _demonstrated(chore, group, options)
        out += [(_row(told[one.name], one), one.demonstration) for one in done]
    return out


def _demonstrated(chore: Household, group: Sequence[Source], options: ReplayOptions) -> list[Demonstrated]:
    if options.context:
        return demonstrate_with_context(
            chore, group, options.plant, options.law, _BLOCK, 1, disturbance=options.disturbance, moved_m=options.moved_m
        )
    slots = max(_BLOCK, options.refine.tries)
    return demonstrate(
        chore, group, options.plant, options.stage, options.refine, options.law, slots=slots, threads=1, disturbance=options.disturbance
    )


def _apart(sources: Sequence[Source]) -> list[list[Source]]:
    """Groups in which no two recordings are of the same episode: each sets its own scene."""
    groups: list[list[Source]] = []
    for source in sources:
        key = (source.variant, source.seed)
        group = next((group for group in groups if key not in {(other.variant, other.seed) for other in group}), None)
        if group is None:
            groups.append(group := [])
        group.append(source)
    return groups


def source_of(path: Path, chore: Household, variant: str = "", number: int = 0) -> Source:
    """A recording in a file, and the episode that it is of.

    Args:
        path: HumanMotion file.
        chore: that it has to be of, where it says so.
        variant, number: of the episode, where it does not say; the chore's usual one unless given.

    Raises:
        UnderstudyError: a file that cannot be read, or a recording of another chore.
    """
    motion = HumanMotion.load(path)
    told = motion.provenance.config
    own = str(told.get("chore", chore.name))
    require(own == chore.name, UnderstudyError, f"{path}: a recording of {own}; chore={chore.name} was asked for.")
    variant = str(told.get("variant", variant or chore.variants[0]))
    chore.variant_index([variant])
    with entries_of(path):
        seed = int(told.get("seed", number))
    return Source(path.stem, variant, seed, motion, parent=parent_of(path, motion.provenance))


def _unread(path: Path, error: UnderstudyError) -> Row:
    return Row(path.stem, "", "read", str(error), plain=False, rounds=0, success=False, safe=False, notes=())


def _row(source: Source, done: Demonstrated) -> Row:
    assert source.motion is not None
    attempt = done.attempt
    best = attempt.demonstration if attempt is not None else None
    return Row(
        name=done.name,
        worker=source.motion.subject.pseudonym,
        dropped_at=done.dropped_at,
        reason=done.reason,
        plain=done.plain,
        rounds=attempt.rounds if attempt is not None else 0,
        success=best.success if best is not None else False,
        safe=bool(best is not None and best.success and not best.violations),
        notes=done.notes,
    )


def write_replays(files: Sequence[Path], options: ReplayOptions, folder: Path, layout: str = "npz", jobs: int | None = None) -> list[Row]:
    """Replay recordings and write the demonstrations that succeeded, with a progress bar.

    Args:
        files, options, jobs: as for `replay_files`.
        folder: of the demonstrations; `replays.json` in it says what became of every recording.
        layout: "npz" (one file each) or "lerobot" (one data set in the LeRobot v3 layout).

    Raises:
        UnknownNameError: no such layout.
        UnderstudyError: two recordings of one name, whose demonstrations would be one file.
    """
    if layout not in LAYOUTS:
        raise UnknownNameError("format", layout, LAYOUTS, "format=")
    twins = sorted(name for name, count in Counter(path.stem for path in files).items() if count > 1)
    require(not twins, UnderstudyError, f"several recordings are named {', '.join(twins)}; their demonstrations would be one file.")
    rows: list[Row] = []

    def kept() -> Iterator[Demonstration]:
        with tqdm(total=len(files), unit="recording", desc=f"{options.chore} on {options.robot}") as bar:
            for row, demonstration in replay_files(files, options, jobs):
                rows.append(row)
                bar.update()
                if demonstration is not None:
                    yield demonstration

    if layout == "lerobot":
        with DatasetWriter(folder) as writer:  # stands open before the first replay: a folder that will not do is refused at once
            for demonstration in kept():
                if episode_name(demonstration) not in writer:
                    writer.add(demonstration)
    else:
        for demonstration in kept():
            demonstration.save(folder / f"{demonstration.actor}.{demonstration.plant}.npz")
    rows.sort(key=lambda row: row.name)
    write_text(folder / REPLAYS, json.dumps([row.__dict__ for row in rows], indent=1))
    return rows


def replays_table(rows: Sequence[Row]) -> Table:
    """What became of the recordings, and why the others were dropped."""
    table = Table("", "recordings", box=None)
    table.add_row("given", str(len(rows)))
    admitted = [row for row in rows if row.dropped_at in ("", "replay")]
    table.add_row("admitted to the simulation", str(len(admitted)))
    table.add_row("succeeded as recorded", str(sum(row.plain for row in rows)))
    table.add_row("succeeded after refinement", str(sum(row.success and not row.plain for row in rows)))
    table.add_row("of all that succeeded, safely", str(sum(row.safe for row in rows)))
    for (step, reason), count in Counter((row.dropped_at, row.reason) for row in rows if row.dropped_at).most_common():
        table.add_row(f"dropped at {step}: {reason}", str(count))
    return table
