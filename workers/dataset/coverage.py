"""What a data set covers: chore x worker x kinds of things x layouts, as text, as CSV and as a picture; and what was dropped, and why."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.table import Table

from motion.store import write_atomically, write_text
from workers.dataset.make import Outcome
from workers.dataset.plan import AUGMENTED, RECORDED

COVERAGE, PICTURE, DROPPED = "coverage.csv", "coverage.png", "dropped.csv"
_COLUMNS = ("split", "chore", "worker", "families", "layouts", "recorded", "augmented")
_INCH_PER_WORKER, _INCH_PER_ROW = 0.22, 0.3


def coverage_rows(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """A row, as text, for each split, chore, worker and set of kinds of things: how many layouts, recorded, augmented."""
    groups: dict[tuple[str, str, str, str], list[Outcome]] = {}
    for one in outcomes:
        if one.kept:
            groups.setdefault((one.job.split, one.job.chore, one.worker, " + ".join(one.families)), []).append(one)
    rows = []
    for key, own in sorted(groups.items()):
        kinds = Counter(one.job.kind for one in own)
        rows.append((*key, *map(str, (len({one.job.layout for one in own}), kinds[RECORDED], kinds[AUGMENTED]))))
    return rows


def dropped_rows(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """A row, as text, for each split, chore, kind, step and reason for which jobs were dropped: how many."""
    found = Counter((one.job.split, one.job.chore, one.job.kind, one.dropped_at, one.reason) for one in outcomes if not one.kept)
    return [(*key, str(count)) for key, count in sorted(found.items())]


def success_table(outcomes: Sequence[Outcome]) -> Table:
    """For each chore and split how many demonstrations were tried and kept, recorded and augmented."""
    table = Table("chore", "split", "recorded", "augmented", "at the first attempt", "workers", "layouts", box=None)
    for (chore, split), own in sorted(_grouped(outcomes).items()):
        kinds = {kind: [one for one in own if one.job.kind == kind] for kind in (RECORDED, AUGMENTED)}
        counts = [f"{sum(one.kept for one in some)} of {len(some)}" for some in kinds.values()]
        first, kept = sum(one.first for one in kinds[AUGMENTED]), [one for one in own if one.kept]
        workers, layouts = len({one.worker for one in kept}), len({(one.job.variant, one.job.layout) for one in kept})
        table.add_row(chore, split, *counts, str(first), str(workers), str(layouts))
    return table


def _grouped(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault((one.job.chore, one.job.split), []).append(one)
    return groups


def write_coverage(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Write `coverage.csv`, `coverage.png` and `dropped.csv`."""
    write_text(folder / COVERAGE, _csv(_COLUMNS, coverage_rows(outcomes)))
    write_text(folder / DROPPED, _csv(("split", "chore", "kind", "step", "reason", "count"), dropped_rows(outcomes)))
    picture = _picture(outcomes)
    write_atomically(folder / PICTURE, lambda stream: stream.write(picture))


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([columns, *rows])
    return stream.getvalue()


def _picture(outcomes: Sequence[Outcome]) -> bytes:
    """Demonstrations by chore and split, and by worker: a PNG."""
    groups, workers = _grouped(outcomes), sorted({one.worker for one in outcomes if one.kept})
    counts = np.array([[sum(one.kept and one.worker == worker for one in own) for worker in workers] for _, own in sorted(groups.items())])
    counts = counts.reshape(len(groups), len(workers))
    figure = Figure(figsize=(3.2 + _INCH_PER_WORKER * max(len(workers), 8), 1.4 + _INCH_PER_ROW * len(groups)), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if counts.size:
        image = axes.imshow(np.ma.masked_equal(counts, 0), aspect="auto", cmap="viridis", vmin=0)
        figure.colorbar(image, label="demonstrations")
    axes.set_yticks(range(len(groups)), [f"{chore}, {split}" for chore, split in sorted(groups)], fontsize=7)
    axes.set_xticks(range(len(workers)), [worker.removeprefix("worker_") for worker in workers], rotation=90, fontsize=6)
    axes.set_xlabel("worker")
    stream = io.BytesIO()
    canvas.print_png(stream, metadata={"Software": ""})
    return stream.getvalue()
