"""Torques, the floor's forces and balance, where they can be worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motion.robot_motion import RobotMotion
from motion.transform import Transform, so3_exp
from retarget.body_map import BodyMap, body_map
from retarget.measure.forces import _moments, _torques, hull_margin, support, torques
from retarget.measure.together import Scene, scene_of
from robots import load_robot
from tests.retarget.test_measure import moved, person_of, standing

GRAVITY = np.array([0, 0, -9.81])


@pytest.fixture(scope="module")
def body() -> BodyMap:
    return body_map(load_robot("g1"))


def scene(body: BodyMap, motion: RobotMotion) -> Scene:
    return scene_of(body, person_of(body, standing(body, len(motion.time_s))), motion)


def weakened(body: BodyMap, share: float) -> BodyMap:
    return body_map(dataclasses.replace(body.robot, effort_nm=share * body.robot.effort_nm))


def test_distance_from_the_edge_of_a_square() -> None:
    square = np.array([[[-1.0, -1], [1, -1], [1, 1], [-1, 1], [9, 9]]] * 3)
    counts = np.array([[True] * 4 + [False]] * 3)
    margin = hull_margin(square, counts, np.array([[0.0, 0], [0.75, 0], [1.5, 0]]))
    np.testing.assert_allclose(margin, [1.0, 0.25, -0.5], rtol=1e-3)


def test_a_robot_at_rest_is_carried_by_the_floor(body: BodyMap) -> None:
    """The floor takes the weight; the knees need what statics says, far from what they can."""
    still = scene(body, standing(body, 11))
    found = torques(still, 50, 0.8, 0.2)
    assert found["torque_feasible_pct"].value == 100
    assert found["unbalanced_pct"].value == 0
    weak = torques(scene(weakened(body, 0.02), standing(body, 11)), 50, 0.8, 0.2)["torque_feasible_pct"]
    assert weak.value == 0
    assert "joint (100 % of the frames" in weak.where


def test_leaning_over_the_toes_cannot_be_carried(body: BodyMap) -> None:
    motion = standing(body, 11)
    tilt = np.tile(so3_exp(np.array([0, 0.5, 0])), (11, 1))
    leaning = dataclasses.replace(motion, T_world_base=Transform(motion.T_world_base.position_m, tilt))
    assert torques(scene(body, leaning), 50, 0.8, 0.2)["unbalanced_pct"].value == 100
    moments = _moments(scene(body, leaning), 50, 0.2)
    assert moments is not None
    torque, _, _ = _torques(scene(body, leaning), moments, 0.8)
    ankles = np.abs(torque[:, body.robot.joint_index(["left_ankle_pitch_joint", "right_ankle_pitch_joint"])]).sum(1)
    x, _, z = body.robot.soles["left"].toe_m
    at_the_toes = 9.81 * body.kinematics.mass_kg * (x * np.cos(0.5) + z * np.sin(0.5))
    np.testing.assert_allclose(ankles, at_the_toes, rtol=0.02)  # the weight at the toes; no force is made up to hold it upright
    found = support(scene(body, leaning), 50)
    assert found["com_inside_pct"].value == 0
    assert found["com_margin_mm"].value < -50
    assert support(scene(body, motion), 50)["com_inside_pct"].value == 100


def test_in_flight_nothing_is_blamed_on_the_joints(body: BodyMap) -> None:
    """A rigid body in free fall needs no torque at all, whatever the positions say about how its base accelerates."""
    motion = standing(body, 31)
    hovering = moved(motion, np.array([0, 0, 1.0]))
    thrown = moved(motion, 2.0 + 0.5 * GRAVITY * motion.time_s[:, None] ** 2)
    for flight in (hovering, thrown):
        here = dataclasses.replace(scene(body, flight), stance={})
        moments = _moments(here, 50, 0.2)
        assert moments is not None
        torque, _, standing_now = _torques(here, moments, 0.8)
        assert not standing_now.any()
        np.testing.assert_allclose(torque, 0, atol=1e-8)


def test_the_smoothed_derivatives_are_those_of_the_motion(body: BodyMap) -> None:
    """A base that turns at a constant rate on a circle, one joint on a parabola: velocities and accelerations in the base's frame."""
    motion, spin, radius = standing(body, 41), 1.5, 0.3
    angle = spin * motion.time_s
    place = np.c_[radius * np.cos(angle), radius * np.sin(angle), np.full(41, 0.8)]
    turn = so3_exp(np.c_[np.zeros((41, 2)), angle])
    joints = motion.joint_position_rad.copy()
    joints[:, 4] += 0.5 * motion.time_s**2
    circling = dataclasses.replace(motion, joint_position_rad=joints, T_world_base=Transform(place, turn))
    moments = _moments(scene(body, circling), 41, 0.2)
    assert moments is not None
    wanted = np.zeros((41, 6))
    wanted[:, 1], wanted[:, 5] = radius * spin, spin  # always to its own left; nothing changes in its own frame
    np.testing.assert_allclose(moments.velocity[:, :6], wanted, atol=2e-4)
    np.testing.assert_allclose(moments.acceleration[:, :6], 0, atol=1e-2)  # 0.7 without the turning frame
    np.testing.assert_allclose(moments.velocity[:, 10], motion.time_s, atol=1e-9)
    np.testing.assert_allclose(moments.acceleration[:, 10], 1, atol=1e-7)


@pytest.mark.parametrize("name", ["allegro_right", "alex_psyonic"])
def test_without_soles_the_base_is_held_and_the_joints_carry_the_rest(name: str) -> None:
    robot = body_map(load_robot(name))
    motion = standing(robot, 11)
    found = torques(scene_of(robot, person_of(robot, motion), motion), 50, 0.8, 0.2)
    assert found["torque_feasible_pct"].value == 100
    assert np.isnan(found["unbalanced_pct"].value)
    weak = weakened(robot, 0.001)
    assert torques(scene_of(weak, person_of(weak, motion), motion), 50, 0.8, 0.2)["torque_feasible_pct"].value == 0
