"""Chores done on two feet: `base=wbc`."""

from __future__ import annotations

import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.household.replay import ChoreReplay, Score
from envs.plants import find_plant
from envs.rollout import rollout
from motion.errors import RobotError, UnknownNameError
from retarget.handling.solution import retarget_handling
from robots.standing import stance
from robots.station import station
from tests.envs.household.running import digest, run_in
from workers.handwork.registry import handwork
from workers.handwork.style import draw_hand_style

NOMINAL = find_plant("nominal")


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household("fragile_glass", "g1_dex3", "wbc")


def held(chore: Household, disturbance: Disturbance, steps: int) -> Episodes:
    """One episode in which the arms hold still."""
    runner = Episodes(chore, 1, 1, disturbance)
    runner.reset([0], [Episode("full", NOMINAL, 0)])
    for _ in range(steps):
        if runner.step([0], chore.robot.rest_rad[None]).terminated[0]:
            break
    return runner


def test_the_robot_stands_where_it_should_and_does_nothing_unsafe(chore: Household) -> None:
    done = held(chore, Disturbance(), 50).demonstration(0, "hold")
    base = done.signals["base_position_m"]
    np.testing.assert_allclose(base - chore.station.T_world_base.position_m, 0.0, atol=0.003)
    assert done.signals["gantry_force_n"].max() == 0.0
    assert not done.success
    assert done.safety["fallen"] == 0.0
    assert not [name for name in done.violations if name != "unsafe_end"]


def test_counter_and_base_are_lower_by_as_much_as_the_legs_bend(chore: Household) -> None:
    usual, own = station(chore.robot.unlocked or chore.robot), chore.station
    drop = usual.T_world_base.position_m - own.T_world_base.position_m
    np.testing.assert_allclose(drop, [0.0, 0.0, stance(chore.robot).drop_m])
    np.testing.assert_allclose(usual.T_counter_base.position_m, own.T_counter_base.position_m)


def test_a_hard_shove_fells_it_and_that_is_said(chore: Household) -> None:
    runner = held(chore, Disturbance(shoves_per_s=50.0, shove_n=300.0, shove_s=0.5), 100)
    done = runner.demonstration(0, "hold")
    assert done.safety["fallen"] == 1.0
    assert "fallen" in done.violations
    assert "the robot fell" in chore.explain(done.signals, done.safety)


def test_a_person_can_be_followed_on_two_feet(chore: Household) -> None:
    """A scripted hand carries the glass, the body swaying under it."""
    rng = np.random.default_rng(0)
    solved = retarget_handling(chore.robot, handwork(chore.scene("full", 0), draw_hand_style(rng), rng))
    scores = {("full", 0, 0): Score(solved.motion, solved.handling)}
    done = rollout(chore, ChoreReplay(chore, scores), [Episode("full", NOMINAL, 0)], 1, 1)[0]
    assert done.success
    assert not done.violations
    sway = np.abs(done.signals["base_position_m"] - chore.station.T_world_base.position_m).max()
    assert 1e-4 < sway < 0.01


def test_others_beside_it_and_runs_before_change_nothing(chore: Household) -> None:
    wanted = [Episode("full", NOMINAL, seed) for seed in (0, 1)]
    alone = run_in(Episodes(chore, 1, 1, Disturbance(shoves_per_s=5.0)), wanted[1:], np.zeros(1, int), 15)
    runner = Episodes(chore, 2, 2, Disturbance(shoves_per_s=5.0))
    run_in(runner, wanted[::-1], np.arange(2), 15)
    beside = run_in(runner, wanted, np.arange(2), 15)
    assert digest(alone[0]) == digest(beside[1])


def test_who_cannot_stand_is_told_so() -> None:
    with pytest.raises(RobotError, match="cannot stand by itself"):
        make_household("fragile_glass", "alex_psyonic", "wbc")
    with pytest.raises(UnknownNameError, match="wbc"):
        make_household("walk_clutter", "g1_dex3", "wbc")
