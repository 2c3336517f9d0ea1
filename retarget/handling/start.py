"""Where arms begin: of several ways to hold the hand at the first frame, the one from which the rest can be followed best."""

from __future__ import annotations

import numpy as np

from motion.handling import Handling
from motion.transform import Array, Transform
from retarget.handling.arms import Arms
from retarget.handling.settings import HandlingSettings
from robots.chain import Chain, ReachWeights
from robots.tool_frames import tool_chain

_STARTS_N, _FRAMES_N, _ROUNDS = 6, 12, 25
_WANTED = 0.5
_MOST_RAD = 2.0


def start_posture(arms: Arms, handling: Handling, T_base_counter: Transform, settings: HandlingSettings) -> Array:
    """(A,) joints of the arms at the first frame; at rest where no hand is wanted there.

    Solved from rest in one go, with the weights of tracking, an arm may end in a knot that it never leaves. So reaching
    begins from rest and from some postures around it, with small steps, and goes through frames of the whole handling.

    Args:
        arms: of the robot.
        handling: at the result's times.
        T_base_counter: one pose.
        settings: weights.
    """
    robot = arms.robot
    found, count = np.zeros(len(robot.joint_names)), np.zeros(len(robot.joint_names))
    for side, hand in handling.hands.items():
        if np.asarray(hand.wanted)[0] < _WANTED:
            continue
        chain, frames = tool_chain(robot, side), np.flatnonzero(np.asarray(hand.wanted) >= _WANTED)
        some = frames[np.linspace(0, len(frames) - 1, _FRAMES_N).astype(int)]
        posture = _best(chain, T_base_counter @ hand.T_counter_tool[some], settings)
        found[chain.columns] += posture[chain.columns]
        count[chain.columns] += 1
    return np.asarray(np.where(count > 0, found / np.maximum(count, 1), robot.rest_rad)[arms.columns])


def _best(chain: Chain, wanted: Transform, settings: HandlingSettings) -> Array:
    """(J,) the start from which poses (n,), one after the other, are followed at the least cost."""
    robot = chain.robot
    low, high = np.maximum(robot.lower_rad, -_MOST_RAD), np.minimum(robot.upper_rad, _MOST_RAD)
    around = np.random.default_rng(0).uniform(np.minimum(low, high), high, (_STARTS_N - 1, len(low)))
    postures = np.vstack([robot.rest_rad, np.clip((robot.rest_rad + around) / 2, robot.lower_rad, robot.upper_rad)])
    weights = ReachWeights(posture=settings.solver.posture)
    cost, first = np.zeros(_STARTS_N), postures
    for k in range(len(wanted)):
        goal = Transform(np.repeat(wanted.position_m[k : k + 1], _STARTS_N, axis=0), np.repeat(wanted.wxyz[k : k + 1], _STARTS_N, axis=0))
        postures, error = chain.reach(goal, postures, Transform.identity(), weights, _ROUNDS)
        first = postures if k == 0 else first
        leaning = np.sum((postures - robot.rest_rad)[:, chain.columns] ** 2, axis=1)
        cost += (settings.position * error[:, 0]) ** 2 + (max(settings.turning) * error[:, 1]) ** 2 + settings.solver.posture**2 * leaning
    return np.asarray(first[cost.argmin()])
