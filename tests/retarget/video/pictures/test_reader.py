from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, MotionError
from retarget.video.pictures.reader import GREY_WIDE_PX, Film, probe
from tests.retarget.video.filming import drawn, film, red_corner, sound


def times(path: Path) -> np.ndarray:
    return np.array([picture.time_s for picture in Film(path)])


def test_pictures_come_in_order_with_their_times(tmp_path: Path) -> None:
    """B-frames are stored out of order; the bar at the lower edge tells the order in which they come out."""
    read = Film(film(tmp_path / "a.mp4"))
    pictures = list(read)
    assert [picture.index for picture in pictures] == list(range(30))
    np.testing.assert_allclose([picture.time_s for picture in pictures], np.arange(30) / 25, atol=1e-3)
    bars = [np.flatnonzero(picture.rgb[-8].min(axis=1) > 180).mean() for picture in pictures]
    np.testing.assert_allclose(bars, 4 * np.arange(30) + 7.5, atol=1)
    assert np.abs(pictures[3].rgb[:24, :24].astype(int) - drawn(3, 160, 128)[:24, :24]).mean() < 8
    assert read.report.pictures_n == 30
    assert read.report.faults == ()


def test_info_of_a_film(tmp_path: Path) -> None:
    info = probe(film(tmp_path / "a.mp4", frames_n=50))
    assert (info.width_px, info.height_px, info.frames_n, info.codec) == (160, 128, 50, "h264")
    assert info.rate_hz == pytest.approx(25, abs=0.01)
    assert info.duration_s == pytest.approx(2.0, abs=0.01)
    assert not info.variable_rate


@pytest.mark.parametrize(
    ("ending", "codec"), [("mkv", "libx264"), ("webm", "libvpx"), ("ts", "libx264"), ("avi", "mpeg4"), ("mov", "mjpeg")]
)
def test_kinds_of_files(tmp_path: Path, ending: str, codec: str) -> None:
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    read = Film(film(tmp_path / f"a.{ending}", codec=codec, pixel_format=pixel_format))
    np.testing.assert_allclose([picture.time_s for picture in read], np.arange(30) / 25, atol=2e-3)
    assert read.info.rate_hz == pytest.approx(25, abs=0.1)
    assert read.report.faults == ()


@pytest.mark.parametrize(
    ("turned_deg", "rotation_deg", "corner"),
    [(0, 0, "upper left"), (-90, 90, "upper right"), (180, 180, "lower right"), (90, 270, "lower left")],
)
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_pictures_stand_upright(tmp_path: Path, turned_deg: int, rotation_deg: int, corner: str, ending: str) -> None:
    read = Film(film(tmp_path / f"a.{ending}", frames_n=2, turned_deg=turned_deg))
    picture = next(iter(read))
    assert read.info.rotation_deg == rotation_deg
    assert picture.rgb.shape == (read.info.height_px, read.info.width_px, 3)
    assert picture.rgb.shape[:2] == ((160, 128) if rotation_deg % 180 else (128, 160))
    assert red_corner(picture.rgb) == corner
    assert picture.grey.shape == (round(GREY_WIDE_PX * read.info.height_px / read.info.width_px), GREY_WIDE_PX)


def test_turning_keeps_every_level(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames_n=1, turned_deg=-90)
    turned, stored = (next(iter(Film(path, rotation))).rgb for rotation in (None, 0))
    np.testing.assert_array_equal(turned, np.rot90(stored, -1))


def test_stated_rotation_overrides_the_file(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames_n=2, turned_deg=-90)
    assert red_corner(next(iter(Film(path, rotation_deg=180))).rgb) == "lower right"
    with pytest.raises(MotionError, match="wants 0, 90, 180 or 270"):
        Film(path, rotation_deg=45)


def test_mirrored_film_is_shown_as_it_asks(tmp_path: Path) -> None:
    read = Film(film(tmp_path / "a.mp4", frames_n=2, mirrored=True))
    assert read.info.mirrored
    assert red_corner(next(iter(read)).rgb) == "upper right"


@pytest.mark.parametrize("turned_deg", [0, -90, 180, 90])
def test_a_mirrored_film_is_put_right_as_it_stands_upright(tmp_path: Path, turned_deg: int) -> None:
    path = film(tmp_path / "a.mp4", frames_n=1, turned_deg=turned_deg)
    (shown,), (put_right,) = Film(path), Film(path, unmirror=True)
    np.testing.assert_array_equal(put_right.rgb, shown.rgb[:, ::-1])


def test_variable_rate_is_kept(tmp_path: Path) -> None:
    """A phone that drops from 25 to 12.5 pictures a second in the dark."""
    stamps_ms = [*range(0, 600, 40), *range(600, 1800, 80)]
    path = film(tmp_path / "a.mp4", stamps_ms=stamps_ms)
    np.testing.assert_allclose(times(path), np.array(stamps_ms) / 1000, atol=1e-3)
    assert probe(path).variable_rate


def test_first_time_is_zero_whatever_the_stamps(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", frames_n=10, stamps_ms=[5000 + 40 * index for index in range(10)])
    np.testing.assert_allclose(times(path), np.arange(10) / 25, atol=1e-3)


def test_one_dropped_picture_is_a_gap_not_another_rate(tmp_path: Path) -> None:
    stamps_ms = [40 * index for index in range(40) if index != 20]
    path = film(tmp_path / "a.mp4", frames_n=39, stamps_ms=stamps_ms)
    assert not probe(path).variable_rate
    assert np.diff(times(path)).max() == pytest.approx(0.08, abs=1e-3)


def cut(path: Path, share: float) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    return path


@pytest.mark.parametrize(("ending", "container"), [("mp4", {"movflags": "faststart"}), ("mkv", {})])
def test_cut_off_film_gives_what_is_there_and_says_so(tmp_path: Path, ending: str, container: dict[str, str]) -> None:
    read = Film(cut(film(tmp_path / f"a.{ending}", frames_n=60, container=container), 0.6))
    given = list(read)
    assert 30 <= len(given) <= 40
    assert red_corner(given[-1].rgb) == "upper left"
    assert read.report.missing_s == pytest.approx(2.4 - len(given) / 25, abs=0.1)
    assert f"ends at {len(given) / 25:.1f} s of 2.4 s" in read.report.faults[0]


def test_damage_in_the_middle_is_passed_over_and_counted(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames_n=60, codec="mjpeg", pixel_format="yuvj420p", container={"movflags": "faststart"})
    whole = bytearray(path.read_bytes())
    for at in (0.4, 0.6):
        start = int(at * len(whole))
        whole[start : start + len(whole) // 50] = bytes(len(whole) // 50)
    path.write_bytes(whole)
    read = Film(path)
    given = [picture.time_s for picture in read]
    assert read.report.lost_n > 0
    assert len(given) + read.report.lost_n == 60
    assert "cannot be decoded whole" in " ".join(read.report.faults)
    assert given[-1] == pytest.approx(59 / 25, abs=1e-3)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv444p", "yuv420p10le"])
def test_levels_of_every_coding(tmp_path: Path, pixel_format: str) -> None:
    """Limited and full range, 8 and 10 bits: white is white, black is black, in colour and in grey."""
    half = np.zeros((96, 128, 3), np.uint8)
    half[:, 64:] = 255
    picture = next(iter(Film(film(tmp_path / "a.mp4", 2, (128, 96), pixel_format=pixel_format, pictures=[half, half]))))
    assert picture.rgb[:, :56].max() <= 4
    assert picture.rgb[:, 72:].min() >= 251
    assert picture.grey[:, :140].max() <= 4
    assert picture.grey[:, 180:].min() >= 251


def test_odd_sizes(tmp_path: Path) -> None:
    picture = next(iter(Film(film(tmp_path / "a.mkv", 2, (161, 121), codec="ffv1", pixel_format="yuv444p", turned_deg=-90))))
    assert picture.rgb.shape == (161, 121, 3)
    assert picture.rgb.flags.c_contiguous


def test_pictures_can_be_scaled_on_reading(tmp_path: Path) -> None:
    read = Film(film(tmp_path / "a.mp4", 2, turned_deg=-90), longest_px=80)
    picture = next(iter(read))
    assert (read.info.width_px, read.info.height_px) == (128, 160)
    assert picture.rgb.shape == (80, 64, 3)
    assert red_corner(picture.rgb) == "upper right"


def test_film_can_be_read_twice(tmp_path: Path) -> None:
    read = Film(film(tmp_path / "a.mp4", frames_n=10))
    with pytest.raises(MotionError, match="read the film to its end first"):
        _ = read.report
    assert len(list(read)) == len(list(read)) == 10


def test_sample_is_spread_over_the_film(tmp_path: Path) -> None:
    sample = list(Film(film(tmp_path / "a.mp4", frames_n=250, size_px=(64, 64))).sampled(12))
    at = np.array([picture.time_s for picture in sample])
    assert len(sample) == 12
    assert (np.diff(at) > 0).all()
    np.testing.assert_allclose(np.diff(at.reshape(3, 4), axis=1), 0.04, atol=2e-3)
    assert at[0] < 3
    assert at[-1] > 7


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.mp4", b"", "the file is empty"),
        ("a.mp4", b"once upon a time" * 50, "not a film that can be read"),
        ("a.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n", "not a film that can be read"),
        ("a.txt", b"words\n" * 100, "not a film that can be read"),
    ],
)
def test_what_is_no_film_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=said):
        Film(tmp_path / name)


def test_other_refusals(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no such file"):
        Film(tmp_path / "none.mp4")
    with pytest.raises(FileFormatError, match="a folder"):
        Film(tmp_path)
    with pytest.raises(FileFormatError, match="sound only"):
        Film(sound(tmp_path / "a.m4a"))
    with pytest.raises(FileFormatError, match="its index is missing"):
        Film(cut(film(tmp_path / "a.mp4"), 0.7))


def test_still_picture_is_no_film(tmp_path: Path) -> None:
    path = film(tmp_path / "a.png", frames_n=1, codec="png", pixel_format="rgb24", container={"update": "1"})
    with pytest.raises(FileFormatError, match="not a film"):
        Film(path)


def test_playlist_reaches_no_other_film(tmp_path: Path) -> None:
    """ffconcat lists are read by libav; a film must not make the reader open other files."""
    film(tmp_path / "secret.mp4", frames_n=2)
    (tmp_path / "a.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with pytest.raises(FileFormatError, match="not a film"):
        Film(tmp_path / "a.mp4")


def test_nothing_decodable(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames_n=8, codec="mjpeg", pixel_format="yuvj420p", container={"movflags": "faststart"})
    whole = bytearray(path.read_bytes())
    start = whole.index(b"mdat") + 4
    whole[start:] = bytes(len(whole) - start)
    path.write_bytes(whole)
    with pytest.raises(FileFormatError, match="none of its pictures can be decoded"):
        Film(path)


def test_real_films(films: Path, tmp_path: Path) -> None:
    """Every picture that the containers claim comes out; cut off, the rest still does."""
    for name, frames_n, size in (("egodex_sample/sample.mp4", 94, (1920, 1080)), ("pose2sim_single/cam02.mp4", 100, (1080, 1920))):
        read = Film(films / name)
        assert (read.info.width_px, read.info.height_px) == size
        assert sum(1 for _ in read) == frames_n
        assert read.report.faults == ()
    path = tmp_path / "a.mp4"
    shutil.copy(films / "mediapipe_hand_test" / "test_video.mp4", path)
    path.chmod(0o644)
    read = Film(cut(path, 0.5))
    given = sum(1 for _ in read)
    assert 0 < given < 202
    assert "ends at" in read.report.faults[0]


def test_film_without_time_stamps_gets_the_usual_step(tmp_path: Path) -> None:
    """A bare H.264 stream has an order, but no times."""
    read = Film(film(tmp_path / "a.h264", frames_n=20))
    at = np.array([picture.time_s for picture in read])
    assert len(at) == 20
    np.testing.assert_allclose(np.diff(at), 1 / read.info.rate_hz, rtol=0.01)
    assert read.report.restamped_n == 19


def test_stamps_that_jump_back_are_put_right_and_told(tmp_path: Path) -> None:
    """Two recordings joined byte by byte: the clock starts again in the middle."""
    once = film(tmp_path / "a.ts", frames_n=20)
    once.write_bytes(2 * once.read_bytes())
    read = Film(once)
    at = np.array([picture.time_s for picture in read])
    assert len(at) == 40
    np.testing.assert_allclose(np.diff(at), 0.04, atol=1e-3)
    assert read.report.restamped_n == 20
    assert "20 pictures had no rising time stamp" in read.report.faults[0]
