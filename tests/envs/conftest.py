"""Motions made for the occasion: arms that swing clear of the body."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from envs.chores.follow import Follow
from motion.robot_motion import RobotMotion
from motion.transform import Transform, so3_exp
from robots import load_robot
from robots.robot import Robot

Swing = Callable[..., RobotMotion]
ARMS = {"shoulder_pitch": -0.6, "shoulder_roll": 0.25, "shoulder_yaw": 0.3, "elbow": 0.5, "wrist_pitch": 0.4}


@pytest.fixture(scope="session")
def g1() -> Robot:
    return load_robot("g1")


def swing_motion(robot: Robot, seconds: float = 1.5, rate_hz: float = 30.0, seed: int = 0, size: float = 1.0) -> RobotMotion:
    """A G1 that lifts and swings both arms while its base drifts and turns a little, feet well above the floor."""
    time = np.arange(0, seconds + 1e-9, 1 / rate_hz)
    rng = np.random.default_rng(seed)
    joints = np.tile(robot.rest_rad, (len(time), 1))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for word, reach in ARMS.items():
            column = robot.joint_names.index(f"{side}_{word}_joint")
            mirrored = sign if word in ("shoulder_roll", "shoulder_yaw") else 1.0
            wave = (1 - np.cos(2 * np.pi * (0.6 + 0.3 * rng.random()) * time)) / 2
            joints[:, column] += size * mirrored * reach * wave
        joints[:, robot.joint_names.index(f"{side}_shoulder_roll_joint")] += sign * 0.2
    still = np.zeros_like(time)
    position = np.stack([0.1 * time, 0.03 * np.sin(3 * time), still + robot.base_height_m + 0.1], axis=1)
    turn = so3_exp(np.stack([still, 0.05 * np.sin(2 * time), 0.2 * time], axis=1))
    return RobotMotion(robot.name, time, robot.joint_names, joints, Transform(position, turn), np.ones(len(time), bool))


@pytest.fixture(scope="session")
def swing(g1: Robot) -> RobotMotion:
    return swing_motion(g1)


@pytest.fixture(scope="session")
def follow(g1: Robot, swing: RobotMotion) -> Follow:
    """Two motions of different length on the gantry."""
    return Follow(g1, {"swing": swing, "short": swing_motion(g1, seconds=0.7, seed=1)})
