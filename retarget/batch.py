"""Many recordings over the cores; a bad file is reported at the end and stops nobody."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from motion.errors import UnderstudyError
from retarget.measure import QualityCard
from retarget.pipeline import RetargetSettings, retarget_file

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """What became of one recording: a card, or the error that stopped it."""

    path: Path
    output: Path
    frames_n: int
    card: QualityCard | None
    error: str = ""
    seconds: float = 0.0


def refuse_overwriting(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Refuse outputs that are inputs.

    Raises:
        UnderstudyError: naming the first.
    """
    read = {path.resolve() for path in inputs}
    for output in outputs:
        if output.resolve() in read:
            raise UnderstudyError(f"{output} is a recording to be read; it would be overwritten. Choose another output=.")


def retarget_many(
    inputs: Sequence[Path], outputs: Sequence[Path], robot: str, settings: RetargetSettings, jobs: int
) -> Generator[Outcome, None, None]:
    """Retarget files over `jobs` processes; outcomes come as they are ready.

    Whoever stops listening (Ctrl-C, or closing the iterator) stops the processes, too. A process that is killed from
    outside takes the recordings that are not done with it, as failures.

    Raises:
        UnderstudyError: an output is an input.
    """
    refuse_overwriting(inputs, outputs)
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        with _quiet_births():
            waiting = {
                _submitted(pool, path, output, robot, settings): (path, output) for path, output in zip(inputs, outputs, strict=True)
            }
        for future in as_completed(waiting):
            yield _outcome(future, *waiting[future])
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    pool.shutdown()


@contextmanager
def _quiet_births() -> Iterator[None]:
    """What a process has to be born with, so it is set here: one thread for its small matrices, and no ear for Ctrl-C.

    Ctrl-C reaches this process alone, which ends the others; none of them prints a traceback of its own.
    """
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if blocked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _submitted(pool: ProcessPoolExecutor, path: Path, output: Path, robot: str, settings: RetargetSettings) -> Future[Outcome]:
    try:
        return pool.submit(_one, path, output, robot, settings)
    except BrokenProcessPool as error:
        future: Future[Outcome] = Future()
        future.set_exception(error)
        return future


def _outcome(future: Future[Outcome], path: Path, output: Path) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return Outcome(path, output, 0, None, f"{path}: not done, a process was killed from outside. Out of memory? Try fewer jobs=.")


def _one(path: Path, output: Path, robot: str, settings: RetargetSettings) -> Outcome:
    try:
        done = retarget_file(path, robot, output, settings)
    except UnderstudyError as error:
        return Outcome(path, output, 0, None, str(error))
    except Exception as error:  # a file that breaks a reader must not take the other files with it
        return Outcome(path, output, 0, None, f"{path}: {type(error).__name__}: {error}")
    seconds = float(done.motion.time_s[-1] - done.motion.time_s[0])
    return Outcome(path, output, len(done.motion.time_s), done.card, seconds=seconds)
