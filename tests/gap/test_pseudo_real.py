"""Without a real robot: plants that take its place exercise every number, and nothing that comes of it is called real."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from envs.model import RobotModel, robot_model
from envs.plant_draws import draw, nominal_draw
from envs.plants import Plant, find_plant
from gap.differences import RunGap, run_gap
from gap.log_report import SIMULATED_CLAIM, claim_of
from gap.logs import RobotLog
from gap.pseudo_real import pseudo_real
from gap.replay import Conditions, recorded, replayed, stretches
from motion.errors import MotionError
from motion.provenance import Provenance
from tests.gap.test_replay import DURATION_S, log_of
from tests.robots.made_arm import made_arm

PLANTS = ("other_integrator", "coarse_time", "slow_link", "weak_motors", "heavy_sticky", "noisy_sensors")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RobotModel:
    return robot_model(made_arm(tmp_path_factory.mktemp("arm")), "fixed")


@pytest.fixture(scope="module")
def log(model: RobotModel) -> RobotLog:
    """16 s, so that numbers have intervals."""
    return log_of(model, nominal_draw(model), duration_s=16.0)


def in_place(model: RobotModel, log: RobotLog, plant: Plant) -> RobotLog:
    rng = np.random.default_rng(0)
    return pseudo_real(log, model, draw(plant, model, rng), plant.name, rng)


@pytest.fixture(scope="module")
def gaps(model: RobotModel, log: RobotLog) -> dict[str, RunGap]:
    """Of every plant, beside the nominal one."""
    logs = {name: in_place(model, log, find_plant(name)) for name in PLANTS}
    return {name: run_gap(model, recorded(own, model), Conditions(nominal_draw(model))) for name, own in logs.items()}


@pytest.mark.parametrize("name", PLANTS)
def test_every_number_is_there(gaps: dict[str, RunGap], name: str) -> None:
    found = gaps[name]
    numbers = {key: value for joint in found.joints for key, value in asdict(joint).items() if isinstance(value, float)}
    numbers |= {key: value for key, value in asdict(found).items() if isinstance(value, float)}
    assert {key for key, value in numbers.items() if not math.isfinite(value)} <= {"lag_real_s", "lag_sim_s", "late_rmse_rad"}
    assert all(math.isfinite(value) for value in found.horizon_mpjpe_mm.values())
    assert found.lost == 0


def test_what_was_put_in_is_what_differs(gaps: dict[str, RunGap]) -> None:
    """Another way to integrate the same physics is no other robot; slow motors and a slow link are."""
    assert gaps["other_integrator"].rmse_rad < 1e-3
    assert gaps["coarse_time"].rmse_rad < 5e-3
    assert min(gaps[name].rmse_rad for name in ("slow_link", "weak_motors", "heavy_sticky")) > 3 * gaps["coarse_time"].rmse_rad


def test_it_is_never_called_real(model: RobotModel, log: RobotLog) -> None:
    own = in_place(model, log, find_plant("slow_link"))
    assert own.simulated
    assert claim_of([own])[0] == SIMULATED_CLAIM
    assert "simulated in the plant slow_link" in own.provenance.source
    assert own.provenance.licence == log.provenance.licence == Provenance("made").licence
    np.testing.assert_array_equal(own.command_rad, recorded(log, model).even.command_rad[: len(own)])  # type: ignore[index]


def test_the_delay_is_the_one_that_was_put_in_however_the_log_was_timed(model: RobotModel, log: RobotLog) -> None:
    """Commands between even times are heard when they are written down."""
    uneven = replace(log, time_s=log.time_s + 0.009 * np.sin(np.arange(len(log))) ** 2)
    plant = find_plant("slow_link")
    own = recorded(in_place(model, uneven, plant), model)
    found = replayed(model, [Conditions(nominal_draw(model), delay_s) for delay_s in (0.03, 0.04, 0.05)], stretches([own]))
    error = np.sqrt((found.error_rad**2).mean(axis=(1, 2, 3)))
    assert plant.action_delay_s == (0.04, 0.04)
    assert error[1] < 0.3 * min(error[0], error[2])


def test_noise_is_the_encoders(model: RobotModel, log: RobotLog) -> None:
    quiet, noisy = (in_place(model, log, find_plant(name)).position_rad for name in ("nominal", "noisy_sensors"))
    assert 1e-4 < (noisy - quiet).std() < 0.02


def test_a_log_without_commands_cannot_be_rehearsed(model: RobotModel) -> None:
    time_s = np.arange(0, DURATION_S, 0.02)
    still = RobotLog("still", model.robot.joint_names, time_s, np.zeros((len(time_s), 2)))
    with pytest.raises(MotionError, match="holds no commands"):
        in_place(model, still, find_plant("nominal"))
