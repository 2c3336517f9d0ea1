"""A recording's clock beside the ideal's."""

from __future__ import annotations

import numpy as np
import pytest

from gap.errors import ScoreError
from gap.human.recording import is_mirrored, recorded_at, recording_of
from motion.handling import Hold
from motion.human import HumanMotion
from motion.landmarks import hand_landmarks
from tests.gap.human.made import handling, poses


def holds(*edges: float, sides: str = "rr", things: tuple[str, ...] = ("cup", "bowl")) -> tuple[Hold, ...]:
    pairs = zip(edges[::2], edges[1::2], sides, things, strict=False)
    return tuple(Hold({"r": "right", "l": "left"}[side], thing, start, end) for start, end, side, thing in pairs)


def test_ends_of_holds_belong_together_and_time_goes_evenly_between_them() -> None:
    recorded, ideal = holds(2.0, 4.0, 6.0, 8.0), holds(3.0, 7.0, 9.0, 10.0)
    times = recorded_at(recorded, ideal, np.array([1.0, 3.0, 5.0, 7.0, 8.0, 9.0, 10.0, 12.0]))
    assert times == pytest.approx([0.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])


def test_holds_of_both_hands_may_overlap_and_time_never_runs_back() -> None:
    recorded, ideal = holds(2.0, 6.0, 3.0, 8.0, sides="rl"), holds(2.0, 5.9, 3.1, 8.5, sides="rl")
    times = recorded_at(recorded, ideal, np.linspace(0, 10, 501))
    assert (np.diff(times) >= 0).all()
    assert recorded_at((), (), np.array([1.0, 2.0])) == pytest.approx([1.0, 2.0])


def test_a_mirrored_ideal_is_known_by_its_hands_and_another_recordings_is_refused() -> None:
    assert not is_mirrored(holds(1, 2, 3, 4), holds(1, 2, 3, 5))
    assert is_mirrored(holds(1, 2, 3, 4, sides="rl"), holds(1, 2, 3, 5, sides="lr"))
    for other in (holds(1, 2), holds(1, 2, 3, 4, things=("bowl", "cup")), holds(1, 2, 3, 4, sides="rl")):
        with pytest.raises(ScoreError, match="was not made from this recording"):
            is_mirrored(holds(1, 2, 3, 4), other)


def test_a_recording_is_brought_to_the_control_period() -> None:
    names = hand_landmarks("right")
    time = np.arange(60) / 30
    rng = np.random.default_rng(0)
    place = np.tile(0.1 * rng.standard_normal((1, len(names), 3)), (60, 1, 1)) + 0.1 * time[:, None, None]
    place[20:25] = np.nan
    confidence = np.where(np.isfinite(place[..., 0]), 1.0, 0.0)
    motion = HumanMotion(time, names, place, confidence, signals={"right_grip_force_n": 2 * time})
    found = recording_of(motion, handling(poses(np.zeros((500, 3)))))
    assert found.time_s == pytest.approx(np.arange(len(found.time_s)) * 0.02)
    assert set(found.hands) == set(found.grip_n) == {"right"}
    assert found.grip_n["right"] == pytest.approx(2 * found.time_s)
    speed = np.diff(found.hands["right"].position_m, axis=0) / 0.02
    assert np.nanmedian(speed, axis=0) == pytest.approx([0.1, 0.1, 0.1])
    assert 0.05 < np.isnan(found.hands["right"].position_m[:, 0]).mean() < 0.2
