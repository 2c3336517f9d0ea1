"""The policy as an actor: checked observations, the same answer in any company, and better than replay in strange plants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motion.demonstration import Actor, Demonstration
from motion.errors import ShapeError, UnknownNameError
from policies import Policy, PolicyActor, PolicySpec, TrainConfig, find_policy, fit, load_policy, make_config, make_windows

CONFIG = TrainConfig(settings={"width": 64, "chunk_n": 4}, steps=400, batch_n=64, validate_every=100)


class Replay:
    """Plays the reference as it is: the baseline to beat."""

    name, execute_n = "replay", 1

    def reset(self, episodes: int) -> None:
        """Nothing to begin."""

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """The reference ahead."""
        return observation["reference_rad"]


@pytest.fixture(scope="module")
def policy(record_pendulums: Callable[..., list[Demonstration]], tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """A `bc` trained on 24 pushed episodes of 4 s."""
    return load_policy(fit(record_pendulums(24, 200, seed=5), CONFIG, tmp_path_factory.mktemp("trained")).best)


@pytest.fixture
def observation(pendulum_demonstrations: list[Demonstration]) -> dict[str, np.ndarray]:
    """37 observations, as of so many parallel episodes."""
    return {name: np.array(track[:37]) for name, track in pendulum_demonstrations[0].observations.items()}


@pytest.mark.parametrize("plant", ["nominal", "weak_motors", "slow_link", "heavy_sticky"])
def test_beats_replay_of_the_reference_by_far(policy: Policy, pendulum_rmse_rad: Callable[..., float], plant: str) -> None:
    """On motions never seen, and in plants never seen: at most a tenth of the error of open-loop replay."""
    assert pendulum_rmse_rad(PolicyActor(policy), plant) < 0.1 * pendulum_rmse_rad(Replay(), plant)


def test_answers_a_tracking_error_like_the_expert(policy: Policy, observation: dict[str, np.ndarray]) -> None:
    """The expert answers 0.1 rad of error with 1.5 * 0.1 rad of correction in that joint, and leaves the other alone."""
    actor = PolicyActor(policy)
    strayed = {name: track.copy() for name, track in observation.items()}
    strayed["joint_position_rad"][:, 0] += 0.1
    answer = (actor.act(strayed) - actor.act(observation))[:, 0].mean(0)
    assert answer[0] == pytest.approx(-0.15, abs=0.02)
    assert abs(answer[1]) < 0.015


class Blind(PolicyActor):
    """The same policy told that it tracks perfectly: only its feed-forward is left."""

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        """Act as if position and velocity were the reference's."""
        soon, later = observation["reference_rad"][:, 0], observation["reference_rad"][:, 1]
        perfect = {"joint_position_rad": 2 * soon - later, "joint_velocity_radps": (later - soon) / self.policy.spec.period_s}
        return super().act({**observation, **perfect})


@pytest.mark.parametrize("plant", ["nominal", "weak_motors", "slow_link", "heavy_sticky"])
def test_feedback_earns_its_place(policy: Policy, pendulum_rmse_rad: Callable[..., float], plant: str) -> None:
    """Feed-forward alone beats replay, and with feedback the error is a third less again."""
    whole, blind, replay = (pendulum_rmse_rad(actor, plant) for actor in (PolicyActor(policy), Blind(policy), Replay()))
    assert whole < 0.67 * blind < 0.2 * replay


def test_executing_more_of_the_chunk_still_follows(policy: Policy, observation: dict[str, np.ndarray]) -> None:
    """The second action of a chunk is close to the first of the next look."""
    actions = PolicyActor(policy, execute_n=2).act(observation)
    assert np.sqrt(np.mean((actions[:-1, 1] - actions[1:, 0]) ** 2)) < 0.05


def test_an_episode_does_not_depend_on_its_neighbours(policy: Policy, observation: dict[str, np.ndarray]) -> None:
    """Bit for bit, whether 37 episodes run together, 5, or one."""
    actor: Actor = PolicyActor(policy)
    together = actor.act(observation)
    for chosen in ([4], [30, 2, 17, 36, 5], list(range(16, 37))):
        assert np.array_equal(actor.act({name: track[chosen] for name, track in observation.items()}), together[chosen])


def test_shape_and_type(policy: Policy, observation: dict[str, np.ndarray]) -> None:
    actions = PolicyActor(policy).act(observation)
    assert (actions.shape, actions.dtype) == ((37, 4, 2), np.float64)


def test_what_it_is_shown_may_be_read_only(policy: Policy, observation: dict[str, np.ndarray]) -> None:
    wanted = PolicyActor(policy).act(observation)
    for track in observation.values():
        track.setflags(write=False)
    assert np.array_equal(PolicyActor(policy).act(observation), wanted)


def test_more_observations_than_it_reads_do_no_harm(policy: Policy, observation: dict[str, np.ndarray]) -> None:
    actor = PolicyActor(policy)
    assert np.array_equal(actor.act({**observation, "camera": np.zeros((37, 4, 4))}), actor.act(observation))


def test_a_missing_observation_is_named(policy: Policy, observation: dict[str, np.ndarray]) -> None:
    del observation["joint_velocity_radps"]
    with pytest.raises(
        UnknownNameError, match=r"unknown observation 'joint_velocity_radps' in what policy 'bc' was given.*joint_position_rad"
    ):
        PolicyActor(policy).act(observation)


def test_an_observation_of_another_shape_is_named(policy: Policy, observation: dict[str, np.ndarray]) -> None:
    short = {**observation, "reference_rad": observation["reference_rad"][:, :20]}
    with pytest.raises(ShapeError, match=r"'reference_rad' in what policy 'bc' was given is \(37, 20, 2\); \(N, 25, 2\) was wanted"):
        PolicyActor(policy).act(short)
    with pytest.raises(ShapeError, match="'joint_position_rad' in .* is"):
        PolicyActor(policy).act({name: track[0] for name, track in observation.items()})
    with pytest.raises(ShapeError, match="differ in their number of episodes"):
        PolicyActor(policy).act({**observation, "previous_action_rad": observation["previous_action_rad"][:3]})


def test_as_many_actions_are_carried_out_as_the_policy_says(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody says otherwise; of a chore without things one, and for an ensemble one in any case."""
    assert PolicyActor(policy).execute_n == policy.execute_n == 1
    monkeypatch.setattr(policy, "config", replace(policy.config, execute_n=3))
    assert PolicyActor(policy).execute_n == 3
    assert PolicyActor(policy, 2).execute_n == 2
    assert PolicyActor(policy, ensemble=0.1).execute_n == 1
    monkeypatch.setattr(policy, "config", replace(policy.config, execute_n=99))
    assert policy.execute_n == policy.spec.chunk_n


@pytest.mark.parametrize("execute_n", [0, 5])
def test_execute_n_within_the_chunk(policy: Policy, execute_n: int) -> None:
    with pytest.raises(ShapeError, match=r"1\.\.4"):
        PolicyActor(policy, execute_n)


def test_a_saved_actor_acts_the_same_after_loading_twice(policy: Policy, observation: dict[str, np.ndarray], tmp_path: Path) -> None:
    from motion.provenance import Provenance
    from policies import Checkpoint, save_checkpoint

    save_checkpoint(tmp_path / "again", Checkpoint(policy, {}, Provenance("a test")))
    assert np.array_equal(PolicyActor(load_policy(tmp_path / "again")).act(observation), PolicyActor(policy).act(observation))


def test_a_memory_holds_the_newest_looks_and_is_cleared(pendulum_demonstrations: list[Demonstration]) -> None:
    """What a policy of three looks is fed while it acts is what it was fed in training."""
    torch.manual_seed(0)
    policy_class = find_policy("bc")
    policy = policy_class(PolicySpec.of(pendulum_demonstrations, 4), make_config(policy_class, {"chunk_n": 4, "history_n": 3}))
    windows = make_windows(policy, pendulum_demonstrations[:1])
    policy.fit_statistics(windows)
    torch.nn.init.normal_(next(policy.leave.parameters()))
    actor, tracks = PolicyActor(policy, execute_n=2), pendulum_demonstrations[0].observations
    wanted = policy.predict(windows.batch(torch.arange(6)).inputs).double() + windows.anchor[:6]
    for _ in range(2):
        actor.reset(1)
        for step in range(0, 6, 2):
            acted = actor.act({name: track[step : step + 1] for name, track in tracks.items()})
            np.testing.assert_allclose(acted[0], wanted[step].detach(), atol=1e-5)
            actor.watch({name: track[step + 1 : step + 2] for name, track in tracks.items()})
    with pytest.raises(ShapeError, match="2 episodes were seen, 1 before"):
        actor.act({name: track[:2] for name, track in tracks.items()})
