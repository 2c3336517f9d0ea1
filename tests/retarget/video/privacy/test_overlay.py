"""The overlay keeps the film's clock, shows nothing of it but hands, and is whole or not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from motion.errors import FileFormatError, MotionError
from retarget.video.cameras.camera import Camera
from retarget.video.detectors.mediapipe_people import BUNDLE, open_people
from retarget.video.paths import BodyPath
from retarget.video.pictures.reader import Film
from retarget.video.privacy.overlay import SIDE_COLOURS, Drawn, OverlaySettings, frame_at, write_overlay
from tests.retarget.video.good_film import FRAMES, GoodFilm, good_film
from tests.retarget.video.privacy.test_guard import detail

SIZE = (640, 360)
TIMES_MS = [0, 40, 80, 200, 240, 280, 480, 500, 520, 540]
CAMERA = Camera(*SIZE, (600.0, 600.0), (320.0, 180.0))
SMALL = OverlaySettings(longest_px=640)


def nobody(rgb: np.ndarray) -> list:
    return []


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures of noise at uneven times."""
    path = tmp_path_factory.mktemp("film") / "noise.mp4"
    pictures = np.random.default_rng(1).integers(0, 256, (len(TIMES_MS), SIZE[1], SIZE[0], 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, time_ms in zip(pictures, TIMES_MS, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def drawn(filled: slice | None = None) -> Drawn:
    """One hand in the middle of the picture, at the film's times."""
    made: GoodFilm = good_film(frames=len(TIMES_MS))
    path = made.hands["right"]
    image = (path.image_px - path.image_px[:, :1]) * 0.8 + [320, 280]
    time_s, is_filled = np.array(TIMES_MS) / 1000, np.zeros(len(TIMES_MS), bool)
    if filled is not None:
        is_filled[filled] = True
        image[filled] = np.nan
    position = np.concatenate(
        [(path.image_px - path.image_px[:, :1]) * 0.8 + [0, 100], np.full((*path.image_px.shape[:2], 1), 600.0)], axis=-1
    )
    return Drawn({"right": replace(path, time_s=time_s, image_px=image, filled=is_filled, position_m=position / 1000)}, CAMERA)


def frames_of(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        assert not container.streams.audio
        for frame in container.decode(video=0):
            yield frame.time, frame.to_ndarray(format="rgb24")


def test_the_clock_of_the_film_is_kept(film: Path, tmp_path: Path) -> None:
    ticks: list[int] = []
    write_overlay(film, drawn(), tmp_path / "o.mp4", nobody, SMALL, on_picture=lambda: ticks.append(1))
    times = [time_s for time_s, _ in frames_of(tmp_path / "o.mp4")]
    assert times == pytest.approx(np.array(TIMES_MS) / 1000, abs=1e-4)
    assert len(ticks) == len(TIMES_MS)
    assert [one.name for one in tmp_path.iterdir()] == ["o.mp4"]


def test_a_clip_starts_at_0_and_shows_its_own_pictures_only(film: Path, tmp_path: Path) -> None:
    clip = replace(drawn(), span_s=(0.2, 0.48))
    write_overlay(film, clip, tmp_path / "o.mp4", nobody, SMALL)
    assert [time_s for time_s, _ in frames_of(tmp_path / "o.mp4")] == pytest.approx([0, 0.04, 0.08, 0.28], abs=1e-4)


def test_a_tracked_hand_is_sharp_and_a_filled_one_is_not(film: Path, tmp_path: Path) -> None:
    hand = np.s_[140:280, 290:350]
    write_overlay(film, drawn(slice(5, None)), tmp_path / "o.mp4", nobody, SMALL)
    energy = [detail(picture[hand]) for _, picture in frames_of(tmp_path / "o.mp4")]
    assert min(energy[:5]) > 2 * max(energy[5:])
    for _, picture in frames_of(tmp_path / "o.mp4"):
        assert detail(picture[:100, :250]) < 1, "nothing else is sharp"


def test_without_a_finder_the_background_is_blank_and_says_so(film: Path, tmp_path: Path) -> None:
    write_overlay(film, drawn(), tmp_path / "o.mp4", None, SMALL)
    _, picture = next(frames_of(tmp_path / "o.mp4"))
    assert np.ptp(picture[:100, :250].astype(int)) <= 4
    right = np.abs(picture.astype(int) - SIDE_COLOURS["right"]).sum(-1) < 90
    assert right[:360].any(), "the skeleton is drawn all the same"
    with_words, without = picture[362:], next(iter(frames_of(_with_finder(film, tmp_path))))[1][362:]
    assert (with_words > 150).sum() > 1.2 * (without > 150).sum(), "words on the strip"


def _with_finder(film: Path, tmp_path: Path) -> Path:
    return write_overlay(film, drawn(), tmp_path / "with.mp4", nobody, SMALL)


def test_a_frame_on_which_the_finder_fails_is_blank(film: Path, tmp_path: Path) -> None:
    calls = iter(range(100))

    def fails_once(rgb: np.ndarray) -> list:
        if next(calls) == 3:
            raise RuntimeError("no memory")
        return []

    write_overlay(film, drawn(), tmp_path / "o.mp4", fails_once, SMALL)
    spread = [float(np.std(picture[:100, :250])) for _, picture in frames_of(tmp_path / "o.mp4")]
    assert spread[3] < 1 < min(spread[:3] + spread[4:])


def test_a_body_is_drawn_where_it_is_seen_and_hollow_where_inferred(film: Path, tmp_path: Path) -> None:
    time_s, names = np.array(TIMES_MS) / 1000, ("left_shoulder", "left_elbow", "left_hip")
    frames = len(time_s)
    position = np.repeat([[[-0.2, -0.1, 1.0], [-0.2, 0.15, 1.0], [0.3, 0.2, 1.0]]], frames, 0)
    image = np.repeat([[[200.0, 120.0], [200.0, 270.0], [np.nan, np.nan]]], frames, 0)
    body = BodyPath(time_s, names, position, np.full((frames, 3), 0.9), image, np.zeros(frames, bool), frozenset({"left_hip"}), {})
    write_overlay(film, Drawn({}, CAMERA, body), tmp_path / "o.mp4", None, SMALL)
    _, picture = next(frames_of(tmp_path / "o.mp4"))
    assert picture[195, 195:206].max() > 120, "the upper arm, from (200, 120) to (200, 270)"
    hip = picture[296:305, 496:505].astype(int).max(-1)
    assert hip.max() > 90 > hip[4, 4], "a ring at (500, 300), with nothing in it"


def test_bad_wishes_are_refused_and_leave_nothing(film: Path, tmp_path: Path) -> None:
    copy = tmp_path / "film.mp4"
    copy.write_bytes(film.read_bytes())
    with pytest.raises(MotionError, match="the film itself"):
        write_overlay(copy, drawn(), copy, nobody)
    with pytest.raises(MotionError, match=r"\.mp4"):
        write_overlay(copy, drawn(), tmp_path / "o.avi", nobody)
    with pytest.raises(FileFormatError):
        write_overlay(tmp_path / "nowhere.mp4", drawn(), tmp_path / "o.mp4", nobody)
    with pytest.raises(MotionError, match="longest_px"):
        OverlaySettings(longest_px=10)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_overlay(copy, drawn(), tmp_path / "o.mp4", nobody, SMALL, on_picture=stop)
    assert [one.name for one in tmp_path.iterdir()] == ["film.mp4"]


def test_times_outside_a_path_have_no_frame() -> None:
    time_s = np.arange(FRAMES) / 30
    assert frame_at(time_s, 0.499) == 15
    assert frame_at(time_s, time_s[-1] + 0.1) is None
    assert frame_at(time_s[:0], 0.0) is None


def test_the_face_of_a_real_film_is_not_in_the_written_overlay(films: Path, models: Path, tmp_path: Path) -> None:
    source = films / "mimic_hand" / "index_mcp.mp4"
    short = tmp_path / "short.mp4"
    _cut(source, short, pictures=8)
    with open_people(models / BUNDLE) as find:
        write_overlay(short, Drawn({}, CAMERA), tmp_path / "o.mp4", find)
    face = np.s_[0:190, 720:920]
    raw = next(iter(Film(source))).rgb
    for _, picture in frames_of(tmp_path / "o.mp4"):
        assert detail(picture[face]) < 0.002 * detail(raw[face])


def _cut(source: Path, target: Path, pictures: int) -> None:
    """The first packets of a film, as they are."""
    with av.open(str(source)) as film, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(film.streams.video[0])
        for number, packet in enumerate(film.demux(video=0)):
            if packet.size and number < pictures:
                packet.stream = stream
                out.mux(packet)


def test_every_picture_is_looked_at(film: Path, tmp_path: Path) -> None:
    looked: list[tuple[int, ...]] = []

    def nobody_here(rgb: np.ndarray) -> list:
        looked.append(rgb.shape)
        return []

    write_overlay(film, drawn(), tmp_path / "o.mp4", nobody_here, SMALL)
    assert looked == [(360, 640, 3)] * len(TIMES_MS)
