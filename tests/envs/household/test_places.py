"""Room on the counter: by hand arithmetic, and by what mirrors do."""

from __future__ import annotations

import numpy as np
import pytest

from envs.household.places import (
    ARM_BEHIND_M,
    BACK_OF_HAND_M,
    FINGERS_AHEAD_M,
    PALM_SIDE_M,
    Spot,
    air_m,
    clearance_m,
    order_of_taking,
    scattered,
)
from motion.errors import MotionError

GOAL = Spot(0.2, -0.2, 0.03)


@pytest.mark.parametrize(
    ("along", "across", "air"),
    [
        (FINGERS_AHEAD_M + 0.05, 0.0, 0.03),
        (-ARM_BEHIND_M - 0.05, 0.0, 0.03),
        (0.0, PALM_SIDE_M + 0.05, 0.03),
        (0.0, -BACK_OF_HAND_M - 0.05, 0.03),
        (-0.1, -BACK_OF_HAND_M, -0.02),
        (-0.1, 0.0, -PALM_SIDE_M - 0.02),
    ],
)
def test_air_beside_a_hand_and_its_forearm(along: float, across: float, air: float) -> None:
    yaw = 0.6
    there = (GOAL.x_m + along * np.cos(yaw) - across * np.sin(yaw), GOAL.y_m + along * np.sin(yaw) + across * np.cos(yaw))
    assert clearance_m(GOAL, yaw, [Spot(*there, 0.02)]) == pytest.approx(air)
    mirrored = Spot(there[0], -there[1], 0.02)
    assert clearance_m(Spot(GOAL.x_m, -GOAL.y_m, GOAL.radius_m), -yaw, [mirrored], "left") == pytest.approx(air)


def test_nothing_else_is_never_in_the_way() -> None:
    assert clearance_m(GOAL, 0.0, []) == np.inf


def test_what_stands_before_the_other_is_taken_first() -> None:
    near, far = Spot(0.1, -0.2, 0.03), Spot(0.25, -0.2, 0.03)
    order, free = order_of_taking([far, near], [[0.0], [0.0]])
    assert [index for index, _ in order] == [1, 0]
    assert free == pytest.approx(0.15 - FINGERS_AHEAD_M - 0.03)


def test_a_yaw_with_room_is_preferred_to_a_comfortable_one() -> None:
    goal, beside = Spot(0.25, -0.15, 0.03), Spot(0.12, -0.27, 0.03)
    order, free = order_of_taking([goal], [[0.6, -0.2]], [beside])
    assert order == [(0, -0.2)]
    assert free > 0
    assert order_of_taking([goal], [[0.6, -0.2]], [])[0] == [(0, 0.6)]


def test_scattered_things_are_apart_and_inside() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        spots = scattered(rng, (0.1, -0.3), (0.3, -0.1), [0.03, 0.035, 0.03], 0.05)
        assert all(0.1 <= spot.x_m <= 0.3 and -0.3 <= spot.y_m <= -0.1 for spot in spots)
        assert min(air_m(spots[0], spots[1]), air_m(spots[0], spots[2]), air_m(spots[1], spots[2])) >= 0.05


def test_no_room_is_said() -> None:
    with pytest.raises(MotionError, match="no room for 9 things"):
        scattered(np.random.default_rng(0), (0.1, -0.2), (0.2, -0.1), [0.03] * 9, 0.05)
