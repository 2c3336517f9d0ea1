"""Short hands push from further ahead; long ones as people do."""

from __future__ import annotations

import numpy as np
import pytest

from motion.handling import Handling, Hold
from retarget.handling.arms import arms_of
from retarget.handling.pushing import fingertips_ahead_m, with_longer_pushes
from robots import load_robot
from robots.hands import hand_of
from robots.ready import ready_for_work
from tests.retarget.handling.tracks import handling, times, yawed


def push(grasp: str) -> Handling:
    still = times(4.0)
    hold = Hold("right", "cup", 1.5, 2.5, grasp, 5.0)
    return handling("right", 4.0, np.tile([0.15, -0.2, 0.15], (len(still), 1)), yawed(np.full(len(still), np.pi / 2)), (hold,))


@pytest.mark.parametrize(("name", "further"), [("g1_dex3", False), ("talos", True)])
def test_fingertips_end_where_a_persons_do(name: str, further: bool) -> None:
    robot, own = ready_for_work(load_robot(name)), push("flat")
    hands = {"right": hand_of(robot, "right")}
    shift = with_longer_pushes(robot, hands, own).hands["right"].T_counter_tool.position_m - own.hands["right"].T_counter_tool.position_m
    inside = (own.time_s >= 1.5) & (own.time_s <= 2.5)
    lack_m = max(0.0, 0.094 - fingertips_ahead_m(robot, hands["right"]))
    assert (lack_m > 0.05) == further
    np.testing.assert_allclose(shift[inside], np.tile([0.0, lack_m, 0.0], (inside.sum(), 1)), atol=1e-9)
    np.testing.assert_array_equal(shift[[0, -1]], 0.0)
    assert np.abs(np.diff(shift, axis=0)).max() <= 0.02 * 2 * lack_m / 0.6 + 1e-12


def test_a_grip_stays_where_it_is() -> None:
    robot, own = ready_for_work(load_robot("talos")), push("wrap")
    moved = with_longer_pushes(robot, arms_of(robot).hands, own)
    np.testing.assert_array_equal(moved.hands["right"].T_counter_tool.position_m, own.hands["right"].T_counter_tool.position_m)
