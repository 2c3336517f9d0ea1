"""The scripts of `tidy_counter` and `fragile_glass`: done ideally, they do what the chore asks."""

from __future__ import annotations

import numpy as np
import pytest

from envs.chores.fragile_glass import LIFTED_M, ON_MARK_M
from envs.chores.registry import make_household
from envs.chores.tidy_counter import CLASSES
from envs.household.chore import Household
from envs.household.scene import Scene
from motion.errors import UnknownNameError
from workers.handwork.registry import find_script, handwork, known_scripts
from workers.handwork.style import HandStyle, draw_hand_style

CLUMSY = HandStyle(miss_rate=0.5, misplace_rate=0.5, wobble_m=0.005, wobble_rad=0.1)


@pytest.fixture(scope="module")
def tidy() -> Household:
    return make_household("tidy_counter", "g1_dex3")


@pytest.fixture(scope="module")
def fragile() -> Household:
    return make_household("fragile_glass", "g1_dex3")


@pytest.mark.parametrize("variant", ["full", "one", "full@layouts", "full@objects"])
@pytest.mark.parametrize("style", [HandStyle(), HandStyle(main_side="left"), CLUMSY])
def test_everything_ends_in_its_region(tidy: Household, variant: str, style: HandStyle) -> None:
    for seed in range(3):
        scene = tidy.scene(variant, seed)
        handling = handwork(scene, style, np.random.default_rng(seed))
        for region, names in CLASSES.items():
            base, half = np.array(scene.thing(region).position_m), scene.thing(region).half_m
            for name in (name for name in names if not scene.thing(name).parked):
                off = np.abs(handling.things[name].position_m[-1] - base)
                assert (off[:2] < half[:2]).all(), (seed, name)
                assert off[2] < 0.01
        assert {hold.side for hold in handling.holds} == ({"left", "right"} if variant != "one" else {handling.holds[0].side})


def test_nothing_is_carried_through_what_stands(tidy: Household) -> None:
    for seed in range(4):
        scene = tidy.scene("full", seed)
        handling = handwork(scene, HandStyle(), np.random.default_rng(seed))
        for hold in handling.holds:
            held = handling.things[hold.thing].position_m[handling.during(hold)]
            for other in _others(scene, hold.thing):
                there = handling.things[other].position_m[handling.during(hold)]
                beside = np.linalg.norm(held[:, :2] - there[:, :2], axis=1)
                over = held[:, 2] - there[:, 2] - 2 * scene.thing(other).half_m[2]
                assert ((beside > 0.065) | (over > 0.01)).all(), (seed, hold.thing, other)


def _others(scene: Scene, held: str) -> list[str]:
    """What is to be put away beside what is held."""
    return [name for names in CLASSES.values() for name in names if name != held and not scene.thing(name).parked]


@pytest.mark.parametrize("style", [HandStyle(), CLUMSY])
def test_the_glass_is_lifted_and_ends_on_the_mark(fragile: Household, style: HandStyle) -> None:
    for variant in fragile.variants:
        for seed in range(3):
            scene = fragile.scene(variant, seed)
            track = handwork(scene, style, np.random.default_rng(seed)).things["glass"]
            assert track.position_m[:, 2].max() > LIFTED_M + 0.02
            assert np.linalg.norm(track.position_m[-1] - np.array(scene.thing("mark").position_m)) < ON_MARK_M
            assert track.position_m[-1, 2] == pytest.approx(0.0)


def test_people_take_about_as_long_as_the_chores_say(tidy: Household, fragile: Household) -> None:
    for chore in (tidy, fragile):
        for task in chore.tasks:
            lasts = [_lasts_s(chore.scene(task, seed), seed) for seed in range(6)]
            assert np.median(lasts) == pytest.approx(chore.duration_s[task], rel=0.25), (chore.name, task)


def _lasts_s(scene: Scene, seed: int) -> float:
    rng = np.random.default_rng(seed)
    return handwork(scene, draw_hand_style(rng), rng).duration_s


def test_scripts_are_found_by_their_chore() -> None:
    assert {"tidy_counter", "fragile_glass"} <= set(known_scripts())
    with pytest.raises(UnknownNameError, match="tidy_counter"):
        find_script("engine")
    unknown = Scene("juggle", "full", 0, "right", (), "")
    with pytest.raises(UnknownNameError, match="fragile_glass"):
        handwork(unknown, HandStyle(), np.random.default_rng(0))
