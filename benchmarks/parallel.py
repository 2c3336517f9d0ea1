"""Tasks of a benchmark on all cores, beside a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tqdm import tqdm

from motion.cores import over_cores

Result = TypeVar("Result")


def in_order(work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], jobs: int, unit: str, what: str) -> list[Result]:
    """`work(*task)` of every task, in the order of the tasks.

    Args:
        work: defined in a module.
        tasks: its arguments; what each begins with is its name.
        jobs: processes.
        unit: what the progress bar counts.
        what: is done; before the progress bar.

    Raises:
        SystemExit: a process was killed from outside.
    """
    found: dict[int, Result] = {}
    for index, result in tqdm(over_cores(work, tasks, jobs), total=len(tasks), unit=unit, desc=what):
        if result is None:
            raise SystemExit(f"{what}: the process of {tasks[index][0]} was killed from outside.")
        found[index] = result
    return [found[index] for index in range(len(tasks))]
