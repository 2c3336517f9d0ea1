"""A person who takes a cup, carries it and puts it down, with small corrections that are known; and robots that do so, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gap.alignment import Tracks
from motion.handling import Handling, HandTrack, Hold
from motion.transform import Array, Transform, quaternion_product, so3_exp

PERIOD_S = 0.02
TIME_S = np.arange(500) * PERIOD_S
HOLD = Hold("right", "cup", 3.0, 7.0)
NEAR_S = (2.4, 2.75, 3.2, 3.6, 6.2, 6.6, 7.2, 7.6)
"""When corrections begin, all about the grasp and the release."""


def minimum_jerk(start_s: float, lasts_s: float, time_s: Array = TIME_S) -> Array:
    """(T,) from 0 to 1."""
    share = np.clip((time_s - start_s) / lasts_s, 0.0, 1.0)
    return share**3 * (10 - 15 * share + 6 * share**2)


def gross_m() -> Array:
    """(T, 3) reach, lift and carry, lower, and leave: nothing small in it."""
    reach, leave = minimum_jerk(0.8, 1.4), minimum_jerk(8.0, 1.4)
    carry = minimum_jerk(4.2, 1.6)
    return np.stack([0.30 * reach - 0.3 * leave, 0.25 * carry, 0.10 * carry * (1 - carry) * 4 + 0.05 * reach], axis=1)


def small_m(seed: int = 0, size_m: float = 0.006, at_s: tuple[float, ...] = NEAR_S) -> Array:
    """(T, 3) corrections: each a step of so much in a direction of its own, within 0.3 s."""
    rng = np.random.default_rng(seed)
    ways = rng.standard_normal((len(at_s), 3))
    ways *= size_m / np.linalg.norm(ways, axis=1, keepdims=True)
    return np.sum([way * minimum_jerk(start, 0.3)[:, None] for way, start in zip(ways, at_s, strict=True)], axis=0)


def poses(place_m: Array, turned_rad: Array | None = None) -> Transform:
    turn = so3_exp(np.zeros((len(place_m), 3)) if turned_rad is None else turned_rad)
    slow = so3_exp(np.outer(minimum_jerk(0.8, 1.4, np.arange(len(place_m)) * PERIOD_S), [0.0, 0.0, 0.5]))
    return Transform(place_m, quaternion_product(slow, turn))


def handling(hand: Transform, hold: Hold = HOLD) -> Handling:
    opening = 1.0 - minimum_jerk(3.0, 0.6) + minimum_jerk(7.0, 0.6)
    track = HandTrack(hand, opening, np.ones(len(TIME_S)))
    return Handling(TIME_S, {hold.side: track}, {"cup": cup(hand)}, (hold,))


def cup(hand: Transform) -> Transform:
    """It goes with the hand's carrying, and does not feel its corrections."""
    carry = gross_m()[:, 1:] - gross_m()[150, 1:]
    held = (HOLD.start_s <= TIME_S)[:, None]
    place = np.column_stack([np.full(len(TIME_S), 0.3), np.where(held, carry, 0.0)])
    return Transform(place, np.tile([1.0, 0.0, 0.0, 0.0], (len(TIME_S), 1)))


def tracks(hand: Transform) -> Tracks:
    """A robot with two joints, of which one reaches and one closes the fingers."""
    joints = np.stack([minimum_jerk(0.8, 1.4) + minimum_jerk(4.2, 1.6), minimum_jerk(3.0, 0.6) - minimum_jerk(7.0, 0.6)], axis=1)
    return Tracks(("arm", "finger"), joints, {"right": hand}, {"cup": cup(hand)}, period_s=PERIOD_S)


def delayed(own: Tracks, steps: int) -> Tracks:
    """The same, so many steps later: it waits at its beginning."""
    rows = np.maximum(np.arange(len(own) + steps) - steps, 0)
    return replace(
        own,
        joint_rad=own.joint_rad[rows],
        hands={side: track[rows] for side, track in own.hands.items()},
        things={name: track[rows] for name, track in own.things.items()},
    )
