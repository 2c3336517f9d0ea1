from __future__ import annotations

import numpy as np
import pytest

from motion.errors import UnknownNameError
from motion.tool_frame import palm_landmarks, tool_pose
from motion.transform import Transform, so3_exp, so3_log

# A right hand held out as for a handshake, knuckles in one plane, 10 cm of palm, the little finger's knuckle nearer.
HAND = {
    "wrist": [0.0, 0.0, 0.0],
    "index_mcp": [0.10, 0.0, 0.03],
    "middle_mcp": [0.10, 0.0, 0.01],
    "ring_mcp": [0.095, 0.0, -0.01],
    "pinky_mcp": [0.085, 0.0, -0.03],
}


def points(side: str, moved: Transform | None = None) -> dict[str, np.ndarray]:
    mirror = np.array([1.0, 1.0 if side == "right" else -1.0, 1.0])
    local = {f"{side}_{name}": mirror * np.array([place]) for name, place in HAND.items()}
    return local if moved is None else {name: moved.apply(place) for name, place in local.items()}


@pytest.mark.parametrize(("side", "palm"), [("right", 1.0), ("left", -1.0)])
def test_a_hand_held_out_has_the_axes_of_the_counter_and_holds_a_cylinder_before_its_palm(side: str, palm: float) -> None:
    pose = tool_pose(points(side).__getitem__, side)[0]
    # The hand is level but for the middle knuckle, 1 cm above the wrist's line: 0.1 rad about y.
    np.testing.assert_allclose(so3_log(pose.wxyz), [0.0, -np.arctan(0.1), 0.0], atol=1e-9)
    assert palm * pose.position_m[1] == pytest.approx(0.13 * np.hypot(0.10, 0.01) + 0.03)
    assert 0.09 < pose.position_m[0] < 0.11
    assert abs(pose.position_m[2]) < 0.01


def test_it_moves_with_the_palm() -> None:
    rng = np.random.default_rng(0)
    moved = Transform(rng.normal(size=3), so3_exp(rng.normal(size=3)))
    here, there = (tool_pose(points("left", pose).__getitem__, "left")[0] for pose in (None, moved))
    expected = moved @ here
    np.testing.assert_allclose(there.position_m, expected.position_m, atol=1e-12)
    np.testing.assert_allclose(there.rotation(), expected.rotation(), atol=1e-12)


@pytest.mark.parametrize("name", palm_landmarks("right"))
def test_an_unseen_landmark_of_the_palm_leaves_it_unknown(name: str) -> None:
    seen = points("right") | {name: np.full((1, 3), np.nan)}
    pose = tool_pose(seen.__getitem__, "right")
    assert np.isnan(pose.position_m).all()
    assert np.isnan(pose.wxyz).all()


def test_a_third_hand_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="side"):
        tool_pose(points("right").__getitem__, "middle")
