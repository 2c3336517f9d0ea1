"""What stops a recording before the simulation is said in words; no physics here, that is in test_replays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.household.chore import Household
from motion.handling import COUNTER
from motion.human import HumanMotion
from motion.transform import Transform
from retarget.handling.recorded import handling_of
from workers.household.demonstrate import Demonstrated, Source, demonstrate
from workers.household.film import record_chore

CHORE = "fragile_glass"


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household(CHORE, "g1_dex3")


@pytest.fixture(scope="module")
def motion() -> HumanMotion:
    return record_chore(CHORE, "full", 0, 0).observed


def dropped(chore: Household, motion: HumanMotion) -> Demonstrated:
    told: list[int] = []
    (done,) = demonstrate(chore, [Source("take", "full", 0, motion)], progress=told.append)
    assert told == [1]
    assert done.name == "take"
    assert not done.admitted
    assert done.demonstration is None
    return done


def without_counter(motion: HumanMotion) -> HumanMotion:
    return replace(motion, objects={name: track for name, track in motion.objects.items() if name != COUNTER})


def shifted(motion: HumanMotion, by_m: list[float]) -> HumanMotion:
    """Person and things are elsewhere; the counter is not."""
    moved = {name: track if name == COUNTER else Transform(track.position_m + by_m, track.wxyz) for name, track in motion.objects.items()}
    return replace(motion, position_m=motion.position_m + by_m, objects=moved)


def test_a_recording_without_the_counter_is_not_understood(chore: Household, motion: HumanMotion) -> None:
    done = dropped(chore, without_counter(motion))
    assert done.dropped_at == "understand"
    assert "nothing says where the counter is; add an object track 'counter'" in done.reason


def test_a_recording_of_other_things_is_not_understood(chore: Household, motion: HumanMotion) -> None:
    vase = replace(motion, objects={"vase" if name == "glass" else name: track for name, track in motion.objects.items()})
    done = dropped(chore, vase)
    assert (done.dropped_at, done.reason) == ("understand", "the recording handles vase; fragile_glass has mark, glass")
    assert "right hand: 1 holds found from grip force" in done.notes


def test_a_recording_out_of_reach_says_which_hand_and_when(chore: Household, motion: HumanMotion) -> None:
    done = dropped(chore, shifted(motion, [0.4, 0.0, 0.0]))
    assert done.dropped_at == "reach"
    assert "% of the right hand's frames are out of reach (the worst at" in done.reason


def test_a_handling_that_is_known_already_is_not_read_again(chore: Household, motion: HumanMotion) -> None:
    handling = handling_of(motion).handling
    far = {side: replace(track, T_counter_tool=_raised(track.T_counter_tool)) for side, track in handling.hands.items()}
    (done,) = demonstrate(chore, [Source("known", "full", 0, handling=replace(handling, hands=far))])
    assert (done.dropped_at, done.notes) == ("reach", ())


def _raised(track: Transform) -> Transform:
    return Transform(track.position_m + np.array([0.0, 0.0, 0.6]), track.wxyz)
