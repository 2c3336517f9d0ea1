"""Handlings made by hand: a cup is carried, a door pulled open, a knob turned. As a person of the right-handed layout does it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.household.things import Grip, Thing, hollow
from motion.handling import Handling, HandTrack, Hold
from motion.human import Label
from motion.transform import Array, Transform, quaternion_product, rotate, so3_exp, so3_log
from workers.minimum_jerk import progress

RATE_HZ = 50.0
UP = np.array([0.0, 0.0, 1.0])
CUP_GRIP_M = np.array([0.0, 0.0, 0.06])
CUP_KG, CUP_WIDTH_M = 0.2, 0.064

Leg = tuple[float, Array, Array, float]
"""Duration, place at its end, rotation vector at its end, opening at its end."""


def cup_thing() -> Thing:
    """A cup of 200 g, friction 0.5."""
    shapes = hollow(CUP_WIDTH_M / 2, 0.11, 0.004, CUP_KG, friction=0.5)
    return Thing("cup", shapes, grips={"side": Grip("wrap", (0.0, 0.0, 0.06), width_m=CUP_WIDTH_M, spin=(0.0, 0.0, 1.0))})


def walked(legs: Sequence[Leg]) -> tuple[Array, Transform, Array, list[float]]:
    """Times, tool poses and openings along legs of minimum jerk, and when each leg ends."""
    _, place, turn, opening = legs[0]
    places, turns, openings, ends = [place], [so3_exp(turn)], [opening], [0.0]
    for length_s, to, turned, opened in legs[1:]:
        share = progress(np.arange(1, round(length_s * RATE_HZ) + 1) / round(length_s * RATE_HZ))
        way = so3_log(quaternion_product(turns[-1] * [1.0, -1, -1, -1], so3_exp(turned)))
        start = (places[-1], turns[-1], openings[-1])
        places += list(start[0] + share[:, None] * (to - start[0]))
        turns += list(quaternion_product(start[1], so3_exp(share[:, None] * way)))
        openings += list(start[2] + share * (opened - start[2]))
        ends.append(ends[-1] + len(share) / RATE_HZ)
    return np.arange(len(places)) / RATE_HZ, Transform(np.array(places), np.array(turns)), np.array(openings), ends


def still(pose: Transform, count: int) -> Transform:
    """A pose () for all of `count` frames."""
    return Transform(np.tile(pose.position_m, (count, 1)), np.tile(pose.wxyz, (count, 1)))


def carried_cup(side: str = "right") -> Handling:
    """Reach, grasp, lift, carry, place, release, withdraw; a bowl stands by."""
    yaw = 0.4 * UP
    ahead = np.array([np.cos(0.4), np.sin(0.4), 0.0])
    here, there, lift = np.array([0.18, -0.22, 0.06]), np.array([0.16, -0.10, 0.06]), np.array([0.0, 0.0, 0.10])
    legs = [
        (0.0, here - 0.13 * ahead + 0.04 * UP, yaw, 1.0),
        (0.9, here, yaw, 1.0),
        (0.7, here, yaw, 0.0),
        (0.7, here + lift, yaw, 0.0),
        (1.0, there + lift, yaw, 0.0),
        (0.8, there, yaw, 0.0),
        (0.5, there, yaw, 1.0),
        (0.7, there - 0.13 * ahead, yaw, 1.0),
    ]
    time_s, tool, opening, ends = walked(legs)
    cup = tool @ Transform(-CUP_GRIP_M, so3_exp(-yaw))
    first, last = (round(ends[leg] * RATE_HZ) for leg in (2, 5))
    cup = cup[np.clip(np.arange(len(time_s)), first, last)]
    if side == "left":
        tool, cup = (Transform(track.position_m * [1, -1, 1], track.wxyz * [1, -1, 1, -1]) for track in (tool, cup))
    verbs = ("reach", "grasp", "lift", "carry", "place", "release", "withdraw")
    labels = tuple(Label(a, b, verb, "cup", "success") for verb, a, b in zip(verbs, ends, ends[1:], strict=False))
    bowl = still(Transform(np.array([0.22, 0.06, 0.0]), so3_exp(0.3 * UP)), len(time_s))
    hold = Hold(side, "cup", ends[1], ends[5], "wrap")
    return Handling(time_s, {side: HandTrack(tool, opening, np.ones(len(time_s)))}, {"cup": cup, "bowl": bowl}, (hold,), labels)


def opened_door() -> Handling:
    """A hook on a door's handle: the door turns by 60 degrees about its hinge, the hand by a third of that."""
    hinge, handle, yaw = np.array([0.24, 0.02, 0.14]), np.array([0.20, -0.24, 0.14]), 0.44 * UP
    legs = [
        (0.0, handle - [0.10, 0.06, 0.0], yaw, 1.0),
        (0.8, handle, yaw, 1.0),
        (0.5, handle, yaw, 0.0),
        (1.6, handle, yaw, 0.0),
        (0.4, handle, yaw, 1.0),
        (0.6, handle, yaw, 1.0),
    ]
    time_s, tool, opening, ends = walked(legs)
    angle = -1.05 * progress(np.clip((time_s - ends[2]) / (ends[3] - ends[2]), 0, 1))
    place = hinge + rotate(so3_exp(angle[:, None] * UP), tool.position_m - hinge)
    tool = Transform(place, quaternion_product(so3_exp(angle[:, None] / 3 * UP), tool.wxyz))
    away = progress(np.clip((time_s - ends[4]) / (ends[5] - ends[4]), 0, 1))[:, None]
    tool = Transform(tool.position_m - away * [0.08, 0.05, 0.0], tool.wxyz)
    door = Transform(np.tile(hinge, (len(time_s), 1)), so3_exp(angle[:, None] * UP))
    labels = (Label(ends[1], ends[3], "open", "door", "success"),)
    hold = Hold("right", "door", ends[1], ends[3], "hook", 12.0)
    return Handling(time_s, {"right": HandTrack(tool, opening, np.ones(len(time_s)))}, {"door": door}, (hold,), labels)


def turned_knob() -> Handling:
    """Straight fingers around a knob whose axis points ahead; the hand rolls by 70 degrees."""
    knob = np.array([0.24, -0.20, 0.16])

    def roll(angle: float) -> Array:
        return so3_log(quaternion_product(so3_exp(0.1 * UP), so3_exp(np.array([angle, 0.0, 0.0]))))

    back = np.array([0.12, 0.0, 0.0])
    legs = [
        (0.0, knob - back, roll(0.4), 1.0),
        (0.8, knob, roll(0.4), 1.0),
        (0.5, knob, roll(0.4), 0.0),
        (1.5, knob, roll(-0.8), 0.0),
        (0.4, knob, roll(-0.8), 1.0),
        (0.6, knob - back, roll(-0.4), 1.0),
    ]
    time_s, tool, opening, ends = walked(legs)
    first, last = (round(ends[leg] * RATE_HZ) for leg in (2, 3))
    turned = (tool @ Transform(np.zeros(3), tool.wxyz[first] * [1.0, -1, -1, -1]))[np.clip(np.arange(len(time_s)), first, last)]
    track = Transform(np.tile(knob, (len(time_s), 1)), turned.wxyz)
    labels = (Label(ends[1], ends[3], "turn", "knob", "success"),)
    hold = Hold("right", "knob", ends[1], ends[3], "fork", 6.0)
    return Handling(time_s, {"right": HandTrack(tool, opening, np.ones(len(time_s)))}, {"knob": track}, (hold,), labels)
