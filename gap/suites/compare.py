"""Evaluations that are finished already, beside each other: `python evaluate.py compare A B`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from gap.episode import EpisodeResult, read_episodes
from gap.errors import ScoreError
from gap.statistics import wilson_mean
from gap.suites.conditions import ANOTHER
from gap.suites.contest import ALL, LEVEL, Contest, adjusted, by_layout, contest, key_of, letters, met_of
from gap.suites.run import EPISODES
from gap.tables import Table
from motion.errors import FileFormatError, require

TABLE = "episodes.parquet"
FROZEN = ("version", "suites_sha256", "splits", "splits_sha256")
"""What a suite's rows say of the frozen numbers that they are from."""
STOPPED = "could_stop_early"
"""What rows say of that."""
Cell = tuple[str, str]


def read_evaluations(folders: Sequence[Path]) -> tuple[dict[str, list[EpisodeResult]], bool]:
    """Name -> rows, of folders that `evaluate.py` wrote, and whether one of them could stop early.

    Where a folder holds several policies, "folder: policy" is the name. Episodes in the words of another chore, in which nobody should
    succeed, are left out.

    Raises:
        FileFormatError: a folder without rows.
        ScoreError: two of one name, or other robots, or suites whose numbers differ, so that episodes of one name are not the same.
    """
    found: dict[str, list[EpisodeResult]] = {}
    lists: list[tuple[Path, Mapping[str, Any], Mapping[str, Any]]] = []
    for folder in folders:
        path = folder / TABLE if folder.is_dir() else folder
        require(path.is_file(), FileFormatError, f"{folder}: no {TABLE} there; a folder that `python evaluate.py` wrote was wanted.")
        rows, provenance = read_episodes(path)
        met = _conditions(path.parent / EPISODES)
        rows = [row for row in rows if met.get(row.condition, {}).get("words") != ANOTHER]
        lists.append((folder, provenance.config, met))
        actors = list(dict.fromkeys(row.actor for row in rows))
        for actor in actors:
            name = actor if len(folders) == 1 else str(folder) if len(actors) == 1 else f"{folder}: {actor}"
            require(name not in found, ScoreError, f"{name} is named twice.")
            found[name] = [row for row in rows if row.actor == actor]
    for one, other in combinations(lists, 2):
        _refuse_other_lists(*one, *other)
    robots = sorted({row.robot for rows in found.values() for row in rows})
    require(len(robots) == 1, ScoreError, f"episodes of different robots ({', '.join(robots)}) are not compared.")
    require(len(found) > 1, ScoreError, "one policy alone cannot be compared; name two folders, or one that holds several policies.")
    return found, any(known.get(STOPPED, False) for _, known, _ in lists)


def _conditions(path: Path) -> Mapping[str, Any]:
    """Name -> what an episode met, of a suite's list; nothing where there is no list."""
    if not path.is_file():
        return {}
    try:
        return {str(one["name"]): one for one in json.loads(path.read_text())["conditions"]}
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path}: not a list of episodes ({type(error).__name__}: {error}).") from error


def _refuse_other_lists(
    one: Path, known_1: Mapping[str, Any], met_1: Mapping[str, Any], other: Path, known_2: Mapping[str, Any], met_2: Mapping[str, Any]
) -> None:
    """Episodes pair by their names, so the names have to mean the same on both sides."""
    for key in FROZEN:
        if key in known_1 and key in known_2:
            a, b = str(known_1[key])[:12], str(known_2[key])[:12]
            said = (
                f"{one} and {other} ran other numbers of the suites ({key} {a}, not {b}); their episodes are not the same. Run one again."
            )
            require(known_1[key] == known_2[key], ScoreError, said)
    for name in met_1.keys() & met_2.keys():
        said = f"{one} and {other} mean different things by condition {name!r} ({EPISODES} in each says what), so they are not compared."
        require(met_1[name] == met_2[name], ScoreError, said)


def in_common(evaluations: Mapping[str, Sequence[EpisodeResult]]) -> tuple[dict[str, dict[Cell, list[EpisodeResult]]], dict[str, int]]:
    """Rows by condition and chore, of the episodes that all of them did; and how many of each are left out.

    Where no episode of a condition and chore is common to all, all of them stay: two samples.

    Raises:
        ScoreError: no condition and chore that all of them have.
    """
    cells = {name: _cells(rows) for name, rows in evaluations.items()}
    shared = [cell for cell in next(iter(cells.values())) if all(cell in own for own in cells.values())]
    said = f"{', '.join(evaluations)} have no chore and condition in common, so nothing can be compared."
    require(bool(shared), ScoreError, said)
    kept: dict[str, dict[Cell, list[EpisodeResult]]] = {name: {} for name in cells}
    for cell in shared:
        keys = set.intersection(*({key_of(row) for row in own[cell]} for own in cells.values()))
        for name, own in cells.items():
            kept[name][cell] = [row for row in own[cell] if not keys or key_of(row) in keys]
    return kept, {name: len(rows) - sum(map(len, kept[name].values())) for name, rows in evaluations.items()}


def compared(evaluations: Mapping[str, Sequence[EpisodeResult]], stopped: bool = False) -> tuple[Contest, ...]:
    """Every pair in every chore and condition that all have, and in these together, over the episodes that all of them did.

    Args:
        evaluations: name -> rows.
        stopped: whether one of them could stop early.

    Raises:
        ScoreError: nothing in common.
    """
    found: list[Contest] = []
    kept, _ = in_common(evaluations)
    for one, other in combinations(kept, 2):
        found += [contest(*cell, (one, other), kept[one][cell], kept[other][cell], stopped) for cell in kept[one]]
        if len(kept[one]) > 1:
            whole = [[row for own in kept[name].values() for row in own] for name in (one, other)]
            found.append(contest("all", ALL, (one, other), whole[0], whole[1], stopped))
    return adjusted(found)


def _cells(rows: Sequence[EpisodeResult]) -> dict[Cell, list[EpisodeResult]]:
    """(condition, chore) -> rows."""
    cells: dict[Cell, list[EpisodeResult]] = {}
    for row in rows:
        cells.setdefault((met_of(row), row.chore), []).append(row)
    return cells


def rates_of(evaluations: Mapping[str, Sequence[EpisodeResult]], contests: Sequence[Contest], stopped: bool = False) -> Table:
    """Success of each in what all of them did, a layout counting once, with letters by the contests over the same.

    Raises:
        ScoreError: nothing in common.
    """
    last = [one for one in contests if one.part == "all"] or list(contests)
    kept, left_out = in_common(evaluations)
    means = {name: by_layout({key_of(row): row.success for own in cells.values() for row in own}) for name, cells in kept.items()}
    counts = {name: sum(map(len, cells.values())) for name, cells in kept.items()}
    rates = {name: wilson_mean(own) for name, own in means.items()}
    told = letters({name: rate.value for name, rate in rates.items()}, last)
    rows = [
        (
            name,
            told[name],
            str(counts[name]),
            str(rate.n),
            str(left_out[name]),
            f"{100 * rate.value:.0f} [{100 * rate.low:.0f}, {100 * rate.high:.0f}]",
        )
        for name, rate in sorted(rates.items(), key=lambda one: -one[1].value)
    ]
    note = (
        "Over the episodes that all of them did; the others are left out. A layout under several conditions counts once, with its mean. "
        f"In brackets: Wilson 95 %, of layouts{', as if their number had been fixed beforehand' if stopped else ''}. "
        f"Policies with a letter in common are not told apart ({LEVEL:g}, Holm)."
    )
    return Table("Policies", ("Policy", "Letters", "Episodes", "Layouts", "Left out", "Success (%)"), tuple(rows), note)
