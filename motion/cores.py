"""One function over many files and all cores: outcomes as they are ready, Ctrl-C ends everything, a killed process harms only its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
Result = TypeVar("Result")


def over_cores(
    work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], jobs: int
) -> Generator[tuple[int, Result | None], None, None]:
    """Call `work(*task)` for every task in `jobs` processes.

    Whoever stops listening (Ctrl-C, or closing the iterator) stops the processes, too.

    Yields:
        index of the task, and what `work` returned; None where a process was killed from outside (out of memory, say).
        A process that is killed takes the tasks that are not done with it.
    """
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    try:
        with _quiet_births():
            waiting = {_submitted(pool, work, task): index for index, task in enumerate(tasks)}
        for future in as_completed(waiting):
            yield waiting[future], _result(future)
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


def _end_with_parent() -> None:
    """A process whose parent is killed without a word ends, too, instead of waiting for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _submitted(pool: ProcessPoolExecutor, work: Callable[..., Result], task: tuple[Any, ...]) -> Future[Result]:
    try:
        return pool.submit(work, *task)
    except BrokenProcessPool as error:
        future: Future[Result] = Future()
        future.set_exception(error)
        return future


def _result(future: Future[Result]) -> Result | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return None
