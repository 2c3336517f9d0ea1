from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest

from motion.errors import MotionError, ShapeError
from retarget.video.pictures.spool import BODIES_MOST, HANDS_MOST, PictureStat, Spool
from retarget.video.seen import BodySeen, HandSeen


def hand(value: float, score: float = 0.9) -> HandSeen:
    return HandSeen(np.full((21, 2), value), np.full((21, 3), value / 1000), 0.25, score)


def body(value: float) -> BodySeen:
    return BodySeen(np.full((33, 2), value), np.full((33, 3), value / 1000), np.full(33, 0.5), 0.75)


def filled(frames_n: int = 20) -> Spool:
    """Frame i shows i % 3 hands at 100 i + slot, and one person in every fourth frame."""
    spool = Spool()
    for i in range(frames_n):
        hands = [hand(100 * i + slot, 0.9 - 0.1 * slot) for slot in range(i % 3)]
        spool.append(i / 10, hands, [body(i)] if i % 4 == 0 else [], PictureStat(0.5, i, np.nan if i == 0 else 0.1))
    return spool


def test_what_goes_in_comes_out() -> None:
    with filled() as spool:
        assert len(spool) == 20
        assert spool.seen_n() == (19, 5)
        np.testing.assert_allclose(spool.times(), np.arange(20) / 10)
        hands, bodies, pictures = spool.hands(), spool.bodies(), spool.pictures()
    assert hands.image_px.shape == (20, HANDS_MOST, 21, 2)
    assert bodies.visibility.shape == (20, BODIES_MOST, 33)
    np.testing.assert_array_equal(np.isfinite(hands.score).sum(axis=1), np.arange(20) % 3)
    np.testing.assert_array_equal(hands.image_px[5, :2, 0, 0], [500, 501])
    np.testing.assert_allclose(hands.relative_m[5, 1], 0.501, rtol=1e-6)
    np.testing.assert_allclose(hands.right[5, :2], 0.25)
    np.testing.assert_array_equal(np.isfinite(bodies.score[:, 0]), np.arange(20) % 4 == 0)
    np.testing.assert_array_equal(bodies.image_px[8, 0], 8)
    np.testing.assert_array_equal(pictures.sharpness, np.arange(20))
    assert np.isnan(pictures.change[0])


@pytest.mark.parametrize("span", [(0, None, 1), (3, 9, 1), (4, 20, 3), (7, 7, 1), (19, 30, 1), (0, 20, 7)])
def test_spans_are_cuts_of_the_whole(span: tuple[int, int | None, int]) -> None:
    with filled() as spool:
        whole, part = spool.hands(), spool.hands(*span)
        for name in ("time_s", "image_px", "relative_m", "right", "score"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[slice(*span)])
        np.testing.assert_array_equal(spool.bodies(*span).image_px, spool.bodies().image_px[slice(*span)])
        np.testing.assert_array_equal(spool.pictures(*span).time_s, spool.times()[slice(*span)])


def test_reading_and_appending_may_alternate() -> None:
    with filled(5) as spool:
        before = spool.hands()
        spool.append(1.0, [hand(7)], [], PictureStat(0.1, 0.2, 0.3))
        np.testing.assert_array_equal(spool.hands(0, 5).image_px, before.image_px)
        assert spool.hands(5).image_px[0, 0, 0, 0] == 7


def test_the_best_are_kept_where_there_are_too_many() -> None:
    with Spool() as spool:
        spool.append(0.0, [hand(i, score=0.1 * i) for i in range(HANDS_MOST + 2)], [], PictureStat(0, 0, 0))
        np.testing.assert_array_equal(spool.hands().image_px[0, :, 0, 0], [5, 4, 3, 2])


def test_empty_spool() -> None:
    with Spool() as spool:
        assert (len(spool), spool.seen_n()) == (0, (0, 0))
        assert spool.hands().image_px.shape == (0, HANDS_MOST, 21, 2)
        assert spool.pictures().brightness.shape == (0,)


def test_wrong_shapes_are_refused_before_anything_is_written() -> None:
    with Spool() as spool:
        with pytest.raises(ShapeError, match=r"HandSeen.image_px is \(1, 2\)"):
            spool.append(0.0, [HandSeen(np.zeros((1, 2)), np.zeros((21, 3)), 0.5, 0.5)], [], PictureStat(0, 0, 0))
        assert len(spool) == 0
        with pytest.raises(MotionError, match="stride"):
            spool.hands(stride=0)


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files have no names: not even a killed program leaves them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with filled() as spool:
        assert len(spool) == 20
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_full_disk_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: open("/dev/full", "r+b", buffering=buffering))  # noqa: SIM115
    with Spool() as spool, pytest.raises(MotionError, match="No space left on device.*TMPDIR"):
        spool.append(0.0, [hand(1)], [], PictureStat(0, 0, 0))
