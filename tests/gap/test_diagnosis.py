"""A fault that was put into a robot is named from its log, and its size told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.model import RobotModel, robot_model
from envs.plant_draws import PlantDraw, nominal_draw
from envs.table import TableTop, lowest_m, model_with_table
from gap.diagnosis import CALLED, FAULTS, diagnose, looked_for, together
from gap.replay import recorded, stretches
from motion.errors import UnknownNameError
from tests.gap.test_replay import log_of
from tests.robots.made_arm import made_arm

ALL = np.ones(2)
ELBOW = np.array([0.0, 1.0])
Made = Callable[[PlantDraw], PlantDraw]
CASES: dict[str, tuple[Made, float, str, float]] = {
    "delay": (lambda plant: plant, 0.043, "delay", 0.043),
    "friction of all": (lambda plant: replace(plant, friction_nm=0.5 * ALL), 0.0, "friction", 0.5),
    "friction of one": (lambda plant: replace(plant, friction_nm=0.4 * ELBOW), 0.0, "friction elbow", 0.4),
    "damping of one": (lambda plant: replace(plant, damping=1.3 * ELBOW), 0.0, "damping elbow", 1.3),
    "soft gains of all": (lambda plant: replace(plant, kp=0.6 * plant.kp), 0.0, "gain", 0.6),
    "stiff gain of one": (lambda plant: replace(plant, kp=plant.kp * (1 + 0.7 * ELBOW)), 0.0, "gain elbow", 1.7),
    "payload": (lambda plant: replace(plant, payload_kg=np.array([0.35])), 0.0, "payload left_wrist", 0.35),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RobotModel:
    return robot_model(made_arm(tmp_path_factory.mktemp("arm")), "fixed")


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_named_and_its_size_told(case: str, model: RobotModel) -> None:
    made, delay_s, name, size = CASES[case]
    log = log_of(model, made(nominal_draw(model)), delay_s)
    noisy = replace(log, position_rad=log.position_rad + np.random.default_rng(0).normal(0, 0.001, log.position_rad.shape))
    first, *others = diagnose(model, stretches([recorded(noisy, model)]), payloads=["left_wrist"])
    assert (first.name, others) == (name, [])
    assert first.size == pytest.approx(size, rel=0.05)
    assert first.share > 0.9
    assert not first.alike


def test_two_faults_one_after_the_other(model: RobotModel) -> None:
    plant = replace(nominal_draw(model), friction_nm=0.6 * ELBOW)
    found = diagnose(model, stretches([recorded(log_of(model, plant, 0.08), model)]))
    assert {fault.name for fault in found[:2]} == {"delay", "friction elbow"}
    told = {fault.name: fault.size for fault in found}
    assert told["delay"] == pytest.approx(0.08, abs=0.01)


def test_no_fault_is_named_where_there_is_none(model: RobotModel) -> None:
    log = log_of(model, nominal_draw(model))
    noisy = replace(log, position_rad=log.position_rad + np.random.default_rng(0).normal(0, 0.001, log.position_rad.shape))
    assert diagnose(model, stretches([recorded(noisy, model)])) == ()


def test_logs_that_cannot_stand_beside_most_others_are_left_out(model: RobotModel) -> None:
    """Others' joints and periods, and those of which there is too little: all would be cut to theirs."""
    log = log_of(model, nominal_draw(model), name="long")
    logs = [
        replace(log.between(0, 0.1), name="five samples"),
        log,
        replace(log.between(0, 4), name="shorter"),
        replace(log.of_joints(["elbow"]), name="elbow"),
    ]
    chosen, others = together([*(recorded(one, model) for one in logs), recorded(replace(log, name="slow"), model, 0.04)], 8.0)
    assert {one.recorded.log.name for one in chosen} == {"long", "shorter"}
    assert others == (
        ("elbow", "other joints or another period"),
        ("slow", "other joints or another period"),
        ("five samples", "too short"),
    )
    alone, _ = together([recorded(log, model)], 8.0)
    assert [(one.begin, one.end) for one in alone] == [(one.begin, one.end) for one in chosen if one.recorded.log.name == "long"]


def test_what_is_looked_for(model: RobotModel) -> None:
    """A payload where it may be, a table where something could touch it; what does not exist is refused."""
    chosen = stretches([recorded(log_of(model, nominal_draw(model)), model)])
    assert looked_for(model, chosen, tuple(FAULTS), ()) == ("delay", "friction", "damping", "gain")
    assert looked_for(model, chosen, ("delay", "payload"), ["left_wrist"]) == ("delay", "payload")
    with pytest.raises(UnknownNameError, match="unknown landmark 'nose'.*left_wrist"):
        diagnose(model, chosen, payloads=["nose"])
    with pytest.raises(UnknownNameError, match="unknown fault 'rust'"):
        diagnose(model, chosen, ["rust"])


def test_faults_that_look_the_same_are_said_to(model: RobotModel) -> None:
    """Where one joint alone was recorded, its friction is as good as the friction of all that were."""
    log = log_of(model, replace(nominal_draw(model), kp=nominal_draw(model).kp * (1 - 0.5 * ELBOW), damping=0.02 * ELBOW))
    slow = replace(log.of_joints(["elbow"]), name="slow")
    first, *_ = diagnose(model, stretches([recorded(slow, model)]))
    assert first.name == "gain elbow"
    assert first.sentence() == f"Gains of {first.size:.0%} of what is assumed in elbow; explains {first.share:.0%} of what was left."
    unsure = replace(first, kind="delay", where="", size=0.0213, share=0.5, alike=("damping", "gain elbow"))
    assert unsure.sentence() == (
        "Commands reach the motors 21 ms late; explains 50% of what was left (or damping, gain elbow: these logs cannot tell)."
    )
    assert set(FAULTS) == set(CALLED) == {"delay", "friction", "damping", "gain", "payload", "table"}


def test_a_table_that_nobody_told_of_is_named(tmp_path: Path) -> None:
    """Its height is told from the base's; it is not looked for where nothing could touch it."""
    model = model_with_table(made_arm(tmp_path, tip_m=0.02))
    free, top = log_of(model, nominal_draw(model)), TableTop(0.46)
    assert float(lowest_m(model, free.position_rad).min()) < top.height_m - 0.01
    first, *others = diagnose(model, stretches([recorded(log_of(model, nominal_draw(model), table=top), model)]), payloads=["left_wrist"])
    assert (first.name, others) == ("table", [])
    assert first.size == pytest.approx(top.height_m, abs=0.002)
    assert first.sentence().startswith("The robot presses on something that simulation lacks, as on a table +46")
    assert "table" not in {fault.kind for fault in diagnose(model, stretches([recorded(free, model)]))}
    shapeless = model_with_table(made_arm(tmp_path / "shapeless"))
    assert diagnose(shapeless, stretches([recorded(free, shapeless)]), ["table"]) == ()
