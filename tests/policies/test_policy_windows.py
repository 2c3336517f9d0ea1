"""Windows: hand arithmetic, no crossing of episodes, an order that depends on seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motion.demonstration import Demonstration
from motion.errors import MotionError, ShapeError
from policies import Policy, PolicySpec, Windows, find_policy, make_config, make_windows
from policies.moments import grasp_moments
from policies.sampling import Sampler, emphasised, epoch_order
from policies.windows import CONFIDENCE, Statistics


def bc_for(demonstrations: list[Demonstration], chunk_n: int) -> Policy:
    """A fresh small `bc`."""
    policy_class = find_policy("bc")
    spec = PolicySpec.of(demonstrations, chunk_n)
    return policy_class(spec, make_config(policy_class, {"chunk_n": chunk_n, "width": 16}))


def numbered_windows(count: int) -> Windows:
    """Windows whose only input is their own number."""
    number, nothing, one = torch.arange(count), torch.zeros(count, 1), torch.zeros(1)
    starts = torch.tensor([0, count])
    statistics = Statistics(*[one] * 6)
    return Windows(number.float()[:, None], nothing, nothing[:, None], nothing + 1, nothing, starts, 1, 1, statistics)


def test_chunks_and_looks_by_hand() -> None:
    """Episodes of 3 and 2 steps laid end to end are steps 0 1 2 | 3 4; a chunk of 3 holds its episode's last step."""
    number, one = torch.arange(5).float()[:, None], torch.zeros(1)
    nothing, starts, statistics = torch.zeros(5, 1), torch.tensor([0, 3, 5]), Statistics(*[one] * 6)
    windows = Windows(number, number, nothing[:, None], nothing + 1, nothing, starts, 3, 2, statistics)
    batch = windows.batch(torch.arange(5))
    assert batch.offset_rad[..., 0].tolist() == [[0, 1, 2], [1, 2, 2], [2, 2, 2], [3, 4, 4], [4, 4, 4]]
    assert batch.weight[..., 0].tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0]]
    assert batch.inputs[..., 0].tolist() == [[0, 0], [0, 1], [1, 2], [3, 3], [3, 4]]
    assert windows.whole().tolist() == [0]


def test_emphasis_draws_moments_more_often_and_every_episode_as_often_as_before() -> None:
    windows = replace(numbered_windows(8), starts=torch.tensor([0, 4, 8]), moment=torch.tensor([0, 1, 1, 0, 0, 0, 0, 0.0])[:, None])
    assert emphasised(windows, None, 1.0) is None
    told = emphasised(windows, torch.tensor([1, 1, 1, 1, 2, 2, 2, 2.0]), 3.0)
    assert told is not None
    assert told.tolist() == [0.5, 1.5, 1.5, 0.5, 2, 2, 2, 2]
    alike = emphasised(windows, None, 3.0)
    assert alike is not None
    assert alike.tolist() == [0.5, 1.5, 1.5, 0.5, 1, 1, 1, 1]
    assert emphasised(numbered_windows(3), None, 4.0) is None


def test_moments_are_taken_from_the_force_on_the_hands(pendulum_demonstrations: list[Demonstration]) -> None:
    first = pendulum_demonstrations[0]
    steps = len(first.actions)
    force = np.zeros((steps, 2, 3))
    begin = steps // 2
    force[begin:, 1] = 2.0
    held = replace(first, observations={**first.observations, "hand_force_n": force})
    windows = make_windows(bc_for(pendulum_demonstrations, 4), [first, held])
    assert not bool(windows.moment[:steps].any())
    assert windows.moment[steps:, 0].tolist() == grasp_moments(force, first.period_s).tolist()
    assert windows.moment[steps + begin] == 1


def test_offsets_are_actions_less_the_reference_of_their_own_step(pendulum_demonstrations: list[Demonstration]) -> None:
    first, second = pendulum_demonstrations[:2]
    windows = make_windows(bc_for(pendulum_demonstrations, 4), [first, second])
    steps = len(first.actions)
    all_of_them = windows.batch(torch.arange(len(windows)))
    for t, k in ((0, 0), (5, 3), (steps - 4, 3)):
        wanted = first.actions[t + k] - first.observations["reference_rad"][t, k]
        np.testing.assert_allclose(all_of_them.offset_rad[t, k], wanted, atol=1e-6)
    held = first.actions[-1] - first.observations["reference_rad"][-1, 2]
    np.testing.assert_allclose(all_of_them.offset_rad[steps - 1, 2], held, atol=1e-6)
    assert all_of_them.weight[steps - 1, :, 0].tolist() == [1, 0, 0, 0]
    start = second.actions[0] - second.observations["reference_rad"][0, 0]
    np.testing.assert_allclose(all_of_them.offset_rad[steps, 0], start, atol=1e-6)
    assert len(windows) == steps + len(second.actions)


def test_statistics_are_those_of_all_steps(pendulum_demonstrations: list[Demonstration]) -> None:
    windows = make_windows(bc_for(pendulum_demonstrations, 4), pendulum_demonstrations)
    found, offset = windows.statistics, windows.batch(torch.arange(len(windows))).offset_rad[:, 0].double()
    torch.testing.assert_close(found.inputs_mean, windows.inputs.double().mean(0))
    torch.testing.assert_close(found.inputs_deviation, windows.inputs.double().std(0, correction=0))
    torch.testing.assert_close(found.offset_mean, offset.mean(0), atol=1e-7, rtol=1e-5)
    torch.testing.assert_close(found.offset_deviation, offset.std(0, correction=0), atol=1e-7, rtol=1e-5)


def test_windows_with_a_key_are_made_once(
    pendulum_demonstrations: list[Demonstration], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path))
    policy, asked = bc_for(pendulum_demonstrations, 4), []

    def watched() -> Iterator[Demonstration]:
        for demonstration in pendulum_demonstrations:
            asked.append(demonstration.variant)
            yield demonstration

    first, second = make_windows(policy, watched(), "digest"), make_windows(policy, watched(), "digest")
    assert len(asked) == len(pendulum_demonstrations)
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(make_windows(policy, pendulum_demonstrations).actions, second.actions)
    make_windows(policy, watched(), "another digest")
    assert len(asked) == 2 * len(pendulum_demonstrations)
    assert not list((tmp_path / "windows").glob(".*"))


def test_actions_that_are_less_believed_weigh_less(pendulum_demonstrations: list[Demonstration]) -> None:
    first = pendulum_demonstrations[0]
    trust = np.ones(first.actions.shape)
    trust[10, 1] = 0.25
    told = replace(first, signals={**first.signals, CONFIDENCE: trust})
    weight = make_windows(bc_for([first], 4), [told]).batch(torch.tensor([8])).weight
    assert weight[0].tolist() == [[1, 1], [1, 1], [1, 0.25], [1, 1]]


def test_a_batch_is_the_windows_asked_for_in_that_order() -> None:
    assert numbered_windows(9).batch(torch.tensor([7, 2, 2])).inputs[:, 0, 0].tolist() == [7, 2, 2]


def test_the_order_is_a_pure_function_of_seed_and_epoch() -> None:
    order = epoch_order(100, seed=4, epoch=2)
    assert sorted(order.tolist()) == list(range(100))
    assert torch.equal(order, epoch_order(100, seed=4, epoch=2))
    assert not torch.equal(order, epoch_order(100, seed=4, epoch=3))
    assert not torch.equal(order, epoch_order(100, seed=5, epoch=2))


def test_an_epoch_draws_no_window_twice_and_a_step_does_not_depend_on_those_before_it() -> None:
    walked, jumped = Sampler(numbered_windows(23), 5, seed=1), Sampler(numbered_windows(23), 5, seed=1)
    drawn = [walked.batch(step).inputs[:, 0, 0].tolist() for step in range(9)]
    assert walked.batches_per_epoch == 4
    assert len({number for batch in drawn[:4] for number in batch}) == 20
    assert jumped.batch(8).inputs[:, 0, 0].tolist() == drawn[8]
    assert jumped.batch(1).inputs[:, 0, 0].tolist() == drawn[1]


def test_shares_say_how_often_windows_come() -> None:
    """Window 3 is wanted four times as often as each of the nine others: 4 of 13 draws, never off by more than one."""
    share = torch.ones(10)
    share[3] = 4.0
    for epoch in range(5):
        counts = torch.bincount(epoch_order(10, 7, epoch, share), minlength=10)
        assert counts.sum() == 10
        assert ((counts - 10 * share / share.sum()).abs() < 1).all()
    total = torch.stack([torch.bincount(epoch_order(10, 7, epoch, share), minlength=10) for epoch in range(400)]).sum(0)
    torch.testing.assert_close(total / 4000, share / share.sum(), atol=0.02, rtol=0)
    assert torch.bincount(epoch_order(10, 7, 0, torch.ones(10))).tolist() == [1] * 10


@pytest.mark.parametrize("block", [7, 1 << 20])
def test_the_order_is_that_of_a_permutation_in_half_the_room(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn does not depend on how it is counted, so that runs of before go on bit for bit."""
    monkeypatch.setattr("policies.sampling._BLOCK", block)
    share = torch.rand(100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ends, rng = np.cumsum(share.numpy()), np.random.default_rng((4, 2))
    places = (np.arange(100) + rng.random()) * (ends[-1] / 100)
    wanted = rng.permutation(np.minimum(np.searchsorted(ends, places, side="right"), 99))
    found = epoch_order(100, 4, 2, share)
    assert found.tolist() == wanted.tolist()
    assert epoch_order(100, 4, 2).tolist() == np.random.default_rng((4, 2)).permutation(100).tolist()
    assert found.element_size() == epoch_order(100, 4, 2).element_size() == 4


def test_windows_keep_nothing_for_each_step_in_memory(pendulum_demonstrations: list[Demonstration]) -> None:
    """Everything with a row for each step is mapped from a file."""
    windows = make_windows(bc_for(pendulum_demonstrations, 4), pendulum_demonstrations)
    assert windows.starts.tolist() == [n * len(pendulum_demonstrations[0].actions) for n in range(len(pendulum_demonstrations) + 1)]
    kept = {name for name, part in vars(windows).items() if isinstance(part, torch.Tensor) and len(part) == len(windows)}
    assert kept == {"inputs", "actions", "anchor", "trust", "moment"}


def test_ranks_share_a_batch_without_overlap() -> None:
    whole = Sampler(numbered_windows(40), 8, seed=2)
    parts = [Sampler(numbered_windows(40), 8, 2, rank=rank, ranks=2) for rank in (0, 1)]
    for step in range(7):
        drawn = [part.batch(step).inputs[:, 0, 0].tolist() for part in parts]
        assert sorted(drawn[0] + drawn[1]) == sorted(whole.batch(step).inputs[:, 0, 0].tolist())
        assert len(drawn[0]) == len(drawn[1]) == 4
    with pytest.raises(ShapeError, match="3 processes cannot share batches of 8"):
        Sampler(numbered_windows(40), 8, 2, ranks=3)


def test_shares_that_are_none_are_refused() -> None:
    for share in (torch.ones(3), torch.zeros(5), torch.tensor([1.0, 1, 1, 1, -1])):
        with pytest.raises(MotionError, match="one per window"):
            Sampler(numbered_windows(5), 2, 0, share)


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
