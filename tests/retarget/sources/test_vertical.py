"""The vertical axis: by body, floor and custom where they agree; asked for, or doubted in words, where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.landmarks import SIDES
from motion.transform import Array
from retarget.reading.normalise import check_sides, detect_world
from retarget.reading.vertical import detect_up
from tests.motion.bodies import standing_points

_ALONG_X = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
"""Turns z into x and x into -z: whoever stood now lies on the face, along x."""
_ALONG_Y = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
"""Turns z into y: y is up."""


def points(turn: Array, lift_m: tuple[float, float, float] = (0, 0, 0)) -> dict[str, Array]:
    """The stick person over two frames, turned and then moved."""
    return {name: np.tile(turn @ point + lift_m, (2, 1)) for name, point in standing_points().items()}


def on_floor(turned: dict[str, Array], axis: int, along: tuple[float, float, float]) -> dict[str, Array]:
    """The same, moved, and with its lowest point at zero along an axis."""
    moved = {name: track + np.array(along) for name, track in turned.items()}
    low = min(track[:, axis].min() for track in moved.values())
    return {name: track - low * np.eye(3)[axis] for name, track in moved.items()}


def test_nobody_stands_along_x() -> None:
    lying = points(_ALONG_X, (0, 0, 1.0))
    with pytest.raises(FileFormatError, match=r"clip: the body points along x, but no known system.*lie or crawl.*source\.up="):
        detect_world(lying, "clip")
    world = detect_world(lying, "clip", up="z")
    assert world.words["up"] == "z (stated)"
    np.testing.assert_array_equal(world.rotation, np.eye(3))
    assert detect_world(lying, "clip", format_up="x").words["up"] == "x (by the format)"


def test_a_floor_far_from_zero_is_said() -> None:
    assert detect_world(points(np.eye(3)), "clip").words["up"] == "z (detected)"
    doubted = detect_world(points(np.eye(3), lift_m=(0, 0, 2.0)), "clip").words["up"]
    assert doubted.startswith("z (detected; its lowest point lies 2.00 m from zero: state source.up=")


def test_who_lies_is_told_by_the_floor() -> None:
    lying = on_floor(points(_ALONG_X), 2, (-0.9, 0.8, 0))
    axis, how = detect_up(lying, "clip", 1.0)
    assert axis == "z"
    assert "by the floor; the body points along x" in how


def test_who_lies_along_a_usual_vertical_needs_floor_and_custom() -> None:
    flat = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # z becomes y
    lying = on_floor(points(flat), 2, (0.8, -0.9, 0))
    assert detect_up(lying, "clip", 1.0, usual="z")[0] == "z"
    with pytest.raises(FileFormatError, match=r"points along y, but the floor lies level along z.*source\.up="):
        detect_up(lying, "clip", 1.0)
    with pytest.raises(FileFormatError, match=r"points along y, but the floor lies level along z"):
        detect_up(lying, "clip", 1.0, usual="y")  # from a format with y up usually, but not here
    table = {name: track + [0, 0, 0.7] for name, track in lying.items()}  # no floor at zero
    with pytest.raises(FileFormatError, match=r"points along y, but such files have z up"):
        detect_up(table, "clip", 1.0, usual="z")


def test_who_stands_where_others_have_a_floor_stands() -> None:
    standing = on_floor(points(_ALONG_Y), 2, (0, 0, 0))
    axis, how = detect_up(standing, "clip", 1.0, usual="z")
    assert axis == "y"
    assert "the floor would be at zero along z, too: state source.up=" in how


def test_who_stands_on_the_hands_is_upside_down() -> None:
    raised = standing_points()
    for side in SIDES:
        reach = raised[f"{side}_shoulder"] - raised[f"{side}_wrist"]
        raised |= {f"{side}_elbow": raised[f"{side}_shoulder"] + reach / 2, f"{side}_wrist": raised[f"{side}_shoulder"] + reach}
    body = {name: np.tile(-point, (2, 1)) for name, point in raised.items() if name.count("_") < 2 or name == "head_top"}
    body = on_floor(body, 2, (0, 0, 0))
    assert detect_up(body, "clip", 1.0)[0] == "z"
    camera = {name: np.tile([1, -1, -1] * point + [0, 0, 1.7], (2, 1)) for name, point in standing_points().items()}
    assert detect_up(camera, "clip", 1.0)[0] == "-z"  # z down from the height of the eyes: the head is lowest along z, not the hands


def test_kneeling_with_the_toes_to_the_back_is_not_mirrored() -> None:
    body = standing_points()
    for side, y in zip(SIDES, (0.09, -0.09), strict=True):
        body |= {f"{side}_hip": np.array([0, y, 0.45]), f"{side}_knee": np.array([0.02, y, 0.05])}
        body |= {f"{side}_ankle": np.array([-0.38, y, 0.08]), f"{side}_toe": np.array([-0.52, y, 0.02])}
    kneeling = {name: point[None] for name, point in body.items()}
    assert check_sides(kneeling, "clip") == "left is left in 100% of the frames"
    with pytest.raises(FileFormatError, match="exchanged"):
        check_sides({name: track * [1, -1, 1] for name, track in kneeling.items()}, "clip")
