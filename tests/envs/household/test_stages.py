"""Stages: order, holding, remembering."""

from __future__ import annotations

import numpy as np
import pytest

from envs.household.stages import Stage, advance, check_stages
from motion.errors import ShapeError, UnknownNameError

STAGES = (Stage("open"), Stage("in", after=("open",)), Stage("goal", after=("in",), hold_s=0.06))


def after(*moments: str) -> tuple[list[bool], float]:
    """Which stages are reached, and the progress, after periods in which the named stages were true."""
    held, reached, progress = np.zeros((1, 3)), np.zeros((1, 3), bool), np.zeros(1)
    for moment in moments:
        true_now = {stage.name: np.array([stage.name in moment.split()]) for stage in STAGES}
        held, reached, progress = advance(STAGES, true_now, held, 0.02)
    return reached[0].tolist(), float(progress[0])


def test_nothing_true_is_no_progress() -> None:
    assert after("", "") == ([False] * 3, 0.0)


def test_a_stage_once_reached_stays_reached() -> None:
    assert after("open", "", "")[0] == [True, False, False]


def test_a_stage_waits_for_those_before_it() -> None:
    assert after("in", "in")[0] == [False, False, False]
    assert after("open in") == ([True, True, False], pytest.approx(2 / 3))


def test_the_goal_has_to_hold_without_a_break() -> None:
    """0.06 s are three periods of 0.02 s."""
    assert not after("open in goal", "goal", "")[0][2]
    assert not after("open in goal", "goal", "", "goal", "goal")[0][2]
    assert after("open in goal", "goal", "goal") == ([True] * 3, 1.0)


def test_time_does_not_count_before_its_turn() -> None:
    assert not after("goal", "goal", "goal", "open in goal", "goal")[0][2]


def test_episodes_do_not_mix() -> None:
    held = np.zeros((2, 3))
    now = {"open": np.array([True, False]), "in": np.zeros(2, bool), "goal": np.zeros(2, bool)}
    assert advance(STAGES, now, held, 0.02)[1].tolist() == [[True, False, False], [False, False, False]]


def test_stages_that_wait_for_nothing_known_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="'opn'.*Did you mean 'open'"):
        check_stages((Stage("open"), Stage("goal", after=("opn",))))
    with pytest.raises(ShapeError, match="at least one"):
        check_stages(())
