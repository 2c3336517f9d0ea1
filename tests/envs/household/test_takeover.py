"""The reference controller takes an attempt over where another actor brought it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.household.replay import ChoreReplay, Score
from envs.household.takeover import Takeover, TakeoverReplay, reach_rad
from envs.plants import find_plant
from envs.rollout import rollout
from motion.demonstration import Demonstration
from motion.errors import MotionError, ShapeError
from retarget.handling.solution import retarget_handling
from workers.handwork.registry import handwork
from workers.handwork.style import draw_hand_style

SEED, STRAYS, TAKEN = 0, 40, 70
EPISODE = Episode("full", find_plant("nominal"), SEED)


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household("fragile_glass", "g1_dex3")


@pytest.fixture(scope="module")
def score(chore: Household) -> Score:
    rng = np.random.default_rng(SEED)
    solved = retarget_handling(chore.robot, handwork(chore.scene("full", SEED), draw_hand_style(rng), rng))
    return Score(solved.motion, solved.handling)


class Straying(ChoreReplay):
    """Replays, but from a step on every joint is asked to be elsewhere."""

    def reset(self, episodes: int) -> None:
        """Begin anew."""
        super().reset(episodes)
        self._told = 0

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Targets (N, 1, A)."""
        out = super().act(observation)
        out += 0.2 * min(1.0, max(0, self._told - STRAYS) / 20)
        self._told += 1
        return out


@pytest.fixture(scope="module")
def attempt(chore: Household, score: Score) -> Demonstration:
    """The first two seconds of an attempt that strays."""
    episodes, actor = Episodes(chore, 1), Straying(chore, {("full", SEED, 0): score})
    seen = episodes.reset([0], [EPISODE])
    actor.reset(1)
    actor.brief(episodes)
    for _ in range(TAKEN + 30):
        seen = episodes.step([0], actor.act(seen)[:, 0]).observation
    return episodes.demonstration(0, "straying")


@pytest.fixture(scope="module")
def takeover(score: Score, attempt: Demonstration) -> Takeover:
    return Takeover(score, attempt.actions[:TAKEN], TAKEN)


@pytest.fixture(scope="module")
def done(chore: Household, takeover: Takeover) -> Demonstration:
    return rollout(chore, TakeoverReplay(chore, {("full", SEED, 0): takeover}), [EPISODE], 1, 1)[0]


def test_the_attempt_is_repeated_bit_for_bit(attempt: Demonstration, done: Demonstration) -> None:
    for name, track in done.observations.items():
        assert np.array_equal(track[: TAKEN + 1], attempt.observations[name][: TAKEN + 1]), name
    assert not np.array_equal(done.actions[TAKEN : TAKEN + 30], attempt.actions[TAKEN : TAKEN + 30])


def test_the_chore_is_finished_from_there(takeover: Takeover, attempt: Demonstration, done: Demonstration) -> None:
    assert 0.1 < reach_rad(takeover, attempt.signals["joint_position_rad"][TAKEN - 1]) < 0.5
    assert done.success
    assert done.actor == "takeover"


def test_targets_do_not_jump(takeover: Takeover, done: Demonstration) -> None:
    """A joint comes back at 0.8 rad/s on average, 1.5 times that at most, beside its own motion in the score."""
    jumps = np.abs(np.diff(done.actions[TAKEN - 1 : TAKEN + 25], axis=0)).max()
    own = np.abs(np.diff(takeover.score.motion.joint_position_rad[TAKEN : TAKEN + 25], axis=0)).max()
    assert jumps < own + 1.5 * 0.8 * 0.02 + 0.01


def test_takeovers_beside_each_other_do_not_matter(chore: Household, takeover: Takeover, score: Score, done: Demonstration) -> None:
    """For the first periods after the takeover, which is all that differs."""
    other = Takeover(score, takeover.actions[:50], 50)
    episodes = Episodes(chore, 2)
    both = [EPISODE, Episode("full", find_plant("nominal"), SEED, 1)]
    actor = TakeoverReplay(chore, {("full", SEED, 0): takeover, ("full", SEED, 1): other})
    seen = episodes.reset([0, 1], both)
    actor.reset(2)
    actor.brief(episodes)
    for _ in range(TAKEN + 20):
        seen = episodes.step([0, 1], actor.act(seen)[:, 0]).observation
    assert np.array_equal(episodes.demonstration(0, "x").actions, done.actions[: TAKEN + 20])


def test_what_cannot_be_taken_over_is_refused(chore: Household, takeover: Takeover, score: Score) -> None:
    with pytest.raises(ShapeError, match="after its first action"):
        Takeover(score, takeover.actions[:0], 0)
    with pytest.raises(ShapeError, match=r"frame 100000 of a score with \d+"):
        Takeover(score, takeover.actions, 100000)
    actor = TakeoverReplay(chore, {("full", SEED, 0): takeover})
    actor.reset(1)
    with pytest.raises(MotionError, match="only where it was briefed"):
        actor.act({})
