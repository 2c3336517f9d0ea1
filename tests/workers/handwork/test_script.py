"""What scripts write: smooth ways, held things that move with the hand, and mistakes that are corrected."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from envs.household.scene import Scene
from envs.household.shapes import box, cylinder
from envs.household.things import Grip, Joint, Shape, Thing, mirrored
from motion.errors import MotionError, UnknownNameError
from motion.handling import Handling
from motion.transform import Transform, so3_log
from workers.handwork.engine import Script
from workers.handwork.poses import comfortable_yaw_rad, pose_at, stroke, yaw_of
from workers.handwork.style import HandStyle, draw_hand_style
from workers.handwork.verbs import EDGED

PERIOD_S = 0.02
CAN_M, BOX_M, GOAL_M = (0.2, -0.2, 0.0), (0.12, -0.3, 0.0), (0.18, -0.05, 0.02)


def things() -> tuple[Thing, ...]:
    handle = Grip("hook", (0.18, -0.03, 0.0))
    door = Thing(
        "door",
        (Shape("box", (0.1, 0.005, 0.1)),),
        Joint("hinge", range=(-1.6, 0.0)),
        position_m=(0.25, -0.25, 0.12),
        role="fixture",
        grips={"handle": handle},
    )
    return (cylinder("can", 0.03, 0.11, 0.2).at(CAN_M), box("carton", (0.03, 0.025, 0.05), 0.1).at(BOX_M, 0.4), door)


def scene(side: str = "right") -> Scene:
    own = things() if side == "right" else mirrored(things())
    return Scene("none", "full", 0, side, own, "")


def script(style: HandStyle | None = None, side: str = "right", seed: int = 0) -> Script:
    return Script(scene(side), style or HandStyle(), np.random.default_rng(seed))


def move_the_can(written: Script) -> Handling:
    sign = 1.0 if written.main == "right" else -1.0
    written.pick("can")
    written.put((GOAL_M[0], sign * GOAL_M[1], GOAL_M[2]), wrong=(0.12, sign * -0.12, 0.0))
    written.home()
    return written.handling()


def test_a_stroke_starts_and_ends_at_rest_and_overshoots_nothing() -> None:
    points = [pose_at((0.0, 0.0, 0.1)), pose_at((0.2, 0.1, 0.2), 0.3), pose_at((0.2, -0.1, 0.06), 0.5), pose_at((0.31, -0.1, 0.06), 0.5)]
    way = stroke(points, 0.4, PERIOD_S)
    corners = np.array([point.position_m for point in points])
    assert np.abs(way[-1].position_m - corners[-1]).max() < 1e-9
    assert np.linalg.norm(so3_log((way[-1].inverse() @ points[-1]).wxyz)) < 1e-9
    assert (way.position_m >= corners.min(0) - 1e-9).all()
    assert (way.position_m <= corners.max(0) + 1e-9).all()
    speed = np.linalg.norm(np.diff(way.position_m, axis=0, prepend=corners[:1]), axis=1) / PERIOD_S
    assert speed[0] < 0.02
    assert speed[-1] < 0.02
    middle = speed[5:-5]
    assert middle.min() > 0.02, "a hand does not stop at what it passes"
    assert speed.max() < 0.4 * 1.5


def test_a_hand_slides_in_along_its_fingers() -> None:
    written = script()
    goal = written.at_grip("can")
    written.reach("can")
    written.grasp("can")
    written.release()
    track = written.handling().hands["right"].T_counter_tool
    inside = goal.inverse() @ track
    near = np.linalg.norm(inside.position_m, axis=1) < 0.08
    assert np.abs(inside.position_m[near][:, 1:]).max() < 0.008
    assert (np.diff(inside.position_m[near][:, 0]) > -1e-9).all()


def test_a_held_thing_moves_with_the_tool_and_stays_where_it_is_put() -> None:
    handling = move_the_can(script())
    (hold,) = handling.holds
    during = handling.during(hold) & (handling.time_s > hold.start_s + HandStyle().close_s)
    relative = handling.hands["right"].T_counter_tool[during].inverse() @ handling.things["can"][during]
    assert np.ptp(relative.position_m, axis=0).max() < 1e-9
    before = handling.time_s < hold.start_s
    assert np.abs(handling.things["can"].position_m[before] - CAN_M).max() == 0.0
    assert np.abs(handling.things["can"].position_m[-1] - GOAL_M).max() < 1e-9
    assert handling.things["can"].position_m[:, 2].max() >= HandStyle().clearance_m
    assert hold.force_n == pytest.approx(1.6 * 0.2 * 9.81 / 0.8)


def test_slippery_heavy_and_edged_things_are_gripped_harder() -> None:
    least = 0.1 * 9.81 / 0.8
    assert script(HandStyle(grip_margin=2.0)).grip_force_n("can") == pytest.approx(2.0 * 2 * least)
    assert script(HandStyle(grip_margin=2.0)).grip_force_n("carton") == pytest.approx(2.0 * EDGED * least)


def test_the_mirrored_scene_gives_the_mirrored_handling() -> None:
    right, left = move_the_can(script()), move_the_can(script(side="left"))
    assert right.time_s == pytest.approx(left.time_s)
    one, other = right.hands["right"].T_counter_tool, left.hands["left"].T_counter_tool
    assert np.abs(one.position_m * [1, -1, 1] - other.position_m).max() < 1e-9
    assert np.abs(np.abs(one.wxyz) - np.abs(other.wxyz)).max() < 1e-9


def test_the_nearest_side_of_a_box_is_taken() -> None:
    written = script()
    assert abs(yaw_of(written.at_grip("carton")) - comfortable_yaw_rad(np.array(BOX_M), "right")) <= np.pi / 4 + 1e-9
    turn = yaw_of(written.at_grip("carton")) - 0.4
    assert min(abs(turn - k * np.pi / 2) for k in range(-4, 5)) < 1e-9


def test_a_hand_follows_a_door_as_far_as_it_is_told() -> None:
    turned = []
    for follow in (1.0, 0.3, 0.0):
        written = script()
        written.approach(written.at_grip("door", "handle"), "door")
        written.grasp("door", "hook")
        start, on_door = written.tool(), written.pose("door").inverse() @ written.tool()
        written.turn("door", -1.0, 1.5, follow=follow)
        assert written.value("door") == -1.0
        where = written.pose("door").apply(on_door.position_m)
        assert np.abs(where - written.tool().position_m).max() < 1e-9
        turned.append(float(np.linalg.norm(so3_log((start.inverse() @ written.tool()).wxyz))))
        written.release()
    assert turned == pytest.approx([1.0, 0.3, 0.0], abs=1e-6)


def test_a_worker_who_errs_corrects() -> None:
    handling = move_the_can(script(HandStyle(miss_rate=1.0, misplace_rate=1.0)))
    failed = [label.verb for label in handling.labels if label.outcome == "failure"]
    assert failed == ["reach", "grasp", "place", "reach", "grasp"]
    assert "correct" in {label.verb for label in handling.labels if label.outcome == "success"}
    assert len(handling.holds) == 2
    assert np.abs(handling.things["can"].position_m[-1] - GOAL_M).max() < 1e-9
    spans = [(label.start_s, label.end_s) for label in handling.labels]
    assert all(one[1] <= other[0] + 1e-9 for one, other in itertools.pairwise(spans)), "labels do not overlap"


def test_wobble_is_small_and_bounded() -> None:
    ends = np.array([move_the_can(script(HandStyle(wobble_m=0.006), seed=seed)).things["can"].position_m[-1] for seed in range(8)])
    off = np.abs(ends - GOAL_M)
    assert 0.001 < off[:, :2].max() <= 0.01 + 1e-9
    assert off[:, 2].max() < 1e-9


def test_the_same_seed_writes_the_same_handling() -> None:
    style = draw_hand_style(np.random.default_rng(5))
    one, two = move_the_can(script(style, seed=3)), move_the_can(script(style, seed=3))
    assert np.array_equal(one.hands["right"].T_counter_tool.position_m, two.hands["right"].T_counter_tool.position_m)
    assert one.labels == two.labels


def test_the_other_hand_counts_only_where_it_is_wanted() -> None:
    written = script()
    written.clear_away()
    handling = move_the_can(written)
    assert handling.hands["left"].wanted[0] == 0.0
    assert handling.hands["left"].wanted[-1] == 1.0
    assert handling.hands["right"].wanted[-1] == pytest.approx(0.0)
    assert handling.hands["right"].wanted.max() == 1.0


def holding(written: Script) -> Script:
    written.pick("can")
    return written


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda: holding(script()).handling(), MotionError, "ends while a hand holds can"),
        (lambda: holding(script()).grasp("carton"), MotionError, "holds can already"),
        (lambda: script().release(), MotionError, "holds nothing to release"),
        (lambda: script().carry((0.2, 0.0, 0.0)), MotionError, "holds nothing"),
        (lambda: script().reach("cup"), UnknownNameError, "carton"),
        (lambda: script().reach("can", "rim"), UnknownNameError, "side"),
    ],
)
def test_what_hands_cannot_do_is_said(wrong: Callable[[], object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        wrong()


def test_a_thing_put_down_leaning_stands_upright() -> None:
    written = holding(script())
    leaning = Transform(np.array([0.2, -0.1, 0.05]), np.array([np.cos(0.2), np.sin(0.2), 0.0, 0.0]))
    written.place(leaning)
    written.release(stands_at_m=0.0)
    pose = written.pose("can")
    assert pose.rotation()[2, 2] == pytest.approx(1.0)
    assert pose.position_m == pytest.approx([0.2, -0.1, 0.0])


def test_what_rides_moves_with_its_carrier() -> None:
    written = holding(script())
    written.place((0.12, -0.3, 0.1))
    written.release(rides_on="carton")
    written.retreat()
    before = written.pose("carton").inverse() @ written.pose("can")
    written.pick("carton")
    after = written.pose("carton").inverse() @ written.pose("can")
    assert written.pose("carton").position_m[2] > 0.05
    assert np.abs(after.position_m - before.position_m).max() < 1e-9
    written.release()
