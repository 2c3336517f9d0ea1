"""References made of motions: on the clock, within the limits, never made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.model import GANTRY_LEAD_S, robot_model
from envs.reference import PERIOD_S, SUBSTEPS, Reference, make_reference, named_motions
from motion.errors import MotionError, UnknownNameError
from motion.robot_motion import RobotMotion
from motion.transform import Transform
from robots.kinematics import Kinematics
from robots.robot import Robot
from tests.envs.conftest import swing_motion


@pytest.fixture(scope="module")
def reference(g1: Robot, swing: RobotMotion) -> Reference:
    return make_reference("swing", swing, robot_model(g1), Kinematics(g1))


def broken(motion: RobotMotion, frames: list[int]) -> RobotMotion:
    joints, position, solved = motion.joint_position_rad.copy(), motion.T_world_base.position_m.copy(), motion.solved.copy()
    joints[frames], position[frames], solved[frames] = np.nan, np.nan, False
    return replace(motion, joint_position_rad=joints, T_world_base=Transform(position, motion.T_world_base.wxyz), solved=solved)


def test_it_is_at_50_hz_and_passes_through_the_frames(swing: RobotMotion, reference: Reference) -> None:
    assert reference.steps == 75  # 1.5 s
    # Every 0.1 s a frame of 30 Hz and one of 50 Hz coincide.
    np.testing.assert_allclose(reference.joint_position_rad[::5], swing.joint_position_rad[::3], atol=1e-9)
    np.testing.assert_allclose(reference.T_world_base.position_m[::5], swing.T_world_base.position_m[::3], atol=1e-9)
    np.testing.assert_allclose(reference.T_world_base.matrix()[::5], swing.T_world_base.matrix()[::3], atol=1e-9)


def test_velocity_and_acceleration_are_its_derivatives(reference: Reference) -> None:
    position, velocity = reference.joint_position_rad, reference.joint_velocity_radps
    np.testing.assert_allclose((position[2:] - position[:-2]) / (2 * PERIOD_S), velocity[1:-1], atol=0.02)
    change = (velocity[2:] - velocity[:-2]) / (2 * PERIOD_S)
    np.testing.assert_allclose(change[2:-2], reference.joint_acceleration_radps2[3:-3], atol=0.6)


def test_landmarks_are_the_robots_own(g1: Robot, reference: Reference) -> None:
    wanted = Kinematics(g1).landmark_positions(reference.joint_position_rad, reference.T_world_base)
    np.testing.assert_array_equal(reference.landmark_m, wanted)


def test_the_gantry_leads_the_base_and_stops_at_its_end(reference: Reference) -> None:
    assert reference.gantry.shape == (75, SUBSTEPS, 7)
    speed = 0.1  # m/s along x, by construction
    ahead = reference.gantry[:60, 0, 0] - reference.T_world_base.position_m[:60, 0]
    np.testing.assert_allclose(ahead, speed * GANTRY_LEAD_S, atol=1e-6)
    np.testing.assert_allclose(reference.gantry[-1, -1, :3], reference.T_world_base.position_m[-1], atol=1e-6)
    np.testing.assert_allclose(reference.base_velocity, [0.1, 0.09, 0, 0, 0.1, 0.2], atol=5e-3)


def test_a_fixed_base_stands_still(g1: Robot, swing: RobotMotion) -> None:
    model = robot_model(g1, "fixed")
    fixed = make_reference("swing", swing, model, Kinematics(g1))
    assert np.ptp(fixed.T_world_base.position_m, axis=0).max() == 0
    assert fixed.T_world_base.position_m[0, 2] == g1.base_height_m
    assert (fixed.base_velocity == 0).all()


def test_limits_hold_and_a_clipped_joint_does_not_move(g1: Robot, swing: RobotMotion) -> None:
    wild = replace(swing, joint_position_rad=swing.joint_position_rad * 4)
    reference = make_reference("wild", wild, robot_model(g1), Kinematics(g1))
    q = reference.joint_position_rad
    assert ((q >= g1.lower_rad) & (q <= g1.upper_rad)).all()
    stopped = (q == g1.upper_rad) | (q == g1.lower_rad)
    assert stopped.any()
    assert (reference.joint_velocity_radps[stopped] == 0).all()


def test_unsolved_frames_are_refused_and_never_made_up(g1: Robot, swing: RobotMotion) -> None:
    holed = broken(swing, [10, 11])
    with pytest.raises(MotionError, match=r"2 of 46 frames are unsolved \(the first is 10\)"):
        make_reference("holed", holed, robot_model(g1), Kinematics(g1))
    longest = make_reference("holed", holed, robot_model(g1), Kinematics(g1), unsolved="longest_span")
    assert longest.steps == int((45 - 12) / 30 / PERIOD_S)
    np.testing.assert_allclose(longest.joint_position_rad[0], swing.joint_position_rad[12], atol=1e-9)
    with pytest.raises(MotionError, match="46 of 46"):
        make_reference("gone", broken(swing, list(range(46))), robot_model(g1), Kinematics(g1), unsolved="longest_span")


def test_joints_are_matched_by_name(g1: Robot, swing: RobotMotion, reference: Reference) -> None:
    turned = replace(swing, joint_names=swing.joint_names[::-1], joint_position_rad=swing.joint_position_rad[:, ::-1])
    again = make_reference("turned", turned, robot_model(g1), Kinematics(g1))
    np.testing.assert_array_equal(again.joint_position_rad, reference.joint_position_rad)


def test_what_cannot_be_followed(g1: Robot, swing: RobotMotion) -> None:
    model, kinematics = robot_model(g1), Kinematics(g1)
    with pytest.raises(MotionError, match="'talos' cannot drive 'g1'"):
        make_reference("m", replace(swing, robot="talos"), model, kinematics)
    with pytest.raises(MotionError, match="at least 0.1 s"):
        make_reference("m", swing_motion(g1, seconds=0.05), model, kinematics)
    with pytest.raises(UnknownNameError, match="left_knee_joint"):
        make_reference("m", replace(swing, joint_names=("left_knee", *swing.joint_names[1:])), model, kinematics)


def test_motions_are_named_after_their_files(tmp_path: Path, swing: RobotMotion) -> None:
    for folder in ("a", "b"):
        swing.save(tmp_path / folder / "wave.npz")
    motion, parent = named_motions([tmp_path / "a" / "wave.npz"])["wave"]
    np.testing.assert_array_equal(motion.joint_position_rad, swing.joint_position_rad)
    assert parent.name == "wave.npz"
    assert len(parent.sha256) == 64
    with pytest.raises(MotionError, match="one name"):
        named_motions([tmp_path / "a" / "wave.npz", tmp_path / "b" / "wave.npz"])
    with pytest.raises(MotionError, match="no motion"):
        named_motions({})
    assert list(named_motions(swing)) == ["motion"]
