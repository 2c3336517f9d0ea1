"""Cloth is held where a thumb's tip meets the fingers': at the tool frame's origin in people, elsewhere in some robots' hands."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from motion.handling import Handling, HandTrack, Hold
from motion.transform import Array, Transform, rotate
from robots.hands import RobotHand, hand_of
from robots.kinematics import Kinematics
from robots.robot import Robot

TIPS = "nip"
"""The grasp that is done with the tips."""
PRESS_M, CLEAR_M, CLOSING = 0.004, 0.008, 0.4
"""Tips that have closed are led this far below where people have theirs, into what they press on: fingers give way, and press by
that. Tips that are open are led this far above; between this opening and none they come down."""
_OPPOSITE = ("index", "middle")


def tip_m(robot: Robot, hand: RobotHand) -> Array:
    """(3,) where the tips meet in the tool frame of a hand that has closed on cloth; zeros for one without fingers."""
    if "thumb" not in hand.fingers or len(hand.fingers) < 2:
        return np.zeros(3)
    joints = robot.rest_rad.copy()
    joints[robot.joint_index(hand.joint_names)] = hand.posture(TIPS, 0.0)[0]
    kinematics = Kinematics(robot)
    tool = kinematics.frame_poses([hand.link], joints)[0, 0] @ hand.T_link_tool
    others = [name for name in hand.fingers if name in _OPPOSITE] or [name for name in hand.fingers if name != "thumb"]
    pads = kinematics.point_positions([hand.fingers[name].pad for name in ("thumb", *others)], joints)[0]
    return np.asarray(tool.inverse().apply((pads[0] + pads[1:].mean(axis=0)) / 2))


def at_tips(robot: Robot, handling: Handling) -> Handling:
    """The same, for hands whose tips meet elsewhere: where they take cloth, the tips and not the tool's origin are led.

    Args:
        robot: whose hands.
        handling: as people do it. One in which no cloth is held stays as it is.
    """
    hands = dict(handling.hands)
    for side, track in handling.hands.items():
        holds = [hold for hold in handling.holds if hold.side == side]
        if any(hold.grasp == TIPS for hold in holds):
            off = tip_m(robot, hand_of(robot, side))
            hands[side] = _shifted(track, _share(handling.time_s, holds), off)
    return replace(handling, hands=hands)


def _shifted(track: HandTrack, share: Array, off_m: Array) -> HandTrack:
    """A hand whose tips, `off_m` (3,) in the tool frame, go where its origin went, as far as they count (T,).

    They come down as they close: tips that pressed while they are far apart would stick to where they are.
    """
    pose, open_share = track.T_counter_tool, np.clip(np.asarray(track.opening, float) / CLOSING, 0.0, 1.0)
    to = -rotate(pose.wxyz, off_m)
    to[:, 2] += open_share * CLEAR_M - (1 - open_share) * PRESS_M
    return replace(track, T_counter_tool=Transform(pose.position_m + share[:, None] * to, pose.wxyz))


def _share(time_s: Array, holds: list[Hold]) -> Array:
    """(T,) 1 where a hand's tips count: changing from hold to hold while the hand is on its way."""
    own = np.full(len(time_s), float(holds[0].grasp == TIPS))
    for before, after in itertools.pairwise(holds):
        gap = max(after.start_s - before.end_s, 1e-6)
        share = np.clip((time_s - before.end_s) / gap, 0.0, 1.0)
        share = share**3 * (10 - 15 * share + 6 * share * share)
        own = own + share * (float(after.grasp == TIPS) - own)
    return own
