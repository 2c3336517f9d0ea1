"""Windows: hand arithmetic, no crossing of episodes, an order that depends on seed and epoch alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import MotionError
from policies import Policy, PolicySpec, Windows, find_policy, make_config, make_windows
from policies.windows import Sampler, chunk_index, epoch_order


def bc_for(demonstrations: list[Demonstration], chunk_n: int) -> Policy:
    """A fresh small `bc`."""
    policy_class = find_policy("bc")
    spec = PolicySpec.of(demonstrations, policy_class.observation_names, chunk_n)
    return policy_class(spec, make_config(policy_class, {"chunk_n": chunk_n, "width": 16}))


def numbered_windows(count: int) -> Windows:
    """Windows whose only input is their own number."""
    return Windows(torch.arange(count).float()[:, None], torch.zeros(count, 1, 1), torch.ones(count, 1))


def test_chunk_index_by_hand() -> None:
    """Episodes of 3 and 2 steps laid end to end are steps 0 1 2 | 3 4; a chunk of 3 holds its episode's last step."""
    step, valid = chunk_index([3, 2], 3)
    assert step.tolist() == [[0, 1, 2], [1, 2, 2], [2, 2, 2], [3, 4, 4], [4, 4, 4]]
    assert valid.astype(int).tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0]]


def test_offsets_are_actions_less_the_reference_of_their_own_step(pendulum_demonstrations: list[Demonstration]) -> None:
    first, second = pendulum_demonstrations[:2]
    windows = make_windows(bc_for(pendulum_demonstrations, 4), [first, second])
    steps = len(first.actions)
    for t, k in ((0, 0), (5, 3), (steps - 4, 3)):
        wanted = first.actions[t + k] - first.observations["reference_rad"][t, k]
        np.testing.assert_allclose(windows.offset_rad[t, k], wanted, atol=1e-6)
    held = first.actions[-1] - first.observations["reference_rad"][-1, 2]
    np.testing.assert_allclose(windows.offset_rad[steps - 1, 2], held, atol=1e-6)
    assert windows.valid[steps - 1].tolist() == [1, 0, 0, 0]
    np.testing.assert_allclose(windows.offset_rad[steps, 0], second.actions[0] - second.observations["reference_rad"][0, 0], atol=1e-6)
    assert len(windows) == steps + len(second.actions)
    assert windows.inputs.is_contiguous()
    assert windows.offset_rad.is_contiguous()


def test_a_batch_is_the_windows_asked_for_in_that_order() -> None:
    assert numbered_windows(9).batch(torch.tensor([7, 2, 2])).inputs[:, 0].tolist() == [7, 2, 2]


def test_the_order_is_a_pure_function_of_seed_and_epoch() -> None:
    order = epoch_order(100, seed=4, epoch=2)
    assert sorted(order.tolist()) == list(range(100))
    assert torch.equal(order, epoch_order(100, seed=4, epoch=2))
    assert not torch.equal(order, epoch_order(100, seed=4, epoch=3))
    assert not torch.equal(order, epoch_order(100, seed=5, epoch=2))


def test_an_epoch_draws_no_window_twice_and_a_step_does_not_depend_on_those_before_it() -> None:
    walked, jumped = Sampler(numbered_windows(23), 5, seed=1), Sampler(numbered_windows(23), 5, seed=1)
    drawn = [walked.batch(step).inputs[:, 0].tolist() for step in range(9)]
    assert walked.batches_per_epoch == 4
    assert len({number for batch in drawn[:4] for number in batch}) == 20
    assert jumped.batch(8).inputs[:, 0].tolist() == drawn[8]
    assert jumped.batch(1).inputs[:, 0].tolist() == drawn[1]


def test_fewer_windows_than_a_batch_make_a_smaller_batch() -> None:
    assert len(Sampler(numbered_windows(3), 64, seed=0).batch(5)) == 3


@pytest.mark.parametrize("name", ["joint_velocity_radps", "actions"])
def test_a_number_that_is_none_is_refused_by_place(pendulum_demonstrations: list[Demonstration], name: str) -> None:
    good = pendulum_demonstrations[0]
    broken = np.array(good.actions if name == "actions" else good.observations[name])
    broken[7, 1] = np.nan
    bad = replace(good, actions=broken) if name == "actions" else replace(good, observations={**good.observations, name: broken})
    with pytest.raises(MotionError, match=f"{good.variant}: {name} is not finite at step 7"):
        make_windows(bc_for([good], 4), [bad])
