"""A policy learns from a data set that others made: all that is seen is one vector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import UnknownNameError
from motion.lerobot import write_dataset
from motion.lerobot.layout import UNDERSTUDY
from policies import PolicyActor, PolicySpec, TrainConfig, fit, load_policy
from policies.readers import make_reader, read_names
from policies.readers.state import STATE


@pytest.fixture
def theirs(pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> Path:
    """As others would have written it: `observation.state` and `action`, and nothing that says how we call them."""
    bare = [replace(one, observations={"joint_position_rad": one.observations["joint_position_rad"]}) for one in pendulum_demonstrations]
    write_dataset(bare, tmp_path / "set")
    (tmp_path / "set" / UNDERSTUDY).unlink()
    return tmp_path / "set"


def test_a_policy_learns_from_their_state(theirs: Path, pendulum_demonstrations: list[Demonstration], tmp_path: Path) -> None:
    settings = {"chunk_n": 4, "width": 32}
    config = TrainConfig(settings=settings, steps=150, batch_n=32, learning_rate=3e-3, warmup_steps=5, validate_every=150)
    done = fit(theirs, config, tmp_path / "run")
    policy = load_policy(done.best)
    assert policy.spec.observations == ((STATE, (2,)),)
    spread = np.concatenate([one.actions for one in pendulum_demonstrations]).std()
    assert done.validation["first_action_rmse_rad"] < 0.5 * spread
    actor = PolicyActor(policy, execute_n=4)
    actor.reset(1)
    seen = pendulum_demonstrations[0].observations["joint_position_rad"][:1]
    assert actor.act({STATE: seen}).shape == (1, 4, 2)


def test_a_single_number_is_a_state() -> None:
    reader = make_reader(PolicySpec("robot", ("a",), ((STATE, ()),), 2, 0.02), previous_action=False)
    assert reader.inputs({STATE: torch.tensor([1.0, 2.0])}).tolist() == [[1.0], [2.0]]


def test_without_a_state_our_own_observations_are_asked_for() -> None:
    with pytest.raises(UnknownNameError, match="reference_rad"):
        read_names(["joint_position_rad", "joint_velocity_radps", "previous_action_rad"])
