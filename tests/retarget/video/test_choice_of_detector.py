"""Detectors by name: a plug-in's can be asked for, and one that sees something else is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from motion import plugins
from motion.errors import MotionError, UnknownNameError
from retarget.video.detectors import base
from retarget.video.film import clips_of, hand_detector
from retarget.video.seen import HandSeen
from retarget.video.settings import FilmOptions, FilmSettings
from tests.retarget.video.filming import film


class Still:
    """Sees the same right hand in every picture."""

    name, sees, bundles = "still", "hands", ()

    @contextmanager
    def open(self, bundles: Mapping[str, Path], rate_hz: float) -> Iterator[Still]:
        yield self

    def detect(self, rgb: np.ndarray, time_s: float) -> list[HandSeen]:
        finger, joint = np.divmod(np.arange(20), 4)
        flat = np.vstack([[0.0, 0.0], np.stack([0.02 * (finger - 2), -0.03 * (joint + 2)], axis=-1)])
        deep = np.c_[flat, np.zeros(21)]
        return [HandSeen(np.array([80.0, 110.0]) + 400 * flat, deep, right=0.95, score=0.95)]


def test_a_detector_of_ones_own_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "plugins", lambda kind: {"still": Still()} if kind == "detector" else {})
    base.detectors.cache_clear()
    try:
        path = film(tmp_path / "a.mp4", frames_n=30)
        (clip,) = clips_of(path, FilmSettings(view="hands", film=FilmOptions(hand_detector="still")))
    finally:
        base.detectors.cache_clear()
    assert clip.understood.tracks["right"].seen.all()
    assert np.isfinite(clip.understood.worker.hands["right"].position_m).all()


def test_a_detector_of_people_is_none_of_hands() -> None:
    with pytest.raises(MotionError, match=r"sees bodies, not hands; those that do: .*mediapipe_hands"):
        hand_detector(FilmSettings(film=FilmOptions(hand_detector="mediapipe_pose")))


def test_an_unknown_detector_lists_what_exists() -> None:
    with pytest.raises(UnknownNameError, match="mediapipe_hands"):
        hand_detector(FilmSettings(film=FilmOptions(hand_detector="mediapipe_hand")))
