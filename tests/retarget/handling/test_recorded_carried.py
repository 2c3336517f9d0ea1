"""What a hand says of a thing that it holds, believed by how noisy hand and tracker are."""

from __future__ import annotations

import numpy as np

from motion.transform import Array, Transform
from retarget.handling.recorded_carried import carried
from retarget.handling.recorded_holds import Hand, Span
from retarget.handling.recorded_settings import RecordedSettings

TIMES = np.arange(500) / 50
SPAN = Span("right", "spoon", 1.0, 9.0, 20.0)
NOISY, QUIET = (0.0045, 0.04), (0.0, 0.0)
ROUND = np.column_stack([0.03 * np.cos(6 * TIMES), 0.03 * np.sin(6 * TIMES), 0 * TIMES])
WANDER = np.column_stack([0 * TIMES, 0 * TIMES, 0.004 * np.sin(1.5 * TIMES)])


def off_m(seen: Array, hand: Array, doubt: tuple[float, float], unseen_s: Array | None = None) -> Array:
    """(S,) how far a thing that truly goes around, seen at (S, 3), is off with a hand at (S, 3)."""
    guessed = np.zeros(len(TIMES)) if unseen_s is None else unseen_s
    held = Hand("right", level(hand), np.zeros((len(TIMES), 20, 3)), np.zeros(len(TIMES)), np.ones(len(TIMES)))
    return np.linalg.norm(carried(level(seen), guessed, doubt, held, SPAN, TIMES, RecordedSettings()).position_m - ROUND, axis=-1)


def level(place: Array) -> Transform:
    return Transform(place, np.tile([1.0, 0, 0, 0], (len(place), 1)))


def test_a_steady_hand_halves_the_drift_of_a_noisy_tracker_within_the_hold_only() -> None:
    off, before = off_m(ROUND + WANDER, ROUND + [0, 0, 0.2], NOISY), np.linalg.norm(WANDER, axis=-1)
    firm = (TIMES > 1.5) & (TIMES < 8.5)
    assert off[firm].mean() < 0.5 * before[firm].mean()
    outside = (SPAN.start_s > TIMES) | (SPAN.end_s < TIMES)
    np.testing.assert_array_equal(off[outside], before[outside])


def test_a_quiet_tracker_is_believed_and_the_hand_is_not() -> None:
    np.testing.assert_allclose(off_m(ROUND, ROUND + WANDER + [0, 0, 0.2], QUIET), 0.0, atol=1e-9)


def test_a_hand_that_slides_says_nothing_of_the_thing_but_where_that_is_unseen() -> None:
    slides = ROUND + [0, 0, 0.2] + np.outer(np.linspace(0, 0.06, len(TIMES)), [0, 0, 1])
    np.testing.assert_allclose(off_m(ROUND, slides, NOISY), 0.0, atol=1e-9)
    lost = np.where((TIMES > 4.5) & (TIMES < 5.5), 0.5, 0.0)
    assert off_m(ROUND + lost[:, None], slides, NOISY, lost)[TIMES == 5.0][0] < 0.01
