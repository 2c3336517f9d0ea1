"""Transport: a made pick and place, carried over to other layouts; every number is worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.errors import UnknownNameError
from motion.handling import Handling, HandTrack, Hold
from motion.human import Label
from motion.transform import Transform, so3_exp
from retarget.handling.acts import FREE, HOME, acts_of, nearest_points
from retarget.handling.layout import Layout, Solid, SolidGrip, mirrored_handling, mirrored_layout
from retarget.handling.transport import TransportSettings, transported

RATE_HZ = 50.0
CUP, MARK = np.array([0.15, -0.20, 0.0]), np.array([0.20, 0.05, 0.0])
GRIP_M = 0.06
STILL = TransportSettings(yaw_per_m=0.0)


def upright(place_m: np.ndarray) -> Transform:
    return Transform(np.asarray(place_m, float), np.broadcast_to([1.0, 0, 0, 0], (*np.shape(place_m)[:-1], 4)).copy())


def ways(*points: tuple[float, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Times and straight ways between timed points."""
    times = np.arange(0, points[-1][0] + 1e-9, 1 / RATE_HZ)
    at = [point[0] for point in points]
    return times, np.column_stack([np.interp(times, at, [point[1][axis] for point in points]) for axis in range(3)])


def pick_and_place(labels: bool = True) -> Handling:
    """From rest to the cup (1 s .. 2 s), up, across, down on the mark (held 2 .. 6 s), and back."""
    up, grip, rest = np.array([0, 0, 0.12]), np.array([0, 0, GRIP_M]), np.array([-0.1, -0.3, 0.1])
    here, there = CUP + grip, MARK + grip
    times, tool = ways((0, rest), (1.5, here), (2.5, here), (3.2, here + up), (4.6, there + up), (5.4, there), (6.2, there), (7.5, rest))
    held = (times >= 2.0) & (times <= 6.0)
    cup = np.where(held[:, None], tool - grip, np.where((times < 2.0)[:, None], CUP, MARK))
    mark = np.tile(MARK, (len(times), 1))
    said = (Label(4.6, 5.4, "place", "cup"),) if labels else ()
    hand = HandTrack(upright(tool), np.ones(len(times)), np.ones(len(times)))
    return Handling(
        times, {"right": hand}, {"cup": upright(cup), "mark": upright(mark)}, (Hold("right", "cup", 2.0, 6.0, force_n=5.0),), said
    )


def layout(cup_m: np.ndarray = CUP, mark_m: np.ndarray = MARK, grip_m: float = GRIP_M, load_n: float = 2.0) -> Layout:
    grips = (SolidGrip("wrap", (0.0, 0.0, grip_m), spins=True),)
    cup = Solid(upright(cup_m), (0.03, 0.03, grip_m), grips, load_n=load_n)
    return Layout({"cup": cup, "mark": Solid(upright(mark_m), (0.04, 0.04, 0.001), loose=False)})


@pytest.mark.parametrize("labels", [True, False])
def test_segments_are_read_off_the_handling(labels: bool) -> None:
    handling = pick_and_place(labels)
    acts = acts_of(handling, handling.holds[0], layout())
    assert [act.reference for act in acts] == [HOME, "mark"]
    assert handling.time_s[acts[0].end] == pytest.approx(3.3, abs=0.15)  # it has left its place, 2 cm across
    assert handling.time_s[acts[1].start] == pytest.approx(4.5, abs=0.15)  # and is over the mark


def test_the_same_layout_changes_nothing() -> None:
    handling = pick_and_place()
    same = transported(handling, layout(), layout(), STILL).handling
    assert np.allclose(same.hands["right"].T_counter_tool.position_m, handling.hands["right"].T_counter_tool.position_m, atol=1e-9)
    assert np.allclose(same.time_s, handling.time_s)


def test_things_are_taken_and_put_where_they_are_now() -> None:
    cup, mark = CUP + [0.05, -0.03, 0], MARK + [-0.04, 0.06, 0]
    done = transported(pick_and_place(), layout(), layout(cup, mark), STILL)
    moved, hold = done.handling, done.handling.holds[0]
    tool = moved.hands["right"].T_counter_tool.position_m
    inside = moved.during(hold)
    assert np.allclose(tool[inside][0], cup + [0, 0, GRIP_M])
    assert np.allclose(moved.things["cup"].position_m[0], cup)
    assert np.allclose(moved.things["cup"].position_m[-1], mark, atol=1e-6)
    assert np.allclose(tool[inside] - moved.things["cup"].position_m[inside], [0, 0, GRIP_M])  # carried as it was taken
    assert np.allclose(tool[[0, -1]], [[-0.1, -0.3, 0.1]] * 2)  # hands come from where they came from
    assert [segment["follows"] for segment in done.plan] == [HOME, "mark"]


def test_longer_ways_take_longer_and_no_hand_becomes_fast() -> None:
    handling = pick_and_place()
    moved = transported(handling, layout(), layout(CUP + [0, -0.15, 0], MARK + [0, 0.1, 0]), STILL).handling
    assert moved.duration_s > handling.duration_s + 0.5
    fastest = [
        np.linalg.norm(np.diff(h.hands["right"].T_counter_tool.position_m, axis=0), axis=-1) / np.diff(h.time_s) for h in (handling, moved)
    ]
    assert fastest[1].max() < 1.3 * fastest[0].max()


def test_larger_things_are_taken_at_their_own_grip_and_harder() -> None:
    moved = transported(pick_and_place(), layout(), layout(grip_m=0.075, load_n=5.0), STILL).handling
    inside = moved.during(moved.holds[0])
    assert np.allclose((moved.hands["right"].T_counter_tool.position_m - moved.things["cup"].position_m)[inside], [0, 0, 0.075])
    assert moved.holds[0].force_n == pytest.approx(12.5)  # 5 N x 5 / 2


def test_a_hand_turns_to_where_it_comes_from() -> None:
    moved = transported(pick_and_place(), layout(), layout(CUP + [0, 0.1, 0]), TransportSettings(yaw_per_m=2.0)).handling
    start = int(np.flatnonzero(moved.during(moved.holds[0]))[0])
    assert np.allclose(moved.hands["right"].T_counter_tool.wxyz[start], so3_exp(np.array([0, 0, 0.2])))  # 2 rad/m x 0.1 m


def test_a_box_is_taken_by_the_side_that_turns_the_hand_least() -> None:
    quarters = tuple(SolidGrip("wrap", (0.0, 0.0, GRIP_M), k * np.pi / 2) for k in range(4))
    boxes = [
        Layout({**layout().solids, "cup": Solid(Transform(CUP, so3_exp(np.array([0, 0, yaw]))), (0.03, 0.025, GRIP_M), quarters)})
        for yaw in (0.0, np.pi / 2 + 0.1)
    ]
    moved = transported(pick_and_place(), *boxes, STILL).handling
    start = int(np.flatnonzero(moved.during(moved.holds[0]))[0])
    assert np.allclose(moved.hands["right"].T_counter_tool.wxyz[start], so3_exp(np.array([0, 0, 0.1])))  # a quarter turn less


def test_a_mirrored_handling_is_that_of_the_other_hand() -> None:
    handling = pick_and_place()
    mirrored = mirrored_handling(handling)
    assert set(mirrored.hands) == {"left"}
    assert mirrored.holds[0].side == "left"
    assert np.allclose(mirrored.things["cup"].position_m[0], CUP * [1, -1, 1])
    twice = mirrored_handling(mirrored)
    assert np.allclose(twice.hands["right"].T_counter_tool.wxyz, handling.hands["right"].T_counter_tool.wxyz)
    there = transported(handling, layout(), layout(CUP + [0.02, 0, 0]), STILL).handling
    other = transported(mirrored, mirrored_layout(layout()), mirrored_layout(layout(CUP + [0.02, 0, 0])), STILL).handling
    assert np.allclose(mirrored_handling(other).hands["right"].T_counter_tool.position_m, there.hands["right"].T_counter_tool.position_m)


def test_a_place_near_nothing_stays_on_the_counter() -> None:
    handling = pick_and_place()
    alone = Layout({"cup": layout().solids["cup"]})
    moved = transported(handling, alone, Layout({"cup": layout(CUP + [0.05, 0, 0]).solids["cup"]}), STILL)
    assert moved.plan[-1]["follows"] == "counter"
    assert FREE == ""
    assert np.allclose(moved.handling.things["cup"].position_m[-1], MARK)


def test_nearest_points_of_a_tilted_cup_over_a_bowl_are_lip_and_rim() -> None:
    cup = Transform(np.array([[0.0, 0.1, 0.17]]), so3_exp(np.array([[2.0, 0, 0]])))  # tipped towards -y, beyond the horizontal
    one, other, gap = nearest_points(cup, upright(np.zeros((1, 3))), [np.array([0.03, 0.03, 0.06]), np.array([0.07, 0.07, 0.025])])
    assert one[0, 2] == pytest.approx(0.12)
    assert other[0, 2] == pytest.approx(0.05)
    assert 0 < gap[0] < 0.08


def test_a_missing_thing_is_named() -> None:
    with pytest.raises(UnknownNameError, match="cup"):
        transported(pick_and_place(), layout(), Layout({}))


def test_who_walks_comes_to_a_mark_as_its_arrow_points_now() -> None:
    times, way = ways((0, np.zeros(3)), (3, np.array([2.0, 0.0, 0.0])), (4, np.array([2.0, 0.0, 0.0])))
    goal = Solid(upright(np.array([2.2, 0.0, -0.9])), (0.3, 0.3, 0.002), loose=False)
    turned = Solid(Transform(np.array([2.0, 1.0, -0.9]), so3_exp(np.array([0, 0, 0.5]))), (0.3, 0.3, 0.002), loose=False)
    walk = Handling(times, {}, {"goal": upright(np.tile([2.2, 0.0, -0.9], (len(times), 1)))}, stand=upright(way))
    moved = transported(walk, Layout({"goal": goal}), Layout({"goal": turned}, (0.1, 0.0, 0.0)), STILL).handling.stand
    assert moved is not None
    assert np.allclose(moved.position_m[0], [0.1, 0.0, 0.0])
    assert np.allclose(moved.position_m[-1], [2.0 - 0.2 * np.cos(0.5), 1.0 - 0.2 * np.sin(0.5), 0.0])  # 20 cm before it
    assert np.allclose(moved.wxyz[-1], so3_exp(np.array([0, 0, 0.5])))


def test_a_grip_that_is_hard_enough_stays_so_for_heavier_things() -> None:
    moved = transported(pick_and_place(), layout(load_n=0.5), layout(load_n=1.0), STILL).handling
    assert moved.holds[0].force_n == pytest.approx(5.0)  # ten times what holds it; now five times, and four are enough
    moved = transported(pick_and_place(), layout(load_n=0.5), layout(load_n=2.0), STILL).handling
    assert moved.holds[0].force_n == pytest.approx(8.0)  # four times


def on_edge(radius_m: float, yaw_rad: float) -> Solid:
    """A plate that stands on its edge on the cup's place."""
    turn = so3_exp(np.array([0, 0, yaw_rad]))
    pose = Transform(CUP, turn) @ Transform(np.array([0, 0, radius_m]), so3_exp(np.array([np.pi / 2, 0, 0])))
    return Solid(pose, (radius_m, radius_m, 0.005))


def test_a_plate_on_edge_turns_as_it_stands_and_is_put_down_on_its_edge() -> None:
    small, large, yaw = on_edge(0.08, 0.0), on_edge(0.10, 0.3), 0.3
    assert not small.is_round
    assert Solid(upright(CUP), small.half_m).is_round
    made = pick_and_place()
    cup = made.things["cup"] @ (upright(CUP).inverse() @ small.pose)
    handling = replace(made, things={"cup": cup, "mark": made.things["mark"]})
    box = Solid(upright(MARK), (0.07, 0.02, 0.03), loose=False)  # the plate's lower part ends up inside of it
    moved = transported(handling, Layout({"cup": small, "mark": box}), Layout({"cup": large, "mark": box}), STILL).handling
    start, end = moved.things["cup"][0], moved.things["cup"][-1]
    assert np.allclose(start.rotation(), large.pose.rotation())
    assert np.allclose(end.position_m, MARK + [0, 0, 0.10], atol=1e-3)  # on the same level, by its own radius
    tool = moved.hands["right"].T_counter_tool
    inside = int(np.flatnonzero(moved.during(moved.holds[0]))[0])
    assert np.allclose(tool.wxyz[inside], so3_exp(np.array([0, 0, yaw])))
