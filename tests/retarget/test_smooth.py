"""Smoothing: the cut-off is where it says, lag is none, gaps that are long stay, and what was done is said."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from motion.errors import MotionError
from motion.human import HumanMotion
from retarget.smooth import SmoothSettings, smooth
from retarget.sources.base import read_recording
from tests.motion.bodies import still_person
from tests.retarget.test_sources import CMU

RATE_HZ = 50.0


def moved(motion: HumanMotion, track: np.ndarray) -> HumanMotion:
    position = motion.position_m.copy()
    position[:, 0, 0] = track
    return dataclasses.replace(motion, position_m=position)


def test_nothing_is_done_unless_asked_for() -> None:
    person = still_person(20)
    same, inspection, words = smooth(person, SmoothSettings())
    assert same is person
    assert words == {}
    assert not inspection.broken.any()
    with pytest.raises(MotionError, match="want smooth.cutoff_hz"):
        smooth(person, SmoothSettings(rate_hz=30.0))


@pytest.mark.parametrize(("frequency_hz", "left"), [(0.5, 1.0), (5.0, 0.707), (20.0, 0.01)])
def test_the_cut_off_is_3_db_down_and_slow_movement_passes_without_lag(frequency_hz: float, left: float) -> None:
    person = still_person(500, RATE_HZ)
    size = 0.005  # small enough not to be taken for glitches
    wave = size * np.sin(2 * np.pi * frequency_hz * person.time_s)
    out, _, _ = smooth(moved(person, wave), SmoothSettings(cutoff_hz=5.0))
    middle = slice(100, 400)
    assert np.ptp(out.position_m[middle, 0, 0]) / (2 * size) == pytest.approx(left, abs=0.02)
    if left == 1.0:
        np.testing.assert_allclose(out.position_m[middle, 0, 0], wave[middle], atol=0.01 * size)


def test_short_gaps_are_filled_at_half_confidence_and_long_ones_stay() -> None:
    person = still_person(200, RATE_HZ)
    position, confidence = person.position_m.copy(), person.confidence.copy()
    for gap in (slice(50, 55), slice(100, 130), slice(0, 3)):
        position[gap, 4], confidence[gap, 4] = np.nan, 0.0
    out, _, words = smooth(dataclasses.replace(person, position_m=position, confidence=confidence), SmoothSettings(cutoff_hz=6.0))
    seen = np.isfinite(out.position_m[:, 4]).all(-1)
    assert np.flatnonzero(~seen).tolist() == [*range(3), *range(100, 130)]
    np.testing.assert_allclose(out.confidence[50:55, 4], 0.5)
    np.testing.assert_allclose(out.position_m[50:55, 4], person.position_m[50:55, 4], atol=1e-6)
    assert words["smoothing"].endswith("1 short gaps filled")


def test_what_smoothing_took_is_said_in_millimetres() -> None:
    person = still_person(400, RATE_HZ)
    noise = 0.01 * np.random.default_rng(0).normal(size=person.position_m.shape)
    _, _, words = smooth(dataclasses.replace(person, position_m=person.position_m + noise), SmoothSettings(cutoff_hz=5.0))
    taken = float(words["smoothing"].split("took ")[1].split(" mm")[0])
    assert 14 < taken < 17.4  # 10 mm per axis is 17.3 mm in all; a tenth of the band passes


def test_an_uneven_clock_becomes_even() -> None:
    person = still_person(100, RATE_HZ)
    uneven = dataclasses.replace(person, time_s=person.time_s + 0.004 * np.sin(np.arange(100)))
    out, _, _ = smooth(uneven, SmoothSettings(cutoff_hz=5.0, rate_hz=50.0))
    np.testing.assert_allclose(np.diff(out.time_s), 0.02, atol=1e-9)


def test_a_cut_off_beyond_half_the_rate_is_refused() -> None:
    with pytest.raises(MotionError, match="30 Hz is not below half the rate"):
        smooth(still_person(50, RATE_HZ), SmoothSettings(cutoff_hz=30.0))


def test_what_is_broken_stays_broken_through_smoothing(data: Path) -> None:
    motion = read_recording(data / CMU).motion
    out, inspection, _ = smooth(motion, SmoothSettings(cutoff_hz=6.0))
    thumb = motion.landmarks.index("left_thumb_mcp")
    assert {0, 2340, 2341, 2342, 2343} <= set(np.flatnonzero(inspection.broken[:, thumb]))
    assert inspection.broken.any(1).sum() <= 7  # at most a neighbour on either side
    assert np.isnan(out.position_m[2341, thumb]).all()
    knee = motion.point("right_knee")
    np.testing.assert_allclose(out.point("right_knee")[1:20], knee[1:20], atol=0.01)  # frame 0, a jump of 0.6 m, is not smeared


def test_a_glitch_is_not_filled_though_a_dropout_as_short_is() -> None:
    person = still_person(200, RATE_HZ)
    position = person.position_m.copy()
    position[50:53, 4] += 0.3
    position[100:103, 4] = np.nan
    confidence = np.where(np.isfinite(position).all(-1), person.confidence, 0.0)
    out, inspection, _ = smooth(dataclasses.replace(person, position_m=position, confidence=confidence), SmoothSettings(cutoff_hz=6.0))
    assert np.flatnonzero(np.isnan(out.position_m[:, 4, 0])).tolist() == [50, 51, 52]
    assert np.flatnonzero(inspection.broken[:, 4]).tolist() == [50, 51, 52]
