"""Paths made steady: what is wild goes, what is missing for a moment is filled, bones stay, and the world stands still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.transform import Array, Transform, so3_exp
from retarget.video.hands.hand_size import FINGER_POINTS, hand_axes
from retarget.video.hands.steady import SteadySettings, steady
from retarget.video.paths import HandPath
from tests.retarget.video.made_hands import CAMERA, LENGTH_M, RATE_HZ, hand, still, times

COUNT = 90


def _path(points_m: Array, time_s: Array | None = None) -> HandPath:
    count = len(points_m)
    there = np.asarray(np.isfinite(points_m).all((1, 2)))
    return HandPath(
        side="right",
        time_s=times(count) if time_s is None else time_s,
        position_m=points_m,
        image_px=CAMERA.project(points_m),
        confidence=0.9 * np.repeat(there[:, None], 21, axis=1),
        reprojection_px=np.where(there, 2.0, np.nan),
        filled=np.zeros(count, bool),
        length_m=LENGTH_M,
        length_is="stated",
    )


def _moving(count: int = COUNT, hz: float = 0.5) -> Array:
    phase = 2 * np.pi * hz * times(count)
    place = np.stack([0.1 * np.sin(phase), 0.1 + 0.05 * np.cos(phase), 0.5 + 0.03 * np.sin(phase)], axis=1)
    turn = np.stack([0.3 * np.sin(phase), 0.4 * np.cos(phase), 0 * phase], axis=1)
    return hand("right", place, turn, 0.4 + 0.3 * np.sin(phase))


def _lengths(points_m: Array) -> Array:
    return np.concatenate([np.linalg.norm(np.diff(points_m[:, chain], axis=1), axis=-1) for chain in FINGER_POINTS], axis=1)


def test_slow_movement_passes_unchanged() -> None:
    true = _moving()
    found, report = steady(_path(true))
    assert np.linalg.norm(found.position_m - true, axis=-1)[5:-5].max() < 5e-4
    assert (report.wild_n, report.filled_n, report.unplaced_n) == (0, 0, 0)
    assert not found.filled.any()


def test_noise_is_taken_and_told_more_of_it_in_depth() -> None:
    rng = np.random.default_rng(0)
    true = hand("right", still((0.0, 0.1, 0.5), 300))
    noise = rng.normal(0, 1, (300, 1, 3)) * [0.001, 0.001, 0.008]
    found, report = steady(_path(true + noise))
    before, after = (np.abs(points - true)[:, 0] for points in (true + noise, found.position_m))
    assert after[:, 2].mean() < 0.6 * before[:, 2].mean()
    assert before[:, 0].mean() * 0.6 < after[:, 0].mean() < before[:, 0].mean()
    assert 5 < report.along_mm < 9
    assert report.across_mm < 1.5
    assert report.kept_along < 0.3 < report.kept_across


def test_a_tremor_is_kept() -> None:
    """8 mm at 5 Hz across the line of sight."""
    time_s = times(150)
    place = still((0.0, 0.1, 0.5), 150) + np.stack([0.008 * np.sin(2 * np.pi * 5 * time_s), 0 * time_s, 0 * time_s], axis=1)
    found, report = steady(_path(hand("right", place)))
    assert np.std(found.position_m[20:-20, 0, 0]) > 0.9 * np.std(place[20:-20, 0])
    assert report.kept_across > 0.85
    assert "3 to 12 Hz" in report.words()


def test_bones_stay_as_long_as_they_were() -> None:
    true = _moving()
    true[30:36] = np.nan
    found, _ = steady(_path(true))
    np.testing.assert_allclose(_lengths(found.position_m), np.broadcast_to(_lengths(true[:1]), (COUNT, 15)), atol=1e-12)


def test_short_gaps_are_filled_and_marked_long_ones_are_left() -> None:
    true = _moving(120)
    gapped = true.copy()
    gapped[20:30] = np.nan  # 0.37 s from the last seen frame to the next
    gapped[60:80] = np.nan  # 0.7 s
    found, report = steady(_path(gapped))
    assert np.flatnonzero(found.filled).tolist() == list(range(20, 30))
    assert report.filled_n == 10
    np.testing.assert_allclose(found.confidence[20:30], 0.45)
    assert np.isnan(found.position_m[60:80]).all()
    assert (found.confidence[60:80] == 0).all()
    assert np.isnan(found.image_px[20:30]).all()
    assert np.isnan(found.reprojection_px[20:30]).all()
    assert np.linalg.norm(found.position_m - true, axis=-1)[20:30].max() < 0.03


def test_ends_are_never_made_up() -> None:
    true = _moving()
    true[:5] = np.nan
    true[-5:] = np.nan
    found, _ = steady(_path(true))
    assert np.isnan(found.position_m[:5]).all()
    assert np.isnan(found.position_m[-5:]).all()


@pytest.mark.parametrize("jump", [np.array([0.15, 0.0, 0.0]), np.array([0.0, 0.0, 0.3])])
def test_a_frame_that_jumps_out_and_back_is_taken_for_unseen(jump: Array) -> None:
    true = _moving()
    wild = true.copy()
    wild[40] += jump
    found, report = steady(_path(wild))
    assert report.wild_n == 1
    assert found.filled[40]
    assert np.linalg.norm(found.position_m[40] - true[40], axis=-1).max() < 0.01


def test_a_palm_that_flips_for_a_frame_is_taken_for_unseen() -> None:
    true = _moving()
    wild = true.copy()
    wild[40] = hand("right", true[40:41, 0], np.array([[1.5, 0.0, 0.0]]))[0]
    assert steady(_path(wild))[1].wild_n == 1


def test_a_hand_that_does_not_look_as_it_was_seen_is_not_believed() -> None:
    path = _path(_moving())
    off = path.reprojection_px.copy()
    off[50] = 100.0
    found, report = steady(replace(path, reprojection_px=off))
    assert report.wild_n == 1
    assert found.filled[50]


def test_a_hand_that_stops_is_not_wild() -> None:
    """A strike: 2 m/s, then still."""
    x = np.minimum(np.arange(COUNT) / RATE_HZ * 2.0, 1.0) - 0.5
    place = np.stack([x, np.full(COUNT, 0.1), np.full(COUNT, 0.8)], axis=1)
    assert steady(_path(hand("right", place)))[1].wild_n == 0


def test_in_the_world_a_still_hand_is_still_under_a_moving_head() -> None:
    world = hand("right", still((0.0, 0.1, 0.6), COUNT))
    phase = 2 * np.pi * times(COUNT)
    place = np.stack([0.05 * np.sin(phase), 0 * phase, 0 * phase], axis=1)
    head = Transform(place, so3_exp(np.stack([0 * phase, 0.2 * np.sin(3 * phase), 0 * phase], axis=1)))
    local = head.inverse()[:, None].apply(world)
    local[40:50] = np.nan  # unseen while the head moves on
    found, _ = steady(_path(local), head)
    np.testing.assert_allclose(found.position_m, world, atol=1e-9)


def test_without_the_cameras_pose_a_hand_has_no_place() -> None:
    local = _moving()
    head = Transform.identity(COUNT)
    known = np.ones(COUNT, bool)
    known[:45] = False
    found, report = steady(_path(local), head, known)
    assert report.unplaced_n == 45
    assert np.isnan(found.position_m[:45]).all()
    assert np.isfinite(found.position_m[45:]).all()


def test_a_pose_of_nan_is_none() -> None:
    head = Transform.identity(COUNT)
    head.position_m[:45] = np.nan
    found, report = steady(_path(_moving()), head)
    assert report.unplaced_n == 45
    assert np.isfinite(found.position_m[45:]).all()


def test_uneven_times_make_no_difference_to_a_steady_hand() -> None:
    time_s = np.cumsum(np.random.default_rng(4).uniform(0.02, 0.06, COUNT))
    place = np.stack([0.1 * time_s, 0.1 + 0 * time_s, 0.5 + 0.05 * time_s], axis=1)
    true = hand("right", place)
    found, _ = steady(_path(true, time_s))
    np.testing.assert_allclose(found.position_m, true, atol=1e-6)


def test_smoothing_can_be_left_out() -> None:
    true = _moving() + np.random.default_rng(5).normal(0, 0.002, (COUNT, 1, 3))
    found, report = steady(_path(true), settings=SteadySettings(wrist_hz=None))
    np.testing.assert_allclose(found.position_m, true, atol=1e-9)
    assert report.across_mm == pytest.approx(0.0, abs=1e-6)


def test_nothing_seen_is_nothing_done() -> None:
    found, report = steady(_path(np.full((COUNT, 21, 3), np.nan)))
    assert np.isnan(found.position_m).all()
    assert report.filled_n == 0
    assert np.isnan(report.kept_across)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_films_of_a_few_frames(count: int) -> None:
    true = _moving(count)
    np.testing.assert_allclose(steady(_path(true))[0].position_m, true, atol=0.01)


def test_orientation_goes_through_all_turns_without_a_flip() -> None:
    """Two full turns about the line of sight: quaternions change their sign, hands do not."""
    phase = np.linspace(0, 4 * np.pi, COUNT)
    true = hand("right", still((0.0, 0.0, 0.5), COUNT), np.stack([0 * phase, 0 * phase, phase], axis=1))
    true[30:34] = np.nan
    found = steady(_path(true))[0].position_m
    turn = np.arctan2(hand_axes(found)[:, 1, 2], hand_axes(found)[:, 0, 2])
    np.testing.assert_allclose(np.unwrap(turn) - turn[0], phase - phase[0], atol=0.06)
