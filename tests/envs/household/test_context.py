"""A context of a real score: what the replay with feedback followed, and what an actor is told while it acts. Two rollouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.episodes import Episode
from envs.household.chore import Household
from envs.household.context import context_of
from envs.household.prompted import PlanActor, Prompted, open_loop
from envs.household.replay import ChoreReplay, Score
from envs.household.replay_law import LAW
from envs.plants import Change, Plant
from envs.rollout import rollout
from motion.context import PHASES, Context, with_context
from motion.demonstration import Demonstration
from motion.errors import MotionError
from motion.landmarks import SIDES
from retarget.handling.solution import retarget_handling
from robots.hands import hand_of
from robots.tool_frames import T_world_tool
from workers.handwork.registry import handwork
from workers.handwork.style import draw_hand_style

SEED = 0
BLIND = replace(LAW, knows_things=False)
NOISY = Plant("noisy_eyes", tuple(Change("sensor_noise", name, (0.003, 0.003), operation="set") for name in ("thing_.*", "hand_force_n")))
KEY = ("full", SEED)


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household("fragile_glass", "g1_dex3")


@pytest.fixture(scope="module")
def score(chore: Household) -> Score:
    """Of somebody whose fingers close at once: a robot's need longer, and the clock has to wait for them."""
    rng = np.random.default_rng(SEED)
    handling = handwork(chore.scene("full", SEED), draw_hand_style(rng), rng)
    for side, hand in handling.hands.items():
        handling = handling.with_hand(side, replace(hand, opening=np.where(handling.held(side), hand.opening.min(), hand.opening)))
    solved = retarget_handling(chore.robot, handling)
    return Score(solved.motion, solved.handling)


@pytest.fixture(scope="module")
def context(chore: Household, score: Score) -> Context:
    return context_of(chore, score, BLIND)


class Listening(PlanActor):
    """Sends the plan, and keeps what it was told."""

    def __init__(self) -> None:
        self.heard: list[Mapping[str, np.ndarray]] = []

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        self.heard.append(observation)
        return super().act(observation)


@pytest.fixture(scope="module")
def shown(chore: Household, score: Score) -> Demonstration:
    """By the replay with feedback, which sees noise."""
    return rollout(chore, ChoreReplay(chore, {(*KEY, 0): score}, BLIND), [Episode("full", NOISY, SEED)], 1, 1)[0]


@pytest.fixture(scope="module")
def listened(chore: Household, context: Context) -> tuple[Demonstration, Listening]:
    """By an actor that only listens, and so grips nothing: the clock waits."""
    actor = Listening()
    return rollout(chore, Prompted(actor, {KEY: context}), [Episode("full", NOISY, SEED)], 1, 1)[0], actor


def test_the_context_is_what_the_replay_followed(chore: Household, context: Context, shown: Demonstration) -> None:
    """Whatever its feedback does not touch is the told plan, to the bit, all the way: so the clocks agree, too."""
    told = with_context(shown, context)
    idle = [side for side in SIDES if not context.phase[:, SIDES.index(side), : PHASES.index("turning")].any()]
    hand = hand_of(chore.robot, idle[0])
    still = chore.robot.joint_index(hand.joint_names)
    before = told.observations["reference_clock_s"][:, 0] < 0.5
    np.testing.assert_array_equal(shown.actions[:, still], told.observations["reference_plan_rad"][:, 0, still])
    np.testing.assert_array_equal(shown.actions[before], told.observations["reference_plan_rad"][before, 0])
    assert np.abs(shown.actions - told.observations["reference_plan_rad"][:, 0]).max() > 0.05
    assert np.any(np.diff(told.observations["reference_clock_s"][:, 0]) == 0)


def test_what_is_told_at_once_is_what_is_told_afterwards(listened: tuple[Demonstration, Listening], context: Context) -> None:
    done, actor = listened
    told = with_context(done, context).observations
    for name in (name for name in told if name.startswith("reference_")):
        np.testing.assert_array_equal(told[name], np.concatenate([heard[name] for heard in actor.heard[: len(done.actions)]]))


def test_things_are_told_with_the_noise_that_they_are_seen_with(listened: tuple[Demonstration, Listening], context: Context) -> None:
    done, _ = listened
    told = with_context(done, context).observations
    at = told["reference_seen_wxyz"].any(-1)
    column = context.things.index("glass")
    step, hand = (int(index[0]) for index in np.nonzero(at))
    np.testing.assert_array_equal(told["reference_seen_position_m"][step, hand], done.observations["thing_position_m"][step, column])


def test_open_loop_does_not_wait(chore: Household, context: Context) -> None:
    actor = open_loop({KEY: context})
    assert context.waits.any()
    assert not actor.contexts[KEY].waits.any()
    np.testing.assert_array_equal(actor.contexts[KEY].plan_rad, context.plan_rad)


def test_reach_turns_a_shift_of_a_hand_into_joints(chore: Household, score: Score, context: Context) -> None:
    """A centimetre along the counter's x, to a tenth of it: the inverse is damped."""
    hand = SIDES.index("right")
    frame = len(context.plan_rad) // 2
    posture = score.motion.joint_position_rad[frame]
    moved = posture + context.reach[frame, hand] @ np.array([0.01, 0.0, 0.0, 0.0, 0.0, 0.0])
    back, place = chore.station.T_world_counter.inverse(), chore.station.T_world_base
    before, after = (back @ T_world_tool(chore.robot, "right", q[None], place) for q in (posture, moved))
    np.testing.assert_allclose(before.position_m[0], context.hand_position_m[frame, hand], atol=1e-9)
    np.testing.assert_allclose((after.position_m - before.position_m)[0], [0.01, 0.0, 0.0], atol=2e-3)


def test_phases_follow_one_another(context: Context) -> None:
    hand = int(np.argmax(context.phase[..., PHASES.index("carrying")].sum(0)))
    share = {name: context.phase[:, hand, PHASES.index(name)] for name in PHASES}
    order = [int(np.argmax(share[name] > 0)) for name in ("leading", "closing", "gripping", "released")]
    assert order == sorted(order)
    assert not (share["leading"] * share["carrying"]).any()
    assert (context.force_n[share["gripping"] > 0, hand] >= BLIND.least_grip_n).all()
    assert context.grip_rad[share["gripping"] > 0, hand].any(-1).all()


def test_what_cannot_be_told_is_refused(chore: Household, score: Score, context: Context) -> None:
    with pytest.raises(MotionError, match=r"no recording for fragile_glass full, seed 7; there are 1"):
        rollout(chore, Prompted(PlanActor(), {KEY: context}), [Episode("full", NOISY, 7)], 1, 1)
    with pytest.raises(MotionError, match="base=planar: a context is for a base that stays where it is"):
        context_of(make_household("fragile_glass", "g1_dex3", "planar"), score)
