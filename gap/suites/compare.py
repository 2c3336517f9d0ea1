"""Evaluations that are finished already, beside each other: `python evaluate.py compare A B`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from gap.episode import EpisodeResult, read_episodes
from gap.errors import ScoreError
from gap.statistics import Interval, wilson
from gap.suites.contest import ALL, LEVEL, Contest, adjusted, contest, letters
from gap.tables import Table
from motion.errors import FileFormatError, require

TABLE = "episodes.parquet"


def read_evaluations(folders: Sequence[Path]) -> dict[str, list[EpisodeResult]]:
    """Name -> rows, of folders that `evaluate.py` wrote; where a folder holds several policies, "folder: policy" is the name.

    Raises:
        FileFormatError: a folder without rows.
        ScoreError: two of one name, or other robots.
    """
    found: dict[str, list[EpisodeResult]] = {}
    for folder in folders:
        path = folder / TABLE if folder.is_dir() else folder
        require(path.is_file(), FileFormatError, f"{folder}: no {TABLE} there; a folder that `python evaluate.py` wrote was wanted.")
        rows, _ = read_episodes(path)
        actors = list(dict.fromkeys(row.actor for row in rows))
        for actor in actors:
            name = actor if len(folders) == 1 else str(folder) if len(actors) == 1 else f"{folder}: {actor}"
            require(name not in found, ScoreError, f"{name} is named twice.")
            found[name] = [row for row in rows if row.actor == actor]
    robots = sorted({row.robot for rows in found.values() for row in rows})
    require(len(robots) == 1, ScoreError, f"episodes of different robots ({', '.join(robots)}) are not compared.")
    require(len(found) > 1, ScoreError, "one policy alone cannot be compared; name two folders, or one that holds several policies.")
    return found


def compared(evaluations: Mapping[str, Sequence[EpisodeResult]]) -> tuple[Contest, ...]:
    """Every pair in every chore and condition that both have, and in all of these together; episodes that both did are paired."""
    found: list[Contest] = []
    for one, other in combinations(evaluations, 2):
        cells = [_cells(evaluations[name]) for name in (one, other)]
        shared = [cell for cell in cells[0] if cell in cells[1]]
        require(bool(shared), ScoreError, f"{one} and {other} have no chore and condition in common, so nothing can be compared.")
        found += [contest(*cell, (one, other), cells[0][cell], cells[1][cell]) for cell in shared]
        if len(shared) > 1:
            whole = [[row for cell in shared for row in own[cell]] for own in cells]
            found.append(contest("all", ALL, (one, other), *whole))
    return adjusted(found)


def _cells(rows: Sequence[EpisodeResult]) -> dict[tuple[str, str], list[EpisodeResult]]:
    """(condition, chore) -> rows; without a suite the condition is the plant, and what is held out."""
    cells: dict[tuple[str, str], list[EpisodeResult]] = {}
    for row in rows:
        axis = row.variant.partition("@")[2]
        condition = row.condition or (f"{row.plant}@{axis}" if axis else row.plant)
        cells.setdefault((condition, row.chore), []).append(row)
    return cells


def rates_of(evaluations: Mapping[str, Sequence[EpisodeResult]], contests: Sequence[Contest]) -> Table:
    """Success of each, with letters by the contests over all that they have in common, or over the only cell."""
    last = [one for one in contests if one.part == "all"] or list(contests)
    rates: dict[str, Interval] = {name: wilson(sum(row.success for row in rows), len(rows)) for name, rows in evaluations.items()}
    told = letters({name: rate.value for name, rate in rates.items()}, last)
    rows = [
        (name, told[name], str(rate.n), f"{100 * rate.value:.0f} [{100 * rate.low:.0f}, {100 * rate.high:.0f}]")
        for name, rate in sorted(rates.items(), key=lambda one: -one[1].value)
    ]
    note = f"Over all episodes of each. Policies with a letter in common are not told apart ({LEVEL:g}, Holm)."
    return Table("Policies", ("Policy", "Letters", "Episodes", "Success (%)"), tuple(rows), note)
