"""The table of a sweep: what each run was given, and what came of it; runs that differ in their seed alone share a line."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motion.errors import MotionError, require
from motion.store import entries_of, write_text

JOB, RUN, TABLE = "job.json", "run.json", "sweep.csv"
SEED = "train.seed"
_NUMBERS = ("best_success", "best_loss", "best_first_action_rmse_rad", "best_step", "steps")
"""Shown in this order where they are there; whatever else was evaluated stands after the first two."""


@dataclass(frozen=True)
class SweptRun:
    """One run of a sweep.

    Attributes:
        name: its folder, as seen from the sweep's.
        swept: key -> value, of what the sweep varies.
        numbers: of its best weights; empty where it has none.
        error: why it failed; empty where it did not.
    """

    name: str
    swept: Mapping[str, str]
    numbers: Mapping[str, float]
    error: str = ""


def read_sweep(folder: Path) -> list[SweptRun]:
    """All runs of a sweep, by name.

    Raises:
        MotionError: there is none.
        FileFormatError: a file that no sweep left there.
    """
    runs = [_read(folder, path.parent) for path in sorted(folder.rglob(JOB))]
    require(bool(runs), MotionError, f"{folder}: no sweep lies there (no {JOB} in it). Begin one with `python train.py -m ...`.")
    return runs


def _read(folder: Path, run: Path) -> SweptRun:
    with entries_of(run):
        job = json.loads((run / JOB).read_text())
        about = json.loads((run / RUN).read_text()) if (run / RUN).is_file() else {"summary": {}}
        numbers = {name: float(v) for name, v in about["summary"].items() if name == "steps" or name.startswith("best_")}
        error = str(job["error"]) or (f"exit status {job['status']}" if job["status"] else "")
        return SweptRun(str(run.relative_to(folder)), {key: str(value) for key, value in job["swept"].items()}, numbers, error)


def write_sweep(folder: Path) -> list[SweptRun]:
    """Write every run's line to `sweep.csv`, and give the runs.

    Raises:
        MotionError: there is none.
    """
    runs = read_sweep(folder)
    text = io.StringIO(newline="")
    rows: list[dict[str, Any]] = [{"run": run.name, **run.swept, **run.numbers, "error": run.error} for run in runs]
    writer = csv.DictWriter(text, [*dict.fromkeys(name for row in rows for name in row if name != "error"), "error"])
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / TABLE, text.getvalue())
    return runs


def sweep_text(runs: Sequence[SweptRun]) -> str:
    """The table, best first: highest success, else lowest loss. Of several seeds the mean, the lowest and the highest."""
    groups: dict[tuple[tuple[str, str], ...], list[SweptRun]] = {}
    for run in runs:
        groups.setdefault(tuple((key, value) for key, value in run.swept.items() if key != SEED), []).append(run)
    keys = list(dict.fromkeys(key for group in groups for key, _ in group))
    names = _columns(runs)
    lines = [[*keys, "runs", *(name.removeprefix("best_") if name != "best_step" else "best at" for name in names)]]
    for group, some in sorted(groups.items(), key=lambda item: _order(item[1])):
        done = [run for run in some if run.numbers and not run.error]
        count = f"{len(done)}" if len(done) == len(some) else f"{len(done)} of {len(some)}"
        lines.append([*(dict(group).get(key, "") for key in keys), count, *(_cell(done, name) for name in names)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*table, *(f"failed: {run.name}: {run.error}" for run in runs if run.error)])


def _columns(runs: Sequence[SweptRun]) -> list[str]:
    there = list(dict.fromkeys(name for run in runs for name in run.numbers))
    other = [name for name in there if name not in (*_NUMBERS, "best_anchor_rmse_rad")]
    return [*(n for n in _NUMBERS[:2] if n in there), *other, *(n for n in _NUMBERS[2:] if n in there)]


def _order(runs: Sequence[SweptRun]) -> tuple[float, float]:
    success, loss = (_values(runs, name) for name in _NUMBERS[:2])
    return (-statistics.fmean(success) if success else 1.0, statistics.fmean(loss) if loss else float("inf"))


def _values(runs: Sequence[SweptRun], name: str) -> list[float]:
    return [run.numbers[name] for run in runs if name in run.numbers and not run.error]


def _cell(runs: Sequence[SweptRun], name: str) -> str:
    found = _values(runs, name)
    if not found:
        return "-"
    mean = f"{statistics.fmean(found):.4g}"
    return mean if len(found) == 1 else f"{mean} [{min(found):.4g}, {max(found):.4g}]"
