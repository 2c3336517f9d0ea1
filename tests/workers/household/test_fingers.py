"""Fingers meet what they hold: checked against the geometry of the thing, not against the solver's own residuals."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import UnknownNameError
from motion.landmarks import FINGERS
from retarget.handling.recorded_hands import grasp_word
from workers.anthropometry import draw_physique
from workers.hand_model import HIGHEST_RAD, LOWEST_RAD, hand_model
from workers.household.fingers import TOUCH, grasp_posture, pad_m, tool_points

HANDS = [hand_model(draw_physique(np.random.default_rng(seed))) for seed in (0, 3)]
SURFACE_M = 2e-3


def along(points: np.ndarray) -> np.ndarray:
    """Places between every two landmarks of the four fingers beyond their middle joints."""
    chains = [points[4 * finger + 1 : 4 * finger + 4] for finger in range(1, 5)]
    return np.concatenate([chain[:-1] + share * np.diff(chain, axis=0) for chain in chains for share in (0.0, 0.5, 1.0)])


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("width_m", [0.022, 0.045, 0.06, 0.075])
def test_fingers_wrap_a_cylinder_without_entering_it(hand, width_m: float) -> None:
    points = tool_points(hand, grasp_posture(hand, "wrap", width_m).held_rad[None])[0]
    surface = width_m / 2 + pad_m(hand)
    assert np.linalg.norm(points[3::4, :2], axis=1) == pytest.approx(np.full(5, surface), abs=SURFACE_M)
    assert np.linalg.norm(along(points)[:, :2], axis=1).min() > surface - 3 * SURFACE_M
    # From both sides: the thumb's joints come around the wrist's side of the cylinder, the fingers' around the far one.
    assert points[2, 0] < points[[6, 10, 14], 0].min()
    apart = np.linalg.norm(points[3::4, None] - points[None, 3::4], axis=-1) + np.eye(5)
    assert apart.min() > 1.8 * pad_m(hand)  # no fingertip is inside another


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("grasp", ["pinch", "fork"])
@pytest.mark.parametrize("width_m", [0.012, 0.025])
def test_thumb_and_index_leave_just_the_blade_between_them(hand, grasp: str, width_m: float) -> None:
    points = tool_points(hand, grasp_posture(hand, grasp, width_m).held_rad[None])[0]
    gap = points[3, 1] - points[7, 1] - 2 * pad_m(hand)
    assert gap == pytest.approx(width_m, abs=SURFACE_M)
    if grasp == "pinch":
        assert abs(points[3, 0] - points[7, 0]) < 0.01  # the tips meet
    else:
        straight = np.linalg.norm(points[7] - points[5]) / np.linalg.norm(np.diff(points[5:8], axis=0), axis=1).sum()
        assert straight > 0.97


@pytest.mark.parametrize("hand", HANDS)
def test_a_hook_lies_behind_a_bar_and_its_thumb_beside(hand) -> None:
    points = tool_points(hand, grasp_posture(hand, "hook", 0.025).held_rad[None])[0]
    surface = 0.0125 + pad_m(hand)
    assert np.linalg.norm(points[[7, 11, 15], :2], axis=1) == pytest.approx(np.full(3, surface), abs=SURFACE_M)
    assert points[[7, 11, 15], 1].min() > 0  # beyond the bar, as seen from the palm
    assert points[3, 1] < -0.01


def test_opening_goes_from_touch_to_ready_and_stays_in_the_joints_range() -> None:
    posture = grasp_posture(HANDS[0], "wrap", 0.06)
    angles = posture.at(np.array([0.0, TOUCH / 2, TOUCH, 1.0]))
    np.testing.assert_array_equal(angles[0], angles[1])  # pressing moves nothing
    np.testing.assert_allclose(angles[2], posture.held_rad)
    np.testing.assert_allclose(angles[3], posture.open_rad)
    between = posture.at(np.linspace(0, 1, 21))
    assert (between >= LOWEST_RAD - 1e-9).all()
    assert (between <= HIGHEST_RAD + 1e-9).all()
    tips = tool_points(HANDS[0], between)[:, 3::4, :2]
    assert (np.diff(np.linalg.norm(tips[:, 1:4], axis=2).mean(1)[2:]) > 0).all()


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize(
    ("grasp", "width_m"),
    [("wrap", 0.022), ("wrap", 0.07), ("pinch", 0.012), ("pinch", 0.03), ("hook", 0.02), ("fork", 0.025), ("flat", 0.0)],
)
def test_a_hands_shape_says_which_grasp_it_is(hand, grasp: str, width_m: float) -> None:
    right = tool_points(hand, grasp_posture(hand, grasp, width_m).held_rad[None])[0]
    assert grasp_word(right, "right") == grasp
    assert grasp_word(right * [1, -1, 1], "left") == grasp


def test_unknown_grasps_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="grasp"):
        grasp_posture(HANDS[0], "snatch", 0.05)


def test_tool_points_are_in_the_vocabularys_order() -> None:
    points = tool_points(HANDS[0], grasp_posture(HANDS[0], "flat", 0.0).held_rad[None])[0]
    longest = max(range(1, 5), key=lambda finger: points[4 * finger + 3, 0])
    assert FINGERS[longest] == "middle"
