"""A score in frames: when hands close around what, how hard, and the targets that carry arms along it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from envs.feed_forward import leading_targets, rigid_body_torque
from envs.household.build import Listing
from envs.household.replay_law import ReplayLaw
from envs.plant_draws import PlantDraw
from envs.reference import PERIOD_S
from motion.errors import MotionError, require
from motion.handling import Handling, Hold
from motion.robot_motion import RobotMotion
from motion.transform import Array
from robots.kinematics import Kinematics
from robots.robot import Robot

CARRYING = ("wrap", "nip", "pinch")
"""Grasps with which a loose thing goes where the hand goes."""
GRIPPING = ("wrap", "pinch")
"""Grasps that hold by friction: their force is regulated. The others keep the posture that was recorded."""
_GRAVITY = 9.81


@dataclass(frozen=True)
class HoldFrames:
    """A hold in frames of its score.

    Attributes:
        hold: which.
        number: its place among all holds of the handling.
        start, closed, end: when fingers begin to close, are closed, and begin to open.
        column: of its thing among those that are watched.
        loose: whether the thing goes where the hand goes.
    """

    hold: Hold
    number: int
    start: int
    closed: int
    end: int
    column: int
    loose: bool


def hold_frames(handling: Handling, side: str, listing: Listing) -> list[HoldFrames]:
    """Holds of one hand, of things that a chore watches, in order."""
    found = enumerate(handling.holds)
    return [_frames_of(number, hold, handling, listing) for number, hold in found if hold.side == side and hold.thing in listing.things]


def _frames_of(number: int, hold: Hold, handling: Handling, listing: Listing) -> HoldFrames:
    time, opening = handling.time_s, np.asarray(handling.hands[hold.side].opening)
    start, end = (int(np.searchsorted(time, at)) for at in (hold.start_s, hold.end_s))
    end = min(end, len(time) - 1)
    inside = opening[start : end + 1]
    closed = start + int(np.argmax(inside <= inside.min() + 0.05 * (inside.max() - inside.min() + 1e-9)))
    loose = hold.thing not in listing.hinges and hold.grasp in CARRYING
    return HoldFrames(hold, number, start, closed, end, listing.things.index(hold.thing), loose)


def recorded_force_n(hold: Hold, law: ReplayLaw) -> float:
    """The recorded grip force, but at least the softest grip."""
    return max(law.least_grip_n, hold.force_n if np.isfinite(hold.force_n) else 0.0)


def grip_force_n(frames: HoldFrames, facts: Mapping[str, np.ndarray], law: ReplayLaw) -> float:
    """The same of a thing that is known: at least the least safe force, and never near what breaks it."""
    if not law.knows_things:
        return recorded_force_n(frames.hold, law)
    column = frames.column
    least = law.grip_margin * facts["thing_mass_kg"][column] * _GRAVITY / max(facts["thing_friction"][column], 0.05)
    wanted = max(recorded_force_n(frames.hold, law), least)
    return float(min(wanted, max(law.fragile_share * facts["fragile_n"][column], least / law.grip_margin)))


def targets_of(kinematics: Kinematics, robot: Robot, motion: RobotMotion, plant: PlantDraw, law: ReplayLaw) -> Array:
    """Targets (T, J) that carry a robot along a motion (T, J), the bare robot's dynamics fed forward.

    Raises:
        MotionError: unsolved frames, or a motion of another robot.
    """
    require(bool(motion.solved.all()), MotionError, f"{int((~motion.solved).sum())} frames of the motion are unsolved.")
    require(motion.joint_names == robot.joint_names, MotionError, "the motion is not of the chore's robot, ready for work.")
    position = motion.joint_position_rad
    velocity = np.gradient(position, PERIOD_S, axis=0)
    acceleration = np.gradient(velocity, PERIOD_S, axis=0)
    torque = rigid_body_torque(kinematics, position, velocity, acceleration, motion.T_world_base)
    plan = leading_targets(robot, position, velocity, acceleration, torque, plant, law.lead_s)
    return np.concatenate([plan, plan[-1:]])
