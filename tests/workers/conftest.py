"""One set of takes for all tests of this room: a right-handed and a left-handed worker, every chore."""

from __future__ import annotations

import numpy as np
import pytest

from workers.paths import CHORES
from workers.performance import Performance, perform
from workers.record import draw_worker

WORKERS = (0, 3)  # worker 3 is left-handed


@pytest.fixture(scope="session")
def performances() -> dict[tuple[int, str], Performance]:
    """(worker seed, chore) -> one take."""
    return {
        (seed, chore): perform(draw_worker(seed).body, draw_worker(seed).style, chore, np.random.default_rng(1))
        for seed in WORKERS
        for chore in CHORES
    }
