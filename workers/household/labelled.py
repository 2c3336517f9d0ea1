"""What a recording says of itself, beside the steps of the demonstration made from it: how sure it is, and what went wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.household.replay import FRAME, Score
from motion.demonstration import CONFIDENCE, CORRECTION, MISTAKE, Demonstration
from motion.transform import Array
from retarget.handling.waiting import WANTED
from robots.robot import Robot
from robots.tool_frames import side_columns

FAILED, CORRECTS = "failure", "correct"
"""Outcome of a label whose span is a mistake; verb of one that puts it right."""
LEAST = 0.1
"""A hand that nobody saw is still believed this much: what was filled in for it did the chore."""


def with_labels(done: Demonstration, score: Score, robot: Robot) -> Demonstration:
    """A replay with `action_confidence` (T, A), and `label_mistake` and `label_correction` (T,), on its own clock.

    Joints of the trunk, which move both hands, are believed as the hand that is surer; what moves no hand is believed, and so is
    a hand on its way from or to where it waits.

    Args:
        done: a replay, which holds `replay_frame`.
        score: what it replayed.
        robot: whose.
    """
    frame = np.minimum(done.signals[FRAME], len(score.motion.time_s) - 1)
    time_s = score.motion.time_s[frame]
    confidence = np.ones((len(frame), len(done.joint_names)))
    confidence[:, : len(robot.joint_names)] = _confidence(score, robot)[frame]
    marks = {MISTAKE: _within(score, time_s, outcome=FAILED), CORRECTION: _within(score, time_s, verb=CORRECTS)}
    return replace(done, signals={**done.signals, **marks, CONFIDENCE: confidence})


def _confidence(score: Score, robot: Robot) -> Array:
    """(T, J) of each frame of the score."""
    found = np.zeros((len(score.motion.time_s), len(robot.joint_names)))
    moved = np.zeros(len(robot.joint_names), bool)
    for side, hand in score.handling.hands.items():
        columns = side_columns(robot, side)
        certain = np.where(np.asarray(hand.wanted) >= WANTED, hand.certain, 1.0)  # where a hand waits is not for the recording to say
        found[:, columns] = np.maximum(found[:, columns], certain[:, None])
        moved[columns] = True
    return np.asarray(np.clip(np.where(moved, found, 1.0), LEAST, 1.0))


def _within(score: Score, time_s: Array, verb: str = "", outcome: str = "") -> np.ndarray:
    """(T,) whether a time lies in a label with this verb or this outcome."""
    inside = np.zeros(len(time_s), bool)
    for label in score.handling.labels:
        if (verb and label.verb == verb) or (outcome and label.outcome == outcome):
            inside |= (time_s >= label.start_s) & (time_s < label.end_s)
    return inside
