"""Pictures as observations, and what an environment of a household shows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.chore_env import ChoreEnv, ChoreVectorEnv
from envs.chores.follow import Follow
from envs.disturbance import Disturbance
from envs.household.picture import SceneRenderer
from motion.errors import UnderstudyError, UnknownNameError
from tests.envs.household.small_chore import SmallChore

SIZE = (64, 48)
STILL = Disturbance(start_noise_rad=0.0, action_noise_rad=0.0, pushes_per_s=0.0)


def test_an_environment_with_cameras_passes_gymnasiums_check(small: SmallChore) -> None:
    env = ChoreEnv(small, cameras=("head", "shelf"), image_size=SIZE, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*symmetric and normalized space.*")
        check_env(env, skip_render_check=True)
    seen, _ = env.reset(seed=3)
    assert seen["image_head"].shape == (48, 64, 3)
    assert (seen["image_head"] != seen["image_shelf"]).any()
    assert env.render().shape == (480, 640, 3)
    env.close()


def test_images_are_of_the_episode_that_is_seen(small: SmallChore) -> None:
    """What slots of the vector environment see is what single environments, and the renderer, make of the same seeds."""
    many = ChoreVectorEnv(small, 2, threads=1, disturbance=STILL, cameras=("close",), image_size=SIZE)
    seen, _ = many.reset(seed=4)
    assert many.observation_space.contains(seen)
    for slot in range(2):
        env = ChoreEnv(small, disturbance=STILL, cameras=("close",), image_size=SIZE)
        alone, _ = env.reset(seed=4 + slot)
        assert (alone["image_close"] == seen["image_close"][slot]).all()
        env.close()
    with SceneRenderer(small, *SIZE, cameras=("close",)) as renderer:
        renderer.set_episode("full", 5)
        assert np.abs(renderer.picture("close").astype(int) - seen["image_close"][1]).mean() < 1.0
    assert (seen["image_close"][0] != seen["image_close"][1]).any()
    many.close()


def test_images_follow_the_robot(small: SmallChore) -> None:
    many = ChoreVectorEnv(small, 1, threads=1, disturbance=STILL, cameras=("head",), image_size=SIZE)
    seen, _ = many.reset(seed=0)
    first, target = seen["image_head"][0], np.clip(seen["joint_position_rad"] + 0.3, many.action_space.low, many.action_space.high)
    for _ in range(12):
        seen = many.step(target)[0]
    assert (np.abs(seen["image_head"][0].astype(int) - first).max(-1) > 20).mean() > 0.02
    many.close()


def test_nobody_pays_for_cameras_that_were_not_asked_for(small: SmallChore) -> None:
    env = ChoreEnv(small)
    assert "image_head" not in env.observation_space.spaces
    assert "image_head" not in env.reset(seed=0)[0]


def test_cameras_that_cannot_be_are_refused(small: SmallChore, follow: Follow) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'head'"):
        ChoreEnv(small, cameras=("heads",))
    with pytest.raises(UnderstudyError, match="no things"):
        ChoreEnv(follow, cameras=("head",))
