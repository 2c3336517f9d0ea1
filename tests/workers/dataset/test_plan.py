"""Plans: which demonstrations are to be made, of which splits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envs.disturbance import MILD
from envs.household.replay_law import LAW
from envs.household.splits import load_splits
from motion.errors import UnderstudyError
from workers.dataset.plan import AUGMENTED, RECORDED, TRAIN, Recipe, jobs_of

RECIPE = Recipe(("pour_cup", "fragile_glass"), workers=4, layouts=40, recorded=0.25, tests=0.3)
VARIANTS = dict.fromkeys(RECIPE.chores, ("full", "full@objects", "full@layouts"))


def test_every_layout_of_a_chore_is_a_job_of_one_split() -> None:
    jobs = jobs_of(RECIPE, VARIANTS, load_splits())
    for chore in RECIPE.chores:
        own = [job for job in jobs if job.chore == chore]
        assert len(own) == len({(job.variant, job.layout) for job in own}) == 40
    train = [job for job in jobs if job.split == TRAIN]
    assert len(train) == 28  # 40 less 30 % for three tests of four each
    assert [sum(job.kind == kind for job in train) for kind in (RECORDED, AUGMENTED)] == [7, 21]


def test_what_is_held_out_is_in_tests_alone() -> None:
    splits = load_splits()
    jobs = jobs_of(RECIPE, VARIANTS, splits)
    assert {job.split for job in jobs if job.chore == "fragile_glass"} == {"test_chores"}
    assert {job.variant for job in jobs if job.split == "test_objects"} == {"full@objects"}
    shown = {split: {job.worker for job in jobs if job.split == split and job.kind == RECORDED} for split in (TRAIN, "test_workers")}
    assert shown[TRAIN] == {0, 1, 2, 3}
    assert all(splits.worker_is_held_out(worker) for worker in shown["test_workers"])
    assert not {job.layout for job in jobs if job.split == TRAIN} & {job.layout for job in jobs if job.split == "test_workers"}


def test_more_demonstrations_do_not_change_those_that_were_recorded_before() -> None:
    few, many = (set(jobs_of(replace(RECIPE, layouts=count), VARIANTS, load_splits())) for count in (40, 80))
    assert {job for job in few if job.kind == RECORDED} <= many


def test_how_recordings_are_replayed() -> None:
    assert Recipe(("pour_cup",)).disturbance == MILD
    assert Recipe(("pour_cup",)).law == LAW
    assert replace(RECIPE, least_grip_n=12.0).law == replace(LAW, least_grip_n=12.0)
    assert replace(RECIPE, action_noise_rad=0.01).disturbance == replace(MILD, action_noise_rad=0.01)


def test_another_task_than_the_usual_one() -> None:
    """Everything of the chore is of that task, also what its tests hold out; other chores stay as they are."""
    known = {**VARIANTS, "pour_cup": ("full", "half", "full@objects", "half@objects")}
    jobs = jobs_of(replace(RECIPE, tasks={"pour_cup": "half"}), known, load_splits())
    assert {job.variant for job in jobs if job.chore == "pour_cup"} == {"half", "half@objects"}
    assert "half" not in {job.variant for job in jobs if job.chore != "pour_cup"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"workers": 1000}, "training has 900"),
        ({"recorded": 0.0}, "recorded="),
        ({"chores": ()}, "chores="),
        ({"chores": ("a", "a")}, "twice"),
        ({"tasks": {"pour_cup": "half"}}, "unknown task 'half'"),
        ({"tasks": {"stir_pot": "full"}}, "unknown chore 'stir_pot'"),
    ],
)
def test_what_cannot_be_is_said(change: dict, said: str) -> None:
    with pytest.raises(UnderstudyError, match=said):
        jobs_of(replace(RECIPE, **change), VARIANTS, load_splits())
