"""Gymnasium's own rules."""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import envs
from envs.chore_env import ChoreEnv, ChoreVectorEnv
from envs.chores.follow import Follow
from motion.errors import UnknownNameError
from motion.robot_motion import RobotMotion
from robots.robot import Robot

ID = "understudy/Follow-v0"


def test_it_passes_gymnasiums_check(follow: Follow) -> None:
    assert envs.__doc__
    with warnings.catch_warnings():
        # Actions are joint angles within the robot's limits, not numbers in -1..1.
        warnings.filterwarnings("ignore", message=".*symmetric and normalized space.*")
        check_env(ChoreEnv(follow), skip_render_check=True)


def test_it_is_made_by_name(g1: Robot, swing: RobotMotion) -> None:
    env = gymnasium.make(ID, robot="g1", motion=swing, base="fixed", plant="weak_motors", disable_env_checker=True)
    seen, info = env.reset(seed=4)
    assert info == {"seed": 4, "variant": "motion", "plant": "weak_motors", "text": "Follow the motion."}
    assert env.observation_space.contains(seen)
    assert env.action_space.shape == (29,)
    env.close()
    many = gymnasium.make_vec(ID, num_envs=2, robot=g1, motion=swing)
    assert isinstance(many.unwrapped, ChoreVectorEnv)
    assert many.observation_space.contains(many.reset(seed=1)[0])
    many.close()


def test_an_episode_ends_with_a_verdict(follow: Follow) -> None:
    env = ChoreEnv(follow, "nominal")
    seen, _ = env.reset(seed=1, options={"variant": "short"})
    for step in range(35):
        seen, reward, terminated, truncated, info = env.step(seen["reference_rad"][0])
        assert 0 <= reward <= 1
        assert not terminated
        assert truncated == (step == 34)
        assert ("success" in info) == truncated
    assert set(info["safety"]) == {"torque_saturation_share", "peak_gantry_force_n", "joint_speed_ratio", "self_contact_share"}
    assert env.demonstration("test").success == info["success"]


def test_resets_without_a_seed_go_on_from_the_last_one(follow: Follow) -> None:
    seeds = []
    for _ in range(2):
        env = ChoreEnv(follow)
        env.reset(seed=11)
        seeds.append([env.reset()[1]["seed"] for _ in range(2)])
    assert seeds[0] == seeds[1]
    assert seeds[0][0] != seeds[0][1]


def test_finished_slots_begin_anew_at_the_next_step(follow: Follow) -> None:
    many = ChoreVectorEnv(follow, 2, threads=1)
    assert many.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    seen, infos = many.reset(seed=20)
    assert list(infos["variant"]) == ["swing", "short"]
    hold = seen["previous_action_rad"]
    for step in range(1, 40):
        seen, reward, terminated, truncated, infos = many.step(hold)
        assert not terminated.any()
        assert list(truncated) == [False, step == 35]
        if step == 35:
            assert infos["seed"][1] == 21
            assert list(infos["_success"]) == [False, True]
        if step == 36:
            assert reward[1] == 0
            assert seen["reference_phase"][1, 0] == 0
        if step == 37:
            assert seen["reference_phase"][1, 0] == pytest.approx(1 / 35)
    assert many.episodes.episodes[1].seed == 23  # type: ignore[union-attr]
    assert seen["reference_phase"][0, 0] == pytest.approx(39 / 75)
    assert many.observation_space.contains(seen)


def test_unknown_words_are_said(follow: Follow) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'swing'"):
        ChoreEnv(follow).reset(seed=0, options={"variant": "swin"})
    with pytest.raises(UnknownNameError, match="slow_link"):
        ChoreVectorEnv(follow, 1, "slow")


def test_rendering_shows_the_robot(follow: Follow) -> None:
    env = ChoreEnv(follow, render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (480, 640, 3)
    assert picture.std() > 5
    env.close()
    assert ChoreEnv(follow).render() is None


def test_actions_outside_the_limits_are_clipped_as_the_motors_would(follow: Follow) -> None:
    env = ChoreEnv(follow)
    env.reset(seed=0)
    seen, *_ = env.step(np.full(29, 9.0))
    np.testing.assert_array_equal(seen["previous_action_rad"], env.action_space.high)  # type: ignore[attr-defined]
