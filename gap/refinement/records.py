"""What is kept of a refinement: a folder for each round, with its attempts, differences, corrections and summary."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gap.attempts import rates
from gap.episode import EpisodeResult
from gap.refinement.corrections import Attempt, Correction
from gap.statistics import wilson
from gap.tables import Table
from motion.store import entries_of, write_atomically, write_text

ATTEMPTS, DIFFERENCES, CORRECTIONS, SUMMARY = "attempts.parquet", "differences.parquet", "corrections.parquet", "summary.json"
_TOLD = ("attempt", "step", "frame", "phase", "reach_rad", "action_change_rad", "hand_shift_m", "dropped")
KEPT = "corrections"
"""Folder of a round with the demonstrations that were made of its corrections."""


@dataclass(frozen=True)
class Round:
    """What came of a round; round 0 is the policy as it was given.

    Attributes:
        number: of the round.
        checkpoint: that it ended with.
        successes, episodes: in the validation layouts, with that checkpoint.
        safe: of the successes, how many harmed nothing.
        progress: mean share of the stages reached there.
        attempts, attempts_succeeded: of the policy that the round began with, in the round's own layouts.
        strayed: mean difference of the attempts from the ideal, in `Scales`.
        takeovers, corrections: that were tried, and that are learnt from.
    """

    number: int
    checkpoint: str
    successes: int
    episodes: int
    safe: int
    progress: float
    attempts: int = 0
    attempts_succeeded: int = 0
    strayed: float = math.nan
    takeovers: int = 0
    corrections: int = 0

    @property
    def success(self) -> float:
        """Share of the validation episodes that succeeded."""
        return self.successes / self.episodes

    @property
    def rank(self) -> tuple[float, float]:
        """What makes a round better than another."""
        return self.success, self.progress


def scored(number: int, checkpoint: Path, rows: Sequence[EpisodeResult], **own: Any) -> Round:
    """A round whose checkpoint did this in the validation layouts."""
    won, safe = sum(row.success for row in rows), sum(row.success and row.safe for row in rows)
    return Round(number, str(checkpoint), won, len(rows), safe, float(rates(rows).progress), **own)


def write_round(folder: Path, done: Round) -> None:
    """Write a round's summary; it is there only when the round is done."""
    values = {key: value if value == value else None for key, value in asdict(done).items()}
    write_text(folder / SUMMARY, json.dumps(values, indent=1, allow_nan=False))


def read_round(folder: Path) -> Round | None:
    """A round that is done; None for one that is not.

    Raises:
        FileFormatError: not such a summary.
    """
    path = folder / SUMMARY
    if not path.is_file():
        return None
    with entries_of(path):
        values: dict[str, Any] = json.loads(path.read_text())
        return Round(**(values | {key: math.nan for key, value in values.items() if value is None}))


def write_attempts(folder: Path, attempts: Sequence[Attempt]) -> None:
    """A row for each attempt, and a row for each of its differences by phase, kind and name."""
    rows, differences = [], []
    for number, attempt in enumerate(attempts):
        ideal, done, found = attempt.ideal, attempt.done, attempt.comparison
        which = {"attempt": number, "variant": ideal.variant, "seed": ideal.seed}
        rows.append(
            which
            | {"recording": ideal.recording, "worker": ideal.worker, "success": done.success, "progress": done.progress}
            | {"steps": len(done.actions), "ideal_steps": len(ideal.score.motion.time_s), "late_s": float(found.late_s[-1])}
            | {"strayed_mean": float(found.strayed.mean()), "strayed_max": float(found.strayed.max())}
        )
        keys = ("phase", "kind", "name", "value")
        differences += [which | dict(zip(keys, row, strict=True)) for row in found.differences()]
    _write(folder / ATTEMPTS, rows)
    _write(folder / DIFFERENCES, differences)


def write_corrections(folder: Path, corrections: Sequence[Correction], attempts: Sequence[Attempt]) -> None:
    """A demonstration for each correction that is learnt from, and at last a row for each that was tried."""
    rows = []
    for own in corrections:
        seed = attempts[own.attempt].ideal.seed
        name = f"{seed:06d}_{own.step:04d}.npz" if own.done is not None else ""
        if own.done is not None:
            own.done.save(folder / KEPT / name)
        told = {key: getattr(own, key) for key in _TOLD}
        trust = float(own.done.signals["action_confidence"].mean()) if own.done is not None else 0.0
        rows.append({"seed": seed, **told, "file": name, "mean_weight": trust})
    _write(folder / CORRECTIONS, rows)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of one of the Parquet files."""
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def rounds_table(rounds: Sequence[Round], reason: str = "") -> Table:
    """A line for each round."""
    header = ("round", "attempts that succeeded", "strayed", "corrections", "success in validation", "safely", "progress")
    return Table("Refinement", header, tuple(map(_line, rounds)), reason)


def _line(own: Round) -> tuple[str, ...]:
    interval = wilson(own.successes, own.episodes)
    success = f"{own.successes} of {own.episodes} [{100 * interval.low:.0f}, {100 * interval.high:.0f}] %"
    tried = (f"{own.attempts_succeeded} of {own.attempts}", f"{own.strayed:.2f}", f"{own.corrections} of {own.takeovers}")
    return (str(own.number), *(tried if own.attempts else ("-",) * 3), success, str(own.safe), f"{own.progress:.2f}")


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    table = pa.Table.from_pylist([dict(row) for row in rows])
    write_atomically(path, lambda stream: pq.write_table(table, stream))
