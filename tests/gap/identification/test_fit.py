"""What was changed in a plant is found again from what it recorded, and what cannot be seen is not claimed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.model import RobotModel, robot_model
from envs.plant_draws import nominal_draw
from envs.table import TableTop, model_with_table
from gap.identification.first_guess import first_guess
from gap.identification.fit import Fitted, fit
from gap.identification.unknowns import KINDS, plant_of, unknowns_of
from gap.replay import recorded
from motion.errors import ShapeError, UnknownNameError
from tests.gap.identification.made_runs import DELAY_S, FRICTION_NM, KD, KP, ZERO_RAD, run_of
from tests.gap.test_replay import log_of
from tests.robots.made_arm import made_arm

NAMES = ("model", "joint_qpos", "joint_dof", "landmark_sites")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RobotModel:
    return robot_model(made_arm(tmp_path_factory.mktemp("arm")), "fixed")


@pytest.fixture(scope="module")
def found(model: RobotModel) -> Fitted:
    unknowns = unknowns_of(model, model.robot.joint_names)
    return fit(model, unknowns, [run_of(model, 0), run_of(model, 1)], nominal_draw(model), horizon_s=4.0, threads=2)


def truth(name: str) -> float:
    kind, _, joint = name.partition(" ")
    if kind == "delay":
        return DELAY_S
    values = {"kp": KP, "kd": KD, "friction": FRICTION_NM, "zero": ZERO_RAD, "armature": np.array([0.01, 0.01])}[kind]
    return float(values[["shoulder", "elbow"].index(joint)])


def values(found: Fitted) -> dict[str, float]:
    return {own.name: float(own.value(x)) for own, x in zip(found.unknowns, found.x, strict=True)}


def test_what_was_changed_is_found(found: Fitted) -> None:
    within = {"kp": (0.05, 0), "kd": (0.1, 0), "friction": (0.15, 0), "zero": (0, 0.02), "delay": (0, 0.002)}
    for name, value in values(found).items():
        if not name.startswith("armature"):
            relative, absolute = within[name.split()[0]]
            assert value == pytest.approx(truth(name), rel=relative, abs=absolute), name
    assert found.cost[1] < 0.2 * found.cost[0]


def test_it_says_how_sure_it_is(found: Fitted) -> None:
    """The truth lies within three of the standard deviations that are claimed, and those are small where joints are heavy."""
    for own, x, spread in zip(found.unknowns, found.x, found.spread, strict=True):
        low, high = sorted(float(own.value(np.asarray(x + side * max(3 * spread, 0.02)))) for side in (-1, 1))
        assert low <= truth(own.name) <= high, own.name
    spread = dict(zip([own.name for own in found.unknowns], found.spread, strict=True))
    assert max(spread[name] for name in spread if name.split()[0] in ("kp", "friction", "delay")) < 0.1


def test_what_the_data_do_not_say_stays_as_it_was_assumed(model: RobotModel) -> None:
    """An elbow that is never moved has gains that nobody can know, and says so."""
    still = run_of(model, 3, 8.0)
    unknowns = unknowns_of(model, ["shoulder"], ("kp", "friction", "zero", "delay"), payloads=["left_wrist"])
    told = fit(model, unknowns, [still], nominal_draw(model), horizon_s=4.0, iterations=3)
    assert [own.name for own in told.unknowns] == ["kp shoulder", "friction shoulder", "zero shoulder", "payload left_wrist", "delay"]
    held_still = replace(still.log, command_rad=np.zeros_like(still.log.position_rad), position_rad=np.zeros_like(still.log.position_rad))
    unseen = fit(model, unknowns_of(model, ["elbow"], ("kp", "kd", "armature")), [recorded(held_still, model)], nominal_draw(model))
    np.testing.assert_allclose(unseen.x, 0, atol=0.05)
    np.testing.assert_allclose(unseen.spread, 1, atol=0.05)


def test_a_place_to_begin_is_near(model: RobotModel) -> None:
    """Where the delay is as it assumes."""
    unknowns = unknowns_of(model, model.robot.joint_names, ("kp", "kd", "friction", "zero"))
    guess = first_guess(model.robot, unknowns, [run_of(model, seed, delay_s=0.01) for seed in (0, 1)])
    near = {"kp": (0.2, 0), "kd": (0.5, 0), "friction": (1.0, 0), "zero": (0, 0.05)}
    for own, x in zip(unknowns, guess, strict=True):
        relative, absolute = near[own.kind]
        assert float(own.value(x)) == pytest.approx(truth(own.name), rel=relative, abs=absolute), own.name
    np.testing.assert_array_equal(first_guess(model.robot, unknowns_of(model, (), ("delay",)), [run_of(model, 0)]), [0.0])


def test_numbers_become_a_plant(model: RobotModel) -> None:
    nominal = nominal_draw(model)
    unknowns = unknowns_of(model, ["elbow"], ("kp", "zero", "delay"), ["left_wrist"])
    plant, delay_s, table = plant_of(unknowns, np.array([1.0, 0.5, 2.0, -0.1]), nominal)
    np.testing.assert_allclose(plant.kp, nominal.kp * [1, np.exp(KINDS["kp"].spread)])
    np.testing.assert_allclose(plant.zero_rad, [0, 0.5 * KINDS["zero"].spread])
    np.testing.assert_allclose(plant.payload_kg, [0.02 + 2 * KINDS["payload"].spread])
    assert table is None
    assert delay_s == pytest.approx(0.01 - 0.1 * KINDS["delay"].spread)
    for own in unknowns:
        low, high = own.bounds
        assert low < 0 < high
        assert float(own.value(np.asarray(low))) >= (KINDS[own.kind].low if own.kind in ("payload", "delay", "zero") else 0) - 1e-12


def test_viscous_friction_is_found_where_gains_are_known(model: RobotModel) -> None:
    nominal, viscous = nominal_draw(model), np.array([0.6, 1.1])
    log = log_of(model, replace(nominal, damping=viscous))
    unknowns = unknowns_of(model, model.robot.joint_names, ("damping",))
    found = fit(model, unknowns, [recorded(log, model)], nominal, horizon_s=4.0, iterations=8)
    plant, _, _ = plant_of(unknowns, found.x, nominal)
    np.testing.assert_allclose(plant.damping, viscous, rtol=0.1)
    assert found.spread.max() < 0.2


def test_what_cannot_be_looked_for(model: RobotModel) -> None:
    with pytest.raises(UnknownNameError, match="unknown kind of unknown 'mass'"):
        unknowns_of(model, ["elbow"], ("mass",))
    with pytest.raises(UnknownNameError, match="unknown joint 'wrist'"):
        unknowns_of(model, ["wrist"])
    with pytest.raises(UnknownNameError, match="unknown landmark 'tip'"):
        unknowns_of(model, ["elbow"], payloads=["tip"])
    bare = RobotModel(replace(model.robot, armature=np.zeros(2)), "fixed", *(getattr(model, name) for name in NAMES))
    with pytest.raises(ShapeError, match=r"armature elbow is 0; say in robot.yaml"):
        unknowns_of(bare, ["elbow"], ("armature",))


def test_a_table_is_looked_for_from_two_places_and_what_leaves_less_is_kept(tmp_path: Path) -> None:
    arm = model_with_table(made_arm(tmp_path, tip_m=0.02))
    unknowns = unknowns_of(arm, arm.robot.joint_names, ("kp", "table", "table_stiffness"))
    run = recorded(log_of(arm, nominal_draw(arm), table=TableTop(0.46, 600.0), duration_s=8.0), arm)
    costs: list[list[float]] = []

    def told(step: int, cost: float) -> None:
        if step == 1:
            costs.append([])
        costs[-1].append(cost)

    found = fit(arm, unknowns, [run], nominal_draw(arm), horizon_s=4.0, iterations=4, threads=2, progress=told)
    without, ended, usual = costs
    assert ended[0] != usual[0]
    assert min(ended[-1], usual[-1]) < without[-1]
    assert found.cost[1] == pytest.approx(min(ended[-1], usual[-1]), rel=1e-9)
