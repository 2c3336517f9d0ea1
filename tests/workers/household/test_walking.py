"""People on foot: feet that stand where they stand, steps as people make them, and hands that are where the handling says."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from motion.handling import Handling, HandTrack
from motion.landmarks import LANDMARKS, SIDES
from motion.transform import Array, Transform, so3_exp
from tests.workers.household.made import still
from workers.handwork.ways import stand_of, walk
from workers.household.perform import HandlingPerformance, perform_handling
from workers.household.walking import CLEARANCE_M, LEAST_STEP_S, STEP_M, headings, walk_along
from workers.record import draw_worker

PERIOD_S = 0.02
WALK_MPS = 0.52


def on_foot() -> Handling:
    """Somebody stands, walks round a corner with something in the right hand, and stands again."""
    start = np.array([-0.2, 0.0, 0.0])
    way = np.vstack([np.tile(start, (40, 1)), walk(start, [(0.9, 0.0), (1.0, 1.2)], np.pi, WALK_MPS, PERIOD_S)])
    way = np.vstack([way, np.tile(way[-1], (40, 1))])
    stand, count = stand_of(way), len(way)
    tool = stand @ Transform(np.array([0.12, -0.18, 0.15]), so3_exp([0.0, 0.0, 0.3]))[None][np.zeros(count, int)]
    cup = tool @ still(Transform(np.array([0.0, 0.0, -0.06]), np.array([1.0, 0, 0, 0])), count)
    hands = {"right": HandTrack(tool, np.ones(count), np.ones(count))}
    return Handling(PERIOD_S * np.arange(count), hands, {"cup": cup}, stand=stand)


@lru_cache
def performed(worker: int = 0) -> HandlingPerformance:
    return perform_handling(draw_worker(worker), on_foot(), np.random.default_rng(3))


def landmark(done: HandlingPerformance, time_s: Array, name: str) -> Array:
    return done.performance.landmarks_at(time_s)[:, LANDMARKS.index(name)]


def test_the_hand_is_where_the_handling_says_all_the_way() -> None:
    off_m, off_rad = performed().residual("right")
    assert off_m.max() < 5e-3
    assert off_rad.max() < np.radians(5.0)


@pytest.mark.parametrize("worker", [0, 7])
def test_feet_that_stand_do_not_slip_and_feet_that_swing_are_clear_of_the_floor(worker: int) -> None:
    done = performed(worker)
    time_s = np.arange(0.0, done.performance.duration_s, 0.01)
    for side in SIDES:
        heel, toe = (landmark(done, time_s, f"{side}_{end}") for end in ("heel", "toe"))
        low = np.minimum(heel[:, 2], toe[:, 2])
        assert low.min() > -2e-3, "nobody walks in the floor"
        assert 0.5 * CLEARANCE_M < low.max() < 1.5 * CLEARANCE_M
        stands = low < 5e-4
        both = stands[1:] & stands[:-1]
        for end in (heel, toe):
            speed = np.linalg.norm(np.diff(end[:, :2], axis=0), axis=1) / 0.01
            assert np.percentile(speed[both], 95) < 0.01


def test_there_is_always_a_foot_on_the_floor_and_feet_take_turns() -> None:
    handling = on_foot()
    assert handling.stand is not None
    standing = {side: Transform(np.array([0.0, 0.1 if side == "left" else -0.1, 0.08]), np.array([1.0, 0, 0, 0])) for side in SIDES}
    walked = walk_along(handling.time_s, handling.stand, standing, 0.85, "left")
    assert {step.side for step in walked.steps} == set(SIDES)
    for before, after in zip(walked.steps, walked.steps[1:], strict=False):
        assert before.side != after.side
        assert before.air_s[1] < after.air_s[0], "never both in the air"
        assert after.end_s - after.start_s >= LEAST_STEP_S - 1e-9
    lands = [(step.side, handling.stand[0].inverse().apply(step.lands.position_m)) for step in walked.steps]
    for side in SIDES:
        own = np.array([place for name, place in lands if name == side])
        assert np.linalg.norm(np.diff(own, axis=0), axis=1).max() < 2.5 * STEP_M
    for step in walked.steps[-2:]:
        there = handling.stand[-1] @ standing[step.side]
        np.testing.assert_allclose(step.lands.position_m, there.position_m, atol=2e-3)


def test_the_pelvis_goes_the_way_of_the_stand() -> None:
    done, handling = performed(), performed().handling
    assert handling.stand is not None
    own = handling.stand.inverse().apply(done.T_world_counter.inverse().apply(landmark(done, handling.time_s, "pelvis")))
    assert np.ptp(own[:, :2], axis=0).max() < 0.12, "it sways, and no more"
    hips = landmark(done, handling.time_s, "left_hip") - landmark(done, handling.time_s, "right_hip")
    turned = np.unwrap(np.arctan2(-hips[:, 0], hips[:, 1]))
    assert np.abs(turned - headings(handling.stand)).max() < 0.2


def test_the_free_arm_swings_on_the_way_and_hangs_before_and_after() -> None:
    done, handling = performed(), performed().handling
    seen = handling.from_stand()
    assert handling.stand is not None
    there = handling.stand.inverse() @ done.tools_at(handling.time_s)["left"]
    still_at = (handling.time_s < 0.8) | (handling.time_s > handling.time_s[-1] - 0.8)
    assert np.ptp(there.position_m[~still_at, 0]) > 0.04
    assert np.ptp(there.position_m[handling.time_s < 0.8, 0]) < 0.01
    assert seen.stand is None


def test_a_head_turns_to_where_it_goes_before_the_body_does() -> None:
    done, handling = performed(), performed().handling
    assert handling.stand is not None
    head = done.performance.body.kinematics.frame_poses(
        ["middle_head"], done.performance.joints_at(handling.time_s), done.performance.base_at(handling.time_s)
    )[:, 0]
    ahead = head.rotation()[..., 0]
    looks, goes = np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0])), headings(handling.stand)
    middle = (goes[0] + goes[-1]) / 2
    assert handling.time_s[np.argmax(np.abs(looks) > abs(middle))] < handling.time_s[np.argmax(np.abs(goes) > abs(middle))] - 0.1
