"""Pushing with the fingertips: a hand whose fingers are short goes as much further as they lack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from motion.handling import Handling, Hold
from motion.transform import Array, Transform, rotate
from robots.chain import Chain
from robots.hands import RobotHand
from robots.robot import Robot

_PUSHING = "flat"
_REACH_M = 0.094
"""How far ahead of the tool frame the fingertips of a flat hand are expected, at least: a person's, and those of a robot hand as
large, are there. What is pushed by them stays where a shorter hand ends."""
_FADE_S = 0.6
"""Before and after the push, the hand comes and goes by the further way over this time."""


def with_longer_pushes(robot: Robot, hands: Mapping[str, RobotHand], handling: Handling) -> Handling:
    """The handling with flat hands that go as far ahead as the robot's fingers are too short; the same where none are.

    Args:
        robot, hands: whose.
        handling: at any times.
    """
    tracks = dict(handling.hands)
    for side, track in handling.hands.items():
        lack_m = _REACH_M - fingertips_ahead_m(robot, hands[side])
        shares = [_share(handling, hold.start_s, hold.end_s) for hold in handling.holds if _pushes(hold, side)]
        if lack_m > 0 and shares:
            pose, share = track.T_counter_tool, np.max(shares, axis=0)
            further = rotate(pose.wxyz, np.array([lack_m, 0.0, 0.0])) * share[:, None]
            tracks[side] = replace(track, T_counter_tool=Transform(pose.position_m + further, pose.wxyz))
    return replace(handling, hands=tracks)


def fingertips_ahead_m(robot: Robot, hand: RobotHand) -> float:
    """How far ahead of the tool frame the foremost pad is when the hand is flat; as expected of a hand without fingers."""
    posture = robot.rest_rad.copy()
    posture[robot.joint_index(hand.joint_names)] = hand.posture(_PUSHING, 0.0)[0]
    tool = Chain(robot, hand.link, hand.T_link_tool).poses(posture, Transform.identity())
    pads = [Chain(robot, f.pad.frame, Transform(np.array(f.pad.offset_m), np.array([1.0, 0, 0, 0]))) for f in hand.fingers.values()]
    ahead = [float((tool.inverse() @ pad.poses(posture, Transform.identity())).position_m.ravel()[0]) for pad in pads]
    return max(ahead, default=_REACH_M)


def _pushes(hold: Hold, side: str) -> bool:
    return hold.side == side and hold.grasp == _PUSHING


def _share(handling: Handling, start_s: float, end_s: float) -> Array:
    """(T,) 1 during a push, smoothly 0 away from it."""
    away = np.maximum(start_s - handling.time_s, handling.time_s - end_s) / _FADE_S
    s = np.clip(1.0 - away, 0.0, 1.0)
    return np.asarray(s**3 * (10 - 15 * s + 6 * s * s))
