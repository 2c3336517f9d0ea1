"""Bodies reach a handling's tool frames, and recordings carry what phone, trackers and sensors would give."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from motion.errors import UnknownNameError
from motion.handling import COUNTER, Handling
from motion.human import HumanMotion
from motion.landmarks import LANDMARKS
from motion.lens import HEAD_LENS, look_at
from motion.transform import Transform, so3_log
from tests.workers.household.made import CUP_KG, RATE_HZ, carried_cup, cup_thing, opened_door, turned_knob
from workers.camera import Errors
from workers.household.clock import led_in
from workers.household.fingers import pad_m
from workers.household.forces import grip_forces, safety_margin
from workers.household.hand_paths import driven
from workers.household.perform import HandlingPerformance, perform_handling, stance_m, width_of
from workers.household.record import record_handling, save_recording
from workers.household.tracker import TrackerErrors, feel, see_thing, under_counter
from workers.record import Recording, draw_worker

MADE = {"cup": carried_cup, "door": opened_door, "knob": turned_knob}


@lru_cache
def performed(name: str, worker: int, side: str = "right") -> HandlingPerformance:
    handling = carried_cup(side) if name == "cup" else MADE[name]()
    return perform_handling(draw_worker(worker), handling, np.random.default_rng(1), (cup_thing(),))


@lru_cache
def recorded(worker: int = 0, view: str = "head") -> Recording:
    return record_handling(draw_worker(worker), carried_cup(), (cup_thing(),), take_seed=2, view=view)


@pytest.mark.parametrize(("name", "worker"), [("cup", 0), ("cup", 9), ("door", 2), ("knob", 5)])
def test_hands_are_where_the_handling_wants_them(name: str, worker: int) -> None:
    off_m, off_rad = performed(name, worker).residual("right")
    assert off_m.max() < 5e-3
    assert off_rad.max() < np.radians(5.0)


def test_a_left_hand_does_the_mirror_image() -> None:
    off_m, off_rad = performed("cup", 3, "left").residual("left")
    assert off_m.max() < 5e-3
    assert off_rad.max() < np.radians(5.0)


def test_the_counter_is_as_high_as_the_worker_likes_it_and_before_the_belly() -> None:
    worker, done = draw_worker(0), performed("cup", 0)
    wanted = worker.body.physique.elbow_height_m - worker.style.counter_below_elbow_m
    assert done.T_world_counter.position_m[2] == pytest.approx(wanted)
    assert 0.15 < done.T_world_counter.position_m[0] < 0.25


def test_people_step_aside_for_work_before_the_other_shoulder() -> None:
    middle = stance_m(carried_cup())
    across = carried_cup()
    track = across.hands["right"]
    inward = Transform(track.T_counter_tool.position_m + [0.0, 0.1, 0.0], track.T_counter_tool.wxyz)
    assert stance_m(across.with_hand("right", replace(track, T_counter_tool=inward))) == pytest.approx(middle + 0.1)
    assert stance_m(carried_cup("left")) == pytest.approx(-middle)


def test_hands_hang_before_and_after_and_never_jump() -> None:
    done = performed("cup", 0)
    time_s = np.arange(0.0, done.performance.duration_s, 1 / 60)
    tools = done.tools_at(time_s)
    for hand in tools.values():
        assert hand.position_m[0, 2] < -0.02
        assert hand.position_m[-1, 2] < -0.02
        assert np.linalg.norm(np.diff(hand.position_m, axis=0), axis=1).max() < 2.0 / 60  # m/s per frame
    assert np.ptp(tools["left"].position_m, axis=0).max() < 0.03  # it rests all the time


def test_forearms_come_over_the_counter_not_through_it() -> None:
    done = performed("cup", 0)
    time_s = done.handling.time_s[driven(done.handling.hands["right"])]
    position = done.performance.landmarks_at(time_s)
    elbow, wrist = (position[:, LANDMARKS.index(f"right_{name}")] - done.T_world_counter.position_m for name in ("elbow", "wrist"))
    for share in np.linspace(0, 1, 11):
        place = elbow + share * (wrist - elbow)
        assert place[place[:, 0] > 0, 2].min(initial=1.0) > 0.03


def test_fingertips_touch_the_cup_while_it_is_held() -> None:
    done = performed("cup", 0)
    hold = done.handling.holds[0]
    time_s = np.linspace(hold.start_s + 1.0, hold.end_s - 0.1, 9)
    position = done.performance.landmarks_at(time_s)
    tips = [LANDMARKS.index(f"right_{finger}_tip") for finger in ("thumb", "index", "middle", "ring", "pinky")]
    back = done.tools_at(time_s)["right"].inverse() @ done.T_world_counter.inverse()
    local = np.stack([back.apply(position[:, tip]) for tip in tips], axis=1)
    surface = width_of(hold, done.handling, (cup_thing(),)) / 2 + pad_m(draw_worker(0).body.hand)
    np.testing.assert_allclose(np.linalg.norm(local[..., :2], axis=-1), surface, atol=2e-3)


def test_led_in_shifts_everything_by_the_lead() -> None:
    handling = carried_cup()
    longer = led_in(handling, 1.5, 1.0, RATE_HZ)
    assert longer.holds[0].start_s == pytest.approx(handling.holds[0].start_s + 1.5)
    assert longer.labels[2].end_s == pytest.approx(handling.labels[2].end_s + 1.5)
    at = round(1.5 * RATE_HZ) + 60
    np.testing.assert_allclose(longer.things["cup"].position_m[at], handling.things["cup"].position_m[60], atol=1e-9)
    track = longer.hands["right"]
    assert not driven(track)[: round(1.5 * RATE_HZ)].any()
    assert driven(track)[at]
    assert not driven(track)[-2]


def test_grip_force_is_the_least_that_holds_times_the_workers_margin() -> None:
    handling, margin = carried_cup(), 1.5
    force = grip_forces(handling, "right", margin, (cup_thing(),))
    hold = handling.holds[0]
    resting = (handling.time_s > hold.start_s + 0.65) & (handling.time_s < hold.start_s + 0.7)
    assert force[resting] == pytest.approx(np.full(resting.sum(), 1.5 * CUP_KG * 9.81 / 0.5), rel=0.02)  # friction 0.5
    assert (force[(handling.time_s < hold.start_s) | (handling.time_s > hold.end_s + 0.3)] == 0).all()
    assert (grip_forces(handling, "left", margin, (cup_thing(),)) == 0).all()
    lifted = force[handling.during(hold)].max()
    assert lifted > 1.5 * CUP_KG * 9.81 / 0.5 * 1.05  # a lift takes more than standing
    assert 1.2 < safety_margin(0) == safety_margin(0) < 2.1


def test_truth_holds_the_handlings_own_tracks_in_the_world() -> None:
    recording, done = recorded(), performed("cup", 0)
    truth = recording.truth
    assert set(truth.objects) == {"cup", "bowl", COUNTER}
    counter = truth.objects[COUNTER][0]
    local = counter.inverse() @ truth.objects["cup"]
    np.testing.assert_allclose(local.position_m[0], done.handling.things["cup"].position_m[0], atol=1e-9)
    assert truth.signals["right_grip_force_n"].max() > 3.0
    assert (truth.signals["left_grip_force_n"] == 0).all()
    assert {label.verb for label in truth.labels} >= {"reach", "grasp", "lift", "place"}
    assert np.isfinite(truth.position_m).all()


def test_observed_is_noisy_by_about_what_is_documented() -> None:
    recording, errors = recorded(), TrackerErrors()
    off = recording.observed.objects["bowl"].position_m - recording.truth.objects["bowl"].position_m
    expected = np.hypot(errors.white_m, errors.drift_m)
    assert 0.6 * expected < np.sqrt(np.nanmean(off**2)) < 1.6 * expected
    counter = recording.observed.objects[COUNTER]
    assert np.ptp(counter.position_m, axis=0).max() == 0
    assert 0 < np.linalg.norm(counter.position_m[0] - recording.truth.objects[COUNTER].position_m[0]) < 0.01
    assert np.isfinite(recording.observed.signals["right_grip_force_n"]).all()


def test_things_outside_the_picture_or_behind_a_hand_are_lost() -> None:
    frames = 40
    time_s = np.arange(frames) / 50
    eye, target = np.tile([0.0, 0.0, 1.5], (frames, 1)), np.tile([0.5, 0.0, 1.0], (frames, 1))
    camera = look_at(eye, target)
    identity = np.tile([1.0, 0, 0, 0], (frames, 1))
    free = {"left": np.zeros(frames, bool), "right": np.zeros(frames, bool)}
    away = np.full((frames, 2, 3, 3), 9.0)
    quiet = TrackerErrors(lost_share=0.0, held_lost_share=0.0)

    def lost(track: Transform, hands: dict[str, np.ndarray], arms: np.ndarray) -> float:
        seen = see_thing(time_s, track, camera, HEAD_LENS, quiet, hands, arms, np.random.default_rng(0))
        return float(np.isnan(seen.position_m).any(1).mean())

    before = Transform(target, identity)
    behind = Transform(eye - [0.5, 0.0, 0.0], identity)
    arms = away.copy()
    arms[:, 0] = (eye + 0.5 * (target - eye))[:, None]
    assert lost(before, free, away) == 0
    assert lost(behind, free, away) == 1
    assert lost(before, free, arms) == 1
    assert lost(before, free | {"left": np.ones(frames, bool)}, arms) == 0  # the hand that holds it does not hide it


def test_a_force_sensor_is_off_by_one_gain_per_take() -> None:
    force, quiet = np.linspace(0, 10, 200), TrackerErrors(force_n=0.0, force_share=0.0)
    felt = feel(force, quiet, np.random.default_rng(3))
    gain = felt[1:] / force[1:]
    assert np.ptp(gain) < 1e-9
    assert 0 < abs(gain[0] - 1) < 0.3


def test_the_same_arguments_give_the_same_bits() -> None:
    again = record_handling(draw_worker(0), carried_cup(), (cup_thing(),), take_seed=2)
    first = recorded()
    for a, b in ((first.observed, again.observed), (first.truth, again.truth)):
        np.testing.assert_array_equal(a.position_m, b.position_m)
        np.testing.assert_array_equal(a.objects["cup"].wxyz, b.objects["cup"].wxyz)
        np.testing.assert_array_equal(a.signals["right_grip_force_n"], b.signals["right_grip_force_n"])
    other = record_handling(draw_worker(0), carried_cup(), (cup_thing(),), take_seed=3)
    assert other.truth.position_m.shape != first.truth.position_m.shape or not np.array_equal(
        other.truth.position_m, first.truth.position_m
    )


def test_a_shelf_camera_sees_the_face_that_a_head_camera_cannot_see() -> None:
    head = LANDMARKS.index("head")
    assert np.isnan(recorded(view="shelf").observed.position_m[:, head]).mean() < 0.1
    assert np.isnan(recorded(view="head").observed.position_m[:, head]).mean() > 0.9


def test_the_counter_hides_what_is_under_it() -> None:
    counter = Transform(np.array([0.2, 0.0, 0.9]), np.array([1.0, 0, 0, 0]))
    eye = np.array([[0.0, 0.0, 1.5]])
    points = np.array([[[0.5, 0.0, 0.5], [0.5, 0.0, 1.0], [0.05, 0.0, 0.5], [1.2, 0.0, 0.85]]])
    assert under_counter(points, eye, counter).tolist() == [[True, False, False, False]]


def test_saved_recordings_come_back_with_their_truth_beside(tmp_path: Path) -> None:
    path = save_recording(recorded(), tmp_path, "worker_000_cup_02")
    observed, truth = HumanMotion.load(path), HumanMotion.load(tmp_path / "truth" / path.name)
    np.testing.assert_array_equal(observed.objects["cup"].position_m, recorded().observed.objects["cup"].position_m)
    assert set(truth.objects) == set(observed.objects)


def test_unknown_views_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="view"):
        record_handling(draw_worker(0), carried_cup(), view="ceiling", errors=Errors())


def test_a_side_that_the_handling_leaves_out_hangs() -> None:
    handling: Handling = performed("cup", 0).handling
    assert "left" not in handling.hands
    left = performed("cup", 0).tools_at(handling.time_s)["left"]
    assert left.position_m[:, 2].max() < 0.0
    assert np.linalg.norm(so3_log((left[:1].inverse() @ left).wxyz), axis=-1).max() < 0.3
