"""The small chore for G1 with Dex3 hands, and demonstrations, made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.actors import ReplayActor
from envs.chores.follow import Follow
from envs.chores.registry import make_household
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.plants import PLANTS
from envs.rollout import rollout
from motion.demonstration import Demonstration
from tests.envs.household.small_chore import SmallChore


@pytest.fixture(scope="session")
def small() -> SmallChore:
    return SmallChore("g1_dex3")


def played(chore: Household, steps: int, seed: int = 1) -> Demonstration:
    """A robot that spreads its arms, whatever the chore."""
    episodes = Episodes(chore, 1)
    episodes.reset([0], [Episode(chore.variants[0], PLANTS["nominal"], seed)])
    start = episodes.state(0).joint_position_rad[0]
    wave = 0.02 * np.arange(1, steps + 1)[:, None] * np.ones(len(start))
    for target in np.clip(start + wave, chore.robot.lower_rad, chore.robot.upper_rad):
        episodes.step([0], target[None])
    return episodes.demonstration(0, "waving")


@pytest.fixture(scope="session")
def shown(small: SmallChore) -> Demonstration:
    """A short episode of the small chore, without success."""
    return played(small, steps=18)


@pytest.fixture(scope="session")
def followed(follow: Follow) -> Demonstration:
    """An episode of a chore without things."""
    return rollout(follow, ReplayActor(), [Episode("short", PLANTS["nominal"], 0)], threads=1)[0]


@pytest.fixture(scope="session")
def tidied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a very short episode of a shipped chore."""
    path = tmp_path_factory.mktemp("tidied") / "tidied.npz"
    played(make_household("tidy_counter", "g1_dex3"), steps=3).save(path)
    return path
