"""The moments that decide a chore: when a hand takes something, and when it lets go."""

from __future__ import annotations

import itertools

import numpy as np

from motion.transform import Array

HELD_N = 1.0
"""A hand that is pressed harder than this, by all its fingers together, holds something."""
GAP_S, LEAST_HOLD_S = 0.3, 1.0
"""Shorter breaks of a hold are none, and shorter holds are touches."""
BEFORE_S, AFTER_S = 2.0, 0.5
"""What belongs to such a moment."""


def grasp_moments(hand_force_n: Array, period_s: float) -> np.ndarray:
    """Steps (T,) that are within `BEFORE_S` before or `AFTER_S` after a hand takes something or lets go.

    Args:
        hand_force_n: (T, hands, ...) how hard each hand is pressed, N; what follows the second axis is added up.
        period_s: of the steps.
    """
    steps = len(hand_force_n)
    near = np.zeros(steps, bool)
    for force in hand_force_n.reshape(steps, hand_force_n.shape[1], -1).sum(2).T:
        holds = _without_short(force > HELD_N, False, round(GAP_S / period_s))
        holds = _without_short(holds, True, round(LEAST_HOLD_S / period_s))
        for change in np.flatnonzero(np.diff(holds)) + 1:
            near[max(0, change - round(BEFORE_S / period_s)) : change + round(AFTER_S / period_s)] = True
    return near


def _without_short(track: np.ndarray, value: bool, least_n: int) -> np.ndarray:
    """Runs of `value` that are shorter than `least_n` turned round; those at either end stay: nobody knows how long they were."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(track)) + 1, [len(track)]])
    out = track.copy()
    for begin, end in itertools.pairwise(edges):
        if begin > 0 and end < len(track) and track[begin] == value and end - begin < least_n:
            out[begin:end] = not value
    return out
