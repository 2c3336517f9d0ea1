"""Recordings as what a policy is given: scenes as they were recorded, one thing moved where that is wanted, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.chores.registry import make_household
from envs.household.chore import Household
from envs.household.prompted import OPEN_LOOP, PlanActor
from motion.errors import UnderstudyError
from workers.household.demonstrate import Source
from workers.household.film import record_chore
from workers.household.prompting import REFERENCE, demonstrate_with_context, prompts_of, told_actors
from workers.household.record import save_recording
from workers.household.replays import ReplayOptions, source_of

CHORE, SEED, MOVED_M = "fragile_glass", 0, 0.02


@pytest.fixture(scope="module")
def chore() -> Household:
    return make_household(CHORE, "g1_dex3")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, chore: Household) -> Source:
    path = save_recording(record_chore(CHORE, "full", SEED, 0), tmp_path_factory.mktemp("film"), "worker_000")
    return source_of(path, chore)


def test_a_file_says_which_episode_it_is_of(source: Source) -> None:
    assert (source.name, source.variant, source.seed) == ("worker_000", "full", SEED)
    assert source.parent is not None


def test_a_recording_of_another_chore_is_refused(tmp_path: Path, chore: Household) -> None:
    path = save_recording(record_chore("stir_pot", "", SEED, 0), tmp_path, "other")
    with pytest.raises(UnderstudyError, match="a recording of stir_pot; chore=fragile_glass was asked for"):
        source_of(path, chore)


def test_one_thing_stands_elsewhere_and_the_rest_where_it_was_recorded(chore: Household, source: Source) -> None:
    score = prompts_of(chore, [source]).by_episode()["full", SEED]
    there = {thing.name: np.array(thing.position_m) for thing in chore.scene("full", SEED).things}
    again = prompts_of(chore, [source], MOVED_M).by_episode()["full", SEED]
    moved = {thing.name: np.array(thing.position_m) for thing in chore.scene("full", SEED).things}
    assert 0.001 < np.linalg.norm(moved["glass"] - there["glass"]) <= MOVED_M
    np.testing.assert_array_equal(moved["mark"], there["mark"])
    np.testing.assert_array_equal(again.motion.joint_position_rad, score.motion.joint_position_rad)


def test_beside_an_actor_stand_plain_replay_and_the_replay_with_feedback(chore: Household, source: Source) -> None:
    actors = told_actors(chore, PlanActor(), prompts_of(chore, [source]))
    assert [actor.name for actor in actors] == ["plan", OPEN_LOOP, REFERENCE]


def test_what_does_not_fit_is_refused(chore: Household, source: Source) -> None:
    with pytest.raises(UnderstudyError, match=r"two recordings are of fragile_glass \('full', 0\)"):
        prompts_of(chore, [source, replace(source, name="again")])
    with pytest.raises(UnderstudyError, match="moved_m is 0.05; things can be moved by 0 to 0.03 m"):
        prompts_of(chore, [source], 0.05)
    with pytest.raises(UnderstudyError, match="say context=true"):
        ReplayOptions(CHORE, "g1_dex3", moved_m=0.02)
    with pytest.raises(UnderstudyError, match="needs stage=true"):
        ReplayOptions(CHORE, "g1_dex3", context=True, stage=False)
    assert source.motion is not None
    lost = demonstrate_with_context(chore, [replace(source, motion=replace(source.motion, objects={}))])
    assert [one.dropped_at for one in lost] == ["understand"]
