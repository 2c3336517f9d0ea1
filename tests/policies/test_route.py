"""The way that is left to a mark: straight over free floor, round what stands there, the same from the left as from the right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motion.provenance import Provenance
from policies import PolicySpec, find_policy, make_config
from policies.deploy import ExportedPolicy
from policies.export import export_policy
from policies.readers.route import PLACES_N, ROUND_M, WIDTH, near_or_handy, way_left_m

ANGLES = np.arange(PLACES_N) * 2 * np.pi / PLACES_N
MARK = ((3.0, 0.0, 0.0), (0.3, 0.3, 0.002))
Thing = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Where it is from the robot, and half its extents."""


def way(*things: Thing, yaw_rad: float = 0.0) -> np.ndarray:
    """(WIDTH,) with things turned by an angle."""
    place, half = (torch.tensor([[thing[index] for thing in things]]) for index in (0, 1))
    axis = torch.tensor([[[np.cos(yaw_rad), np.sin(yaw_rad)]] * len(things)], dtype=torch.float32)
    return np.asarray(way_left_m(place, axis, half)[0])


def best_rad(found: np.ndarray) -> float:
    """Where most is saved, between -pi and pi."""
    angle = ANGLES[int(found[:PLACES_N].argmax())]
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def test_over_free_floor_the_way_is_straight() -> None:
    found = way(MARK)
    assert found.shape == (WIDTH,)
    assert found[-1] == pytest.approx(3.0, abs=0.15)
    assert best_rad(found) == 0
    np.testing.assert_allclose(found[:PLACES_N], ROUND_M * np.cos(ANGLES), atol=0.35)  # ways lead over cells, in eight directions


@pytest.mark.parametrize("aside", [0.25, -0.25])
def test_it_leads_round_what_stands_in_it_on_the_shorter_side(aside: float) -> None:
    crate = ((1.3, aside, 0.0), (0.3, 0.3, 0.3))
    free, found = way(MARK), way(MARK, crate)
    assert found[-1] > free[-1] + 0.1
    assert np.sign(best_rad(found)) == -np.sign(aside)
    assert 0.3 < abs(best_rad(found)) < 1.6
    assert np.arctan2(found[-2], found[-3]) == pytest.approx(best_rad(found), abs=0.4)


@pytest.mark.parametrize("aside", [0.15, -0.15])
def test_who_has_run_into_something_is_told_the_way_out(aside: float) -> None:
    """Every place round the robot saves as much as is told; where most is saved is told all the same."""
    found = way(MARK, ((0.45, aside, 0.0), (0.3, 0.3, 0.3)))
    assert (found[:PLACES_N] == 4 * ROUND_M).sum() > 1
    out = found[-3:-1]
    assert np.linalg.norm(out) > 0.5 * ROUND_M
    assert np.sign(out[1]) == -np.sign(aside)


def test_a_wall_is_seen_in_its_own_turn() -> None:
    """A board across the way makes it long; along it, it does not."""
    across, along = (way(MARK, ((1.5, 0.9, 0.0), (0.05, 1.2, 0.5)), yaw_rad=angle)[-1] for angle in (0.0, np.pi / 2))
    assert across > along + 0.5


@pytest.mark.parametrize("half", [(0.05, 0.05, 0.2), (0.5, 0.5, 0.003)])
def test_what_is_small_or_flat_is_in_nobodys_way(half: tuple[float, float, float]) -> None:
    np.testing.assert_array_equal(way(MARK, ((1.3, 0.0, 0.0), half)), way(MARK))


def test_without_a_mark_nothing_is_told_and_things_that_are_not_there_do_not_count() -> None:
    crate = ((1.3, 0.2, 0.0), (0.3, 0.3, 0.3))
    assert not way(crate).any()
    place, half = torch.tensor([[MARK[0], crate[0]]]), torch.tensor([[MARK[1], crate[1]]])
    axis = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_array_equal(way_left_m(place, axis, half)[0], way(MARK))


def _room(count: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    place = torch.rand(count, 6, 3, generator=random) * 4 - torch.tensor([0.0, 2.0, 0.0])
    axis = torch.nn.functional.normalize(torch.randn(count, 6, 2, generator=random), dim=-1)
    half = torch.full((count, 6, 3), 0.25)
    half[:, 2, 2] = 0.002
    return place, axis, half


def test_each_row_is_by_itself_and_keeps_its_type() -> None:
    rooms = [values.double() for values in _room(70)]
    together = way_left_m(*rooms)
    assert together.dtype == torch.float64
    alone = torch.cat([way_left_m(*(values[row : row + 1] for values in rooms)) for row in range(70)])
    torch.testing.assert_close(together, alone)


def test_the_mirror_image_of_a_room_has_the_mirror_image_of_the_way() -> None:
    place, axis, half = _room(20)
    found, mirrored = way_left_m(place, axis, half), way_left_m(place * torch.tensor([1, -1, 1]), axis * torch.tensor([1, -1]), half)
    back = [0, *range(PLACES_N - 1, 0, -1), *range(PLACES_N, WIDTH)]
    sign = torch.ones(WIDTH)
    sign[-2] = -1  # the y of where most is saved
    torch.testing.assert_close(mirrored[:, back] * sign, found, atol=1e-3, rtol=0)


def test_far_furniture_is_not_told_of_one_by_one_and_marks_and_small_things_are() -> None:
    place = torch.tensor([[[3.0, 0.0, 0.0], [0.5, 0.0, 0.0], [3.0, 1.0, 0.8], [3.0, 1.0, 0.0]]])
    half = torch.tensor([[[0.3, 0.3, 0.3], [0.3, 0.3, 0.3], [0.04, 0.04, 0.1], [0.3, 0.3, 0.002]]])
    assert near_or_handy(place, half).tolist() == [[0, 1, 1, 1]]


def test_policies_that_drive_are_told_of_it_and_say_the_same_when_exported(tmp_path: Path) -> None:
    """And those that do not drive are not."""
    shapes = {"joint_position_rad": (1,), "joint_velocity_radps": (1,), "previous_action_rad": (4,), "base_place": (3,)}
    shapes |= {"hand_position_m": (2, 3), "hand_wxyz": (2, 4), "thing_position_m": (2, 3), "thing_wxyz": (2, 4), "thing_half_m": (2, 3)}
    shapes |= {"hand_force_n": (2, 6), "elapsed_s": (1,), "chore": (1,)}
    bc = find_policy("bc")
    config = make_config(bc, {"chunk_n": 2, "width": 8})
    driving, standing = (
        bc(PolicySpec("toy", ("elbow", *base), tuple(shapes.items()), 2, 0.02), config)
        for base in (("base_forward_mps", "base_left_mps", "base_yaw_radps"), ())
    )
    assert driving.reader.width == standing.reader.width + WIDTH
    turn = np.array([[[1.0, 0, 0, 0], [np.cos(0.3), 0, 0, np.sin(0.3)]]])
    told = {name: np.zeros((1, *shape)) for name, shape in shapes.items()} | {"thing_wxyz": turn, "base_place": np.array([[0.3, 0.1, 0.4]])}
    told |= {"thing_position_m": np.array([[MARK[0], (1.3, 0.2, 0.0)]]), "thing_half_m": np.array([[MARK[1], (0.3, 0.3, 0.3)]])}
    with torch.no_grad():
        looks = driving.eval().inputs({name: torch.from_numpy(values) for name, values in told.items()})
    assert float(looks[0, -1]) > 2.5
    export_policy(driving, Provenance("a test"), tmp_path / "export")
    found, _ = ExportedPolicy(tmp_path / "export").read(told)
    np.testing.assert_allclose(found, looks, atol=1e-5)
