"""Ways on foot, and what scripts that walk write: hands and held things come along, and the stand is where it was told to go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.household.scene import Scene
from envs.household.shapes import box, cylinder
from envs.household.things import Joint
from motion.handling import Handling
from motion.transform import Transform
from workers.handwork.engine import Script
from workers.handwork.style import HandStyle
from workers.handwork.tape import resting
from workers.handwork.ways import ACCELERATION_MPS2, TURN_RADPS, body_of, rounded, stand_of, step, walk

PERIOD_S = 0.02


def scene(stand: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Scene:
    trolley = replace(box("trolley", (0.2, 0.2, 0.4), 5.0), joint=Joint("slide", (1.0, 0.0, 0.0), (-50.0, 50.0), speed=0.7), role="fixture")
    return Scene(
        "none", "full", 0, "right", (cylinder("can", 0.03, 0.11, 0.2).at((0.2, -0.2, 0.0)), trolley.at((1.0, 3.0, 0.0))), "", stand=stand
    )


def carried_away() -> tuple[Handling, Transform]:
    hands = Script(scene(), HandStyle(), np.random.default_rng(0))
    hands.pick("can")
    hands.draw_in()
    hands.step_back(0.3)
    in_hand = hands.tool().inverse() @ hands.pose("can")
    hands.walk_to(-0.8, 1.6, np.pi / 2, via_m=[(-0.8, 0.6)])
    hands.put((-0.95, 1.8, 0.0))
    hands.home()
    return hands.handling(), in_hand


def test_a_walk_begins_and_ends_at_rest_where_it_shall_and_is_never_too_fast() -> None:
    way = walk(np.zeros(3), [(1.0, 0.0), (1.0, 1.5), (3.0, 1.5)], -1.0, 0.52, PERIOD_S)
    np.testing.assert_allclose(way[-1], [3.0, 1.5, -1.0], atol=1e-6)
    pace = np.diff(np.vstack([np.zeros(3), way]), axis=0) / PERIOD_S
    speed = np.hypot(pace[:, 0], pace[:, 1])
    assert speed.max() < 0.53
    assert np.abs(pace[:, 2]).max() < 1.1 * TURN_RADPS
    assert np.abs(np.diff(speed)).max() / PERIOD_S < 1.5 * ACCELERATION_MPS2
    assert max(speed[0], speed[-1]) < 0.01


def test_people_face_where_they_walk() -> None:
    way = walk(np.array([0.0, 0.0, 2.0]), [(3.0, 0.0)], 1.5, 0.5, PERIOD_S)
    middle = (way[:, 0] > 1.0) & (way[:, 0] < 2.0)
    assert np.abs(way[middle, 2]).max() < 0.05
    assert np.abs(way[way[:, 0] < 1e-6, 1]).max() < 1e-9, "the turn before is on the spot"


def test_corners_are_cut_a_little_and_ends_are_kept() -> None:
    corner = rounded(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]))
    np.testing.assert_allclose(corner[[0, -1]], [[0, 0], [1, 1]], atol=1e-12)
    assert 0.02 < np.linalg.norm(corner - [1.0, 0.0], axis=1).min() < 0.10


def test_a_step_that_goes_nowhere_takes_no_time() -> None:
    assert len(step(np.ones(3), np.ones(3), 0.5, PERIOD_S)) == 0


def test_body_and_stand_say_the_same() -> None:
    body = np.array([0.4, -1.1, 2.2])
    np.testing.assert_allclose(body_of(stand_of(body[None])[0]), body, atol=1e-12)


def test_nobody_walks_in_a_script_without_walking() -> None:
    hands = Script(scene(), HandStyle(), np.random.default_rng(0))
    hands.pick("can")
    hands.put((0.2, -0.1, 0.0))
    assert hands.handling().stand is None


def test_what_is_held_comes_along_and_is_put_where_it_shall_be() -> None:
    handling, in_hand = carried_away()
    assert handling.stand is not None
    held = handling.during(handling.holds[0])
    between = handling.hands["right"].T_counter_tool[held].inverse() @ handling.things["can"][held]
    assert np.abs(between.position_m - in_hand.position_m)[40:-5].max() < 1e-9
    np.testing.assert_allclose(handling.things["can"].position_m[-1], [-0.95, 1.8, 0.0], atol=1e-9)
    np.testing.assert_allclose(handling.stand.position_m[-1], [-0.8, 1.6, 0.0], atol=1e-6)
    place = handling.from_stand().hands["right"].T_counter_tool.position_m
    assert np.linalg.norm(np.diff(place, axis=0), axis=1).max() < 0.02, "as the body sees it, no hand jumps"
    np.testing.assert_allclose(place[-1], resting("right").position_m, atol=1e-6)


def test_a_script_begins_where_the_scene_has_them_stand() -> None:
    hands = Script(scene((1.0, -2.0, 0.5)), HandStyle(), np.random.default_rng(0))
    np.testing.assert_allclose(hands.stand.position_m, [1.0, -2.0, 0.0])
    np.testing.assert_allclose((hands.stand.inverse() @ hands.tool("left")).position_m, resting("left").position_m, atol=1e-12)


def test_what_glides_by_itself_glides_on_in_the_script() -> None:
    hands = Script(scene(), HandStyle(), np.random.default_rng(0))
    hands.wait(2.0)
    track = hands.handling().things["trolley"].position_m
    assert track[-1] == pytest.approx([1.0 + 0.7 * 2.0, 3.0, 0.0])
