"""Films on disk to files on disk: all or nothing, part by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.human import HumanMotion
from retarget.video.convert import FilmOutcome, convert
from retarget.video.pictures.reader import Film
from retarget.video.quality.judge import load_quality
from retarget.video.settings import FilmOptions, FilmSettings
from retarget.video.show_film import film_rows, table_rows
from tests.retarget.video.short_films import ONE_HAND, film_of, pictures_of

SMALL_PX = 480


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def settings(models: Path) -> FilmSettings:
    return FilmSettings(view="hands", models_dir=str(models))


def test_a_film_becomes_a_motion_a_report_and_a_timeline(films: Path, settings: FilmSettings, tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", pictures_of(films / ONE_HAND))
    asked: list[int | None] = []
    done: list[int] = []

    def on_start(pictures_n: int | None) -> object:
        asked.append(pictures_n)
        return done.append

    outcome = convert(path, tmp_path / "new" / "out" / "a.b.npz", settings, on_start)  # type: ignore[arg-type]
    assert names(tmp_path / "new" / "out") == ["a.b.film.json", "a.b.film.png", "a.b.npz"]
    (clip,) = outcome.clips
    assert (asked, done) == ([20], list(range(20)))
    assert load_quality(clip.report) == clip.quality
    assert outcome.verdict == clip.quality.verdict == "review"
    assert clip.motion is not None
    assert len(HumanMotion.load(clip.motion).time_s) == clip.frames_n == 20
    assert clip.hands_seen == {"right": 1.0}
    assert set(clip.written) == set((tmp_path / "new" / "out").iterdir())


def test_excluded_parts_leave_a_report_and_no_motion(films: Path, settings: FilmSettings, tmp_path: Path) -> None:
    """A hand, nothing for 15 s, the hand again; a motion of an earlier, laxer run is taken away."""
    hand = pictures_of(films / ONE_HAND, longest_px=SMALL_PX)
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 90, hand[0].shape).astype(np.uint8) for _ in range(20)]
    path = film_of(tmp_path / "film.mp4", [*hand[:10], *noise, *hand[:10]], rate_hz=40 / 30)
    settings = FilmSettings(view="hands", models_dir=settings.models_dir, film=FilmOptions(clip_s=10))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "m_001.npz").write_bytes(b"old")
    outcome = convert(path, tmp_path / "out" / "m.npz", settings)
    reports = [f"m_{index:03d}.film.{ending}" for index in range(3) for ending in ("json", "png")]
    assert names(tmp_path / "out") == sorted([*reports, "m_000.npz", "m_002.npz"])
    assert [clip.motion is None for clip in outcome.clips] == [False, True, False]
    assert outcome.verdict == "exclude"
    quality = load_quality(outcome.clips[1].report)
    assert quality.verdict == "exclude"
    assert any("hand is seen in 0 %" in found.reason for found in quality.findings)
    sides = {name.partition("_")[0] for clip in outcome.clips if clip.motion for name in HumanMotion.load(clip.motion).landmarks}
    assert sides == {"right"}


def test_an_overlay_has_every_picture(films: Path, settings: FilmSettings, tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", pictures_of(films / ONE_HAND))
    shown = FilmSettings(view="hands", models_dir=settings.models_dir, overlay=True)
    outcome = convert(path, tmp_path / "out" / "m.npz", shown)
    assert names(tmp_path / "out") == ["m.film.json", "m.film.png", "m.npz", "m.overlay.mp4"]
    assert outcome.also_written == (tmp_path / "out" / "m.overlay.mp4",)
    assert sum(1 for _ in Film(outcome.also_written[0])) == 20


def test_films_of_one_name_are_told_apart_in_the_table() -> None:
    outcomes = [FilmOutcome(Path(name), error="no film") for name in ("a/t.mp4", "b/t.mp4", "b/u.mp4")]
    assert [row.name for row in table_rows(outcomes)] == ["a/t.mp4", "b/t.mp4", "u.mp4"]
    assert list(film_rows(outcomes).columns[0].cells) == ["a/t.mp4", "b/t.mp4", "u.mp4"]


def test_other_endings_are_refused(settings: FilmSettings, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="a motion is written as .npz"):
        convert(tmp_path / "film.mp4", tmp_path / "m.json", settings)
