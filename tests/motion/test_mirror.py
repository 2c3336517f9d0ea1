"""Mirror images of demonstrations: left for right, and the same again when mirrored twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from motion.demonstration import CONFIDENCE, Demonstration
from motion.errors import ShapeError, UnknownNameError
from motion.mirror import Mirror, mirrored

JOINTS = ("left_roll", "waist", "right_roll")
MIRROR = Mirror(JOINTS, np.array([2, 1, 0]), np.array([-1.0, 1.0, -1.0]))


def demonstration(extra: tuple[str, ...] = (), **observations: np.ndarray) -> Demonstration:
    rng = np.random.default_rng(0)
    steps, names = 4, (*JOINTS, *extra)
    turn = rng.normal(size=(steps, 2, 4))
    turn = np.abs(turn) * [1, 1, -1, 1] / np.linalg.norm(turn, axis=-1, keepdims=True)
    seen: Mapping[str, np.ndarray] = {
        "joint_position_rad": rng.normal(size=(steps, 3)),
        "previous_action_rad": rng.normal(size=(steps, len(names))),
        "base_place": np.tile([0.1, 0.2, 0.3], (steps, 1)),
        "hand_position_m": np.tile([[0.3, 0.2, 0.1], [0.4, -0.1, 0.2]], (steps, 1, 1)),
        "hand_wxyz": turn,
        "hand_force_n": rng.uniform(size=(steps, 2, 6)),
        "thing_position_m": rng.normal(size=(steps, 5, 3)),
        "elapsed_s": np.arange(steps)[:, None] * 0.02,
        **observations,
    }
    return Demonstration(
        *("robot", "chore", "full", "nominal", "expert", 0, 0.02, names, seen, rng.normal(size=(steps, len(names)))),
        signals={CONFIDENCE: rng.uniform(size=(steps, len(names))), "gone": np.zeros(steps)},
        success=True,
        progress=1.0,
    )


def test_left_is_right_by_hand_arithmetic() -> None:
    plain = demonstration()
    image = mirrored(plain, MIRROR)
    assert np.array_equal(image.actions[:, 0], -plain.actions[:, 2])
    assert np.array_equal(image.actions[:, 1], plain.actions[:, 1])
    assert np.allclose(image.observations["base_place"][0], [0.1, -0.2, -0.3])
    assert np.allclose(image.observations["hand_position_m"][0], [[0.4, 0.1, 0.2], [0.3, -0.2, 0.1]])
    assert np.array_equal(image.observations["hand_force_n"][:, 0], plain.observations["hand_force_n"][:, 1])
    assert np.array_equal(image.signals[CONFIDENCE], plain.signals[CONFIDENCE][:, [2, 1, 0]])
    assert "gone" not in image.signals


@pytest.mark.parametrize("extra", [(), ("base_forward", "base_left", "base_yaw")])
def test_mirrored_twice_it_is_itself(extra: tuple[str, ...]) -> None:
    plain = demonstration(extra)
    image = mirrored(plain, MIRROR)
    again = mirrored(image, MIRROR)
    assert np.array_equal(again.actions, plain.actions)
    for name, track in plain.observations.items():
        assert np.allclose(again.observations[name], track), name
    if extra:
        assert np.array_equal(image.actions[:, 3:], plain.actions[:, 3:] * [1, -1, -1])


def test_orientations_turn_the_other_way_about_what_lies_in_the_plane() -> None:
    yaw = np.tile([np.cos(0.2), 0.0, 0.0, np.sin(0.2)], (4, 1, 1))
    image = mirrored(demonstration(thing_wxyz=yaw), MIRROR)
    assert np.allclose(image.observations["thing_wxyz"][0, 0], [np.cos(0.2), 0.0, 0.0, -np.sin(0.2)])


def test_what_the_head_sees_is_flipped() -> None:
    picture = np.arange(4 * 2 * 3 * 3, dtype=np.uint8).reshape(4, 2, 3, 3)
    image = mirrored(demonstration(image_head=picture), MIRROR).observations["image_head"]
    assert np.array_equal(image[:, :, 0], picture[:, :, 2])


def test_what_has_no_mirror_image_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match="image_shelf"):
        mirrored(demonstration(image_shelf=np.zeros((4, 2, 2, 3), np.uint8)), MIRROR)
    with pytest.raises(ShapeError, match="tail"):
        mirrored(replace(demonstration(), joint_names=("left_roll", "waist", "tail")), MIRROR)
    with pytest.raises(ShapeError, match="right_roll"):
        MIRROR.of(("left_roll", "waist"))
    with pytest.raises(ShapeError, match="mutual"):
        Mirror(JOINTS, np.array([1, 2, 0]), np.ones(3))


def test_some_of_the_joints_in_another_order() -> None:
    some = MIRROR.of(("right_roll", "left_roll"))
    assert np.array_equal(some.joints(np.array([[1.0, 2.0]])), [[-2.0, -1.0]])
