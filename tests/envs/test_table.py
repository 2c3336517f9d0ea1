"""A table stops what is pushed into it, as softly as it is said to be, and is not there where nobody put it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.model import RobotModel, robot_model
from envs.open_loop import Orders, carry_out
from envs.plant_draws import nominal_draw
from envs.table import STIFFEST_NPM, TableTop, has_table, lowest_m, model_with_table
from motion.errors import ShapeError
from motion.transform import Array
from tests.robots.made_arm import made_arm

TIP_M, STEPS = 0.02, 4000
SHOULDER_M, LINK_M = 1.0, 0.3


@pytest.fixture
def model(tmp_path: Path) -> RobotModel:
    return model_with_table(made_arm(tmp_path, TIP_M))


def tip_m(posture_rad: Array) -> Array:
    """(N,) heights of the ball's lowest point."""
    return SHOULDER_M - LINK_M * np.cos(posture_rad[:, 0]) - LINK_M * np.cos(posture_rad.sum(axis=1)) - TIP_M


def pressed(model: RobotModel, table: TableTop | None) -> Array:
    """(2,) where the arm comes to rest that begins stretched out and is told to hang."""
    start = np.array([[1.2, 0.0]])
    orders = Orders(start, np.zeros((1, 2)), np.zeros((1, STEPS, 2)))
    done = carry_out(model, [nominal_draw(model)], orders, STEPS // 10, tables=[table])
    np.testing.assert_allclose(done.position_rad[0, 0, -1], done.position_rad[0, 0, -2], atol=1e-4)
    return np.asarray(done.position_rad[0, 0, -1])


def test_how_low_it_reaches(model: RobotModel) -> None:
    postures = np.random.default_rng(0).uniform(-1.5, 1.5, (20, 2))
    np.testing.assert_allclose(lowest_m(model, postures), tip_m(postures), atol=1e-6)
    zero_rad = np.array([0.3, -0.2])
    np.testing.assert_allclose(lowest_m(model, postures, zero_rad), tip_m(postures - zero_rad), atol=1e-6)


def test_a_robot_that_already_presses_is_not_kicked_off(model: RobotModel) -> None:
    """Whatever its joints read where the description says zero."""
    zero_rad = np.array([0.3, -0.2])
    plant, table = replace(nominal_draw(model), zero_rad=zero_rad), TableTop(0.53, 300.0)
    start = np.array([[0.6, 0.1]]) + zero_rad
    assert float(tip_m(start - zero_rad)[0]) < table.height_m - 0.02
    orders = Orders(start, np.zeros((1, 2)), np.tile(start, (1, 100, 1)))
    done = carry_out(model, [plant], orders, 1, tables=[table])
    assert np.abs(done.position_rad[0, 0] - start).max() < 0.2
    assert np.abs(done.velocity_radps).max() < 2


@pytest.mark.parametrize("stiffness_npm", [300.0, 3000.0, STIFFEST_NPM])
def test_it_gives_way_like_a_spring(model: RobotModel, stiffness_npm: float) -> None:
    """Without friction: what the shoulder and the elbow bear at rest is the weight, and the spring's force on the tip."""
    table = TableTop(0.45, stiffness_npm)
    at_rest = pressed(model, table)
    depth_m = table.height_m - float(tip_m(at_rest[None])[0])
    assert depth_m > 0
    lever_m = np.array([LINK_M * np.sin(at_rest[0]) + LINK_M * np.sin(at_rest.sum()), LINK_M * np.sin(at_rest.sum())])
    given_nm = model.robot.kp * (0.0 - at_rest)
    weight_nm = 9.81 * np.array(
        [
            (1.0 * 0.15 + 0.6 * LINK_M) * np.sin(at_rest[0]) + 0.6 * 0.15 * np.sin(at_rest.sum()),
            0.6 * 0.15 * np.sin(at_rest.sum()),
        ]
    )
    np.testing.assert_allclose(given_nm - weight_nm, -stiffness_npm * depth_m * lever_m, rtol=0.05, atol=0.02)


def test_it_is_not_there_where_nobody_put_it(model: RobotModel, tmp_path: Path) -> None:
    bare = robot_model(made_arm(tmp_path / "bare", TIP_M), "fixed")
    assert (has_table(model), has_table(bare)) == (True, False)
    np.testing.assert_allclose(pressed(model, None), pressed(bare, None), atol=1e-9)
    np.testing.assert_allclose(pressed(model, TableTop(0.2)), pressed(bare, None), atol=1e-6)
    with pytest.raises(ShapeError, match="bare: this model has no table to be put anywhere"):
        pressed(bare, TableTop(0.45))
    for stiffness_npm in (0.0, 2 * STIFFEST_NPM, np.nan):
        with pytest.raises(ShapeError, match=r"a table gives way with more than 0 and up to 20000 N/m"):
            TableTop(0.45, stiffness_npm)
