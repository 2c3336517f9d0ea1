"""Stations: the proved one of G1, further away for larger robots, and the same however a robot waits for work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion.errors import RobotError
from motion.transform import Transform, so3_exp
from robots import load_robot
from robots.station import station
from robots.tool_frames import tool_chain
from robots.upper_body import upper_body

UNREACHED = 0.1
"""Share of places that talos, whose wrist turns least, may miss."""


def test_g1_has_the_place_that_was_proved() -> None:
    place = station(load_robot("g1_dex3"))
    np.testing.assert_allclose(place.T_world_counter.position_m, [0.22, 0.0, 0.80], atol=1e-9)
    assert place.places_reached == 1.0


def test_larger_robots_stand_further_away_and_smaller_ones_say_what_they_miss() -> None:
    places = {name: station(upper_body(load_robot(name))) for name in ("g1_dex3", "alex_psyonic", "talos", "icub")}
    ahead = {name: place.T_world_counter.position_m[0] for name, place in places.items()}
    assert ahead["g1_dex3"] < ahead["alex_psyonic"] < ahead["talos"]
    for name in ("alex_psyonic", "talos"):
        assert places[name].places_reached > 1 - UNREACHED
    assert 0.2 < places["icub"].places_reached < 0.8


def test_a_robot_whose_root_looks_back_is_turned_round() -> None:
    place, robot = station(load_robot("icub")), upper_body(load_robot("icub"))
    left, right = (tool_chain(robot, side).poses(robot.rest_rad, place.T_world_base).position_m[0] for side in ("left", "right"))
    assert left[1] > 0 > right[1]


def test_a_station_does_not_depend_on_how_a_robot_waits() -> None:
    robot = upper_body(load_robot("talos"))
    other = np.clip(robot.rest_rad + 0.2, robot.lower_rad, robot.upper_rad)
    for one in (load_robot("talos"), replace(robot, rest_rad=other)):
        assert np.array_equal(station(one).T_world_counter.position_m, station(robot).T_world_counter.position_m)


def test_left_handed_work_is_the_mirror_image() -> None:
    robot = upper_body(load_robot("g1_dex3"))
    place, start = station(robot), robot.rest_rad
    for sign, side in ((1.0, "left"), (-1.0, "right")):
        tool = Transform(np.array([[0.2, sign * 0.2, 0.1]]), so3_exp(np.array([[0.0, 0.0, -sign * 0.4]])))
        _, error = tool_chain(robot, side).reach(place.T_world_counter @ tool, start, place.T_world_base)
        assert error[0, 0] < 1e-3


def test_a_robot_without_arms_has_no_station() -> None:
    with pytest.raises(RobotError, match="left_shoulder"):
        station(load_robot("allegro_right"))


def test_a_stated_counter_is_taken() -> None:
    place = station(replace(load_robot("g1_dex3"), counter_m=(0.3, 0.75)))
    np.testing.assert_array_equal(place.T_world_counter.position_m, [0.3, 0.0, 0.75])
