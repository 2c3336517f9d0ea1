"""Handlings of somebody who walks about: the base goes along, not faster than it can, and the arms do what they do anywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.chores.base import FASTEST_BASE
from motion.errors import MotionError
from motion.handling import Handling, Hold, stand_at
from motion.human import Label
from motion.transform import Array, Transform
from retarget.handling.moving import base_velocities, edge_height_m, paced, standing_back, taken_along
from retarget.handling.settings import HandlingSettings
from retarget.handling.solution import at_rate, retarget_handling
from robots import load_robot
from robots.ready import ready_for_work
from robots.robot import Robot
from robots.station import station
from tests.retarget.handling.tracks import reach

FASTEST = HandlingSettings().fastest_base
BEHIND = Transform(np.array([-0.3, 0.0, 0.0]), np.array([1.0, 0, 0, 0]))
"""A base 0.3 m behind its stand."""


@pytest.fixture(scope="module")
def robot() -> Robot:
    return ready_for_work(load_robot("g1_dex3"))


def along(handling: Handling, place: Array) -> Handling:
    """The handling of somebody who stands at places (T, 3)."""
    stand = stand_at(place)
    hands = {side: replace(hand, T_counter_tool=stand @ hand.T_counter_tool) for side, hand in handling.hands.items()}
    return replace(handling, hands=hands, things={name: stand @ track for name, track in handling.things.items()}, stand=stand)


def path(count: int, end: tuple[float, float, float]) -> Array:
    """From the counter to a place, smoothly."""
    share = np.linspace(0, 1, count)
    return (share**2 * (3 - 2 * share))[:, None] * np.array(end)


def test_what_is_done_elsewhere_is_done_as_at_the_counter(robot: Robot) -> None:
    there = reach("right")
    place = np.tile([-1.0, 2.0, 1.1], (len(there.time_s), 1))
    usual, moved = retarget_handling(robot, there), retarget_handling(robot, along(there, place))
    np.testing.assert_allclose(moved.motion.joint_position_rad, usual.motion.joint_position_rad, atol=1e-6)
    own = station(robot)
    wanted = own.T_world_counter @ stand_at(place[0]) @ own.T_counter_base
    np.testing.assert_allclose(moved.motion.T_world_base.position_m, np.tile(wanted.position_m, (len(moved.motion.time_s), 1)), atol=1e-9)
    assert moved.report.reached
    assert moved.handling.stand is not None
    assert len(moved.handling.stand) == len(moved.motion.time_s)


def test_a_base_that_drives_is_told_where_hands_and_things_are_in_the_room(robot: Robot) -> None:
    there = reach("right")
    walked = along(there, path(len(there.time_s), (-0.6, 0.3, 0.8)))
    solution = retarget_handling(robot, walked)
    assert np.nanmax(solution.report.position_error_m["right"]) < 0.002
    speeds = base_velocities(solution.motion.T_world_base, np.diff(solution.motion.time_s))
    assert (np.abs(speeds).max(axis=0) <= np.array(FASTEST) * 1.02).all()
    assert (np.array(FASTEST) < FASTEST_BASE).all()
    own = station(robot)
    ends = (own.T_world_counter @ stand_at(np.array([-0.6, 0.3, 0.8])) @ own.T_counter_base).position_m
    np.testing.assert_allclose(solution.motion.T_world_base.position_m[-1], ends, atol=1e-6)
    cup = next(iter(solution.motion.objects))
    np.testing.assert_allclose(
        solution.motion.objects[cup].position_m[-1], own.T_world_counter.apply(walked.things[cup].position_m[-1]), atol=1e-6
    )


def test_hurry_takes_longer_and_holds_and_labels_go_along() -> None:
    """2 m in 2 s, with even speed, is 1 m/s: with 0.5 m/s at most it takes 4 s, and half of it is done after half the time."""
    there = at_rate(reach("right"), 50.0)
    count = len(there.time_s)
    duration = (count - 1) / 50.0
    place = np.zeros((count, 3))
    place[:, 0] = np.arange(count) / 50.0
    hold = Hold("right", "cup", there.time_s[0] + 0.5, there.time_s[0] + 1.0)
    label = Label(there.time_s[0], there.time_s[0] + duration / 2, "walk")
    hurried = replace(along(there, place), holds=(hold,), labels=(label,))
    slow = paced(hurried, BEHIND, (0.5, 0.4, 1.0))
    assert slow.duration_s == pytest.approx(2 * duration)
    assert slow.labels[0].end_s - slow.labels[0].start_s == pytest.approx(duration)
    assert (slow.holds[0].start_s - slow.time_s[0], slow.holds[0].end_s - slow.time_s[0]) == pytest.approx((1.0, 2.0))
    speeds = base_velocities(slow.stand @ BEHIND, np.diff(slow.time_s))  # type: ignore[operator]
    assert np.abs(speeds).max(axis=0) == pytest.approx([0.5, 0.0, 0.0], abs=1e-9)


def test_it_stands_back_from_what_it_takes_too_near() -> None:
    """Taken 7 cm ahead of where somebody seems to stand: 10 cm less than the middle of where a robot works."""
    there = reach("right")
    hand = there.hands["right"]
    taken = replace(there, holds=(Hold("right", "cup", 1.0, 2.0),))
    frame = int(np.argmin(np.abs(there.time_s - 1.0)))
    last = int(np.argmin(np.abs(there.time_s - 2.0)))
    for ahead_m, back_m in ((0.07, 0.10), (0.20, 0.0), (0.0, 0.12)):
        first = stand_at(np.array([hand.T_counter_tool.position_m[[frame, last], 0].min() - ahead_m, 0.0, 0.0]))
        stands = Transform(np.tile(first.position_m, (len(there.time_s), 1)), np.tile(first.wxyz, (len(there.time_s), 1)))
        moved = standing_back(replace(taken, stand=stands)).stand
        assert moved is not None
        assert stands.position_m[frame, 0] - moved.position_m[frame, 0] == pytest.approx(back_m, abs=1e-9)
        assert moved.position_m[:, 1:] == pytest.approx(0.0)
    long = replace(taken, time_s=10.0 * there.time_s, stand=stands, holds=(Hold("right", "cup", 10.0, 20.0),))
    far = standing_back(long).stand
    assert far is not None
    assert far.position_m[[0, -1]] == pytest.approx(stands.position_m[[0, -1]]), "it comes from where it was, and goes on from there"


def test_turning_swings_the_base_that_is_behind() -> None:
    """1 rad/s with a base 0.3 m behind is 0.3 m/s to the right."""
    turned = stand_at(np.column_stack([np.zeros((3, 2)), [0.0, 0.02, 0.04]])) @ BEHIND
    np.testing.assert_allclose(base_velocities(turned, np.full(2, 0.02)), np.tile([0.0, -0.3, 1.0], (2, 1)), atol=5e-3)


def test_who_takes_their_time_is_left_alone() -> None:
    there = reach("right")
    calm = along(there, path(len(there.time_s), (0.05, 0.0, 0.0)))
    assert paced(calm, BEHIND, FASTEST) is calm


def test_a_stand_that_is_lost_or_leans_or_jumps_is_refused() -> None:
    there = reach("right")
    calm = along(there, np.zeros((len(there.time_s), 3)))
    assert calm.stand is not None
    lost, jumped = calm.stand.position_m.copy(), calm.stand.position_m.copy()
    lost[3:5], jumped[7:] = np.nan, 3.0
    with pytest.raises(MotionError, match="not known in 2 frames"):
        paced(replace(calm, stand=Transform(lost, calm.stand.wxyz)), BEHIND, FASTEST)
    with pytest.raises(MotionError, match="times as fast as a base drives"):
        paced(replace(calm, stand=Transform(jumped, calm.stand.wxyz)), BEHIND, FASTEST)
    leaning = Transform(calm.stand.position_m, np.tile([np.cos(0.05), np.sin(0.05), 0.0, 0.0], (len(lost), 1)))
    with pytest.raises(MotionError, match="leans by 5.7 degrees"):
        paced(replace(calm, stand=leaning), BEHIND, FASTEST)
    with pytest.raises(MotionError, match="fastest_base"):
        HandlingSettings(fastest_base=(0.5, 0.0, 1.0))


def test_the_way_back_from_the_stand() -> None:
    there = reach("right")
    walked = along(there, path(len(there.time_s), (1.0, 0.4, -0.5)))
    assert walked.stand is not None
    back = taken_along(walked.from_stand(), walked.stand, 0)
    np.testing.assert_allclose(back.hands["right"].T_counter_tool.position_m, walked.hands["right"].T_counter_tool.position_m, atol=1e-12)
    later = taken_along(walked.from_stand(), walked.stand[5:], 5)
    assert later.stand is not None
    np.testing.assert_array_equal(later.stand.position_m[:5], np.tile(walked.stand.position_m[5], (5, 1)))


def test_arms_may_go_lower_where_work_is_lower() -> None:
    there = reach("right")
    hand = there.hands["right"]
    low = hand.T_counter_tool.position_m - [0, 0, hand.T_counter_tool.position_m[:, 2].min() + 0.1]
    assert edge_height_m(there) == 0.0
    under = there.with_hand("right", replace(hand, T_counter_tool=Transform(low, hand.T_counter_tool.wxyz)))
    assert edge_height_m(under) == pytest.approx(-0.155)
    unwanted = there.with_hand("right", replace(hand, wanted=np.zeros(len(there.time_s))))
    assert edge_height_m(replace(unwanted, hands={"right": unwanted.hands["right"]})) == 0.0
