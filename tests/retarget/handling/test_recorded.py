"""A handling done by a body and filmed comes back as the same handling."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from motion.errors import MotionError
from motion.handling import COUNTER, Handling
from motion.human import HumanMotion, Label
from motion.resample import interpolate_transform
from motion.transform import Transform, quaternion_product, so3_exp, so3_log
from retarget.handling.recorded import RecordedHandling, counter_pose, handling_of
from retarget.handling.recorded_hinges import on_hinge
from retarget.handling.recorded_holds import Span, decided_grasp
from retarget.handling.recorded_settings import RecordedSettings
from retarget.handling.recorded_tracks import Rest, jitter, lasting, mean_pose, on_clock, pinned, put_down, rests, upright
from tests.workers.household.made import carried_cup, cup_thing, opened_door, turned_knob
from workers.household.perform import perform_handling
from workers.household.record import record_handling
from workers.record import Recording, draw_worker

MADE = {"cup": carried_cup, "door": opened_door, "knob": turned_knob}
WORKER, TAKE = 4, 1
UP = np.array([0.0, 0.0, 1.0])


@lru_cache
def filmed(name: str, worker: int = WORKER) -> tuple[Recording, Handling]:
    """A recording, and the handling that was performed, on the recording's clock."""
    things = (cup_thing(),)
    recording = record_handling(draw_worker(worker), MADE[name](), things, TAKE)
    done = perform_handling(draw_worker(worker), MADE[name](), np.random.default_rng([11, worker, TAKE]), things)
    return recording, done.handling


@lru_cache
def understood(name: str, which: str, worker: int = WORKER) -> RecordedHandling:
    return handling_of(getattr(filmed(name, worker)[0], which))


def compared(asked: Handling, got: Handling, relative: bool) -> tuple[float, float, float]:
    """Largest errors of the tool in holds (m, rad), in the counter's frame or relative to the thing, and within 5 cm of it (m)."""
    hold = asked.holds[0]
    tool, thing = (
        interpolate_transform(asked.time_s, track, got.time_s)
        for track in (asked.hands[hold.side].T_counter_tool, asked.things[hold.thing])
    )
    found = got.hands[hold.side].T_counter_tool
    if relative:
        tool, found = thing.inverse() @ tool, got.things[hold.thing].inverse() @ found
    during = (got.time_s >= hold.start_s) & (got.time_s <= hold.end_s)
    start = tool.position_m[int(np.argmax(during))]
    asks = np.interp(got.time_s, asked.time_s, asked.hands[hold.side].wanted) > 0.99
    near = asks & ~during & (np.linalg.norm(tool.position_m - start, axis=1) < 0.05) & (got.time_s < hold.start_s)
    off = np.linalg.norm(tool.position_m - found.position_m, axis=1)
    turn = np.linalg.norm(so3_log((tool.inverse() @ found).wxyz), axis=1)
    return float(off[during].max()), float(turn[during].max()), float(off[near].max())


@pytest.mark.parametrize("name", MADE)
def test_the_truth_comes_back_within_5_mm_and_4_degrees(name: str) -> None:
    asked, got = filmed(name)[1], understood(name, "truth").handling
    off_m, off_rad, near_m = compared(asked, got, relative=False)
    assert off_m < 5e-3
    assert off_rad < np.radians(4.0)
    assert near_m < 5e-3


@pytest.mark.parametrize(("name", "bar_m"), [("cup", 0.010), ("knob", 0.010), ("door", 0.020)])
def test_from_a_head_camera_the_hand_keeps_its_place_on_the_thing(name: str, bar_m: float) -> None:
    # A door's origin lies on its hinge, 26 cm from the handle: a degree of the tracker's error is 4.5 mm there.
    asked, got = filmed(name)[1], understood(name, "observed").handling
    off_m, off_rad, near_m = compared(asked, got, relative=True)
    assert off_m < bar_m
    assert off_rad < np.radians(8.0)
    assert near_m < 20e-3


@pytest.mark.parametrize("which", ["truth", "observed"])
@pytest.mark.parametrize("name", MADE)
def test_holds_are_found_with_their_thing_grasp_and_force(name: str, which: str) -> None:
    asked, got = filmed(name)[1].holds, understood(name, which).handling.holds
    assert len(got) == 1
    assert (got[0].side, got[0].thing, got[0].grasp) == (asked[0].side, asked[0].thing, asked[0].grasp)
    assert got[0].start_s == pytest.approx(asked[0].start_s, abs=0.1)
    assert got[0].end_s == pytest.approx(asked[0].end_s, abs=0.1)
    signal = filmed(name)[0].truth.signals[f"{asked[0].side}_grip_force_n"]
    assert got[0].force_n == pytest.approx(np.median(signal[signal > 1]), rel=0.01 if which == "truth" else 0.3)


def test_fingers_open_and_close_as_they_did() -> None:
    asked, got = filmed("cup")[1], understood("cup", "observed").handling
    hold = asked.holds[0]
    around = (got.time_s > hold.start_s - 0.3) & (got.time_s < hold.end_s + 0.6)
    wanted = np.interp(got.time_s, asked.time_s, asked.hands["right"].opening)
    assert np.abs(wanted - got.hands["right"].opening)[around].max() < 0.2


def test_what_stands_stands_still_upright_and_on_the_counter() -> None:
    handling = understood("cup", "observed").handling
    bowl, cup = handling.things["bowl"], handling.things["cup"]
    assert np.ptp(bowl.position_m, axis=0).max() == 0
    assert bowl.position_m[0, 2] == 0
    np.testing.assert_allclose(bowl.rotation()[0, :, 2], UP, atol=1e-12)
    for frame in (0, -1):
        assert cup.position_m[frame, 2] == 0
        np.testing.assert_allclose(cup.rotation()[frame, :, 2], UP, atol=1e-12)
    assert cup.position_m[:, 2].max() == pytest.approx(0.10, abs=0.02)


def test_only_the_working_hand_is_wanted_and_only_over_the_counter() -> None:
    handling, hold = understood("cup", "observed").handling, filmed("cup")[1].holds[0]
    assert (handling.hands["left"].wanted == 0).all()
    wanted = handling.hands["right"].wanted
    assert wanted[handling.during(hold)].min() == 1
    assert wanted[0] == wanted[-1] == 0


def test_without_force_sensors_holds_are_found_from_moving_together() -> None:
    motion, asked = replace(filmed("cup")[0].truth, signals={}), filmed("cup")[1].holds[0]
    found = handling_of(motion)
    assert [(hold.side, hold.thing, hold.grasp) for hold in found.handling.holds] == [("right", "cup", "wrap")]
    hold = found.handling.holds[0]
    assert np.isnan(hold.force_n)
    assert hold.start_s == pytest.approx(asked.start_s, abs=0.5)
    assert hold.end_s == pytest.approx(asked.end_s, abs=0.5)
    assert any("moving together" in note for note in found.notes)


def test_a_thing_unseen_while_it_is_carried_goes_with_the_hand() -> None:
    recording, asked = filmed("cup")
    motion, hold = recording.truth, asked.holds[0]
    gone = (motion.time_s > hold.start_s + 1.2) & (motion.time_s < hold.end_s - 0.6)
    cup = motion.objects["cup"]
    holed = Transform(np.where(gone[:, None], np.nan, cup.position_m), np.where(gone[:, None], np.nan, cup.wxyz))
    handling = handling_of(replace(motion, objects={**motion.objects, "cup": holed})).handling
    wanted = interpolate_transform(asked.time_s, asked.things["cup"], handling.time_s).position_m
    assert np.linalg.norm(handling.things["cup"].position_m - wanted, axis=1).max() < 0.02


def test_the_counters_place_in_the_world_does_not_matter() -> None:
    motion = filmed("cup")[0].truth
    moved = Transform(np.array([1.0, -2.0, 0.3]), so3_exp(1.2 * UP))
    position = np.einsum("ij,tlj->tli", moved.rotation(), motion.position_m) + moved.position_m
    away = replace(motion, position_m=position, objects={name: moved @ track for name, track in motion.objects.items()})
    here, there = handling_of(motion).handling, handling_of(away).handling
    np.testing.assert_allclose(here.things["cup"].position_m, there.things["cup"].position_m, atol=1e-9)
    np.testing.assert_allclose(here.hands["right"].T_counter_tool.position_m, there.hands["right"].T_counter_tool.position_m, atol=1e-9)


def test_a_tilted_counter_is_level_again() -> None:
    motion = filmed("cup")[0].truth
    tilted = motion.objects[COUNTER] @ Transform(np.zeros(3), so3_exp(np.array([0.01, -0.02, 0.0])))
    pose = counter_pose(replace(motion, objects={**motion.objects, COUNTER: tilted}))
    np.testing.assert_allclose(pose.rotation()[:, 2], UP, atol=1e-12)


def without(motion: HumanMotion, *names: str) -> HumanMotion:
    return replace(motion, objects={name: track for name, track in motion.objects.items() if name not in names})


def test_what_is_missing_is_said() -> None:
    motion = filmed("cup")[0].truth
    with pytest.raises(MotionError, match="add an object track 'counter'"):
        handling_of(without(motion, COUNTER))
    with pytest.raises(MotionError, match="no thing is tracked"):
        handling_of(without(motion, "cup", "bowl"))
    nowhere = Transform(np.full((len(motion.time_s), 3), np.nan), np.full((len(motion.time_s), 4), np.nan))
    with pytest.raises(MotionError, match="never seen"):
        handling_of(replace(motion, objects={**motion.objects, COUNTER: nowhere}))
    with pytest.raises(MotionError, match="no hand"):
        handling_of(replace(motion, position_m=np.full_like(motion.position_m, np.nan), confidence=np.zeros_like(motion.confidence)))
    lost = handling_of(replace(motion, objects={**motion.objects, "bowl": nowhere}))
    assert any(warning.startswith("bowl: never seen") for warning in lost.warnings)
    assert "bowl" not in lost.handling.things


def test_a_recording_in_which_nothing_is_held_says_so() -> None:
    found = handling_of(without(filmed("cup")[0].truth, "cup"))
    assert found.handling.holds == ()
    assert any("no hand holds anything" in warning for warning in found.warnings)
    assert any("presses something that is not tracked" in warning for warning in found.warnings)


def test_labels_decide_the_grasp_where_their_verb_leaves_no_doubt() -> None:
    span = Span("right", "door", 1.0, 3.0, 5.0)
    verbs = RecordedSettings().verbs
    assert decided_grasp("wrap", span, (Label(1.0, 2.5, "push", "door"),), verbs) == "flat"
    assert decided_grasp("wrap", span, (Label(1.0, 2.5, "push", "cup"),), verbs) == "wrap"
    assert decided_grasp("wrap", span, (Label(2.8, 6.0, "push", "door"),), verbs) == "wrap"
    assert decided_grasp("hook", span, (Label(1.0, 2.5, "open", "door"),), verbs) == "hook"


def test_gaps_are_bridged_and_strays_dropped() -> None:
    time_s = np.arange(100) / 50
    line = np.outer(time_s, [0.1, 0.2, 0.3])
    position = line.copy()
    position[20:25], position[60] = np.nan, [5.0, 5.0, 5.0]
    wxyz = np.where(np.isnan(position[:, :1]), np.nan, [1.0, 0, 0, 0])
    whole, guessed = on_clock(time_s, Transform(position, wxyz), time_s, stray=5.0)
    np.testing.assert_allclose(whole.position_m, line, atol=1e-9)
    assert guessed[22] == pytest.approx(3 / 50)
    assert guessed[60] == pytest.approx(1 / 50)


def test_rests_are_still_and_movements_meet_them() -> None:
    rng, settings = np.random.default_rng(0), RecordedSettings()
    time_s = np.arange(300) / 50
    lift = 0.1 * np.sin(np.pi * np.clip((time_s - 2) / 2, 0, 1)) ** 2
    place = np.stack([0.1 * np.clip((time_s - 2) / 2, 0, 1), 0 * time_s, lift], axis=1)
    noisy = Transform(place + rng.normal(0, 1e-3, place.shape), so3_exp(rng.normal(0, 5e-3, (300, 3))))
    held = (time_s > 1.5) & (time_s < 4.0)
    standing = put_down(rests(time_s, noisy, held, settings), None, jitter(noisy), settings)
    assert len(standing) == 2
    track = pinned(time_s, noisy, standing, RecordedSettings())
    for rest, x in zip(standing, (0.0, 0.1), strict=True):
        assert np.ptp(track.position_m[rest.span], axis=0).max() == 0
        assert track.position_m[rest.span][0] == pytest.approx([x, 0.0, 0.0], abs=2e-3)
    assert np.abs(np.diff(track.position_m, axis=0)).max() < 0.01


def test_the_drift_of_a_moment_does_not_shift_a_long_movement_and_a_lasting_bias_does() -> None:
    settings = RecordedSettings()
    time_s = np.arange(1000) / 50
    bump = 0.004 * np.exp(-((time_s - 4.0) ** 2))  # the tracker is off just when the thing is taken
    lift = 0.2 * np.clip((time_s - 4) / 2, 0, 1) * np.clip((15.9 - time_s) / 2, 0, 1)
    track = Transform(np.outer(lift + bump + 0.003, UP), np.tile([1.0, 0, 0, 0], (1000, 1)))
    seen = [Rest(span, Transform(0.003 * UP, np.array([1.0, 0, 0, 0]))) for span in (slice(0, 200), slice(800, 1000))]
    standing = [replace(rest, pose=Transform(0 * UP, rest.pose.wxyz)) for rest in seen]
    bias = lasting(seen, standing)
    assert bias == pytest.approx([0, 0, -0.003, 0, 0, 0])
    off = np.abs(pinned(time_s, track, standing, settings, bias).position_m[:, 2] - lift)
    assert off.max() < 0.003
    assert off[450:].max() < 1e-4
    without_bias = pinned(time_s, track, standing, settings).position_m[:, 2] - lift
    assert without_bias[500] == pytest.approx(0.003, abs=2e-4)


def test_heights_are_snapped_as_far_as_the_tracker_is_doubted() -> None:
    settings = RecordedSettings()
    high = [Rest(slice(0, 9), Transform(np.array([0.0, 0.0, 0.006]), np.array([1.0, 0, 0, 0])))]
    assert put_down(high, None, (0.0, 0.0), settings)[0].pose.position_m[2] == 0.006  # a quiet tracker is believed
    assert put_down(high, None, (0.003, 0.0), settings)[0].pose.position_m[2] == 0
    assert put_down(high, 0.01, (0.003, 0.0), settings)[0].pose.position_m[2] == 0.01
    pair = [replace(high[0], pose=Transform(np.array([0.0, 0.0, z]), np.array([1.0, 0, 0, 0]))) for z in (0.056, 0.060)]
    assert [rest.pose.position_m[2] for rest in put_down(pair, None, (0.003, 0.0), settings)] == pytest.approx([0.058, 0.058])


def test_what_falls_when_it_is_let_go_is_not_carried_down() -> None:
    settings = RecordedSettings()
    time_s = np.arange(200) / 50
    height = np.where(time_s < 2.0, 0.2 - 0.18 * np.clip(time_s / 1.5, 0, 1), 0.0)
    track = Transform(np.outer(height, UP), np.tile([1.0, 0, 0, 0], (200, 1)))
    found = rests(time_s, track, time_s < 2.0, settings)
    assert [rest.dropped for rest in found] == [True]
    after = pinned(time_s, track, found, RecordedSettings())
    assert after.position_m[95, 2] == pytest.approx(0.02)
    assert after.position_m[110, 2] == 0


def test_upright_keeps_the_yaw_and_lets_leaning_things_lean() -> None:
    yaw = so3_exp(0.7 * UP)
    tilted = quaternion_product(so3_exp(np.array([0.05, 0.0, 0.0])), yaw)
    straight = upright(tilted, 0.1)
    assert np.linalg.norm(so3_log(quaternion_product(yaw * [1, -1, -1, -1], straight))) < 0.01
    np.testing.assert_array_equal(upright(tilted, 0.02), tilted)
    lying = quaternion_product(yaw, so3_exp(np.array([np.pi / 2 + 0.03, 0.0, 0.0])))
    axes = np.abs(Transform(np.zeros(3), upright(lying, 0.1)).rotation()[2])
    assert axes.max() == pytest.approx(1.0)


def test_a_noisy_door_is_brought_onto_its_hinge_and_a_carried_cup_is_not() -> None:
    rng = np.random.default_rng(1)
    angle = np.linspace(0, 1.0, 150)
    axis, hinge = np.array([0.0, 0.6, 0.8]), np.array([0.3, -0.2, 0.1])
    turn = so3_exp(angle[:, None] * axis)
    upright_pose = np.tile([1.0, 0, 0, 0], (150, 1))
    true = Transform(np.tile(hinge, (150, 1)), turn) @ Transform(np.tile([0.2, 0.0, 0.0], (150, 1)), upright_pose)
    turned = quaternion_product(true.wxyz, so3_exp(rng.normal(0, 0.01, (150, 3))))
    noisy = Transform(true.position_m + rng.normal(0, 2e-3, (150, 3)), turned)
    found = on_hinge(noisy, 0.01)
    assert found is not None
    before, after = (np.sqrt(((track.position_m - true.position_m) ** 2).mean()) for track in (noisy, found))
    assert after < 0.8 * before
    lifted = np.outer(np.clip(2 * angle, 0, 1), [0.0, 0.0, 0.1])
    assert on_hinge(Transform(noisy.position_m + lifted, noisy.wxyz), 0.01) is None
    assert on_hinge(Transform(noisy.position_m, upright_pose), 0.01) is None


def test_mean_pose_does_not_follow_the_far_ones() -> None:
    rng = np.random.default_rng(2)
    turns = so3_exp(rng.normal(0, 0.01, (50, 3)))
    turns[:5] = so3_exp(np.array([0.0, 0.0, 1.5]))
    places = rng.normal(0, 0.001, (50, 3))
    places[:5] += 1.0
    pose = mean_pose(Transform(places, turns))
    assert np.linalg.norm(pose.position_m) < 2e-3
    assert np.linalg.norm(so3_log(pose.wxyz)) < 0.02
