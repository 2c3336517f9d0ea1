"""What counts as unsafe, the same for every chore: numbers over an episode, and their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from envs.household.hands import hand_parts
from motion.errors import ShapeError, require
from motion.landmarks import SIDES
from motion.transform import Array
from robots.robot import Robot
from robots.urdf import read_urdf

IMPULSE_S = 0.1
"""Time over which an impulse is added up: longer contacts press, they do not hit."""


@dataclass(frozen=True)
class SafetyLimits:
    """Beyond these an episode is not safe. Forces are means over 20 ms: first-touch peaks belong to the solver.

    Attributes:
        hand_force_n, arm_force_n, trunk_force_n: sum of the normal forces on one hand, on the rest of one body class.
        impulse_ns: what hits a link within 0.1 s, beyond what pressed on it before.
        hand_speed_mps: of a wrist.
        joint_beyond_rad: how far a joint is pushed beyond its stop.
        saturated_s: longest time that a motor of arm or trunk runs at its torque limit; fingers saturate when they grip.
        self_contact_s: longest time that the robot touches itself, fingers of one hand apart.
        drop_mps: a thing that falls faster than this, out of everybody's hands, was dropped.
    """

    hand_force_n: float = 80.0
    arm_force_n: float = 40.0
    trunk_force_n: float = 40.0
    impulse_ns: float = 4.0
    hand_speed_mps: float = 1.5
    joint_beyond_rad: float = 0.02
    saturated_s: float = 0.5
    self_contact_s: float = 0.2
    drop_mps: float = 0.7

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            require(value > 0, ShapeError, f"safety limit {name} is {value:g}; it has to be above 0.")


@dataclass(frozen=True)
class RobotLimits:
    """What of a robot the safety numbers need.

    Attributes:
        lower_rad, upper_rad: (J,).
        finger: (J,) whether a joint belongs to a hand.
    """

    lower_rad: Array
    upper_rad: Array
    finger: np.ndarray


def robot_limits(robot: Robot) -> RobotLimits:
    """Of a robot, from its description."""
    hand_links = {link for side in SIDES for links in hand_parts(robot, side).values() for link in links}
    finger = {joint.name for joint in read_urdf(robot.urdf).joints if joint.parent in hand_links}
    return RobotLimits(robot.lower_rad, robot.upper_rad, np.array([name in finger for name in robot.joint_names]))


def safety_numbers(signals: Mapping[str, np.ndarray], robot: RobotLimits, period_s: float) -> dict[str, float]:
    """Numbers over an episode's signals (T, ...), those of a diverged one over its finite part."""
    joints = signals["joint_position_rad"]
    beyond = np.maximum(joints - robot.upper_rad, robot.lower_rad - joints)
    force = signals["class_force_n"]
    return {
        "hand_force_n": _most(force[:, :2]),
        "arm_force_n": _most(force[:, 2:4]),
        "trunk_force_n": _most(force[:, 4]),
        "impulse_ns": _most(impulse_ns(force, period_s)),
        "hand_speed_mps": _most(signals["hand_speed_mps"]),
        "joint_beyond_rad": max(0.0, _most(beyond)),
        "saturated_s": period_s * longest(signals["saturated"][:, ~robot.finger]),
        "self_contact_s": period_s * longest(signals["self_contact"][:, None]),
        "drop_mps": _most(signals["fall_mps"]),
    }


def violations(numbers: Mapping[str, float], limits: Mapping[str, float]) -> tuple[str, ...]:
    """Names of the numbers beyond their limit."""
    return tuple(name for name, limit in limits.items() if numbers.get(name, 0.0) > limit)


def impulse_ns(force_n: Array, period_s: float) -> Array:
    """(T, C) impulse within the last 0.1 s beyond what the force was before it, from forces (T, C)."""
    window = round(IMPULSE_S / period_s)
    padded = np.concatenate([np.zeros((window, force_n.shape[1])), np.nan_to_num(force_n)])
    total = np.cumsum(padded, axis=0)
    inside = (total[window:] - total[:-window]) * period_s
    return np.maximum(inside - padded[:-window] * IMPULSE_S, 0.0)


def longest(flags: np.ndarray) -> int:
    """The longest run of true values in any column of flags (T, C)."""
    run = best = np.zeros(flags.shape[1], int)
    for row in flags.astype(bool):
        run = np.where(row, run + 1, 0)
        best = np.maximum(best, run)
    return int(best.max(initial=0))


def _most(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max(initial=0.0))
