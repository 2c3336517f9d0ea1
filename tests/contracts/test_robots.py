"""The contract of every shipped robot, and that each of its checks can fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from contracts import robot as contract
from contracts import robot_retarget
from contracts.base import Check, ContractError, NotApplicable, examine
from motion.landmarks import mirror
from motion.transform import Transform
from robots import catalogue, load_robot
from robots.kinematics import Kinematics
from robots.robot import FramePoint, Robot

ROBOTS = tuple(catalogue())
CHECKS = (*contract.CHECKS, *robot_retarget.CHECKS)
WITHOUT_SOLES = {"alex_psyonic", "allegro_right"}
WITHOUT_BODY = {"allegro_right"}
NOT_FOR = {
    "left mirrors right at rest": WITHOUT_BODY,
    "it stands at ease": WITHOUT_BODY,
    "at rest the soles are on the floor": WITHOUT_SOLES,
    "the soles are flat rectangles": WITHOUT_SOLES,
}


def test_the_robots_that_should_ship_do() -> None:
    assert set(ROBOTS) >= {"g1", "g1_dex3", "talos", "alex_psyonic", "icub", "allegro_right"}
    assert [len(load_robot(name).joint_names) for name in ("g1", "g1_dex3")] == [29, 43]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.says)
@pytest.mark.parametrize("name", ROBOTS)
def test_contract(name: str, check: Check[Robot]) -> None:
    if name in NOT_FOR.get(check.says, ()):
        with pytest.raises(NotApplicable):
            check.run(load_robot(name))
    else:
        check.run(load_robot(name))


@pytest.mark.parametrize("name", ROBOTS)
def test_a_shipped_robot_says_what_it_is(name: str) -> None:
    robot = load_robot(name)
    assert robot.licence
    assert robot.description


@pytest.mark.parametrize("name", [name for name in ROBOTS if name not in WITHOUT_SOLES])
def test_a_shipped_robot_stands_as_high_and_on_soles_as_wide_as_such_robots_do(name: str) -> None:
    """Closer than the contract can ask of every robot."""
    robot = load_robot(name)
    assert 0.3 < robot.base_height_m < 1.3
    base = Transform([[0, 0, robot.base_height_m]], [[1, 0, 0, 0]])
    place = contract.place_at_rest(robot)
    across = place["left_hip"] - place["right_hip"]
    for sole in robot.soles.values():
        assert sole.width_m > 0.03
        corners = Kinematics(robot).point_positions([FramePoint(sole.frame, tuple(c)) for c in sole.corners_m], robot.rest_rad, base)[0]
        for left, right in ((0, 1), (2, 3)):
            assert (corners[left] - corners[right]) @ across / np.linalg.norm(across) == pytest.approx(sole.width_m, rel=0.02)


def stuck(robot: Robot) -> Robot:
    return replace(robot, speed_radps=0 * robot.speed_radps)


def beyond_its_stop(robot: Robot) -> Robot:
    return replace(robot, rest_rad=robot.upper_rad + 0.1)


def arms_forward(robot: Robot) -> Robot:
    rest = robot.rest_rad.copy()
    rest[robot.joint_index(["left_shoulder_pitch_joint", "right_shoulder_pitch_joint"])] = -1.5
    return replace(robot, rest_rad=rest)


def left_is_right(robot: Robot) -> Robot:
    return replace(robot, landmarks={name: robot.landmarks[mirror(name)] for name in robot.landmarks})


def one_arm_elsewhere(robot: Robot) -> Robot:
    return replace(robot, landmarks={**robot.landmarks, "left_elbow": robot.landmarks["left_wrist"]})


def high_soles(robot: Robot) -> Robot:
    return replace(robot, base_height_m=robot.base_height_m + 0.02)


def tilted_soles(robot: Robot) -> Robot:
    return replace(robot, soles={side: replace(sole, toe_m=(0.13, 0.0, -0.03)) for side, sole in robot.soles.items()})


BROKEN: dict[Callable[[Robot], Robot], Callable[[Robot], None]] = {
    stuck: contract.limits_gains_and_rest_are_legal,
    beyond_its_stop: contract.limits_gains_and_rest_are_legal,
    arms_forward: contract.it_stands_at_ease,
    left_is_right: contract.it_stands_at_ease,
    one_arm_elsewhere: contract.left_mirrors_right_at_rest,
    high_soles: contract.standing_at_rest_puts_the_soles_on_the_floor,
    tilted_soles: contract.the_soles_are_rectangles_flat_on_the_floor,
}


@pytest.mark.parametrize("fault", BROKEN, ids=lambda fault: fault.__name__)
def test_a_broken_robot_fails_the_check_that_is_for_it(fault: Callable[[Robot], Robot]) -> None:
    with pytest.raises(ContractError):
        BROKEN[fault](fault(load_robot("g1")))


def test_outcomes_say_what_failed_and_what_to_do() -> None:
    outcomes = {outcome.says: outcome for outcome in examine(tilted_soles(load_robot("g1")), contract.CHECKS)}
    assert {outcome.result for outcome in outcomes.values()} == {"passed", "failed"}
    failed = outcomes["the soles are flat rectangles"]
    assert "mm off the floor" in failed.why
    assert "soles:" in failed.advice


def test_inverse_dynamics_at_rest_is_gravity_by_hand() -> None:
    """The elbow of a G1 whose forearm points forward carries forearm and hand: torque = sum of m g x."""
    robot = load_robot("g1")
    kinematics = Kinematics(robot)
    zero = np.zeros((1, len(robot.joint_names)))
    torque = kinematics.inverse_dynamics(zero, zero, zero)[0]
    elbow = robot.joint_names.index("left_elbow_joint")
    nudged = zero.copy()
    nudged[0, elbow] = 1e-4  # potential energy by finite differences: torque = dU/dq
    rise = potential_energy(robot.name, nudged) - potential_energy(robot.name, -nudged)
    assert torque[elbow] == pytest.approx(rise / 2e-4, rel=1e-5)
    assert abs(torque[elbow]) > 1.0


def potential_energy(name: str, joints: np.ndarray) -> float:
    """m g z summed over the links, with masses read from the URDF text and poses from forward kinematics."""
    import xml.etree.ElementTree as ElementTree

    robot = load_robot(name)
    kinematics, energy = Kinematics(robot), 0.0
    for link in ElementTree.parse(robot.urdf).getroot().findall("link"):
        inertial = link.find("inertial")
        if inertial is None:
            continue
        origin = inertial.find("origin")
        centre = np.array([float(v) for v in (origin.get("xyz") if origin is not None else "0 0 0").split()])
        pose = kinematics.frame_poses([link.get("name")], joints)[0, 0]
        energy += float(inertial.find("mass").get("value")) * 9.81 * pose.apply(centre)[2]
    return energy
