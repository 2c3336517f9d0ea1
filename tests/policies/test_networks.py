"""What stands in a chunk where nothing was recorded, or nothing is believed."""

from __future__ import annotations

import torch

from policies.networks import held


def test_places_without_weight_repeat_the_last_that_has_some() -> None:
    """By hand: after the end 8, in the gap 7, before the first 5; whatever stood there."""
    wanted = torch.tensor([[5.0, 7.0, 1e9, 8.0, float("nan")], [torch.inf, 5.0, 6.0, 7.0, 8.0]])[..., None]
    weight = torch.tensor([[1.0, 0.2, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0, 1.0]])[..., None]
    assert held(wanted, weight)[..., 0].tolist() == [[5, 7, 7, 8, 8], [5, 5, 6, 7, 8]]


def test_each_joint_has_its_own_weight() -> None:
    """The second joint is not believed at the first place, the third nowhere."""
    wanted = torch.tensor([[[1.0, 9.0, 9.0], [2.0, 20.0, 9.0]]])
    weight = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    assert held(wanted, weight).tolist() == [[[1, 20, 0], [1, 20, 0]]]


def test_where_all_is_believed_nothing_changes() -> None:
    wanted = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(held(wanted, torch.ones(3, 4, 1)), wanted)
