"""How a hand's fingers go: by the grasp of the hold that is, or comes next, and by how far the hand is open."""

from __future__ import annotations

import itertools

import numpy as np

from motion.handling import Handling, Hold
from motion.transform import Array
from retarget.limits import Bounds, hold_bounds
from robots.hands import RobotHand
from robots.robot import Robot

_UNTOLD = "wrap"
"""Grasp of a hand that holds nothing at any time."""


def finger_track(robot: Robot, hand: RobotHand, handling: Handling, regrasp: tuple[float, float]) -> Array:
    """Angles (T, k) of a hand's joints, within their bounds.

    Between two holds the fingers change from one grasp's posture to the other's while the hand is on its way, so that
    the next preshape is there before the thing is reached.

    Args:
        robot, hand: whose fingers.
        handling: with a track of this hand.
        regrasp: shares of the time between two holds at which the change begins and ends.
    """
    opening = np.asarray(handling.hands[hand.side].opening, float)
    holds = [hold for hold in handling.holds if hold.side == hand.side]
    track = hand.posture(holds[0].grasp if holds else _UNTOLD, opening)
    for before, after in itertools.pairwise(holds):
        share = _change(handling.time_s, before, after, regrasp)[:, None]
        track = (1 - share) * track + share * hand.posture(after.grasp, opening)
    return _bounded(robot, hand, handling.time_s, track)


def _change(time_s: Array, before: Hold, after: Hold, regrasp: tuple[float, float]) -> Array:
    """(T,) 0 before the change, 1 after it, smooth in between."""
    gap = max(after.start_s - before.end_s, 1e-6)
    s = np.clip(((time_s - before.end_s) / gap - regrasp[0]) / (regrasp[1] - regrasp[0]), 0.0, 1.0)
    return np.asarray(s**3 * (10 - 15 * s + 6 * s * s))


def _bounded(robot: Robot, hand: RobotHand, time_s: Array, track: Array) -> Array:
    if not len(hand.joint_names):
        return track
    columns, bounds, out = robot.joint_index(hand.joint_names), Bounds.of(robot), np.empty_like(track)
    own = (bounds.lower_rad, bounds.upper_rad, bounds.speed_radps, bounds.acceleration_radps2)
    hold_bounds(np.ascontiguousarray(track), time_s, *(values[columns] for values in own), out)
    return out
