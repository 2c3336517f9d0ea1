"""Each rule of `walk_clutter` on both sides, its scenes, and a room that is really crossed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from envs.chores.walk_clutter import (
    CLOSE_M,
    CONTACT_N,
    GOAL_M,
    GOAL_RAD,
    HALF_WAY_M,
    LEAST,
    LINK_M,
    MOST,
    PERSON_RADIUS_M,
    START_M,
    WalkClutter,
    floor_of,
    person_spot,
)
from envs.episodes import Episode, Episodes
from envs.household.corridor import leads
from envs.household.driving import base_path, base_velocity
from envs.household.look import Look
from envs.household.scene import Scene
from envs.household.things import Thing
from envs.plants import PLANTS
from envs.reference import PERIOD_S
from motion.handling import stand_at
from motion.transform import Array, Transform
from tests.envs.chores.scenes import check_as_gymnasium_does, still_look, true_at
from tests.envs.household.running import made
from workers.handwork.registry import handwork
from workers.handwork.style import HandStyle

FAR = np.array([50.0, 50.0, 0.0])


@pytest.fixture(scope="module")
def chore() -> WalkClutter:
    found = made("walk_clutter")
    assert isinstance(found, WalkClutter)
    return found


@pytest.fixture(scope="module")
def scene(chore: WalkClutter) -> Scene:
    return chore.scene("full", 1)


def obstacles(scene: Scene) -> list[Thing]:
    return [thing for thing in scene.things if thing.name.startswith(("crate", "bin")) and not thing.parked]


def look_at(
    chore: WalkClutter, scene: Scene, place: Array, pace: Array | None = None, person: Array = FAR, wrist: Array | None = None
) -> Look:
    """The base at a place (x, y, yaw) of the room, moving at a pace (3,); the person somewhere."""
    pose = Transform(np.array([*person[:2], 0.0]), np.array([1.0, 0, 0, 0]))
    look = still_look(chore, scene, {"person": pose})
    base = (chore.station.T_world_counter @ stand_at(np.asarray(place, float)))[None]
    landmarks = np.tile(base.position_m[:, None], (1, len(chore.robot.landmarks), 1))
    if wrist is not None:
        landmarks[0, 0] = chore.station.T_world_counter.apply(np.array([*wrist, 0.0]))
    before = {**look.moment.before, "base_place": np.asarray(place, float)[None] - PERIOD_S * (np.zeros(3) if pace is None else pace)}
    moment = replace(look.moment, state=replace(look.moment.state, T_world_base=base, landmark_m=landmarks), before=before)
    fresh = chore.look(moment)
    return replace(fresh, extra=chore.extra(fresh))


def beside_goal(scene: Scene, off_m: float = 0.0, turned_rad: float = 0.0) -> Array:
    goal = scene.thing("goal")
    yaw = 2 * np.arctan2(goal.wxyz[3], goal.wxyz[0])
    return np.array([goal.position_m[0] + off_m, goal.position_m[1], yaw + turned_rad])


@pytest.mark.parametrize(
    ("off_m", "turned_rad", "pace", "there"),
    [
        (0.0, 0.0, (0.0, 0.0, 0.0), True),
        (GOAL_M - 0.01, -GOAL_RAD + 0.01, (0.0, 0.0, 0.0), True),
        (GOAL_M + 0.01, 0.0, (0.0, 0.0, 0.0), False),
        (0.0, GOAL_RAD + 0.01, (0.0, 0.0, 0.0), False),
        (0.0, 2 * np.pi, (0.0, 0.0, 0.0), True),
        (0.0, 0.0, (0.04, 0.0, 0.09), True),
        (0.0, 0.0, (0.06, 0.0, 0.0), False),
        (0.0, 0.0, (0.0, 0.0, -0.12), False),
    ],
)
def test_goal_near_the_mark_as_its_arrow_and_at_rest(
    chore: WalkClutter, scene: Scene, off_m: float, turned_rad: float, pace: tuple[float, ...], there: bool
) -> None:
    look = look_at(chore, scene, beside_goal(scene, off_m, turned_rad), np.array(pace))
    assert true_at(chore, look, "goal") == there


def test_the_goal_has_to_hold_for_a_second_after_the_way(chore: WalkClutter) -> None:
    assert [stage.name for stage in chore.stages] == ["set_off", "near", "goal"]
    assert chore.stages[-1].hold_s == 1.0
    assert chore.stages[-1].after == ("near",)


def test_set_off_and_near(chore: WalkClutter, scene: Scene) -> None:
    for x, gone in ((START_M[0] + 0.45, False), (START_M[0] + 0.55, True)):
        assert true_at(chore, look_at(chore, scene, np.array([x, 0.0, 0.0])), "set_off") == gone
    for off, near in ((0.9, True), (1.1, False)):
        assert true_at(chore, look_at(chore, scene, beside_goal(scene, off)), "near") == near


def test_distance_from_the_person_is_that_of_the_nearest_part_of_the_robot(chore: WalkClutter, scene: Scene) -> None:
    person = np.array([1.0, 2.0])
    look = look_at(chore, scene, np.array([1.0, 0.0, 0.0]), person=person, wrist=person - [0.0, 0.8])
    assert look.extra["person_m"][0] == pytest.approx(0.8 - PERSON_RADIUS_M - LINK_M)


@pytest.mark.parametrize(
    ("signals", "harmed"),
    [
        ({"contact_n": CONTACT_N, "person_m": CLOSE_M}, []),
        ({"contact_n": CONTACT_N + 0.1, "person_m": 1.0}, ["contact_n"]),
        ({"contact_n": 0.0, "person_m": CLOSE_M - 0.01}, ["too_close_m"]),
    ],
)
def test_harm(chore: WalkClutter, signals: Mapping[str, float], harmed: list[str]) -> None:
    found = chore.harm({name: np.array([0.0 if name == "contact_n" else 3.0, value]) for name, value in signals.items()}, {})
    assert [name for name, (value, limit) in found.items() if value > limit] == harmed


def test_every_layout_leaves_a_corridor_and_stands_in_the_way(chore: WalkClutter) -> None:
    blocked = 0
    for seed in range(30):
        scene = chore.scene(chore.variants[seed % 3], seed)
        goal = scene.thing("goal").position_m[:2]
        assert LEAST <= len(obstacles(scene)) <= MOST
        assert leads(floor_of(scene), START_M, goal, HALF_WAY_M)
        line = START_M + np.linspace(0, 1, 100)[:, None] * (np.array(goal) - START_M)
        blocked += bool(floor_of(scene).air_m(line).min() < HALF_WAY_M)
    assert blocked > 25, "nobody just walks straight on"


@pytest.mark.parametrize("seed", [900_051, 900_086, 400_012, 60])
def test_a_room_without_place_for_large_obstacles_is_drawn_anew(chore: WalkClutter, seed: int) -> None:
    """In these layouts the first mark and person leave no room for three of the held-out sizes."""
    scene = chore.scene("full@objects", seed)
    assert LEAST <= len(obstacles(scene)) <= MOST
    assert chore.scene("full@objects", seed) == scene


def test_nothing_stands_where_the_person_walks(chore: WalkClutter) -> None:
    for seed in range(10):
        scene = chore.scene("full", seed)
        way = person_spot(scene, np.linspace(0.0, 40.0, 800))
        assert floor_of(scene).air_m(way).min() > PERSON_RADIUS_M


def test_held_out_things_and_places_lie_in_ranges_of_their_own(chore: WalkClutter) -> None:
    def numbers(variant: str) -> tuple[list[float], list[float]]:
        scenes = [chore.scene(variant, seed) for seed in range(12)]
        sizes = [thing.half_m[0] for scene in scenes for thing in obstacles(scene)]
        return sizes, [scene.thing("goal").position_m[0] for scene in scenes]

    (sizes, goals), (large, _), (_, far) = numbers("full"), numbers("full@objects"), numbers("full@layouts")
    assert max(sizes) < min(large)
    assert max(goals) < min(far)


def test_the_person_glides_across_as_the_scene_says(chore: WalkClutter, scene: Scene) -> None:
    setup = chore.setup(0, 1)
    assert setup.scene is not None
    begin = chore.start(np.zeros(1, int), np.zeros((1, len(chore.robot.rest_rad))), [setup])
    data = mujoco.MjData(setup.scene)
    data.qpos[:], data.qvel[:] = begin.qpos[0], begin.qvel[0]
    mujoco.mj_step(setup.scene, data, 1000)
    there = chore.station.T_world_counter.inverse().apply(data.body("thing/person").xpos)
    np.testing.assert_allclose(there[:2], person_spot(scene, np.array([data.time - setup.scene.opt.timestep]))[0], atol=1e-4)


def driven(chore: WalkClutter, seed: int, T_room_stand: Transform) -> tuple[bool, tuple[str, ...], float]:
    """Drive the base along a stand; success, violations and the largest force of a contact."""
    path = base_path(chore.station.T_world_counter @ T_room_stand @ chore.station.T_counter_base)
    episodes = Episodes(chore, 1, 1)
    seen = episodes.reset([0], [Episode("full", PLANTS["nominal"], seed)])["base_pose"]
    for now, later in zip(path, np.vstack([path[1:], path[-1:]]), strict=True):
        action = np.r_[chore.robot.rest_rad, base_velocity(now[None], later[None], seen, 4.0)[0]]
        outcome = episodes.step([0], action[None])
        seen = outcome.observation["base_pose"]
        if outcome.terminated[0]:
            break
    verdict = episodes.verdict(0)
    return verdict.success, verdict.violations, float(verdict.safety["contact_n"])


def test_who_walks_as_people_do_gets_there_and_touches_nobody(chore: WalkClutter) -> None:
    stand = handwork(chore.scene("full", 12), HandStyle(), np.random.default_rng(0)).stand
    assert stand is not None
    success, violated, force_n = driven(chore, 12, stand)
    assert success
    assert not violated
    assert force_n == 0.0


def test_who_walks_into_an_obstacle_feels_it(chore: WalkClutter) -> None:
    scene = chore.scene("full", 12)
    nearest = min(obstacles(scene), key=lambda thing: abs(np.arctan2(thing.position_m[1], thing.position_m[0] - START_M[0])))
    share = np.linspace(0.0, 1.0, 400)[:, None]
    way = share * (np.array(nearest.position_m[:2]) - START_M)
    success, violated, force_n = driven(chore, 12, stand_at(np.column_stack([way, np.zeros(len(way))])))
    assert not success
    assert "contact_n" in violated
    assert force_n > 10.0


def test_it_is_a_gymnasium_env(chore: WalkClutter) -> None:
    check_as_gymnasium_does(chore)
