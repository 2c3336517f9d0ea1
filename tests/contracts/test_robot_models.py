"""The contract of every shipped robot, simulated, and that its checks can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contracts import robot_model as contract
from contracts.base import Check, ContractError
from robots import catalogue, load_robot
from robots.robot import Robot


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.says)
@pytest.mark.parametrize("name", catalogue())
def test_contract(name: str, check: Check[Robot]) -> None:
    check.run(load_robot(name))


def test_motors_that_are_too_weak_sag() -> None:
    robot = load_robot("g1")
    with pytest.raises(ContractError, match="sags by"):
        contract.it_holds_its_rest_posture_for_a_second(replace(robot, kp=np.full_like(robot.kp, 0.5)))


def test_a_robot_sunk_into_the_floor_is_found() -> None:
    robot = load_robot("g1")
    with pytest.raises(ContractError, match="deep in the floor"):
        contract.standing_at_ease_touches_the_floor_with_the_soles_and_nothing_else(
            replace(robot, base_height_m=robot.base_height_m - 0.01)
        )
