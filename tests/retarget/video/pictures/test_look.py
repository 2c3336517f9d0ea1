from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, MotionError
from retarget.video.pictures.look import look
from retarget.video.pictures.reader import Film
from retarget.video.pictures.spool import Spool
from retarget.video.seen import BodySeen, HandSeen
from tests.retarget.video.filming import film


@dataclass
class CornerDetector:
    """Sees one "hand" (or "person") in every picture: its points are the red corner's extent, its score tells of the picture."""

    sees: str = "hands"
    name: str = "corner"
    bundles: tuple[str, ...] = ()
    fail_at: int | None = None
    slow_s: float = 0.0
    threads: set[int] = field(default_factory=set)
    closed: bool = False

    @contextmanager
    def open(self, bundles: Mapping[str, Path], rate_hz: float) -> Iterator[CornerDetector]:
        assert rate_hz == pytest.approx(25, abs=0.1)
        self.seen = 0
        try:
            yield self
        finally:
            self.closed = True

    def detect(self, rgb: np.ndarray, time_s: float) -> list[HandSeen] | list[BodySeen]:
        self.threads.add(threading.get_ident())
        if self.seen == self.fail_at:
            raise MotionError("the detector broke")
        time.sleep(self.slow_s)
        self.seen += 1
        red = (rgb[..., 0] > 180) & (rgb[..., 1] < 90)
        extent = np.array([red.any(axis=0).sum(), red.any(axis=1).sum()], dtype=float)
        if self.sees == "bodies":
            return [BodySeen(np.tile(extent, (33, 1)), np.zeros((33, 3)), np.full(33, time_s), 0.5)]
        return [HandSeen(np.tile(extent, (21, 1)), np.zeros((21, 3)), time_s, 0.5)]


def test_every_picture_reaches_every_detector_in_order(tmp_path: Path) -> None:
    read = Film(film(tmp_path / "a.mp4", frames_n=40))
    kinds = [CornerDetector(slow_s=0.003), CornerDetector(sees="bodies")]
    done: list[int] = []
    with Spool() as spool:
        look(read, kinds, {}, spool, done.append)
        hands, bodies, pictures = spool.hands(), spool.bodies(), spool.pictures()
    assert done == list(range(40))
    np.testing.assert_allclose(hands.time_s, np.arange(40) / 25, atol=1e-3)
    np.testing.assert_allclose(hands.right[:, 0], hands.time_s, atol=1e-6)
    np.testing.assert_allclose(bodies.visibility[:, 0, 0], hands.time_s, atol=1e-6)
    assert np.isnan(hands.score[:, 1:]).all()
    assert np.isfinite(pictures.change[1:]).all()
    assert read.report.pictures_n == 40
    assert all(kind.closed for kind in kinds)
    assert not kinds[0].threads & kinds[1].threads


def test_pixels_are_those_of_the_film_where_pictures_are_scaled(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames_n=3, size_px=(320, 256))
    for longest_px in (None, 160):
        with Spool() as spool:
            look(Film(path, longest_px=longest_px), [CornerDetector()], {}, spool)
            np.testing.assert_allclose(spool.hands().image_px[:, 0], 32, atol=2)


def test_statistics_of_pictures(tmp_path: Path) -> None:
    """Hand arithmetic: a grey step of 100/255 every second picture, then the same picture again, then fine stripes."""
    flat = [np.full((128, 160, 3), level, np.uint8) for level in (50, 150, 50, 50)]
    stripes = np.zeros((128, 160, 3), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255
    path = film(tmp_path / "a.mkv", 5, codec="ffv1", pixel_format="yuv444p", pictures=[*flat, stripes])
    with Spool() as spool:
        look(Film(path), [], {}, spool)
        stats = spool.pictures()
    np.testing.assert_allclose(stats.brightness, [50 / 255, 150 / 255, 50 / 255, 50 / 255, 0.5], atol=0.01)
    assert np.isnan(stats.change[0])
    np.testing.assert_allclose(stats.change[1:4], [100 / 255, 100 / 255, 0], atol=0.01)
    np.testing.assert_allclose(stats.sharpness[:4], 0, atol=1e-6)
    assert stats.sharpness[4] > 0.05


def test_error_of_a_detector_ends_the_pass(tmp_path: Path) -> None:
    read = Film(film(tmp_path / "a.mp4", frames_n=60))
    broken, other = CornerDetector(fail_at=5), CornerDetector(sees="bodies", slow_s=0.01)
    with Spool() as spool, pytest.raises(MotionError, match="the detector broke"):
        look(read, [broken, other], {}, spool)
    assert broken.closed
    assert other.closed
    assert other.seen < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("film", "detector"))]


def test_error_of_the_film_and_of_the_caller_end_the_pass(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames_n=60)
    read = Film(path)
    path.unlink()
    with Spool() as spool, pytest.raises(FileFormatError, match="no such file"):
        look(read, [CornerDetector()], {}, spool)

    def stop(index: int) -> None:
        if index == 3:
            raise KeyboardInterrupt

    read = Film(film(tmp_path / "b.mp4", frames_n=60))
    with Spool() as spool, pytest.raises(KeyboardInterrupt):
        look(read, [CornerDetector()], {}, spool, stop)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("film", "detector"))]


def test_pictures_wait_for_slow_detectors(tmp_path: Path) -> None:
    """No more than a handful of pictures is alive at a time, however far the decoder could run ahead."""
    read = Film(film(tmp_path / "a.mp4", frames_n=50))
    given: list[int] = []

    class Counted:
        info = read.info

        def __iter__(self) -> Iterator[object]:
            for picture in read:
                given.append(picture.index)
                yield picture

    slow = CornerDetector(slow_s=0.01)
    behind: list[int] = []
    with Spool() as spool:
        look(Counted(), [slow], {}, spool, lambda index: behind.append(given[-1] - index))  # type: ignore[arg-type]
    assert max(behind) <= 9
