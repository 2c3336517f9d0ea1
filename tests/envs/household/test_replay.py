"""Replaying handlings with real contact, and refining those that fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.refine import RefineSettings, replay_and_refine
from envs.household.replay import Adjustment, ChoreReplay, Score
from envs.plants import find_plant
from envs.rollout import rollout
from motion.demonstration import Demonstration
from motion.errors import MotionError, ShapeError
from motion.handling import Handling
from motion.transform import Transform
from retarget.handling.solution import retarget_handling
from workers.handwork.registry import handwork
from workers.handwork.style import draw_hand_style

SEED = 0
NOMINAL = find_plant("nominal")


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household("fragile_glass", "g1_dex3")


@pytest.fixture(scope="module")
def handling(chore: Household) -> Handling:
    rng = np.random.default_rng(SEED)
    return handwork(chore.scene("full", SEED), draw_hand_style(rng), rng)


def score_of(chore: Household, handling: Handling) -> Score:
    solved = retarget_handling(chore.robot, handling)
    return Score(solved.motion, solved.handling)


@pytest.fixture(scope="module")
def score(chore: Household, handling: Handling) -> Score:
    return score_of(chore, handling)


def replayed(chore: Household, score: Score) -> Demonstration:
    return rollout(chore, ChoreReplay(chore, {("full", SEED, 0): score}), [Episode("full", NOMINAL, SEED)], 1, 1)[0]


@pytest.fixture(scope="module")
def done(chore: Household, score: Score) -> Demonstration:
    return replayed(chore, score)


def test_a_scripted_hand_moves_the_glass_and_breaks_nothing(done: Demonstration) -> None:
    assert done.success
    assert done.progress == 1.0
    assert not done.violations


def test_the_grip_is_as_firm_as_needed_and_far_from_breaking(chore: Household, done: Demonstration) -> None:
    """Friction holds m g with a sum of normal forces of m g / mu."""
    facts = chore.setup(0, SEED).facts
    column = chore.listing.things.index("glass")
    least = facts["thing_mass_kg"][column] * 9.81 / facts["thing_friction"][column]
    up = done.signals["thing_position_m"][:, column, 2] - chore.station.T_world_counter.position_m[2] > 0.05
    grip = done.signals["hand_force_n"].sum(-1).max(-1)[up]
    assert up.sum() > 50
    assert np.median(grip) > least
    assert np.percentile(grip, 95) < facts["fragile_n"][column]


def test_the_glass_follows_its_track(chore: Household, score: Score, done: Demonstration) -> None:
    """At its end it stands within a centimetre of where the person put it."""
    column = chore.listing.things.index("glass")
    stands = chore.station.T_world_counter.inverse().apply(done.signals["thing_position_m"][-1, column])
    assert np.linalg.norm(stands - score.handling.things["glass"].position_m[-1]) < 0.01


def test_a_hand_that_never_closes_lifts_nothing(chore: Household, handling: Handling) -> None:
    open_hands = {side: replace(hand, opening=np.ones(len(handling.time_s))) for side, hand in handling.hands.items()}
    held = replayed(chore, score_of(chore, replace(handling, hands=open_hands, holds=())))
    assert not held.success
    assert held.progress == 0.0


def test_a_hand_is_led_to_a_thing_that_stands_elsewhere(chore: Household, handling: Handling, score: Score) -> None:
    """The glass stands 12 mm from where the recording has it; the hand finds it, and brings it to the recorded place."""
    name = "glass"
    start = handling.things[name][0]
    chore.stage("full", SEED, {name: Transform(start.position_m + [0.01, -0.007, 0.0], start.wxyz)})
    try:
        assert replayed(chore, score).success
    finally:
        chore.stage("full", SEED, {name: start})


def test_what_cannot_be_replayed_is_refused(chore: Household, score: Score) -> None:
    motion = score.motion
    cut = replace(
        motion,
        solved=np.r_[False, motion.solved[1:]],
        joint_position_rad=np.vstack([np.full((1, len(motion.joint_names)), np.nan), motion.joint_position_rad[1:]]),
    )
    with pytest.raises(MotionError, match="1 frames of the motion are unsolved"):
        replayed(chore, replace(score, motion=cut))
    with pytest.raises(MotionError, match="not of the chore's robot"):
        replayed(chore, replace(score, motion=replace(motion, joint_names=motion.joint_names[::-1])))
    with pytest.raises(MotionError, match=r"no score for fragile_glass full, seed 5"):
        rollout(chore, ChoreReplay(chore, {("full", SEED, 0): score}), [Episode("full", NOMINAL, 5)], 1, 1)
    actor = ChoreReplay(chore, {("full", SEED, 0): score})
    actor.reset(1)
    with pytest.raises(MotionError, match="only where it was briefed"):
        actor.act({"joint_position_rad": np.zeros((1, len(chore.robot.joint_names)))})


def test_refinement_mends_a_grasp_beside_the_glass(chore: Household, handling: Handling) -> None:
    """A hand that closes 5 cm short of the glass misses it; a search wide enough finds it."""
    hands = {
        side: replace(hand, T_counter_tool=hand.T_counter_tool @ Transform(np.array([-0.05, 0.0, 0.0]), np.array([1.0, 0, 0, 0])))
        for side, hand in handling.hands.items()
    }
    score = score_of(chore, replace(handling, hands=hands))
    settings = RefineSettings(rounds=2, tries=12, offset_m=0.035, offset_bound_m=0.06)
    plain = replay_and_refine(chore, [Episode("full", NOMINAL, SEED)], [score], RefineSettings(rounds=0), slots=6, threads=1)[0]
    assert not plain.demonstration.success
    assert plain.rounds == 0
    best = replay_and_refine(chore, [Episode("full", NOMINAL, SEED)], [score], settings, slots=12, threads=1)[0]
    assert best.demonstration.success
    assert best.rounds in (1, 2)
    assert all(max(np.abs(change.offset_m)) <= settings.offset_bound_m for change in best.adjustments.values())


def test_what_succeeds_is_not_touched(chore: Household, score: Score) -> None:
    best = replay_and_refine(chore, [Episode("full", NOMINAL, SEED)], [score], slots=2, threads=1)[0]
    assert best.rounds == 0
    assert best.adjustments == {}
    assert best.demonstration.actor == "handling"


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ShapeError, match="at least 0 rounds of 1 try"):
        RefineSettings(tries=0)
    with pytest.raises(ShapeError, match="negative sizes"):
        RefineSettings(force=0.5)
    assert Adjustment() == Adjustment((0.0, 0.0, 0.0), 0.0, 1.0)
