"""Where the tool frames of a robot's hands are, and how its joints move them: cheap enough for every tick of many robots."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from motion.transform import Array, Transform
from robots.chain import Chain
from robots.hands import RobotKey, hand_of
from robots.robot import Robot


def tool_chain(robot: Robot, side: str) -> Chain:
    """The chain from the robot's base to a hand's tool frame; made once per robot.

    Raises:
        UnknownNameError: no such side.
        RobotError: the robot has no such hand.
    """
    return _chain(RobotKey(robot), side)


def T_world_tool(robot: Robot, side: str, joint_position_rad: Array, T_world_base: Transform | None = None) -> Transform:
    """Poses, batch (n,), of a hand's tool frame in postures (n, J).

    Args:
        robot, side: the hand.
        joint_position_rad: (n, J) or (J,), in the order of `robot.joint_names`.
        T_world_base: one pose or batch (n,); by default upright at the robot's own height over the origin.
    """
    return tool_chain(robot, side).poses(joint_position_rad, _base(robot) if T_world_base is None else T_world_base)


def tool_jacobian(robot: Robot, side: str, joint_position_rad: Array, T_world_base: Transform | None = None) -> tuple[Transform, Array]:
    """The same poses, and Jacobians (n, 6, J): the tool's velocity (m/s), then its angular velocity (rad/s), both in the world."""
    return tool_chain(robot, side).jacobians(joint_position_rad, _base(robot) if T_world_base is None else T_world_base)


def side_columns(robot: Robot, side: str) -> np.ndarray:
    """Which of the robot's joints move a hand or its fingers, rising; those of the trunk move both hands.

    Raises:
        UnknownNameError: no such side.
        RobotError: the robot has no such hand.
    """
    return np.union1d(tool_chain(robot, side).columns, robot.joint_index(hand_of(robot, side).joint_names))


def _base(robot: Robot) -> Transform:
    return Transform(np.array([0.0, 0.0, robot.base_height_m]), np.array([1.0, 0.0, 0.0, 0.0]))


@lru_cache(maxsize=64)
def _chain(key: RobotKey, side: str) -> Chain:
    hand = hand_of(key.robot, side)
    return Chain(key.robot, hand.link, hand.T_link_tool)
