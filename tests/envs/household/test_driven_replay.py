"""Replaying somebody who walks about, on a base that drives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.chores.base import FASTEST_BASE
from envs.chores.registry import make_household
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.driving import base_path
from envs.household.replay import ChoreReplay, Score
from envs.household.replay_law import ReplayLaw
from envs.plants import find_plant
from envs.rollout import rollout
from motion.demonstration import Demonstration
from motion.handling import Handling, HandTrack, stand_at
from motion.transform import Array, Transform
from retarget.handling.solution import retarget_handling
from robots.tool_frames import T_world_tool
from workers.handwork.registry import handwork
from workers.handwork.style import draw_hand_style

SEED = 0
FROM = (-0.35, 0.25, 0.7)
"""Where somebody comes from who then works at the counter."""
COMING_S = 4.0


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household("fragile_glass", "g1_dex3", "planar")


@pytest.fixture(scope="module")
def score(chore: Household) -> Score:
    rng = np.random.default_rng(SEED)
    handling = coming(handwork(chore.scene("full", SEED), draw_hand_style(rng), rng))
    solution = retarget_handling(chore.robot, handling)
    return Score(solution.motion, solution.handling)


def coming(handling: Handling) -> Handling:
    """The same, after a way from elsewhere; idle hands come along."""
    count = round(COMING_S * 50)
    share = np.linspace(1.0, 0.0, count)
    eased = share**3 * (10 - 15 * share + 6 * share**2)
    stand = stand_at(np.vstack([eased[:, None] * np.array(FROM), np.zeros((len(handling.time_s), 3))]))
    time_s = np.r_[handling.time_s[0] - COMING_S + np.arange(count) / 50, handling.time_s]
    hands = {}
    for side, hand in handling.hands.items():
        first = stand[:count] @ hand.T_counter_tool[:1]
        pose = Transform(np.vstack([first.position_m, hand.T_counter_tool.position_m]), np.vstack([first.wxyz, hand.T_counter_tool.wxyz]))
        hands[side] = HandTrack(pose, np.r_[np.ones(count), hand.opening], np.r_[np.zeros(count), hand.wanted])
    things = {name: Transform(_held(track.position_m, count), _held(track.wxyz, count)) for name, track in handling.things.items()}
    return replace(handling, time_s=time_s, hands=hands, things=things, stand=stand)


def _held(track: Array, count: int) -> Array:
    return np.vstack([np.repeat(track[:1], count, axis=0), track])


def replayed(chore: Household, score: Score) -> Demonstration:
    return rollout(chore, ChoreReplay(chore, {("full", SEED, 0): score}), [Episode("full", find_plant("nominal"), SEED)], 1, 1)[0]


def test_it_drives_there_and_works(chore: Household, score: Score) -> None:
    """The base begins at the counter, 0.3 m from where the motion has it: it catches up, and is on its path before the glass."""
    done = replayed(chore, score)
    assert done.success
    assert not done.violations
    assert (np.abs(done.actions[:, -3:]) <= FASTEST_BASE).all()
    frames = min(len(done.actions), len(score.motion.time_s))
    wanted = base_path(score.motion.T_world_base)[1:frames]
    off = done.signals["base_position_m"][: frames - 1, :2] - wanted[:, :2]
    assert np.linalg.norm(off[0]) > 0.25
    assert np.linalg.norm(off[round(COMING_S / 0.02) :], axis=1).max() < 0.01


def test_hands_make_up_for_a_base_that_stands_elsewhere(chore: Household) -> None:
    """A base that nothing brings back stands 2 cm off all the time; without the correction the hand would be as far off the glass."""
    rng = np.random.default_rng(SEED)
    handling = handwork(chore.scene("full", SEED), draw_hand_style(rng), rng)
    aside = np.tile([-0.016, 0.012, 0.03], (len(handling.time_s), 1))
    solution = retarget_handling(chore.robot, replace(handling, stand=stand_at(aside)))
    own = Score(solution.motion, solution.handling)
    law = ReplayLaw(drive_per_s=0.0)
    done = rollout(chore, ChoreReplay(chore, {("full", SEED, 0): own}, law), [Episode("full", find_plant("nominal"), SEED)], 1, 1)[0]
    off = done.signals["base_position_m"][:, :2] - own.motion.T_world_base.position_m[0, :2]
    assert np.linalg.norm(off, axis=1).min() > 0.015
    assert done.success
    closed = round((own.handling.holds[0].start_s - own.motion.time_s[0]) * 50)
    tool = T_world_tool(
        chore.robot,
        own.handling.holds[0].side,
        done.signals["joint_position_rad"][closed],
        Transform(done.signals["base_position_m"][closed], done.signals["base_wxyz"][closed])[None],
    )
    wanted = chore.station.T_world_counter @ own.handling.hands[own.handling.holds[0].side].T_counter_tool[closed]
    assert np.linalg.norm(tool.position_m[0] - wanted.position_m) < 0.006


def test_a_way_back_by_its_own_path(chore: Household, score: Score) -> None:
    """Where the motion ends the base stays: it is not told to move any more."""
    longer = replayed(chore, replace(score, handling=replace(score.handling, holds=())))
    assert not longer.success
    last = longer.signals["base_position_m"][-100:, :2]
    assert np.ptp(last, axis=0).max() < 0.002
