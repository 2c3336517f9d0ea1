"""Many recordings over the cores; a bad file is reported at the end and stops nobody."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from motion.errors import UnderstudyError
from retarget.measure import QualityCard
from retarget.pipeline import RetargetSettings, retarget_file


@dataclass(frozen=True)
class Outcome:
    """What became of one recording: a card, or the error that stopped it."""

    path: Path
    output: Path
    frames_n: int
    card: QualityCard | None
    error: str = ""


def retarget_many(inputs: Sequence[Path], outputs: Sequence[Path], robot: str, settings: RetargetSettings, jobs: int) -> Iterator[Outcome]:
    """Retarget files over `jobs` processes; outcomes come as they are ready."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread) as pool:
        waiting = {pool.submit(_one, path, output, robot, settings): path for path, output in zip(inputs, outputs, strict=True)}
        for future in as_completed(waiting):
            yield future.result()


def _one_thread() -> None:
    """The matrices are small: one thread per process is fastest."""
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"


def _one(path: Path, output: Path, robot: str, settings: RetargetSettings) -> Outcome:
    try:
        done = retarget_file(path, robot, output, settings)
    except UnderstudyError as error:
        return Outcome(path, output, 0, None, str(error))
    except Exception as error:  # a file that breaks a reader must not take the other files with it
        return Outcome(path, output, 0, None, f"{path}: {type(error).__name__}: {error}")
    return Outcome(path, output, len(done.motion.time_s), done.card)
