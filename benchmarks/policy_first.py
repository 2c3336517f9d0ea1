"""From a clean clone to the first improved checkpoint of one chore: what a new user waits for, by the commands of the README.

The clone holds what is committed. Installing it into a virtual environment of its own is timed apart, as it is mostly downloads;
everything after it counts: compiling what is compiled once, the data set, training, and rolling the policy out.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.policy_runs import Options
from benchmarks.table import Row

_ROOT = Path(__file__).resolve().parent.parent
_CHORE = "stir_pot"
_DATA = ("-m", "workers", "dataset", f"chores=[{_CHORE}]", "workers=6", "layouts=24", "tests=0", "output=dataset")
_TRAIN = (
    *("train.py", "+experiment=chore_bc", f"demonstrations=dataset/train/{_CHORE}", "output=runs/first", "train.steps=1000"),
    *("train.evaluate_every=500", f"evaluate.chore={_CHORE}", "evaluate.seeds=8"),
)
_BAR = 5.0
INSTALL = "UNDERSTUDY_BENCH_INSTALL"
"""Set to 1, the benchmark installs the clone into a virtual environment of its own first, and uses that."""


def rows(options: Options) -> list[Row]:
    """Minutes of each step, and of all but the installation."""
    with TemporaryDirectory() as made:
        clone = Path(made) / "understudy"
        subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
        install, python = _installed(clone) if os.environ.get(INSTALL) else ([], sys.executable)
        data_min = _minutes(python, _DATA, clone, options)
        train_min = _minutes(python, _TRAIN, clone, options)
        losses, successes = (_logged(clone / "runs" / "first" / "metrics.csv", name) for name in ("validation_loss", "success"))
    better = [loss for loss in losses[1:] if loss < losses[0]]
    if not better:
        raise SystemExit(f"no checkpoint was better than the first: validation losses {losses}.")
    said = f"{_CHORE}, {_DATA[5]} tried; validation loss {losses[0]:.3g} -> {min(losses):.3g}"
    tried = ", ".join(f"{100 * success:.0f} %" for success in successes)
    return [
        *install,
        Row("first_data", data_min, unit="min", note=" ".join(_DATA)),
        Row("first_training", train_min, unit="min", note=f"success in 8 layouts, as it was trained: {tried}"),
        Row("first_checkpoint", data_min + train_min, _BAR, "min", at_least=False, note=said),
    ]


def _installed(clone: Path) -> tuple[list[Row], str]:
    """Time to install the clone, and the Python that has it."""
    began_s, python = time.monotonic(), str(clone / ".venv" / "bin" / "python")
    for words in ([sys.executable, "-m", "venv", ".venv"], [python, "-m", "pip", "install", "-q", "-c", "constraints.txt", "-e", "."]):
        subprocess.run(words, cwd=clone, check=True)
    return [Row("first_installation", (time.monotonic() - began_s) / 60, unit="min", note="virtual environment and pip install")], python


def _minutes(python: str, words: tuple[str, ...], clone: Path, options: Options) -> float:
    """Minutes that one command takes in the clone, with nothing cached and on all cores."""
    own = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    own |= {"UNDERSTUDY_CACHE": str(clone.parent / "cache"), "PYTHONPATH": str(clone)}
    began_s, log = time.monotonic(), options.out / "first.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as said:
        done = subprocess.run([python, *words], cwd=clone, stdout=said, stderr=said, env=own)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}; what it said is in {log}.")
    return (time.monotonic() - began_s) / 60


def _logged(path: Path, name: str) -> list[float]:
    """A column of a run's numbers, where it has any."""
    with open(path, newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file) if row.get(name)]
