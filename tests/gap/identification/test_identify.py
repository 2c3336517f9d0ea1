"""From logs to a plant that training and evaluation take, judged on a log that the search did not see."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.model import RobotModel, robot_model
from envs.plant_draws import draw, nominal_draw
from envs.plants import find_plant, write_plant
from envs.table import TableTop, model_with_table
from gap.identification.identify import Identified, ends_of, identify
from gap.identification.unknowns import DELAY, Unknown
from gap.replay import Conditions, Replayed, recorded, replayed, stretches
from motion.errors import MotionError, ShapeError, UnknownNameError
from tests.gap.identification.made_runs import DELAY_S, FRICTION_NM, KP, run_of
from tests.gap.test_replay import log_of, torque_log
from tests.robots.made_arm import made_arm

HELD_OUT = "run 2"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RobotModel:
    return robot_model(made_arm(tmp_path_factory.mktemp("arm")), "fixed")


@pytest.fixture(scope="module")
def found(model: RobotModel) -> Identified:
    logs = [run_of(model, seed, 12.0).log for seed in range(3)]
    return identify(model, logs, [HELD_OUT], horizon_s=4.0, threads=2)


def test_it_holds_in_a_run_that_it_did_not_see(found: Identified) -> None:
    assert [run.held_out for run in found.runs] == [False, False, True]
    for run in found.runs:
        assert run.after < 0.2 * run.before, run.name
        assert (run.after_rad < 0.01).all()


def test_the_plant_is_what_was_found(found: Identified, model: RobotModel, tmp_path: object) -> None:
    own = draw(found.plant, model, np.random.default_rng(0))
    np.testing.assert_allclose(own.kp, KP, rtol=0.05)
    np.testing.assert_allclose(own.friction_nm, FRICTION_NM, rtol=0.2)
    assert own.delay_steps * own.timestep_s == pytest.approx(DELAY_S, abs=0.003)
    held = run_of(model, 2, 12.0)
    again = replayed(model, [Conditions(own)], stretches([held]))
    after = np.sqrt(np.mean(again.error_rad[0] ** 2))
    assert after == pytest.approx(next(run.after for run in found.runs if run.held_out), abs=0.002)


def test_the_plant_survives_its_file(found: Identified, model: RobotModel, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for plant in (found.plant, found.varied):
        write_plant(tmp_path / "mine.yaml", plant)
        read = find_plant(str(tmp_path / "mine.yaml"))
        np.testing.assert_array_equal(draw(read, model, np.random.default_rng(1)).kp, draw(plant, model, np.random.default_rng(1)).kp)


def test_the_range_is_how_much_runs_differ(found: Identified, model: RobotModel) -> None:
    draws = [draw(found.varied, model, np.random.default_rng(seed)) for seed in range(40)]
    kp = np.array([own.kp for own in draws])
    for column, joint in enumerate(found.joint_names):
        number = next(own for own in found.numbers if own.name == f"kp {joint}")
        assert number.spread_low <= number.value <= number.spread_high
        assert (kp[:, column] >= number.spread_low - 1e-9).all()
        assert (kp[:, column] <= number.spread_high + 1e-9).all()
        assert np.ptp(kp[:, column]) > 0
        assert number.spread_high / number.spread_low < 1.3


def test_numbers_say_what_was_seen(found: Identified) -> None:
    told = {own.name: own for own in found.numbers}
    assert told["kp shoulder"].seen
    assert told["kp shoulder"].unit == "Nm/rad"
    assert told["kp shoulder"].assumed == 20
    assert told["kp shoulder"].low < told["kp shoulder"].value < told["kp shoulder"].high
    assert told["delay"].where == ""


def test_what_cannot_be_identified(model: RobotModel) -> None:
    own = run_of(model, 0, 4.0).log
    with pytest.raises(MotionError, match="every log is held out"):
        identify(model, [own], [own.name])
    with pytest.raises(UnknownNameError, match="unknown log 'nix'"):
        identify(model, [own], ["nix"])
    with pytest.raises(MotionError, match="log 'elbow alone' is of other joints than 'run 0'"):
        identify(model, [own, replace(own.of_joints(["elbow"]), name="elbow alone")])
    assert recorded(own, model).period_s == 0.02


def test_where_nothing_is_explained_nothing_is_claimed(model: RobotModel) -> None:
    """A robot that moves as nobody told it: numbers, but no intervals."""
    log = run_of(model, 0, 8.0).log
    unlike = replace(log, command_rad=np.zeros_like(log.position_rad))
    found = identify(model, [unlike], kinds=("kp", "delay"), horizon_s=4.0, iterations=2)
    assert not found.explains
    assert all(math.isnan(own.low) and math.isnan(own.high) and math.isfinite(own.value) for own in found.numbers)


def test_a_run_in_which_the_simulation_broke_down_has_no_error(model: RobotModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> Replayed:
        found = replayed(*given)  # type: ignore[arg-type]
        position = found.simulated.copy()
        position[1, :, 50:] = np.nan
        return replace(found, simulated=position)

    own = run_of(model, 0, 4.0).log
    monkeypatch.setattr("gap.identification.identify.replayed", broken)
    (run,) = identify(model, [own], kinds=("kp",), horizon_s=4.0, iterations=1).runs
    assert run.lost == (0.0, 0.75)
    assert math.isfinite(run.before)
    assert math.isnan(run.after)


def test_a_delay_is_known_to_a_physics_step() -> None:
    delay, gain = Unknown(DELAY, "", 0, 0.01), Unknown("kp", "elbow", 0, 20.0)
    assert ends_of(delay, 1.0, 0.0, 0.002) == pytest.approx((0.038, 0.042))
    assert ends_of(gain, 0.0, 0.1, 0.002) == pytest.approx((20 * math.exp(-0.196), 20 * math.exp(0.196)), rel=1e-3)


def test_a_table_is_found_and_is_no_part_of_the_plant(tmp_path: Path) -> None:
    """Whoever presses on something is not taken for somebody with soft gains."""
    model = model_with_table(made_arm(tmp_path, tip_m=0.02))
    top = TableTop(0.46, 600.0)
    logs = [log_of(model, nominal_draw(model), name=f"run {seed}", table=top, duration_s=8.0 + seed) for seed in range(2)]
    found = identify(model, logs, ["run 1"], ("kp", "table", "table_stiffness"), horizon_s=4.0, threads=2)
    assert found.table is not None
    assert found.table.height_m == pytest.approx(top.height_m, abs=0.002)
    assert found.table.stiffness_npm == pytest.approx(top.stiffness_npm, rel=0.1)
    assert {number.name: number.unit for number in found.numbers}["table_stiffness"] == "N/m"
    np.testing.assert_allclose(draw(found.plant, model, np.random.default_rng(0)).kp, model.robot.kp, rtol=0.02)
    assert found.runs[1].held_out
    assert found.runs[1].after < 0.3 * found.runs[1].before  # it bounces
    without = robot_model(made_arm(tmp_path / "without"), "fixed")
    with pytest.raises(ShapeError, match="no table can be looked for"):
        identify(without, logs, kinds=("table",))


def test_joints_that_are_told_a_torque_alone_have_no_gains_to_be_found(model: RobotModel) -> None:
    log = torque_log(model, np.array([False, True]))
    found = identify(model, [log], kinds=("kp", "damping"), horizon_s=2.0, iterations=6, threads=2)
    numbers = {number.name: number for number in found.numbers}
    assert [name for name in numbers if name.startswith("kp")] == ["kp shoulder"]
    assert numbers["damping elbow"].value > 2 * numbers["damping elbow"].assumed  # it moves in oil
    with pytest.raises(MotionError, match="there are no gains to be found"):
        identify(model, [replace(torque_log(model, np.array([True, True])), command_rad=None)], kinds=("kp", "kd"))
    with pytest.raises(MotionError, match="or commands others"):
        identify(model, [log, replace(torque_log(model, np.array([True, True])), name="other", command_rad=None)], kinds=("kp",))
