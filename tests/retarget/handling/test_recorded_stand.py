"""Where recorded people walk: by whatever of them is seen, exactly still while they stand, and nothing for those who stay."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from motion.handling import CAMERA, COUNTER, Handling
from motion.human import HumanMotion
from motion.resample import interpolate_transform
from motion.transform import Array
from retarget.handling.recorded import counter_pose, handling_of
from retarget.handling.recorded_settings import RecordedSettings
from retarget.handling.recorded_stand import MOVED_M, stand_track
from tests.workers.household.made import carried_cup, cup_thing
from tests.workers.household.test_walking import on_foot
from workers.household.perform import perform_handling
from workers.household.record import record_handling
from workers.record import Recording, draw_worker

WORKER, TAKE = 0, 1
PELVIS = ("pelvis", "left_hip", "right_hip")


@lru_cache
def recorded(view: str = "shelf") -> Recording:
    return record_handling(draw_worker(WORKER), on_foot(), take_seed=TAKE, view=view)


@lru_cache
def truly() -> Handling:
    return perform_handling(draw_worker(WORKER), on_foot(), np.random.default_rng([11, WORKER, TAKE])).handling


def without(motion: HumanMotion, *names: str) -> HumanMotion:
    """The same recording; some landmarks were never seen."""
    position = motion.position_m.copy()
    position[:, [motion.landmarks.index(name) for name in names]] = np.nan
    return replace(motion, position_m=position, confidence=np.where(np.isfinite(position).all(-1), motion.confidence, 0.0))


def off(motion: HumanMotion) -> tuple[str, Array, Array]:
    """What told the stand, and how far it is from where they truly stood: m and rad."""
    times = np.arange(motion.time_s[0], motion.time_s[-1], 0.02)
    found = stand_track(motion, counter_pose(motion).inverse(), times, RecordedSettings())
    assert found is not None
    true = truly()
    assert true.stand is not None
    between = interpolate_transform(true.time_s, true.stand, times).inverse() @ found[0]
    yaw = 2 * np.arctan2(between.wxyz[:, 3], between.wxyz[:, 0])
    return found[1], np.linalg.norm(between.position_m[:, :2], axis=1), np.abs((yaw + np.pi) % (2 * np.pi) - np.pi)


def test_by_the_pelvis_within_centimetres_and_degrees_noise_and_all() -> None:
    for motion, most_m, most_deg in ((recorded().truth, 0.04, 4.0), (recorded().observed, 0.06, 10.0)):
        told_by, off_m, off_rad = off(motion)
        assert told_by == "the pelvis"
        assert np.percentile(off_m, 95) < most_m
        assert np.degrees(np.percentile(off_rad, 95)) < most_deg


def test_by_the_feet_where_no_pelvis_is_seen() -> None:
    told_by, off_m, off_rad = off(without(recorded().observed, *PELVIS))
    assert told_by == "the feet"
    assert np.percentile(off_m, 95) < 0.16, "they go on in steps"
    assert np.degrees(np.percentile(off_rad, 95)) < 20.0


def test_by_the_phone_on_the_head_where_nothing_of_the_body_is_seen() -> None:
    motion = recorded("head").observed
    assert CAMERA in motion.objects
    told_by, off_m, off_rad = off(without(motion, *PELVIS, "left_toe", "right_toe"))
    assert told_by == "the phone on the head"
    assert np.percentile(off_m, 95) < 0.16
    assert np.degrees(np.percentile(off_rad, 95)) < 25.0, "heads turn before bodies do"


def test_nobody_knows_where_somebody_walks_who_is_not_seen() -> None:
    motion = without(recorded().observed, *PELVIS, "left_toe", "right_toe")
    assert stand_track(motion, counter_pose(motion).inverse(), motion.time_s, RecordedSettings()) is None


def test_who_stands_still_is_exactly_still() -> None:
    stand = handling_of(recorded().observed).handling.stand
    assert stand is not None
    assert np.ptp(stand.position_m[:30], axis=0).max() < 1e-9
    assert np.ptp(stand.position_m[-30:], axis=0).max() < 1e-9
    assert np.abs(stand.position_m[:, 2]).max() == 0.0


def test_neither_counter_nor_phone_is_a_thing_that_is_handled() -> None:
    handling = handling_of(recorded("head").observed).handling
    assert set(handling.hands) == {"left", "right"}
    assert not {COUNTER, CAMERA} & set(handling.things)


@pytest.mark.parametrize("view", ["shelf", "head"])
def test_who_stays_before_the_counter_has_no_stand(view: str) -> None:
    recording = record_handling(draw_worker(2), carried_cup(), (cup_thing(),), take_seed=3, view=view)
    for motion in (recording.truth, recording.observed):
        assert CAMERA not in motion.objects
        assert handling_of(motion).handling.stand is None


def test_a_step_shorter_than_a_reach_is_none() -> None:
    motion = recorded().truth
    short = replace(motion, position_m=motion.position_m * [0.2, 0.2, 1.0])
    extent = np.ptp(short.position_m[:, motion.landmarks.index("pelvis"), :2], axis=0)
    assert np.hypot(*extent) < MOVED_M
    turned = stand_track(short, counter_pose(motion).inverse(), motion.time_s, RecordedSettings())
    assert turned is not None, "but who turns round has moved"
