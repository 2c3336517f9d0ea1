"""When a hand takes something and lets it go: by how hard it is pressed."""

from __future__ import annotations

import numpy as np

from policies.moments import grasp_moments

PERIOD_S = 0.1


def forces(*holds: tuple[int, int]) -> np.ndarray:
    """(200, 2, 2) of a right hand that holds something in these steps; each finger is pressed by 0.6 N."""
    force = np.zeros((200, 2, 2))
    for begin, end in holds:
        force[begin:end, 1] = 0.6
    return force


def told(force: np.ndarray) -> list[int]:
    """Numbers of the steps that are near such a moment."""
    return np.flatnonzero(grasp_moments(force, PERIOD_S)).tolist()


def test_two_seconds_before_and_half_a_second_after_a_grasp_and_its_end() -> None:
    assert told(forces((60, 120))) == [*range(40, 65), *range(100, 125)]


def test_a_short_break_is_none_and_a_touch_is_no_hold() -> None:
    assert told(forces((60, 80), (82, 120))) == told(forces((60, 120)))
    assert told(forces((60, 69))) == []


def test_what_is_held_from_the_beginning_to_the_end_is_neither_taken_nor_let_go() -> None:
    assert told(forces((0, 200))) == []
    assert told(forces((195, 200))) == [*range(175, 200)]


def test_each_hand_holds_by_itself_and_a_light_touch_of_every_finger_adds_up() -> None:
    force = forces((60, 120))
    force[:, 0] = 0.3
    assert told(force) == told(forces((60, 120)))
    assert told(forces((60, 120)) / 2) == []
