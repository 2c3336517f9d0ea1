"""What scripted hands do with cup and bowl, spoon and pot."""

from __future__ import annotations

import numpy as np
import pytest

from envs.chores.pour_cup import CUP_WALL_M, PourCup
from envs.chores.stir_pot import DEPTH_M, GRIP_M, POT_WALL_M, StirPot
from envs.household.chore import Household
from envs.household.scene import Scene
from motion.handling import Handling
from motion.transform import Array, rotate
from tests.envs.household.running import made
from workers.handwork.registry import handwork
from workers.handwork.style import HandStyle, draw_hand_style

UP = np.array([0.0, 0.0, 1.0])
SEEDS = range(6)


def done(chore: str, seed: int, drawn: bool = True, variant: str = "full") -> tuple[Scene, Handling]:
    """A worker's handwork in a scene."""
    scene = made(chore).scene(variant, seed)
    rng = np.random.default_rng(seed)
    style = draw_hand_style(rng, scene.side) if drawn else HandStyle(main_side=scene.side)
    return scene, handwork(scene, style, rng)


def during(handling: Handling, verb: str) -> np.ndarray:
    """(T,) whether a time lies in a span of a verb."""
    spans = [(label.start_s, label.end_s) for label in handling.labels if label.verb == verb]
    return np.any([(handling.time_s >= start) & (handling.time_s <= end) for start, end in spans], axis=0)


def tilt_rad(handling: Handling) -> Array:
    """(T,) of the cup."""
    return np.arccos(np.clip(rotate(handling.things["cup"].wxyz, UP)[:, 2], -1, 1))


def lip_m(scene: Scene, handling: Handling) -> Array:
    """(T, 3) the lowest point of the cup's rim."""
    cup, track = scene.thing("cup"), handling.things["cup"]
    angles = np.linspace(0, 2 * np.pi, 73)
    ring = np.column_stack([cup.half_m[0] * np.cos(angles), cup.half_m[0] * np.sin(angles), np.full(73, 2 * cup.half_m[2])])
    points = track[:, None].apply(ring)
    return points[np.arange(len(points)), points[..., 2].argmin(1)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_lip_is_over_the_bowl_while_beads_leave(seed: int) -> None:
    scene, handling = done("pour_cup", seed)
    bowl, tilt = scene.thing("bowl"), tilt_rad(handling)
    assert tilt.max() > np.radians(115)
    flowing = tilt > np.radians(60)
    lip = lip_m(scene, handling)[flowing] - np.array(bowl.position_m)
    assert np.hypot(lip[:, 0], lip[:, 1]).max() < 0.6 * bowl.half_m[0]
    assert lip[:, 2].min() > 2 * bowl.half_m[2] + 0.02
    assert lip[:, 2].max() < 2 * bowl.half_m[2] + 0.12


@pytest.mark.parametrize("seed", SEEDS)
def test_cup_and_hand_stay_clear_of_bowl_and_counter(seed: int) -> None:
    scene, handling = done("pour_cup", seed)
    bowl, cup = scene.thing("bowl"), handling.things["cup"]
    over = np.hypot(*(cup.position_m - bowl.position_m)[:, :2].T) < bowl.half_m[0] + scene.thing("cup").half_m[0]
    assert cup.position_m[over, 2].min() > 2 * bowl.half_m[2] + 0.01
    assert lip_m(scene, handling)[:, 2].min() > 0.05
    tool = handling.hands[scene.side].T_counter_tool.position_m
    assert tool[during(handling, "pour"), 2].min() > 2 * bowl.half_m[2] + 0.05, "half a hand over the rim"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cup_comes_back_upright_and_is_left(seed: int) -> None:
    scene, handling = done("pour_cup", seed)
    home, end = scene.thing("cup").pose, handling.things["cup"][-1]
    assert np.linalg.norm(end.position_m - home.position_m) < 0.015
    assert tilt_rad(handling)[-1] == pytest.approx(0.0, abs=1e-6)
    assert [hold.thing for hold in handling.holds] == ["cup"]
    assert np.linalg.norm(handling.hands[scene.side].T_counter_tool.position_m[-1] - end.position_m) > 0.1


def test_nothing_leans_while_it_is_carried() -> None:
    _, handling = done("pour_cup", 3)
    assert tilt_rad(handling)[during(handling, "lift")].max() < 1e-6
    assert tilt_rad(handling)[during(handling, "carry")].max() < 0.15


def angle_and_radius(scene: Scene, handling: Handling) -> tuple[Array, Array, Array]:
    """Of the spoon's tip about the pot's axis while it stirs: angle, radius, and height over the inside bottom."""
    stirring = during(handling, "stir")
    tip = handling.things["spoon"].position_m[stirring] - handling.things["pot"].position_m[stirring]
    return np.unwrap(np.arctan2(tip[:, 1], tip[:, 0])), np.hypot(tip[:, 0], tip[:, 1]), tip[:, 2] - POT_WALL_M


@pytest.mark.parametrize("seed", SEEDS)
def test_the_spoon_circles_deep_in_the_pot(seed: int) -> None:
    scene, handling = done("stir_pot", seed)
    angle, radius, height = angle_and_radius(scene, handling)
    away = radius > 0.012
    assert abs(angle[away][-1] - angle[away][0]) > 7 * 2 * np.pi
    assert height.min() > 0.0
    assert height.max() < 0.022 - DEPTH_M - 0.003, "below the beads' tops, with room for what the robot does worse"
    assert radius.max() < scene.thing("pot").half_m[0] - POT_WALL_M - 0.014, "the blade stays off the wall"
    assert np.ptp(radius[away]) > 0.015, "wide and narrow"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_spoon_is_held_by_its_handle_and_put_back(seed: int) -> None:
    scene, handling = done("stir_pot", seed)
    (hold,) = handling.holds
    assert hold.thing == "spoon"
    assert hold.force_n >= 20.0
    spoon, home = handling.things["spoon"], scene.thing("spoon").pose
    held = handling.during(hold)
    tool = handling.hands[scene.side].T_counter_tool.position_m[held]
    assert np.abs((tool - spoon.position_m[held])[:, 2] - GRIP_M).max() < 0.005
    assert np.linalg.norm(spoon.position_m[-1] - home.position_m) < 0.001
    assert np.ptp(handling.things["pot"].position_m, axis=0).max() == 0.0


def test_takes_differ_and_a_careful_worker_repeats_himself() -> None:
    assert done("stir_pot", 0)[1].duration_s == done("stir_pot", 0)[1].duration_s
    assert len({done("stir_pot", seed)[1].duration_s for seed in SEEDS}) > 3


def test_the_grip_bears_the_beads_too() -> None:
    scene, handling = done("pour_cup", 0)
    cup = scene.thing("cup")
    beads_kg = sum(thing.mass_kg for thing in scene.things if thing.role == "bead")
    assert handling.holds[0].force_n >= 1.4 * (cup.mass_kg + beads_kg) * 9.81 / cup.friction


@pytest.mark.parametrize(("name", "chore"), [("pour_cup", PourCup), ("stir_pot", StirPot)])
def test_people_need_about_as_long_as_the_chore_says(name: str, chore: type[Household]) -> None:
    lasting = [done(name, seed)[1].duration_s for seed in range(15)]
    assert np.median(lasting) == pytest.approx(chore.duration_s["full"], rel=0.15)
    assert max(lasting) < 1.5 * chore.duration_s["full"] - 2.0, "a replay needs time to wait for its grip and for the goal to hold"


def test_a_cup_has_room_for_its_beads_below_the_lip() -> None:
    for variant in ("full", "full@objects"):
        for seed in range(10):
            scene = made("pour_cup").scene(variant, seed)
            cup = scene.thing("cup")
            highest = max(thing.position_m[2] for thing in scene.things if thing.role == "bead")
            assert highest < 0.75 * 2 * cup.half_m[2] - CUP_WALL_M
