"""One policy for chores that differ in how many things they have, and goals told by how things ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import MotionError, ShapeError, UnknownNameError
from motion.lerobot import write_dataset
from policies import Policy, PolicyActor, PolicySpec, TrainConfig, find_policy, fit, load_policy, make_config, make_windows
from policies.observed import fitted, goal_of, observed
from policies.spec import Reads
from tests.policies.spots import household, made

T = 40


def episode(things: int, seed: int, chore: float, hinges: int = 0) -> Demonstration:
    """The action is where the first thing is; in chore 1 its opposite."""
    seen = household(T, things, seed, chore, hinges)
    sign = 1.0 if chore == 0 else -1.0
    return replace(made(seen, sign * seen["thing_position_m"][:, 0, :2], f"chore_{chore:g}"), seed=seed)


def policy_of(demonstrations: list[Demonstration], **settings: object) -> Policy:
    """A fresh `bc` with statistics, in eval mode."""
    torch.manual_seed(0)
    policy_class = find_policy("bc")
    config = make_config(policy_class, {"chunk_n": 1, "width": 32, **settings})
    policy = policy_class(PolicySpec.of(demonstrations, 1, config.reads), config)
    policy.fit_statistics(make_windows(policy, demonstrations))
    return policy.eval()


def test_the_specification_has_room_for_the_most_things_and_hinges() -> None:
    few, many = episode(1, 0, 0.0), episode(3, 1, 1.0, hinges=2)
    for order in ([few, many], [many, few]):
        shapes = PolicySpec.of(order, 1).shapes
        assert (shapes["thing_position_m"], shapes["thing_wxyz"], shapes["thing_half_m"]) == ((3, 3), (3, 4), (3, 3))
        assert shapes["hinge"] == (2,)
        assert shapes["joint_position_rad"] == (2,)
    assert PolicySpec.of([few], 1).shapes["thing_wxyz"] == (1, 4)
    assert "hinge" not in PolicySpec.of([few], 1).shapes


def test_chores_of_other_joints_are_refused_by_name() -> None:
    driven = replace(episode(1, 1, 1.0), joint_names=("right", "ahead_mps"))
    with pytest.raises(MotionError, match=r"differs from the first in joint_names: .*'ahead_mps'"):
        PolicySpec.of([episode(1, 0, 0.0), driven], 1)


def test_all_numbers_of_a_thing_that_is_not_there_are_zero() -> None:
    """Whatever stands in the rows of others; and the numbers of those that are there are what they are alone."""
    few, many = episode(1, 0, 0.0), episode(3, 1, 1.0, hinges=2)
    both, alone = policy_of([few, many]), policy_of([few])
    wide, narrow = (
        policy.inputs({name: torch.from_numpy(track) for name, track in observed(policy.spec, few).items()}) for policy in (both, alone)
    )
    assert both.reader.width - alone.reader.width == 2 * (3 + 6 + 3 + 2 * 3 * 2) + 2, "two things more, and two hinges"
    added = (wide == 0).all(0).sum() - (narrow == 0).all(0).sum()
    assert int(added) == both.reader.width - alone.reader.width
    kept = wide[:, ~(wide == 0).all(0)]
    torch.testing.assert_close(kept, narrow[:, ~(narrow == 0).all(0)])


def test_one_policy_learns_two_chores_that_differ_in_their_things(tmp_path: Path) -> None:
    """From two data sets; it tells them apart, and an actor is shown each chore as that chore is."""
    for chore, things, hinges in ((0.0, 1, 0), (1.0, 3, 2)):
        write_dataset([episode(things, seed, chore, hinges) for seed in range(6)], tmp_path / f"set_{chore:g}")
    settings = {"chunk_n": 1, "width": 64}
    training = TrainConfig(settings=settings, steps=250, batch_n=64, learning_rate=3e-3, warmup_steps=10, balance="chore", ema_decay=0.9)
    sources = [tmp_path / "set_0", tmp_path / "set_1"]
    policy = load_policy(fit(sources, replace(training, validation_fraction=0), tmp_path / "run").best)
    for chore, things, hinges in ((0.0, 1, 0), (1.0, 3, 2)):
        shown = episode(things, 3, chore, hinges)
        got = PolicyActor(policy).act(shown.observations)[:, 0]
        assert np.sqrt(np.mean((got - shown.actions) ** 2)) < 0.2 * np.sqrt(np.mean(shown.actions**2))


def test_more_things_than_a_policy_knows_are_refused() -> None:
    policy = policy_of([episode(2, 0, 0.0)])
    with pytest.raises(
        ShapeError, match=r"'thing_position_m' in what policy 'bc' was given is \(40, 3, 3\); \(N, 2, 3\) was wanted, or fewer"
    ):
        PolicyActor(policy).act(episode(3, 0, 0.0).observations)


def test_what_is_fitted_is_a_copy_and_nothing_else_is_missing() -> None:
    shown = episode(1, 0, 0.0)
    spec = PolicySpec.of([shown, episode(2, 1, 1.0, hinges=1)], 1)
    found = fitted(spec, shown.observations, "a test")
    assert np.array_equal(found["hinge"], np.zeros((T, 1)))
    found["base_place"][:] = 7.0
    assert not np.asarray(shown.observations["base_place"]).any()
    without = {name: track for name, track in shown.observations.items() if name != "thing_half_m"}
    with pytest.raises(UnknownNameError, match=r"unknown observation 'thing_half_m' in a test"):
        fitted(spec, without, "a test")


def test_without_things_a_policy_is_told_nothing_of_them() -> None:
    shown = episode(2, 0, 0.0, hinges=1)
    blind = policy_of([shown], things=False)
    assert not {name for name in blind.spec.shapes if name.startswith("thing") or name == "hinge"}
    moved = {**shown.observations, "thing_position_m": np.asarray(shown.observations["thing_position_m"]) + 1.0}
    assert np.array_equal(PolicyActor(blind).act(shown.observations), PolicyActor(blind).act(moved))
    robot_only = {name: track for name, track in shown.observations.items() if name in blind.spec.shapes}
    assert PolicyActor(blind).act(robot_only).shape == (T, 1, 2)


def test_a_goal_is_where_things_were_in_the_end() -> None:
    shown = episode(2, 0, 0.0)
    goal = goal_of(shown)
    assert goal["goal_position_m"].shape == (T, 2, 3)
    for step in (0, T - 1):
        assert np.array_equal(goal["goal_position_m"][step], np.asarray(shown.observations["thing_position_m"])[-1])
        assert np.array_equal(goal["goal_wxyz"][step], np.asarray(shown.observations["thing_wxyz"])[-1])
    told = replace(shown, observations={**shown.observations, **{name: track + 1.0 for name, track in goal.items()}})
    spec = PolicySpec.of([told], 1, Reads(goal=True))
    assert np.array_equal(observed(spec, told)["goal_position_m"], goal["goal_position_m"] + 1.0)
    with pytest.raises(UnknownNameError, match="goal_position_m"):
        PolicyActor(policy_of([shown], goal=True)).act(shown.observations)


def test_a_policy_that_is_told_a_goal_goes_there() -> None:
    """The action is where the first thing shall be: nothing else of an observation tells it."""
    episodes = [episode(1, seed, 0.0) for seed in range(40)]
    ends = [replace(e, actions=goal_of(e)["goal_position_m"][:, 0, :2].copy()) for e in episodes]
    policy = policy_of(ends, goal=True)
    windows = make_windows(policy, ends)
    optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
    for _ in range(200):
        optimizer.zero_grad()
        torch.autograd.backward(policy.loss(windows.batch(torch.randint(len(windows), (128,)))))
        optimizer.step()
    shown = episode(1, 77, 0.0)
    goal = {"goal_position_m": np.full((T, 1, 3), 0.5), "goal_wxyz": np.tile([1.0, 0.0, 0.0, 0.0], (T, 1, 1))}
    near = PolicyActor(policy).act({**shown.observations, **goal})[:, 0].mean(0)
    far = PolicyActor(policy).act({**shown.observations, **goal, "goal_position_m": -goal["goal_position_m"]})[:, 0].mean(0)
    assert (near > 0.2).all(), near
    assert (far < -0.2).all(), far
