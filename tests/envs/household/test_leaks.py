"""Leaks are found on every axis, and a clean split has none; on the scenes that chores really draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.chores.registry import household_chores
from envs.episodes import Episode, Episodes
from envs.household.chore import Household
from envs.household.leaks import check_leaks, leaks, seen_of
from envs.household.splits import LeakError, load_splits
from envs.plants import PLANTS
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, UnknownNameError
from tests.envs.household.running import made

Row = dict[str, Any]


@pytest.fixture(scope="module")
def chore() -> Household:
    return made("pour_cup")


def rows(chore: Household, variant: str, seeds: range, worker: int | None = None) -> list[Row]:
    """As episodes of a data set, the i-th seed shown by worker + i."""
    out = []
    for index, seed in enumerate(seeds):
        scene = dict(chore.facts_of_scene(chore.variants.index(variant), seed))
        if worker is not None:
            scene["worker"] = f"worker_{worker + index:03d}"
        out.append({"chore": chore.name, "variant": variant, "seed": seed, "scene": scene})
    return out


def changed(row: Row, **scene: Any) -> Row:
    return {**row, "scene": {**row["scene"], **scene}}


@pytest.mark.parametrize("name", sorted(household_chores()))
def test_what_chores_draw_is_clean(name: str) -> None:
    chore = made(name)
    train = [row for task in chore.tasks for row in rows(chore, task, range(15), worker=0)]
    test = [row for axis in chore.axes for task in chore.tasks for row in rows(chore, f"{task}@{axis}", range(8), worker=900)]
    check_leaks(train, [*test, *rows(chore, chore.tasks[0], range(100, 110), worker=920)], axes=("objects", "layouts", "workers"))
    assert {row["scene"]["side"] for row in train} == {"left", "right"}  # mirrored layouts are told as the right hand's


def test_an_episode_or_its_scene_on_both_sides(chore: Household) -> None:
    train = rows(chore, "full", range(10))
    assert leaks(train, rows(chore, "full", range(9, 12))) == ["episode pour_cup full seed 9 is in training, too"]
    twin = {**train[3], "seed": 77}
    assert leaks(train, [twin]) == ["the scene of pour_cup full seed 77 is that of pour_cup full seed 3 in training"]


def test_workers(chore: Household) -> None:
    train, test = rows(chore, "full", range(3), worker=5), rows(chore, "full", range(50, 53), worker=7)
    assert leaks(train, test) == ["worker worker_007 is on both sides"]
    assert leaks(train, test, axes=("objects", "layouts")) == []
    late = rows(chore, "full", range(1), worker=load_splits().workers(held_out=True)[0])
    assert leaks(late, []) == ["worker worker_900 is held out, and is in training"]


def test_objects(chore: Household) -> None:
    train, test = rows(chore, "full", range(3)), rows(chore, "full@objects", range(3))
    held_out = load_splits().chore("pour_cup").objects["cup_mass_kg"].held_out
    assert held_out is not None
    heavy = changed(train[0], drawn={**train[0]["scene"]["drawn"], "cup_mass_kg": held_out[0]}, sha256="x")
    assert leaks([heavy], test) == [f"cup_mass_kg = {held_out[0]:.4g} is held out, in training: pour_cup full seed 0"]
    light = changed(test[0], drawn={**test[0]["scene"]["drawn"], "cup_mass_kg": train[0]["scene"]["drawn"]["cup_mass_kg"]})
    assert ["one of training, in the test" in line for line in leaks(train, [light])] == [True]
    assert leaks(test[:1], []) == ["pour_cup full@objects seed 0 is in training, whose variant holds out objects"]
    blind = changed(train[0], drawn={})
    assert any("does not tell its cup_mass_kg" in line for line in leaks([blind], test))


def test_plants_that_change_things(chore: Household) -> None:
    """A wet mug by another name: what a plant makes of things in training may be what the test holds out."""
    runner = Episodes(chore, 3)
    plants = PLANTS["slippery"], PLANTS["restless"], PLANTS["varied_home"]
    runner.reset([0, 1, 2], [Episode("full", plant, 0) for plant in plants])
    runner.step([0, 1, 2], np.tile(np.r_[chore.robot.rest_rad], (3, 1)))
    slippery, restless, varied = (runner.demonstration(slot, "test") for slot in range(3))
    assert "the plant changed cup, bowl, bead_00" in leaks([slippery], [])[0]
    assert "the plant changed cup, bowl, bead_00" in leaks([restless], [])[0]
    assert leaks([varied], []) == []


def test_layouts(chore: Household) -> None:
    train, test = rows(chore, "full", range(3)), rows(chore, "full@layouts", range(3))
    far = changed(train[0], places={**train[0]["scene"]["places"], "cup": [0.21, -0.2, 0.3]}, sha256="x")
    assert leaks([far], test) == ["cup stands at (0.210, -0.200) m, held out, in training: pour_cup full seed 0"]
    near = changed(test[0], places={**test[0]["scene"]["places"], "cup": [0.12, -0.2, 0.3]}, sha256="x")
    assert leaks(train, [near]) == ["nothing stands where layouts are held out, in the test: pour_cup full@layouts seed 0"]
    tracked = changed(train[0], places={**train[0]["scene"]["places"], "cup": [0.186, -0.2, 0.3]}, sha256="x")
    assert leaks([tracked], test) == []  # 6 mm beyond training's places: as a scene set from a noisy track may stand
    assert leaks(test[:1], []) == ["pour_cup full@layouts seed 0 is in training, whose variant holds out layouts"]


def test_chores() -> None:
    name = load_splits().held_out_chores[0]
    train, test = ({"chore": name, "variant": "full", "seed": seed} for seed in (0, 1))
    assert f"chore {name} is held out, and is on both sides" in leaks([train], [test])
    assert leaks([train], [test], axes=("chores",)) == [f"chore {name} is held out, and is on both sides"]
    assert leaks([{"chore": "follow", "variant": "swing", "seed": 0}], [{"chore": "follow", "variant": "swing", "seed": 1}]) == []


def test_a_chore_that_the_splits_do_not_know_cannot_hold_anything_out() -> None:
    train, test = ({"chore": "juggle", "variant": variant, "seed": 0} for variant in ("full", "full@objects"))
    assert leaks([train], [test]) == ["chore juggle is not in the splits, so nobody can say that its objects did not leak"]
    assert leaks([train], [test], axes=("layouts", "workers")) == []


def test_families_that_are_held_out() -> None:
    assert any(split.held_out_families for split in load_splits().chores.values())
    for name, split in load_splits().chores.items():
        for family in split.held_out_families:
            row = {"chore": name, "variant": "full", "seed": 0, "scene": {"families": {"thing": family}}}
            assert f"family {family!r} is held out, in training: {name} full seed 0" in leaks([row], [])


def test_it_fails_loudly_and_lists_what_leaked(chore: Household) -> None:
    train = rows(chore, "full", range(30))
    with pytest.raises(LeakError, match=r"(?s)30 leaks .* splits v1:.*seed 0 is in training.*and 10 more"):
        check_leaks(train, train)
    with pytest.raises(UnknownNameError, match="Did you mean 'objects'"):
        check_leaks(train, [], axes=("object",))
    with pytest.raises(FileFormatError, match="lacks variant, seed"):
        check_leaks([{"chore": "pour_cup"}], [])


def test_demonstrations_carry_what_the_check_needs(chore: Household, tmp_path: Path) -> None:
    runner = Episodes(chore, 1)
    observation = runner.reset([0], [Episode("full@objects", PLANTS["nominal"], 4)])
    runner.step([0], observation["previous_action_rad"])
    runner.demonstration(0, "test").save(tmp_path / "one.npz")
    done = Demonstration.load(tmp_path / "one.npz")
    (row,) = rows(chore, "full@objects", range(4, 5))
    assert done.scene["changed"] == []
    row["scene"]["changed"] = []
    assert seen_of(done) == seen_of(row) == seen_of({**row, "scene": json.dumps(row["scene"]), "facts": "{}"})
    assert not leaks(rows(chore, "full", range(3)), [done])
    assert leaks([done], [])
    cup = chore.scene("full@objects", 4).thing("cup")
    assert done.scene["families"]["cup"] == "wet mug"
    assert done.scene["drawn"]["cup_mass_kg"] == pytest.approx(cup.mass_kg)
    assert np.abs(done.scene["places"]["cup"][:2]) == pytest.approx(np.abs(cup.position_m[:2]))
