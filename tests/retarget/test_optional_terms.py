"""Terms that are off unless asked for: balance and static torques. Jacobians, and that they do what they promise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motion.human import HumanMotion
from motion.transform import Array, Transform
from retarget.body_map import BodyMap, body_map
from retarget.problem import Problem, SolverSettings
from retarget.solve import solve
from retarget.targets import build_targets
from robots import load_robot
from robots.robot import FramePoint
from tests.motion.bodies import still_person

STEP = 1e-6


@pytest.fixture(scope="module")
def g1() -> BodyMap:
    return body_map(load_robot("g1"))


def leaning(frames: int = 40, forward_m: float = 0.25) -> HumanMotion:
    """A person who leans forward from the ankles, further than anybody can."""
    person = still_person(frames, elbow_rad=1.2)
    height = np.clip(person.position_m[..., 2] - 0.1, 0.0, None)
    lean = np.linspace(0, forward_m, frames)[:, None] * height
    return dataclasses.replace(person, position_m=person.position_m + lean[..., None] * [1.0, 0, 0])


@pytest.mark.parametrize("name", ["balance", "static_torque"])
def test_jacobians_agree_with_finite_differences(g1: BodyMap, name: str) -> None:
    settings = SolverSettings(balance=1.0, static_torque=1.0, static_torque_share=0.05)
    problem = Problem(g1, build_targets(g1, still_person(5, elbow_rad=1.2)), settings)
    rng = np.random.default_rng(0)
    joints = g1.robot.rest_rad + 0.2 * rng.normal(size=len(g1.robot.rest_rad))
    q = g1.kinematics.configuration(joints, Transform.exp(np.r_[0.6, 0.3, 0.8, 0.1 * rng.normal(size=3)]))
    states = problem.states(1)

    def rows(change: Array) -> tuple[Array, Array]:
        states.update(0, g1.kinematics.moved(q, change[:6], joints + change[6:]))
        return problem.terms[name].rows(states, 0, 2)

    residual, jacobian = rows(np.zeros(35))
    assert np.abs(residual).max() > 0.01
    numeric = np.stack([(rows(STEP * unit)[0] - residual) / STEP for unit in np.eye(35)], axis=1)
    np.testing.assert_allclose(jacobian, numeric, atol=1e-5)


def test_static_torques_are_those_of_statics(g1: BodyMap) -> None:
    """All weight on the soles, half on each: the torques balance gravity and the ground, by the soles' own Jacobians."""
    soles = [FramePoint(sole.frame, sole.toe_m) for sole in g1.robot.soles.values()]
    q = g1.kinematics.configuration(g1.robot.rest_rad)
    torque, _ = g1.kinematics.loads(soles).static_torque(q, np.array([0.5, 0.5]))
    gravity = g1.kinematics.whole_body_dynamics(g1.robot.rest_rad[None], np.zeros((1, 35)), np.zeros((1, 35)))[0]
    jacobian = g1.kinematics.point_jacobians(soles, g1.robot.rest_rad[None])[0]
    push = np.array([0, 0, g1.kinematics.mass_kg * 9.81 / 2])
    np.testing.assert_allclose(torque, gravity[6:] - np.einsum("pxn,x->n", jacobian, push)[6:], atol=1e-8)


def test_balance_brings_the_centre_of_mass_back_over_the_soles(g1: BodyMap) -> None:
    targets = build_targets(g1, leaning())
    beyond_toes_m = {}
    for weight in (0.0, 300.0):
        motion, _ = solve(g1, targets, SolverSettings(balance=weight))
        centre = g1.kinematics.centre_of_mass(motion.joint_position_rad, motion.T_world_base)
        soles = g1.kinematics.point_positions(g1.sole_corners(), motion.joint_position_rad, motion.T_world_base)
        beyond_toes_m[weight] = (centre[:, 0] - soles[..., 0].max(1)).max()
    assert beyond_toes_m[0.0] > 0.04
    assert beyond_toes_m[300.0] < 0.002


def test_static_torque_eases_the_motor_that_holds_most(g1: BodyMap) -> None:
    targets = build_targets(g1, leaning(20, 0.15))
    loads = g1.kinematics.loads(g1.sole_corners())
    worst = {}
    for weight in (0.0, 50.0):
        motion, _ = solve(g1, targets, SolverSettings(static_torque=weight, static_torque_share=0.1))
        q = g1.kinematics.configurations(motion.joint_position_rad, motion.T_world_base)[-1]
        worst[weight] = float(np.abs(loads.static_torque(q, np.full(8, 1 / 8))[0] / g1.robot.effort_nm).max())
    assert worst[50.0] < 0.8 * worst[0.0]
