"""The same (chore, variant, seed) is the same episode, bit for bit, whatever runs beside it and in whatever process."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from envs.episodes import Episodes
from envs.household.chore import Household
from tests.envs.household.running import LIVELY, ROUGH, digest, episodes, made, run, run_in
from understudy import CONF

COUNT = 4


@pytest.fixture(scope="module")
def chore() -> Household:
    return made()


@pytest.fixture(scope="module")
def alone(chore: Household) -> list[str]:
    """Each episode by itself, on one thread."""
    return [digest(run(chore, [episode])[0]) for episode in episodes(COUNT)]


def test_alone_in_pairs_or_among_sixteen(chore: Household, alone: list[str]) -> None:
    together = [digest(done) for done in run(chore, episodes(16), threads=2)]
    assert together[:COUNT] == alone
    assert len(set(together)) == 16
    pairs = [digest(done) for first in range(0, COUNT, 2) for done in run(chore, episodes(COUNT)[first : first + 2], threads=2)]
    assert pairs == alone


def test_in_any_slots(chore: Household, alone: list[str]) -> None:
    assert [digest(done) for done in run(chore, episodes(COUNT), slots=[3, 0, 5, 2])] == alone


def test_after_any_others(chore: Household, alone: list[str]) -> None:
    """Slots are used again: nothing of the episode before is left in them."""
    runner, places = Episodes(chore, 2, disturbance=ROUGH), np.arange(2)
    first, second = episodes(COUNT)[:2], episodes(COUNT)[2:]
    for wanted, digests in ((second, alone[2:]), (first, alone[:2]), (second[::-1], alone[:1:-1])):
        assert [digest(done) for done in run_in(runner, wanted, places)] == digests


def test_in_another_process(alone: list[str]) -> None:
    command = [sys.executable, "-m", "tests.envs.household.running", str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CONF.parent, env={**os.environ, "PYTHONHASHSEED": "7"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == alone


def test_the_run_is_as_lively_as_it_should_be(chore: Household) -> None:
    """Else equal bits would prove little: things, motors and sensors differ from a calm run, and change within it."""
    assert {change.when for change in LIVELY.changes} == {"startup", "reset", "interval"}
    lively, calm = (run(chore, [episode])[0] for episode in (episodes(1)[0], episodes(3)[2]))
    seen, true = lively.observations["joint_position_rad"][1:], lively.signals["joint_position_rad"][:-1]
    assert np.abs(seen - true).max() > 1e-4
    np.testing.assert_array_equal(calm.observations["joint_position_rad"][1:], calm.signals["joint_position_rad"][:-1])
