"""Cloth, wiping, moving bases, and many demonstrations from few, against their bars: `python -m benchmarks.chores [--only STAGE]`.

`--only oracle_fetch_item` runs one chore. `dataset` is a small data set of all chores, from which the time of a large one follows.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.chore_runs import CHORES as FIRST
from benchmarks.chore_runs import JOBS, ROBOT, noisy_rows, nothing_rows, oracle_rows, waving_steps_per_s
from benchmarks.table import Row, run
from envs.chores.registry import make_household
from motion.lerobot import Dataset
from workers.dataset.plan import AUGMENTED, Recipe
from workers.dataset.run import able_chores, make_dataset, parts_of

CLOTH = "fold_towel"
ORACLE = {"wash_dish": 80.0, CLOTH: 80.0, "fetch_item": 90.0, "walk_clutter": 90.0}
NOISY = {chore: (60.0, 70.0) if chore == CLOTH else (70.0, 85.0) for chore in ORACLE}
REAL_TIME = {CLOTH: 2.5, "fetch_item": 25.0, "walk_clutter": 25.0, "wash_dish": None}
_TURNS = 10
_RECORDED, _CARRIED = 8, 20
"""Recordings, and layouts that they are carried over to, of each chore."""
_FEW, _MORE, _WANTED = 4, 12, 100
"""Layouts of each chore in two small data sets, and demonstrations of each in the large one whose time is asked for."""


def speed() -> list[Row]:
    """Whole environments on one core, the robot moving, as multiples of real time."""
    rows = []
    for chore, bar in REAL_TIME.items():
        timestep_s = make_household(chore, ROBOT).physics.timestep_s
        rows.append(Row(f"speed_{chore}", timestep_s * waving_steps_per_s(chore, (1,), _TURNS).max(), bar, "x real time"))
    return rows


def augmented(chore: str) -> list[Row]:
    """Layouts that recordings are carried over to: how many succeed, and whether all that is kept did."""
    layouts = _RECORDED + _CARRIED
    recipe = Recipe((chore,), ROBOT, workers=_RECORDED, layouts=layouts, recorded=_RECORDED / layouts, tests=0.0)
    with tempfile.TemporaryDirectory() as folder:
        made = make_dataset(recipe, Path(folder) / "set", JOBS)
        kept = [bool(done.success) for part in parts_of(Path(folder) / "set") for done in Dataset(part)]
    tried = [one for one in made.outcomes if one.job.kind == AUGMENTED]
    first = 100 * np.mean([one.kept and one.first for one in tried])
    note = f"{len(tried)} layouts from {_RECORDED} recordings; {first:.0f} % from the nearest one"
    return [
        Row(f"augment_{chore}", 100 * float(np.mean([one.kept for one in tried])), 40.0 if chore == CLOTH else 60.0, "%", note=note),
        Row(f"augment_{chore}_kept_failures", kept.count(False), 0, "demonstrations", False),
    ]


def dataset() -> list[Row]:
    """Small data sets of all chores: time for each demonstration, and whether memory grows with their number."""
    peaks, rate_s, kept = [], float("nan"), 0
    with tempfile.TemporaryDirectory() as folder:
        for layouts in (_FEW, _MORE):
            begin = time.perf_counter()
            made = make_dataset(Recipe(able_chores(), ROBOT, workers=4, layouts=layouts), Path(folder) / str(layouts), JOBS)
            kept = sum(one.kept for one in made.outcomes)
            rate_s = (time.perf_counter() - begin) / max(kept, 1)
            peaks.append(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)))
    count = len(able_chores())
    note = f"{kept} kept of {_MORE * count} tried on {JOBS} cores, carried on to {_WANTED} of each of {count} chores"
    return [
        Row("dataset_time", rate_s * count * _WANTED / 3600, 2.0, "h", False, note=note),
        Row("dataset_memory", peaks[1] / peaks[0], 1.1, "x", False, note=f"largest process {peaks[1] / 1024:.0f} MB"),
    ]


STAGES: dict[str, Callable[[], list[Row]]] = {
    "speed": speed,
    "nothing": partial(nothing_rows, tuple(ORACLE)),
    **{f"oracle_{chore}": partial(oracle_rows, chore, bar) for chore, bar in ORACLE.items()},
    **{f"noisy_{chore}": partial(noisy_rows, chore, *bars) for chore, bars in NOISY.items()},
    **{f"augment_{chore}": partial(augmented, chore) for chore in (*FIRST, *ORACLE)},
    "dataset": dataset,
}


if __name__ == "__main__":
    run("chores", STAGES)
