"""Rollouts and replays: everything asked for, in order, as files that the next stage can start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from envs.chores.follow import Follow
from envs.disturbance import Disturbance
from envs.episodes import Episode, Episodes
from envs.plants import PLANTS
from envs.replay import replay
from envs.rollout import all_episodes, rollout
from motion.demonstration import Demonstration
from motion.errors import ShapeError, UnknownNameError
from motion.robot_motion import RobotMotion
from robots.robot import Robot

SIGNALS = {
    "joint_position_rad",
    "joint_velocity_radps",
    "actuator_torque_nm",
    "reference_position_rad",
    "base_position_m",
    "base_wxyz",
    "reference_base_position_m",
    "reference_base_wxyz",
    "gantry_force_n",
    "saturated",
}
OBSERVATIONS = {"joint_position_rad", "joint_velocity_radps", "previous_action_rad", "reference_rad", "reference_phase"}


class Chunked:
    """Sends the reference, several periods at a time; counts how often it is asked."""

    name = "chunked"

    def __init__(self, execute_n: int) -> None:
        self.execute_n, self.begun, self.asked = execute_n, [], 0  # type: ignore[var-annotated]

    def reset(self, episodes: int) -> None:
        self.begun.append(episodes)

    def act(self, observation: Mapping[str, np.ndarray]) -> np.ndarray:
        self.asked += 1
        return observation["reference_rad"][:, :8]


def test_every_episode_comes_back_in_the_order_asked_for(follow: Follow) -> None:
    wanted = all_episodes(follow, ["nominal", "slow_link"], seeds=[0, 5], variants=["short", "swing"])
    ended: list[int] = []
    actor = Chunked(1)
    found = rollout(follow, actor, wanted, slots=3, threads=1, progress=ended.append)
    assert [(run.variant, run.plant, run.seed) for run in found] == [(task.variant, task.plant.name, task.seed) for task in wanted]
    assert [len(run.actions) for run in found] == [35] * 4 + [75] * 4
    assert ended == actor.begun == [3, 3, 2]
    assert {run.actor for run in found} == {"chunked"}


def test_chunks_are_carried_out_before_the_next_look(follow: Follow) -> None:
    actor = Chunked(4)
    run = rollout(follow, actor, [Episode("short", PLANTS["nominal"], 0)], threads=1)[0]
    assert actor.asked == 9  # 35 periods in chunks of 4
    reference = follow.references[1].joint_position_rad
    np.testing.assert_array_equal(run.actions, reference[1:])
    with pytest.raises(ShapeError, match=r"H>=9"):
        rollout(follow, Chunked(9), [Episode("short", PLANTS["nominal"], 0)], threads=1)
    with pytest.raises(ShapeError, match="0 slots"):
        rollout(follow, actor, [], slots=0)


def test_a_demonstration_holds_what_was_seen_and_measured(follow: Follow) -> None:
    run = Episodes(follow, 1)
    seen = [run.reset([0], [Episode("short", PLANTS["nominal"], 3)])]
    seen += [run.step([0], seen[0]["reference_rad"][:, 0]).observation for _ in range(35)]
    episode = run.demonstration(0, "test")
    assert set(episode.observations) == OBSERVATIONS
    assert set(episode.signals) == SIGNALS
    for name, track in episode.observations.items():
        np.testing.assert_array_equal(track, np.concatenate([row[name] for row in seen[:-1]]), err_msg=name)
    np.testing.assert_array_equal(episode.signals["joint_position_rad"][-1], seen[-1]["joint_position_rad"][0])
    np.testing.assert_array_equal(episode.signals["reference_position_rad"], follow.references[1].joint_position_rad[1:])
    assert episode.signals["saturated"].dtype == bool
    assert episode.signals["gantry_force_n"].min() > 100


def test_the_torque_is_the_servos_law(follow: Follow) -> None:
    """torque = kp (target - q) - kd qd at the state before the last physics step; within 2 ms of the one measured."""
    run = rollout(follow, Chunked(1), [Episode("swing", PLANTS["nominal"], 0)], threads=1, disturbance=Disturbance(start_noise_rad=0))[0]
    robot, signals = follow.model.robot, run.signals
    law = robot.kp * (run.actions - signals["joint_position_rad"]) - robot.kd * signals["joint_velocity_radps"]
    drift = np.abs(law - signals["actuator_torque_nm"])[10:]
    assert drift.mean() < 0.15
    assert np.abs(signals["actuator_torque_nm"]).max() > 5


def test_replay_makes_demonstrations_for_training(g1: Robot, swing: RobotMotion, tmp_path: Path) -> None:
    swing.save(tmp_path / "wave.npz")
    found = replay([tmp_path / "wave.npz"], "g1", ["nominal", "varied"], seeds=range(2), threads=1)
    assert [(run.plant, run.seed) for run in found] == [("nominal", 0), ("nominal", 1), ("varied", 0), ("varied", 1)]
    assert {run.actor for run in found} == {"expert"}
    off = np.abs(found[0].observations["previous_action_rad"][1:] - found[0].actions[:-1])
    assert 0.01 < off.mean() < 0.05, "the noise of teaching is missing"
    parent = found[0].provenance.parents[0]
    assert (parent.name, len(parent.sha256)) == ("wave.npz", 64)
    assert found[0].provenance.config["disturbance"]["pushes_per_s"] > 0
    found[3].save(tmp_path / "d.npz")
    again = Demonstration.load(tmp_path / "d.npz")
    np.testing.assert_array_equal(again.observations["reference_rad"], found[3].observations["reference_rad"])
    assert again.safety == found[3].safety
    calm = replay(swing, g1, actor="replay", disturbance=Disturbance(start_noise_rad=0), base="fixed", threads=1)[0]
    assert (calm.signals["gantry_force_n"] == 0).all()
    with pytest.raises(UnknownNameError, match="heavy_sticky"):
        replay(swing, g1, "heavy")
