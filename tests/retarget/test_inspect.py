"""What is broken is found at the very frame; what is merely fast is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motion.human import HumanMotion
from retarget.inspect import inspect
from retarget.sources.base import SourceOptions, read_recording
from tests.motion.bodies import still_person
from tests.retarget.test_sources import CLIMB, CMU


def waving(frames: int = 120, rate_hz: float = 60.0, peak_mps: float = 6.0) -> HumanMotion:
    """The stick person waving both arms at a given peak speed."""
    person = still_person(frames, rate_hz)
    time = person.time_s
    position = person.position_m.copy()
    swing = peak_mps / (2 * np.pi * 2) * np.sin(2 * np.pi * 2 * time)
    for side in ("left", "right"):
        chain = [
            index
            for index, name in enumerate(person.landmarks)
            if name.startswith(side) and not any(n in name for n in ("hip", "knee", "ankle", "heel", "toe"))
        ]
        position[:, chain, 0] += swing[:, None]
    return dataclasses.replace(person, position_m=position)


def broken_frames(motion: HumanMotion, landmark: str) -> list[int]:
    result = inspect(motion)
    return np.flatnonzero(result.broken[:, motion.landmarks.index(landmark)]).tolist()


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 120.0])
def test_fast_movement_is_not_broken(rate_hz: float) -> None:
    assert not inspect(waving(rate_hz=rate_hz, peak_mps=8.0)).broken.any()


@pytest.mark.parametrize("span", [(50, 51), (50, 52), (50, 56), (0, 3), (117, 120)])
def test_a_jump_away_and_back_marks_the_frames_between(span: tuple[int, int]) -> None:
    motion = waving()
    position = motion.position_m.copy()
    position[slice(*span), motion.landmarks.index("left_index_tip"), 1] += 0.15
    found = broken_frames(dataclasses.replace(motion, position_m=position), "left_index_tip")
    assert found == list(range(*span))


def test_a_lone_jump_marks_both_frames_beside_it() -> None:
    motion = waving()
    position = motion.position_m.copy()
    position[60:, motion.landmarks.index("right_pinky_tip"), 2] += 0.2
    assert broken_frames(dataclasses.replace(motion, position_m=position), "right_pinky_tip") == [59, 60]


def test_a_bone_that_stretches_is_broken_at_both_ends() -> None:
    motion = waving()
    position = motion.position_m.copy()
    bump = np.exp(-0.5 * ((np.arange(120) - 60) / 15) ** 2)  # slow: no jump, only a longer forearm
    position[:, motion.landmarks.index("left_wrist"), 2] -= 0.10 * bump
    result = inspect(dataclasses.replace(motion, position_m=position))
    for name in ("left_wrist", "left_elbow"):
        assert result.broken[60, motion.landmarks.index(name)]
        assert not result.broken[[0, 119], motion.landmarks.index(name)].any()


def test_floor_ankle_and_standing_by_construction() -> None:
    result = inspect(waving())
    assert result.floor_m == pytest.approx(0.0, abs=1e-9)
    assert result.ankle_flat_m == pytest.approx(0.08, abs=1e-9)
    assert result.contacts["left"].all()


def test_the_known_glitches_of_the_window_washer_are_found(data: Path) -> None:
    motion = read_recording(data / CMU).motion
    result = inspect(motion)
    assert np.flatnonzero(result.broken.any(1)).tolist() == [0, 2340, 2341, 2342, 2343]
    assert broken_frames(motion, "left_thumb_mcp") == [0, 2340, 2341, 2342, 2343]


def test_real_clips_without_glitches_are_left_alone(bandai: list[Path], asap: list[Path], data: Path) -> None:
    for path in [*bandai, *asap]:
        assert not inspect(read_recording(path).motion).broken.any(), path.stem
    climb = read_recording(data / CLIMB, SourceOptions(rate_hz=120)).motion
    assert inspect(climb).broken.any(1).sum() == 10  # five places where a whole leg is 25-65 mm away from one frame to the next
