"""The contract of every robot: what robot.yaml says is true of the URDF."""

from __future__ import annotations

import numpy as np
import pytest

from motion.landmarks import LANDMARKS, mirror
from motion.transform import Transform
from robots import catalogue, load_robot
from robots.collision import SelfCollision
from robots.kinematics import Kinematics
from robots.robot import FramePoint

ROBOTS = tuple(catalogue())
STEP = 1e-6
MIRROR_M = 0.008
"""The thumbs of the Psyonic hands differ by 6 mm in their own URDF; everything else mirrors within 1 mm."""


def test_the_robots_that_should_ship_do() -> None:
    assert set(ROBOTS) >= {"g1", "g1_dex3", "talos", "alex_psyonic", "icub", "allegro_right"}
    assert [len(load_robot(name).joint_names) for name in ("g1", "g1_dex3")] == [29, 43]


@pytest.mark.parametrize("name", ROBOTS)
def test_limits_gains_and_rest_are_legal(name: str) -> None:
    robot = load_robot(name)
    assert (robot.lower_rad < robot.upper_rad).all()
    assert ((robot.rest_rad >= robot.lower_rad) & (robot.rest_rad <= robot.upper_rad)).all()
    for values in (robot.speed_radps, robot.effort_nm, robot.acceleration_radps2, robot.kp, robot.kd):
        assert (values > 0).all()
    assert (robot.armature >= 0).all()
    assert robot.licence
    assert robot.description


@pytest.mark.parametrize("name", ROBOTS)
def test_every_frame_named_exists(name: str) -> None:
    robot = load_robot(name)
    frames = set(Kinematics(robot).frames)
    assert {point.frame for point in robot.landmarks.values()} <= frames
    assert {sole.frame for sole in robot.soles.values()} <= frames
    assert set(robot.landmarks) <= set(LANDMARKS)


@pytest.mark.parametrize("name", [name for name in ROBOTS if name != "allegro_right"])
def test_left_mirrors_right_at_rest(name: str) -> None:
    """Landmarks of both sides are mirror images, which also says that left is left."""
    robot = load_robot(name)
    place = dict(zip(robot.landmarks, Kinematics(robot).landmark_positions(robot.rest_rad)[0], strict=True))
    left = place["left_shoulder"] - place["right_shoulder"]
    across = left / np.linalg.norm(left)
    for landmark, point in place.items():
        if landmark.startswith("left_"):
            reflected = point - 2 * across * ((point - (place["left_hip"] + place["right_hip"]) / 2) @ across)
            np.testing.assert_allclose(place[mirror(landmark)], reflected, atol=MIRROR_M, err_msg=landmark)


@pytest.mark.parametrize("name", ROBOTS)
def test_jacobians_agree_with_finite_differences(name: str) -> None:
    robot = load_robot(name)
    kinematics = Kinematics(robot)
    rng = np.random.default_rng(0)
    joints = np.clip(robot.rest_rad + 0.2 * rng.normal(size=len(robot.rest_rad)), robot.lower_rad, robot.upper_rad)
    q = kinematics.configuration(joints, Transform.exp(rng.normal(size=6)))
    tracker = kinematics.tracker(list(robot.landmarks.values()))
    tracker.update(q)
    position, jacobian = tracker.position_m, tracker.position_jacobian
    for column in range(kinematics.tangent_size):
        base, moved = np.zeros(6), joints.copy()
        (base if column < kinematics.base_dofs else moved)[column if column < 6 else column - kinematics.base_dofs] += STEP
        tracker.update(kinematics.moved(q, base, moved))
        np.testing.assert_allclose((tracker.position_m - position) / STEP, jacobian[:, :, column], atol=2e-5)


@pytest.mark.parametrize("name", ROBOTS)
def test_no_links_overlap_at_rest_and_some_do_when_folded_up(name: str) -> None:
    robot = load_robot(name)
    collision = SelfCollision(Kinematics(robot))
    rng = np.random.default_rng(0)
    folded = rng.uniform(np.maximum(robot.lower_rad, -3), np.minimum(robot.upper_rad, 3), (30, len(robot.rest_rad)))
    assert not collision.frames(robot.rest_rad[None]).any()
    assert collision.frames(folded).any()


@pytest.mark.parametrize("name", [name for name in ROBOTS if load_robot(name).soles])
def test_standing_at_rest_puts_the_soles_on_the_floor(name: str) -> None:
    robot = load_robot(name)
    base = Transform([[0, 0, robot.base_height_m]], [[1, 0, 0, 0]])
    place = dict(zip(robot.landmarks, Kinematics(robot).landmark_positions(robot.rest_rad, base)[0], strict=True))
    assert 0.3 < robot.base_height_m < 1.3
    for side in ("left", "right"):
        assert place[f"{side}_ankle"][2] < place[f"{side}_knee"][2] < place[f"{side}_hip"][2] < place[f"{side}_shoulder"][2]
        assert abs(place[f"{side}_toe"][2]) < 0.01


@pytest.mark.parametrize("name", [name for name in ROBOTS if load_robot(name).soles])
def test_the_soles_are_rectangles_flat_on_the_floor(name: str) -> None:
    """Both corners of each edge, left ones to the left, all within a millimetre of the floor at rest."""
    robot = load_robot(name)
    base = Transform([[0, 0, robot.base_height_m]], [[1, 0, 0, 0]])
    kinematics = Kinematics(robot)
    place = dict(zip(robot.landmarks, kinematics.landmark_positions(robot.rest_rad, base)[0], strict=True))
    across = place["left_hip"] - place["right_hip"]
    for sole in robot.soles.values():
        assert sole.width_m > 0.03
        corners = kinematics.point_positions([FramePoint(sole.frame, tuple(c)) for c in sole.corners_m], robot.rest_rad, base)[0]
        assert np.abs(corners[:, 2]).max() < 1e-3
        for left, right in ((0, 1), (2, 3)):
            assert (corners[left] - corners[right]) @ across / np.linalg.norm(across) == pytest.approx(sole.width_m, rel=0.02)


@pytest.mark.parametrize("name", ROBOTS)
def test_the_inertia_a_joint_moves_is_what_inverse_dynamics_says(name: str) -> None:
    """Torque of a unit acceleration of one joint, less that of holding still."""
    robot = load_robot(name)
    kinematics = Kinematics(robot)
    posture, still = robot.rest_rad[None], np.zeros((1, len(robot.rest_rad)))
    held = kinematics.inverse_dynamics(posture, still, still)[0]
    inertia = kinematics.joint_inertias(posture)[0]
    for joint in range(len(robot.rest_rad)):
        pushed = still.copy()
        pushed[0, joint] = 1.0
        torque = kinematics.inverse_dynamics(posture, still, pushed)[0, joint]
        assert inertia[joint] == pytest.approx(torque - held[joint], rel=1e-6, abs=1e-9)


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
