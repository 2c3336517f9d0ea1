"""A robot that bends its legs, and what they have to do to keep it on its feet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.errors import RobotError
from motion.transform import Transform
from robots import load_robot
from robots.kinematics import Kinematics
from robots.ready import ready_for_work
from robots.robot import FramePoint, Robot
from robots.standing import Standing, StandingLaw, stance

STILL = np.zeros(6)


@pytest.fixture(scope="module", params=["g1_dex3", "talos"])
def robot(request: pytest.FixtureRequest) -> Robot:
    return ready_for_work(load_robot(request.param))


def posture_of(robot: Robot) -> np.ndarray:
    """(J,) of the whole robot: ready for work, legs bent."""
    whole, legs = robot.unlocked, stance(robot)
    assert whole is not None
    posture = whole.rest_rad.copy()
    posture[whole.joint_index(robot.joint_names)] = robot.rest_rad
    posture[whole.joint_index(legs.joint_names)] = legs.angle_rad
    return posture


def base_of(robot: Robot) -> Transform:
    return Transform(np.array([0.0, 0.0, robot.base_height_m - stance(robot).drop_m]), np.array([1.0, 0, 0, 0]))


def corners_of(robot: Robot) -> list[FramePoint]:
    """Of the soles."""
    assert robot.unlocked is not None
    return [FramePoint(sole.frame, tuple(corner)) for sole in robot.unlocked.soles.values() for corner in sole.corners_m]


def test_bent_legs_stand_flat_on_the_floor_with_the_weight_over_the_soles(robot: Robot) -> None:
    whole = robot.unlocked
    assert whole is not None
    kinematics = Kinematics(whole)
    corners = kinematics.point_positions(corners_of(robot), posture_of(robot)[None], base_of(robot)[None])[0]
    np.testing.assert_allclose(corners[:, 2], 0.0, atol=1e-3)
    centre = kinematics.centre_of_mass(posture_of(robot)[None], base_of(robot)[None])[0]
    np.testing.assert_allclose(centre[:2], corners[:, :2].mean(0), atol=2e-3)
    assert stance(robot).drop_m > 0.02


def test_the_torques_hold_the_robot_still(robot: Robot) -> None:
    """What is not the legs' is bolted: then soles carry the weight, and nothing accelerates, if the legs do what they are told."""
    whole, program = robot.unlocked, Standing(robot)
    assert whole is not None
    posture, base = posture_of(robot), base_of(robot)
    torque = program.torque(program.footing(base), posture, np.zeros(len(posture)), base, STILL)
    still = np.zeros((1, 6 + len(posture)))
    needed = Kinematics(whole).whole_body_dynamics(posture[None], still, still, base[None])[0]
    points = corners_of(robot)
    jacobian = Kinematics(whole).point_jacobians(points, posture[None], base[None])[0].reshape(-1, 6 + len(posture))
    legs = 6 + program.legs
    rows = np.r_[np.arange(6), legs]
    left = needed[rows] - np.r_[np.zeros(6), torque]
    force, _, _, _ = np.linalg.lstsq(jacobian[:, rows].T, left, rcond=None)
    np.testing.assert_allclose(jacobian[:, rows].T @ force, left, atol=0.5)
    assert force.reshape(-1, 3)[:, 2].sum() == pytest.approx(9.81 * Kinematics(whole).mass_kg, rel=1e-3)


def test_a_base_that_was_moved_is_pushed_back(robot: Robot) -> None:
    """Two centimetres to the left: the legs' torques differ from those at rest, left from right, and mirror those of two to the right."""
    program, posture, base = Standing(robot), posture_of(robot), base_of(robot)
    footing, velocity = program.footing(base), np.zeros(len(posture))

    def torque(y: float) -> np.ndarray:
        return program.torque(footing, posture, velocity, Transform(base.position_m + [0.0, y, 0.0], base.wxyz), STILL)

    half = len(program.legs) // 2
    names = [robot.unlocked.joint_names[leg] for leg in program.legs] if robot.unlocked else []
    rolls = [index for index, name in enumerate(names[:half]) if "hip_roll" in name or name == "leg_left_2_joint"]
    left, right = torque(0.02) - torque(0.0), torque(-0.02) - torque(0.0)
    assert rolls
    assert np.abs(left[rolls]).min() > 1.0
    np.testing.assert_allclose(left[rolls], -right[half:][rolls], rtol=0.5)


def test_no_motor_is_asked_for_more_than_it_has(robot: Robot) -> None:
    program, posture, base = Standing(robot, StandingLaw(base_gains=(6000.0, 15.0))), posture_of(robot), base_of(robot)
    away = Transform(base.position_m + [0.1, 0.1, -0.1], base.wxyz)
    torque = program.torque(program.footing(base), posture, np.zeros(len(posture)), away, STILL)
    assert robot.unlocked is not None
    assert (np.abs(torque) <= robot.unlocked.effort_nm[program.legs]).all()


@pytest.mark.parametrize("name", ["alex_psyonic", "allegro_right"])
def test_who_has_no_legs_cannot_stand(name: str) -> None:
    with pytest.raises(RobotError, match="cannot stand by itself"):
        stance(load_robot(name))


def test_legs_too_short_to_bend_are_refused() -> None:
    robot = ready_for_work(load_robot("g1_dex3"))
    assert robot.unlocked is not None
    knee = robot.unlocked.joint_index(["left_knee_joint"])
    upper = robot.unlocked.upper_rad.copy()
    upper[knee] = 0.3
    stiff = replace(robot, unlocked=replace(robot.unlocked, name="stiff", upper_rad=upper))
    with pytest.raises(RobotError, match="over the soles"):
        stance(stiff)
