"""A real film, spoiled on purpose in one way after the other: the quality control finds what was done, and when."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from retarget.video.film import clips_of
from retarget.video.pictures.reader import Film
from retarget.video.quality.judge import FilmQuality
from retarget.video.settings import FilmSettings

RATE_HZ, PICTURES = 30, 40
HALF = PICTURES // 2
Pictures = list[np.ndarray]
RNG = np.random.default_rng(2)


@pytest.fixture(scope="module")
def pictures(films: Path) -> Pictures:
    """The start of a film of one hand, 640 pixels wide."""
    film = Film(films / "dex_retargeting" / "human_hand_video.mp4", longest_px=640)
    return [picture.rgb for picture in islice(film, PICTURES)]


def written(path: Path, pictures: Pictures, times: list[int] | None = None, stamps: list[int] | None = None) -> Path:
    """A film of some pictures, in units of 1 / RATE_HZ s; `stamps` go onto the packets, whatever the pictures' order."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=RATE_HZ, options={"crf": "16", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE_HZ)
        packets = []
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = times[number] if times else number, Fraction(1, RATE_HZ)
            packets += stream.encode(frame)
        for number, packet in enumerate([*packets, *stream.encode()]):
            if stamps:
                packet.pts = stamps[number]
            container.mux(packet)
    return path


def quality_of(path: Path, models: Path) -> FilmQuality:
    (clip,) = clips_of(path, FilmSettings(view="hands", models_dir=str(models)))
    return clip.quality


def test_the_film_itself_passes(pictures: Pictures, models: Path, tmp_path: Path) -> None:
    quality = quality_of(written(tmp_path / "film.mp4", pictures), models)
    assert quality.verdict == "pass", quality.findings


def darkened(pictures: Pictures) -> Pictures:
    return [(picture * 0.15).astype(np.uint8) for picture in pictures]


def over_exposed(pictures: Pictures) -> Pictures:
    return [np.clip(picture.astype(int) + 120, 0, 255).astype(np.uint8) for picture in pictures]


def out_of_focus(pictures: Pictures) -> Pictures:
    return pictures[:HALF] + [gaussian_filter(picture, (6, 6, 0)) for picture in pictures[HALF:]]


def frozen(pictures: Pictures) -> Pictures:
    return pictures[:10] + [pictures[10]] * 18 + pictures[28:]


def a_still(pictures: Pictures) -> Pictures:
    return [pictures[0]] * PICTURES


def without_hands(pictures: Pictures) -> Pictures:
    return pictures[:HALF] + [np.full_like(picture, 120) for picture in pictures[HALF:]]


def mirrored_half_way(pictures: Pictures) -> Pictures:
    return pictures[:HALF] + [picture[:, ::-1] for picture in pictures[HALF:]]


def shaken(pictures: Pictures) -> Pictures:
    return [np.roll(picture, RNG.integers(-14, 15, 2), axis=(0, 1)) for picture in pictures]


@pytest.mark.parametrize(
    ("spoil", "what", "verdict", "from_s"),
    [
        (darkened, "dark_pct", "review", 0.0),
        (over_exposed, "bright_pct", "review", 0.0),
        (out_of_focus, "blurred_pct", "review", HALF / RATE_HZ),
        (frozen, "frozen_s", "review", 11 / RATE_HZ),
        (a_still, "repeated_pct", "exclude", 1 / RATE_HZ),
        (without_hands, "any_seen_pct", "review", HALF / RATE_HZ),
        (mirrored_half_way, "handovers", "review", HALF / RATE_HZ),
        (shaken, "right_hand_jitter_pct", "review", None),
    ],
)
def test_what_was_done_is_found(
    spoil: Callable[[Pictures], Pictures],
    what: str,
    verdict: str,
    from_s: float | None,
    pictures: Pictures,
    models: Path,
    tmp_path: Path,
) -> None:
    quality = quality_of(written(tmp_path / "film.mp4", spoil(pictures)), models)
    found = {one.what: one for one in quality.findings}
    assert what in found, found.keys()
    assert found[what].verdict == quality.verdict == verdict
    if from_s is not None:
        assert found[what].spans_s[0][0] == pytest.approx(from_s, abs=2.5 / RATE_HZ)


def test_dropped_pictures_are_found(pictures: Pictures, models: Path, tmp_path: Path) -> None:
    kept = [number for number in range(PICTURES) if not 15 <= number < 23]
    quality = quality_of(written(tmp_path / "film.mp4", [pictures[number] for number in kept], times=kept), models)
    found = {one.what: one for one in quality.findings}
    assert found["gap_s"].measured == pytest.approx(9 / RATE_HZ, abs=1e-3)
    assert found["missing_pct"].measured == pytest.approx(100 * 8 / PICTURES)


def test_jumbled_time_stamps_exclude(pictures: Pictures, models: Path, tmp_path: Path) -> None:
    stamps = [number + 3 for number in range(PICTURES)]
    for number in range(0, PICTURES - 3, 4):
        stamps[number], stamps[number + 2] = stamps[number + 2], stamps[number]
    quality = quality_of(written(tmp_path / "film.mp4", pictures, stamps=stamps), models)
    assert quality.verdict == "exclude"
    assert "bad_stamps_pct" in {one.what for one in quality.findings}
