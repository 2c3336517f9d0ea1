"""Handlings as files, and as seen from where somebody stands who walks about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motion.errors import ShapeError
from motion.handling import Handling, HandTrack, Hold
from motion.transform import Transform, so3_exp

FRAMES = 5


def _track(x_m: float) -> Transform:
    position = np.column_stack([np.full(FRAMES, x_m), np.linspace(0.0, 0.4, FRAMES), np.full(FRAMES, 0.1)])
    return Transform(position, np.tile([1.0, 0, 0, 0], (FRAMES, 1)))


@pytest.fixture
def walked() -> Handling:
    """A hand with a cup, by somebody who walks to the left and turns."""
    turn = so3_exp(np.linspace(0.0, 0.8, FRAMES)[:, None] * np.array([0.0, 0.0, 1.0]))
    stand = Transform(_track(0.0).position_m * [1.0, 1.0, 0.0], turn)
    hand = HandTrack(_track(0.2), np.ones(FRAMES), np.ones(FRAMES))
    hold = Hold("right", "cup", 0.0, 2.0, force_n=3.0)
    return Handling(np.arange(FRAMES, dtype=float), {"right": hand}, {"cup": _track(0.3)}, (hold,), stand=stand)


def test_a_file_keeps_everything(walked: Handling, tmp_path: Path) -> None:
    walked.save(tmp_path / "one.npz")
    back = Handling.load(tmp_path / "one.npz")
    assert back.stand is not None
    assert walked.stand is not None
    np.testing.assert_array_equal(back.stand.position_m, walked.stand.position_m)
    np.testing.assert_allclose(back.stand.wxyz, walked.stand.wxyz, atol=1e-15)
    np.testing.assert_array_equal(back.hands["right"].T_counter_tool.position_m, walked.hands["right"].T_counter_tool.position_m)
    np.testing.assert_array_equal(back.things["cup"].position_m, walked.things["cup"].position_m)
    assert back.holds == walked.holds
    replace(walked, stand=None).save(tmp_path / "still.npz")
    assert Handling.load(tmp_path / "still.npz").stand is None


def test_from_the_stand_hands_and_things_keep_their_places_to_each_other(walked: Handling) -> None:
    seen = walked.from_stand()
    assert seen.stand is None
    assert walked.stand is not None
    between = walked.things["cup"].inverse() @ walked.hands["right"].T_counter_tool
    now = seen.things["cup"].inverse() @ seen.hands["right"].T_counter_tool
    np.testing.assert_allclose(now.position_m, between.position_m, atol=1e-12)
    back = walked.stand @ seen.things["cup"]
    np.testing.assert_allclose(back.position_m, walked.things["cup"].position_m, atol=1e-12)
    np.testing.assert_allclose(seen.things["cup"].position_m[0], walked.things["cup"].position_m[0])
    assert np.linalg.norm(seen.things["cup"].position_m[-1] - walked.things["cup"].position_m[-1]) > 0.1
    still = replace(walked, stand=None)
    assert still.from_stand() is still


def test_a_stand_of_another_length_is_refused(walked: Handling) -> None:
    assert walked.stand is not None
    with pytest.raises(ShapeError, match="track 'stand' has 3 frames"):
        replace(walked, stand=walked.stand[:3])
