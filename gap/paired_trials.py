"""Trials that were run on the real robot and in simulation, one by one: what pairs say that counts alone do not."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gap.errors import ScoreError
from gap.paired import PairedSuccess, prediction_powered
from gap.statistics import Interval, mcnemar_exact, newcombe_paired
from motion.errors import FileFormatError, UnknownNameError, require

COLUMNS = ("policy", "task", "trial", "real", "sim")


@dataclass(frozen=True)
class Trial:
    """One trial of a policy: its layout and object were the same in both worlds.

    Attributes:
        policy, task, trial: which.
        real: whether it succeeded on the robot; None where it was run in simulation alone.
        sim: whether it did in simulation.
    """

    policy: str
    task: str
    trial: str
    real: bool | None
    sim: bool


@dataclass(frozen=True)
class TrialGap:
    """What a policy's trials in a task say.

    Attributes:
        policy, task: which.
        pairs: trials run in both worlds; more_sim: in simulation alone.
        difference: simulated minus real success over the pairs, Newcombe's interval for pairs.
        p_mcnemar: that both are equal.
        real: success on the robot from pairs and simulation together (prediction-powered); NaN ends where too few were simulated beside.
    """

    policy: str
    task: str
    pairs: int
    more_sim: int
    difference: Interval
    p_mcnemar: float
    real: Interval | None


def has_trials(path: Path) -> bool:
    """Whether a `.csv` holds a row for each trial, rather than counts.

    Raises:
        FileFormatError: no such file.
    """
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    with open(path, newline="", encoding="utf-8-sig") as stream:
        return set(COLUMNS) <= set(csv.DictReader(stream).fieldnames or ())


def read_trials(path: Path) -> tuple[Trial, ...]:
    """Rows of a `.csv` with the columns policy, task, trial, real, sim; real is empty for a trial that was only simulated.

    Raises:
        FileFormatError: no such file, no rows, or a cell that is not 0 or 1.
        UnknownNameError: a column that is missing.
        ScoreError: a trial twice.
    """
    require(path.is_file(), FileFormatError, f"{path}: no such file.")
    with open(path, newline="", encoding="utf-8-sig") as stream:
        table = csv.DictReader(stream)
        for name in COLUMNS:
            if name not in (table.fieldnames or ()):
                raise UnknownNameError("column", name, table.fieldnames or (), str(path))
        rows = [_trial(path, number, row) for number, row in enumerate(table, start=2)]
    require(bool(rows), FileFormatError, f"{path}: no rows.")
    keys = [(row.policy, row.task, row.trial) for row in rows]
    for key in keys:
        require(keys.count(key) == 1, ScoreError, f"{path}: trial {key[2]!r} of policy {key[0]!r} in task {key[1]!r} is there twice.")
    return tuple(rows)


def _trial(path: Path, number: int, row: dict[str, Any]) -> Trial:
    for name in ("real", "sim"):
        value = (row[name] or "").strip()
        good = value in ("0", "1") or (name == "real" and not value)
        wanted = "0, 1 or nothing" if name == "real" else "0 or 1"
        require(good, FileFormatError, f"{path}, line {number}: {name} is {value!r}; {wanted} was wanted.")
    told = (row["real"] or "").strip()
    return Trial(row["policy"], row["task"], row["trial"], None if not told else told == "1", row["sim"].strip() == "1")


def counted(trials: Sequence[Trial]) -> tuple[PairedSuccess, ...]:
    """Counts of the trials that were run in both worlds, policy by policy and task by task; those without any are left out."""
    cells = dict.fromkeys((one.policy, one.task) for one in trials)
    found = []
    for policy, task in cells:
        own = [one for one in trials if (one.policy, one.task) == (policy, task) and one.real is not None]
        if own:
            found.append(PairedSuccess(policy, task, sum(bool(one.real) for one in own), len(own), sum(one.sim for one in own), len(own)))
    return tuple(found)


def trial_gaps(trials: Sequence[Trial]) -> tuple[TrialGap, ...]:
    """Of every policy in every task."""
    return tuple(
        _gap(policy, task, [one for one in trials if (one.policy, one.task) == (policy, task)])
        for policy, task in dict.fromkeys((one.policy, one.task) for one in trials)
    )


def _gap(policy: str, task: str, trials: Sequence[Trial]) -> TrialGap:
    pairs = [(one.sim, bool(one.real)) for one in trials if one.real is not None]
    more = [one.sim for one in trials if one.real is None]
    both, only_sim, only_real, neither = (pairs.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False)))
    enough = len(pairs) >= 2 and len(more) >= 2
    real = prediction_powered([real for _, real in pairs], [sim for sim, _ in pairs], more) if enough else None
    difference = newcombe_paired(both, only_sim, only_real, neither)
    return TrialGap(policy, task, len(pairs), len(more), difference, mcnemar_exact(only_sim, only_real), real)
