"""Chunks that follow each other: committed places, fades and ensembles, by hand; and what latency does to a real loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from motion.demonstration import Demonstration
from motion.errors import ShapeError
from policies import Policy, PolicyActor, TrainConfig, fit, load_policy
from policies.actor import PolicyPredictor
from policies.deploy import ChunkActor, Handover, RealTimeActor
from policies.deploy.handover import Plan

NAMES = ("elbow",)


def chunk(*places: float) -> np.ndarray:
    """One episode, one joint: (1, H, 1)."""
    return np.array(places, float)[None, :, None]


def values(places: np.ndarray) -> list[float]:
    return [round(float(value), 9) for value in places[0, :, 0]]


def test_committed_places_stay() -> None:
    """Latency 2, a look every 2 periods: places 2 and 3 of the first chunk come before the second chunk's third."""
    plan = Plan(Handover(execute_n=2, latency_n=2), NAMES)
    assert values(plan.join(chunk(0, 1, 2, 3, 4))) == [0, 1, 2, 3, 4]
    plan.advance(2)
    assert values(plan.join(chunk(10, 11, 12, 13, 14))) == [2, 3, 12, 13, 14]


def test_a_fade_by_hand() -> None:
    """Over 2 places the new chunk has a third, then two thirds."""
    plan = Plan(Handover(execute_n=1, latency_n=1, blend_n=2), NAMES)
    plan.join(chunk(0, 0, 0, 0, 0))
    plan.advance(1)
    assert values(plan.join(chunk(3, 3, 3, 3, 3))) == [0, 1, 2, 3, 3]


def test_an_ensemble_by_hand() -> None:
    """With exp(-k ln 2) the oldest chunk counts 1, the next 1/2, the third 1/4."""
    plan = Plan(Handover(ensemble=float(np.log(2))), NAMES)
    plan.join(chunk(0, 0, 0))
    plan.advance(1)
    assert values(plan.join(chunk(3, 3, 3))) == [1, 1, 3]
    plan.advance(1)
    assert values(plan.join(chunk(10, 10, 10))) == [round((0 + 3 / 2 + 10 / 4) / 1.75, 9), round((3 + 10 / 2) / 1.5, 9), 10]


def test_an_ensemble_leaves_alone_what_is_committed() -> None:
    plan = Plan(Handover(ensemble=0.0, latency_n=1), NAMES)
    plan.join(chunk(0, 0, 0, 0))
    plan.advance(1)
    assert values(plan.join(chunk(4, 4, 4, 4))) == [0, 2, 2, 4]


def test_a_late_chunk_tells_of_now() -> None:
    """Three periods after its look, with a budget of one: its fourth place is the present one's."""
    plan = Plan(Handover(execute_n=2, latency_n=1), NAMES)
    plan.join(chunk(0, 1, 2, 3, 4))
    plan.advance(3)
    assert values(plan.join(chunk(10, 11, 12, 13, 14), age_n=3)) == [13, 14]
    plan.advance(1)
    assert values(plan.join(chunk(20, 21), age_n=2)) == [14]  # it tells of the past only


def test_where_nothing_is_planned_joints_hold_and_bases_stop() -> None:
    plan = Plan(Handover(latency_n=1), ("elbow", "base_forward_mps", "base_yaw_radps"))
    plan.join(np.array([[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]]))
    plan.advance(1)
    assert not plan.held
    plan.advance(1)
    assert plan.held
    assert plan.places.tolist() == [[[0.4, 0.0, 0.0]]]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ShapeError, match="latency_n is -1"):
        Handover(latency_n=-1)
    with pytest.raises(ShapeError, match="an ensemble needs a look in every period"):
        Handover(execute_n=2, ensemble=0.1)
    with pytest.raises(ShapeError, match="does not fade"):
        Handover(blend_n=1, ensemble=0.1)
    with pytest.raises(ShapeError, match=r"3 \+ latency_n 4 \+ blend_n 2 = 9; the policy's chunks end after 8"):
        Handover(3, 4, 2).require_chunk(8)


class Paced:
    """Any actor, asked every `execute_n` periods as `envs.rollout` does, for loops that ask in every period."""

    execute_n = 1

    def __init__(self, actor: ChunkActor) -> None:
        self.actor, self.name = actor, actor.name

    def reset(self, episodes: int) -> None:
        """Begin anew."""
        self.actor.reset(episodes)
        self._left = np.zeros((0, 0, 0))

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The next action of the chunk that is carried out."""
        if not self._left.size:
            self._left = self.actor.act(observation)[:, : self.actor.execute_n]
        else:
            self.actor.watch(observation)
        now, self._left = self._left[:, :1], self._left[:, 1:]
        return now


class Prompt(RealTimeActor):
    """A robot whose inference is always done before the next period."""

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """One period."""
        action = super().act(observation)
        self.settle()
        return action


class Told(Paced):
    """Keeps what was sent."""

    def reset(self, episodes: int) -> None:
        """Begin anew."""
        super().reset(episodes)
        self.sent: list[np.ndarray] = []

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """As the actor."""
        self.sent.append(super().act(observation))
        return self.sent[-1]


@pytest.fixture(scope="module")
def policy(record_pendulums: Callable[..., list[Demonstration]], tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """A `bc` with chunks of 12 and two looks, trained on 24 pushed episodes of 4 s."""
    config = TrainConfig(settings={"width": 64, "chunk_n": 12, "history_n": 2}, steps=400, batch_n=64, validate_every=100)
    return load_policy(fit(record_pendulums(24, 200, seed=5), config, tmp_path_factory.mktemp("trained")).best)


class Replay:
    """The reference as it is."""

    name, execute_n = "replay", 1

    def reset(self, episodes: int) -> None:
        """Nothing to begin."""

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The reference ahead."""
        return observation["reference_rad"]


@pytest.mark.parametrize("handover", [Handover(1, 3), Handover(3, 3, 2), Handover(1, 3, ensemble=0.1)], ids=str)
@pytest.mark.parametrize("plant", ["nominal", "heavy_sticky"])
def test_with_latency_it_still_tracks(policy: Policy, pendulum_rmse_rad: Callable[..., float], plant: str, handover: Handover) -> None:
    """60 ms late, and still at most a third of the error of open-loop replay; latency does cost something."""
    late = pendulum_rmse_rad(Paced(ChunkActor(PolicyPredictor(policy), handover)), plant)
    assert late < pendulum_rmse_rad(Replay(), plant) / 3
    assert late > pendulum_rmse_rad(PolicyActor(policy), plant)


def largest_jump_rad(policy: Policy, rmse_rad: Callable[..., float], handover: Handover) -> float:
    """Largest second difference of what is sent."""
    actor = Told(ChunkActor(PolicyPredictor(policy), handover))
    rmse_rad(actor, "heavy_sticky")
    return float(np.abs(np.diff(np.concatenate(actor.sent, axis=1), 2, axis=1)).max())


def test_the_hand_over_is_smooth(policy: Policy, pendulum_rmse_rad: Callable[..., float]) -> None:
    """Nothing jumps more with latency than without; and a fade makes jumps smaller."""
    at_once, late, faded = (largest_jump_rad(policy, pendulum_rmse_rad, Handover(4, *rest)) for rest in ((0,), (3, 4), (0, 4)))
    assert late <= at_once
    assert faded < 0.8 * at_once


@pytest.mark.parametrize(
    "handover", [Handover(), Handover(4), Handover(1, 3), Handover(3, 3, 2), Handover(2, 5, 1), Handover(1, 2, ensemble=0.3)], ids=str
)
def test_the_thread_acts_as_the_simulation_does(
    policy: Policy, pendulum_rmse_rad: Callable[..., float], pendulum_tracks: Callable[..., dict[str, np.ndarray]], handover: Handover
) -> None:
    """Bit for bit, over 60 periods of two episodes, where inference is faster than the period; and again after a reset."""
    predictor = PolicyPredictor(policy)
    wanted = pendulum_tracks(Paced(ChunkActor(predictor, handover)), episodes=2, steps=62)["action"]
    actor = Prompt(predictor, handover)
    for _ in range(2):
        assert np.array_equal(pendulum_tracks(actor, episodes=2, steps=62)["action"], wanted)
    seen = actor.timeliness
    assert (seen.late_n, seen.postponed_n, seen.held_n, seen.periods_n) == (0, 0, 0, 2 * 59)
    actor.close()


def test_with_every_setting_an_episode_does_not_depend_on_its_neighbours(
    policy: Policy, pendulum_demonstrations: list[Demonstration]
) -> None:
    tracks = {name: np.stack([demo.observations[name] for demo in pendulum_demonstrations]) for name in policy.spec.shapes}
    for handover in (Handover(2, 2, 1), Handover(1, 1, ensemble=0.1)):
        sent = []
        for rows in (slice(0, 6), slice(4, 5)):
            actor = ChunkActor(PolicyPredictor(policy), handover)
            actor.reset(1)
            sent.append([actor.act({name: track[rows, step] for name, track in tracks.items()}) for step in range(5)])
        for together, alone in zip(*sent, strict=True):
            assert np.array_equal(together[4:5], alone)


def test_another_number_of_episodes_wants_a_reset(policy: Policy, pendulum_demonstrations: list[Demonstration]) -> None:
    seen = {name: np.array(track[:2], float) for name, track in pendulum_demonstrations[0].observations.items()}
    actor = PolicyActor(policy, latency_n=1)
    actor.act(seen)
    with pytest.raises(ShapeError, match="1 episodes were seen, 2 before; begin anew by reset"):
        actor.act({name: track[:1] for name, track in seen.items()})
    actor.reset(1)
    assert actor.act({name: track[:1] for name, track in seen.items()}).shape == (1, 12, 2)
    assert replace(actor.handover, latency_n=0).at_once
