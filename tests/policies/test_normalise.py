"""The normaliser: exact statistics, and a floor under the scale of what hardly moves."""

from __future__ import annotations

import pytest
import torch

from motion.errors import ShapeError
from policies.normalise import Moments, Normaliser, Shown


def fit(normaliser: Normaliser, data: torch.Tensor, floor: torch.Tensor | float) -> None:
    """Take the statistics of data (S, C), which come in two parts where there are rows enough."""
    moments = Moments()
    for part in torch.split(data, max(1, len(data) // 2)):
        moments.add(part.numpy())
    normaliser.take(torch.as_tensor(moments.mean), torch.as_tensor(moments.deviation), floor)


def test_mean_and_scale_by_hand() -> None:
    """Of 1, 3, 5: mean 3, variance (4 + 0 + 4) / 3."""
    normaliser = Normaliser(1)
    fit(normaliser, torch.tensor([[1.0], [3.0], [5.0]]), floor=0.1)
    assert normaliser.mean.item() == pytest.approx(3)
    assert normaliser.scale.item() == pytest.approx((8 / 3) ** 0.5)
    assert normaliser(torch.tensor([[3.0]])).item() == 0


def test_a_joint_that_hardly_moved_does_not_explode() -> None:
    """A spread of 1e-4 rad would turn a movement of 0.32 rad into thousands; a floor of 0.05 rad makes it 6.4."""
    data = torch.stack([torch.linspace(-1, 1, 100), 1e-4 * torch.sin(torch.arange(100.0))], dim=1)
    normaliser = Normaliser(2)
    fit(normaliser, data, floor=torch.tensor([0.05, 0.05]))
    assert normaliser.scale[0] > 0.5
    assert normaliser.scale[1].item() == pytest.approx(0.05)
    assert normaliser(torch.tensor([[0.0, 0.32]]))[0, 1].item() == pytest.approx(6.4, abs=0.01)


def test_inverse_undoes_it() -> None:
    data = torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1e-6, 1.0, 300.0]) + 7
    normaliser = Normaliser(3)
    fit(normaliser, data, floor=1e-2)
    torch.testing.assert_close(normaliser.inverse(normaliser(data)), data)


def test_a_far_mean_does_not_eat_the_spread() -> None:
    """In float32 the variance about a mean of 1e4 would be lost; it is taken in float64."""
    normaliser = Normaliser(1)
    fit(normaliser, torch.tensor([[1e4], [1e4 + 1], [1e4 + 2]]), floor=1e-3)
    assert normaliser.scale.item() == pytest.approx((2 / 3) ** 0.5)


def test_many_rows_are_as_few() -> None:
    """Statistics are summed part by part; the parts must not show."""
    data = torch.arange(40_000, dtype=torch.float32)[:, None]
    normaliser = Normaliser(1)
    fit(normaliser, data, floor=1e-3)
    assert normaliser.mean.item() == pytest.approx(39_999 / 2)
    assert normaliser.scale.item() == pytest.approx(((40_000**2 - 1) / 12) ** 0.5)


@pytest.mark.parametrize(("shape", "floor"), [((5, 2), 0.1), ((0, 3), 0.1), ((5, 3), 0.0)])
def test_what_cannot_be_normalised_is_refused(shape: tuple[int, int], floor: float) -> None:
    with pytest.raises(ShapeError, match=r"wanted|positive"):
        fit(Normaliser(3), torch.zeros(shape), floor)


def test_kept_channels_stay_within_what_was_shown_and_others_go_where_they_like() -> None:
    """Shown were 2 to 5 in both channels; 0 stands for what is not there."""
    moments = Moments()
    for rows in ([[2.0, 3.0], [4.0, 2.0]], [[5.0, 5.0]]):
        moments.add(torch.tensor(rows).numpy())
    shown = Shown(torch.tensor([True, False]))
    shown.take(torch.as_tensor(moments.least), torch.as_tensor(moments.most))
    raw = torch.tensor([[1.0, 1.0], [3.0, 3.0], [9.0, 9.0], [0.0, 0.0]])
    assert shown(raw).tolist() == [[2.0, 1.0], [3.0, 3.0], [5.0, 9.0], [0.0, 0.0]]


def test_before_anything_was_shown_and_in_older_checkpoints_nothing_is_kept_back() -> None:
    shown, raw = Shown(torch.tensor([True])), torch.tensor([[-1e30], [1e30]])
    assert torch.equal(shown(raw), raw)
    shown.load_state_dict({})
    assert torch.equal(shown(raw), raw)
    shown.take(torch.tensor([1.0]), torch.tensor([2.0]))
    other = Shown(torch.tensor([True]))
    other.load_state_dict(shown.state_dict())
    assert other(raw).tolist() == [[1.0], [2.0]]
