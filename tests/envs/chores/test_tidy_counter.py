"""Each rule of `tidy_counter` on both sides, and its scenes."""

from __future__ import annotations

import numpy as np
import pytest

from envs.chores.tidy_counter import APART_M, CLASSES, EXTRAS, FLOOR_M, OBJECTS, WORKING_YAWS_RAD, TidyCounter, place_m
from envs.household.places import Spot, air_m, order_of_taking
from envs.household.scene import Scene, scene_facts
from motion.transform import Transform, so3_exp
from tests.envs.chores.scenes import still_look, true_at
from tests.envs.household.running import made


@pytest.fixture(scope="module")
def chore() -> TidyCounter:
    found = made("tidy_counter")
    assert isinstance(found, TidyCounter)
    return found


@pytest.fixture(scope="module")
def scene(chore: TidyCounter) -> Scene:
    """Everything is there."""
    return next(scene for scene in (chore.scene("full", seed) for seed in range(20)) if len(loose(scene)) == len(OBJECTS))


def loose(scene: Scene) -> list[str]:
    """Which objects an episode has."""
    return [name for name in OBJECTS if not scene.thing(name).parked]


def put(scene: Scene, name: str, shift_m: tuple[float, float, float] = (0.0, 0.0, 0.0), lean_rad: float = 0.0) -> dict[str, Transform]:
    """A thing in the far place of its region, shifted, and leaned about x through the middle of its underside."""
    region = next(region for region, names in CLASSES.items() if name in names)
    place = np.array(place_m(scene.thing(region).position_m, 1)) + shift_m
    return {name: Transform(place, so3_exp([lean_rad, 0.0, 0.0]))}


@pytest.mark.parametrize("name", OBJECTS)
def test_away_in_its_region_and_nowhere_else(chore: TidyCounter, scene: Scene, name: str) -> None:
    assert true_at(chore, still_look(chore, scene, put(scene, name)), f"{name}_away")
    assert not true_at(chore, still_look(chore, scene), f"{name}_away")
    assert not true_at(chore, still_look(chore, scene, put(scene, name, (0.07, 0.0, 0.0))), f"{name}_away")
    assert not true_at(chore, still_look(chore, scene, put(scene, name, (0.0, 0.0, 0.1))), f"{name}_away")
    other = scene.thing("tray" if name in CLASSES["bin"] else "bin").position_m
    wrong = {name: Transform(np.array(other) + [0, 0, FLOOR_M], np.array([1.0, 0, 0, 0]))}
    assert not true_at(chore, still_look(chore, scene, wrong), f"{name}_away")


def test_only_dishes_have_to_stand(chore: TidyCounter, scene: Scene) -> None:
    lying = np.pi / 2
    assert true_at(chore, still_look(chore, scene, put(scene, "can", (0.0, 0.05, 0.03), lying)), "can_away")
    assert not true_at(chore, still_look(chore, scene, put(scene, "glass", (0.0, 0.05, 0.03), lying)), "glass_away")
    assert not true_at(chore, still_look(chore, scene, put(scene, "beaker", (0.0, 0.05, 0.03), lying)), "beaker_away")
    assert true_at(chore, still_look(chore, scene, put(scene, "tin", (0.0, 0.05, 0.03), lying)), "tin_away")
    assert true_at(chore, still_look(chore, scene, put(scene, "mug", lean_rad=np.radians(10))), "mug_away")
    assert not true_at(chore, still_look(chore, scene, put(scene, "mug", lean_rad=np.radians(20))), "mug_away")


def test_away_means_out_of_the_hands_and_still(chore: TidyCounter, scene: Scene) -> None:
    assert not true_at(chore, still_look(chore, scene, put(scene, "mug"), touched=("mug",)), "mug_away")
    assert true_at(chore, still_look(chore, scene, put(scene, "mug"), touched=("can",)), "mug_away")
    assert not true_at(chore, still_look(chore, scene, put(scene, "mug"), speed_mps=0.08), "mug_away")


def test_tidy_when_all_are_away(chore: TidyCounter, scene: Scene) -> None:
    everything = {name: pose for one in OBJECTS for name, pose in put(scene, one).items()}
    assert true_at(chore, still_look(chore, scene, everything), "tidy")
    for name in OBJECTS:
        assert not true_at(chore, still_look(chore, scene, {**everything, name: scene.thing(name).pose}), "tidy")


def test_knocking_the_glass_over_harms(chore: TidyCounter) -> None:
    things = chore.listing.things
    for lean_deg, harms in ((30.0, False), (60.0, True)):
        wxyz = np.tile([1.0, 0.0, 0.0, 0.0], (5, len(things), 1))
        wxyz[2, things.index("glass")] = so3_exp(np.radians([lean_deg, 0.0, 0.0]))
        value, limit = chore.harm({"thing_wxyz": wxyz}, {})["glass_tilt_deg"]
        assert value == pytest.approx(lean_deg)
        assert (value > limit) == harms


def test_one_thing_is_left_in_the_task_one(chore: TidyCounter) -> None:
    left = set()
    for seed in range(12):
        scene = chore.scene("one", seed)
        look = still_look(chore, scene)
        here = loose(scene)
        away = [name for name in here if true_at(chore, look, f"{name}_away")]
        assert len(away) == len(here) - 1
        assert not true_at(chore, look, "tidy")
        left |= set(here) - set(away)
    assert len(left) > 2


@pytest.mark.parametrize("variant", ["full", "full@layouts", "full@objects"])
def test_things_stand_apart_and_can_be_taken_one_by_one(chore: TidyCounter, variant: str) -> None:
    for seed in range(6):
        scene = chore.scene(variant, seed)
        for region, members in CLASSES.items():
            names = [name for name in members if name in loose(scene)]
            side = "right" if scene.thing(region).position_m[1] < 0 else "left"
            spots = [Spot(*scene.thing(name).position_m[:2], max(scene.thing(name).half_m[:2])) for name in names]
            assert all(air_m(one, other) >= APART_M - 1e-9 for k, one in enumerate(spots) for other in spots[:k])
            yaws = [yaw if side == "right" else -yaw for yaw in WORKING_YAWS_RAD]
            order, free = order_of_taking(spots, [yaws] * len(spots), side=side)
            assert sorted(index for index, _ in order) == list(range(len(names)))
            assert free > 0.0


def test_episodes_have_four_to_six_things(chore: TidyCounter) -> None:
    here = [loose(chore.scene("full", seed)) for seed in range(30)]
    assert {len(names) for names in here} == {4, 5, 6}
    assert all(set(OBJECTS) - set(EXTRAS) <= set(names) for names in here)
    assert {name for names in here if len(names) == 5 for name in names} == set(OBJECTS)


def test_what_is_not_there_is_not_asked_for(chore: TidyCounter) -> None:
    scene = next(scene for scene in (chore.scene("full", seed) for seed in range(30)) if len(loose(scene)) == 4)
    look = still_look(chore, scene)
    assert all(true_at(chore, look, f"{name}_away") for name in EXTRAS)
    assert not any(true_at(chore, look, f"{name}_away") for name in loose(scene))
    assert not true_at(chore, look, "tidy")
    everything = {name: pose for one in loose(scene) for name, pose in put(scene, one).items()}
    assert true_at(chore, still_look(chore, scene, everything), "tidy")
    facts = scene_facts(scene)
    assert not set(EXTRAS) & {*facts["places"], *facts["families"]}
