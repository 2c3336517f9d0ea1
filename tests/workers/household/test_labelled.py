"""What a recording says of itself reaches the demonstration, the data set and the loss: a worker errs twice, and is hidden for a while."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.household.chore import Household
from envs.household.refine import RefineSettings
from envs.household.replay import FRAME
from motion.demonstration import CONFIDENCE, CORRECTION, MISTAKE, Demonstration
from motion.human import HumanMotion
from motion.lerobot import Dataset, write_dataset
from robots.tool_frames import side_columns
from workers.handwork.registry import handwork
from workers.handwork.style import HandStyle
from workers.household.demonstrate import Source, demonstrate
from workers.household.labelled import LEAST
from workers.household.record import record_handling
from workers.record import draw_worker

CLUMSY = HandStyle(miss_rate=1.0, misplace_rate=1.0)
PERIOD_S = 0.02
SLACK_S = 1.5
"""Grips that are waited for delay the robot by this much at most, here."""


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household("fragile_glass", "g1_dex3")


@pytest.fixture(scope="module")
def recorded(chore: Household) -> HumanMotion:
    scene = chore.scene("full", 0)
    handling = handwork(scene, CLUMSY, np.random.default_rng(0))
    return record_handling(draw_worker(0), handling, scene.things, take_seed=0, view="head").observed


def hidden(motion: HumanMotion, begin_s: float, end_s: float) -> HumanMotion:
    """The same, the right hand unseen for a while."""
    frames = (motion.time_s >= begin_s) & (motion.time_s < end_s)
    position, confidence = motion.position_m.copy(), motion.confidence.copy()
    columns = [column for column, name in enumerate(motion.landmarks) if name.startswith("right_")]
    position[np.ix_(frames, columns)], confidence[np.ix_(frames, columns)] = np.nan, 0.0
    return replace(motion, position_m=position, confidence=confidence)


def away_s(motion: HumanMotion) -> tuple[float, float]:
    """The middle of the longest movement in which nothing is held."""
    label = max((label for label in motion.labels if label.verb == "reach"), key=lambda label: label.end_s - label.start_s)
    third = (label.end_s - label.start_s) / 3
    return label.start_s + third, label.end_s - third


@pytest.fixture(scope="module")
def done(chore: Household, recorded: HumanMotion) -> Demonstration:
    motion = hidden(recorded, *away_s(recorded))
    (one,) = demonstrate(chore, [Source("take", "full", 0, motion)], refine=RefineSettings(rounds=0), threads=1)
    assert one.attempt is not None
    return one.attempt.demonstration


def spans(mark: np.ndarray) -> list[tuple[float, float]]:
    """Begin and end (s) of all that is marked."""
    edges = np.flatnonzero(np.diff(np.r_[0, mark.astype(int), 0])).reshape(-1, 2)
    return [(float(begin) * PERIOD_S, float(end) * PERIOD_S) for begin, end in edges]


def test_the_replay_tells_its_own_clock(done: Demonstration) -> None:
    frame = done.signals[FRAME]
    assert frame.shape == (len(done.actions),)
    assert frame[0] == 0
    assert set(np.diff(frame)) == {0, 1}  # it waits for grips, and never skips


def test_mistakes_and_corrections_are_marked_where_the_robot_makes_them(done: Demonstration, recorded: HumanMotion) -> None:
    for signal, meant in ((MISTAKE, {"failure"}), (CORRECTION, {"correct"})):
        told = [label for label in recorded.labels if label.outcome in meant or label.verb in meant]
        mark = done.signals[signal]
        assert mark.dtype == bool
        length_s = sum(label.end_s - label.start_s for label in told)
        assert length_s > 1.0
        assert mark.sum() * PERIOD_S == pytest.approx(length_s, rel=0.1, abs=SLACK_S)
    assert not (done.signals[MISTAKE] & done.signals[CORRECTION]).any()
    first_mistake, first_correction = spans(done.signals[MISTAKE])[0], spans(done.signals[CORRECTION])[0]
    assert first_mistake[1] <= first_correction[0]
    assert len(spans(done.signals[MISTAKE])) >= 2  # a grasp on nothing, and a glass set down short of the mark


def test_a_hand_that_nobody_saw_is_less_believed(chore: Household, done: Demonstration, recorded: HumanMotion) -> None:
    trust, length_s = done.signals[CONFIDENCE], np.diff(away_s(recorded))[0]
    assert trust.shape == done.actions.shape
    assert ((trust >= LEAST) & (trust <= 1)).all()
    right, left = (side_columns(chore.robot, side) for side in ("right", "left"))
    only_right, only_left = np.setdiff1d(right, left), np.setdiff1d(left, right)
    lost = (trust[:, only_right] == LEAST).all(axis=1)
    assert lost.sum() * PERIOD_S == pytest.approx(length_s, abs=0.2)
    assert (trust[:, only_left] > LEAST).all()
    assert trust[~lost].mean() > 0.6


def test_a_data_set_keeps_it_all(done: Demonstration, tmp_path: Path) -> None:
    write_dataset([done], tmp_path / "set")
    (back,) = Dataset(tmp_path / "set")
    for name in (FRAME, MISTAKE, CORRECTION):
        np.testing.assert_array_equal(back.signals[name], done.signals[name])
    np.testing.assert_allclose(back.signals[CONFIDENCE], done.signals[CONFIDENCE], atol=1e-6)
