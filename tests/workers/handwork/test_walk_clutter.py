"""How people cross the room: clear of what stands there and of who crosses, to where the mark is."""

from __future__ import annotations

import numpy as np
import pytest

from envs.chores.walk_clutter import GOAL_M, HALF_WAY_M, PERSON_RADIUS_M, floor_of, person_spot
from tests.envs.household.running import made
from workers.handwork.registry import handwork
from workers.handwork.style import HandStyle
from workers.handwork.walk_clutter import PERSON_AIR_M
from workers.handwork.ways import body_of

CUT_M = 0.08
"""Corners are cut by so much at most."""


@pytest.mark.parametrize(("variant", "seed"), [("full", 0), ("full", 4), ("full@objects", 6), ("full@layouts", 3)])
def test_people_cross_the_room_clear_of_everything(variant: str, seed: int) -> None:
    scene = made("walk_clutter").scene(variant, seed)
    handling = handwork(scene, HandStyle(), np.random.default_rng(seed))
    assert handling.stand is not None
    body = np.array([body_of(handling.stand[frame]) for frame in range(0, len(handling.stand), 5)])
    times = handling.time_s[::5]
    assert floor_of(scene).air_m(body[:, :2]).min() > HALF_WAY_M - CUT_M
    person = person_spot(scene, times)
    assert np.linalg.norm(person - body[:, :2], axis=1).min() - PERSON_RADIUS_M > PERSON_AIR_M
    np.testing.assert_allclose(handling.things["person"].position_m[::5, :2], person, atol=1e-9)
    goal = scene.thing("goal")
    assert np.linalg.norm(body[-1, :2] - goal.position_m[:2]) < 0.1 * GOAL_M
    assert body[-1, 2] == pytest.approx(2 * np.arctan2(goal.wxyz[3], goal.wxyz[0]), abs=1e-6)
    assert not handling.holds
    assert all(not hand.wanted.any() for hand in handling.hands.values()), "nothing is asked of hands"


def test_people_wait_for_who_crosses_rather_than_run_into_them() -> None:
    waits = []
    for seed in range(6):
        scene = made("walk_clutter").scene("full", seed)
        labels = handwork(scene, HandStyle(), np.random.default_rng(seed)).labels
        waits.append(labels[0].end_s - labels[0].start_s)
    assert max(waits) > 2.0
    assert min(waits) < 0.5
