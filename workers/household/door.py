"""What the doors do with chores that have things: `python -m envs replay chore=pour_cup recordings=film/ output=demonstrations/`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from envs.chores.follow import Follow
from envs.chores.registry import household_chores
from envs.disturbance import MILD, Disturbance
from envs.household.refine import RefineSettings
from envs.household.replay_law import ReplayLaw
from motion.errors import UnderstudyError, UnknownNameError, require
from motion.human import HumanMotion
from understudy import build, files_of, needed, output_of, plain, plant_of
from workers.household.film import ANY_ROBOT
from workers.household.replays import ReplayOptions, replays_table, write_replays


def replay(config: dict[str, Any]) -> int:
    """Turn recordings of a chore into demonstrations; 1 where none of them succeeded."""
    name = config["chore"]["name"]
    if name not in household_chores():
        raise UnknownNameError("chore", name, [Follow.name, *household_chores()], "chore=")
    own = recordings_of(name, files_of(needed(config, "recordings", "film/")))
    options = ReplayOptions(
        chore=name,
        robot=config["robot"]["name"] or ANY_ROBOT,
        base=config["chore"]["base"],
        variant=plain(config, "variant", str | None) or "",
        plant=plant_of(config["plant"]),
        stage=plain(config, "stage", bool),
        refine=build(RefineSettings, config["refine"], "refine"),
        law=build(ReplayLaw, config["replay"], "replay"),
        disturbance=build(Disturbance, {**MILD.__dict__, **config["disturbance"]}, "disturbance"),
        context=plain(config, "context", bool),
        moved_m=float(plain(config, "moved_m", float, least=0)),
    )
    jobs = plain(config, "jobs", int | None, least=1)
    rows = write_replays(own, options, output_of(config, "demonstrations/"), plain(config, "format", str), jobs)
    Console().print(replays_table(rows))
    print(f"demonstrations in {config['output']}; replays.json says what became of each recording")
    return 0 if any(row.success for row in rows) else 1


def recordings_of(chore: str, files: Sequence[Path]) -> list[Path]:
    """Recordings of a chore, those that do not say of which, and what cannot be read: the report says why it was dropped.

    Raises:
        UnderstudyError: nothing can be read, or nothing is of this chore.
    """
    own, unread = [], []
    for file in files:
        try:
            told = HumanMotion.load(file).provenance.config
        except UnderstudyError as error:
            unread.append((file, error))
            continue
        if str(told.get("chore", chore)) == chore:
            own.append(file)
    if not own and len(unread) == len(files):
        raise unread[0][1]
    require(bool(own), UnderstudyError, f"none of the {len(files)} recordings is of {chore}, e.g. {files[0]}.")
    return sorted([*own, *(file for file, _ in unread)])
