"""Stages: order, holding, remembering."""

from __future__ import annotations

import numpy as np
import pytest

from envs.household.stages import Stage, advance, check_stages, given, stage_signals
from motion.errors import ShapeError, UnknownNameError

STAGES = (Stage("open"), Stage("in", after=("open",)), Stage("goal", after=("in",), hold_s=0.06))


def true_in(moment: str) -> dict[str, np.ndarray]:
    """One episode in which the named stages are true."""
    return {stage.name: np.array([stage.name in moment.split()]) for stage in STAGES}


def after(*moments: str) -> list[bool]:
    """Which stages are reached after periods in which the named stages were true."""
    held = np.zeros((1, 3))
    for moment in moments:
        held = advance(STAGES, true_in(moment), held, 0.02)
    return np.isinf(held[0]).tolist()


def gone_through(*moments: str) -> list[dict[str, np.ndarray]]:
    """The signals after each period of an episode, from its first on."""
    now = {"stage_given": np.zeros((1, 3)), "stage_held_s": np.zeros((1, 3)), "progress": np.zeros(1)}
    told = []
    for index, moment in enumerate(moments):
        now = stage_signals(STAGES, true_in(moment), now, np.array([index == 0]), 0.02)
        told.append(now)
    return told


def test_nothing_true_is_no_progress() -> None:
    last = gone_through("", "")[-1]
    assert not last["stage_reached"].any()
    assert last["progress"] == 0.0


def test_progress_is_the_share_of_the_stages_reached() -> None:
    told = gone_through("", "open", "in", "", "goal", "goal", "goal")
    assert [float(now["progress"][0]) for now in told] == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 1])


@pytest.mark.parametrize(
    ("first", "free"),
    [("", ""), ("open", "open"), ("open in", "open in"), ("in", ""), ("open in goal", "open in"), ("goal", "")],
)
def test_what_is_so_at_the_start_is_given_but_never_the_goal(first: str, free: str) -> None:
    assert given(STAGES, true_in(first))[0].tolist() == [stage.name in free.split() for stage in STAGES]


@pytest.mark.parametrize("first", ["", "open", "open in", "open in goal"])
def test_progress_counts_from_what_an_episode_starts_with(first: str) -> None:
    """0 at first and 1 at success, and what is gained adds up to it."""
    told = gone_through(first, "open", "in", "goal", "goal", "goal")
    assert told[0]["progress"] == 0.0
    assert told[-1]["progress"] == 1.0
    assert sum(float(now["gain"][0]) for now in told) == pytest.approx(1.0)


def test_what_is_given_stays_reached_and_only_the_first_period_gives() -> None:
    last = gone_through("open", "", "in")[-1]
    assert last["stage_given"][0].tolist() == [1, 0, 0]
    assert last["stage_reached"][0].tolist() == [1, 1, 0]
    assert last["progress"] == pytest.approx(0.5)


def test_a_stage_once_reached_stays_reached() -> None:
    assert after("open", "", "") == [True, False, False]


def test_a_stage_waits_for_those_before_it() -> None:
    assert after("in", "in") == [False, False, False]
    assert after("open in") == [True, True, False]


def test_the_goal_has_to_hold_without_a_break() -> None:
    """0.06 s are three periods of 0.02 s."""
    assert not after("open in goal", "goal", "")[2]
    assert not after("open in goal", "goal", "", "goal", "goal")[2]
    assert after("open in goal", "goal", "goal") == [True] * 3


def test_time_does_not_count_before_its_turn() -> None:
    assert not after("goal", "goal", "goal", "open in goal", "goal")[2]


def test_episodes_do_not_mix() -> None:
    held = np.zeros((2, 3))
    now = {"open": np.array([True, False]), "in": np.zeros(2, bool), "goal": np.zeros(2, bool)}
    assert np.isinf(advance(STAGES, now, held, 0.02)).tolist() == [[True, False, False], [False, False, False]]


def test_stages_that_wait_for_nothing_known_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="'opn'.*Did you mean 'open'"):
        check_stages((Stage("open"), Stage("goal", after=("opn",))))
    with pytest.raises(ShapeError, match="at least one"):
        check_stages(())
