"""Films of several calibrated cameras: one motion, in metres, and clear words where they are not of one take."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError
from motion.human import HumanMotion
from retarget.video.convert import convert_views
from retarget.video.quality.judge import load_quality
from retarget.video.settings import FilmSettings, SubjectSettings
from tests.retarget.video.short_films import film_of, pictures_of

RATE_HZ = 15.0
FRAMES_N = 20
CAMERAS = ("cam01", "cam02", "cam03")


@pytest.fixture(scope="module")
def take(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three short films and their calibration: every fourth picture of the real ones, at two thirds of their size."""
    folder = tmp_path_factory.mktemp("take")
    for camera in CAMERAS:
        pictures = pictures_of(films / "pose2sim_single" / f"{camera}.mp4", FRAMES_N, 1280, step=4)
        film_of(folder / f"{camera}.mp4", pictures, RATE_HZ)
    shutil.copy(films / "pose2sim_single" / "Calib.qca.txt", folder)
    return folder


def test_three_views_are_one_person_in_metres(take: Path, models: Path, tmp_path: Path) -> None:
    subject = SubjectSettings(pseudonym="p1", licence="BSD-3-Clause", consent="form 7")
    films = [take / f"{camera}.mp4" for camera in CAMERAS]
    outcome = convert_views(films, take / "Calib.qca.txt", tmp_path / "m.npz", FilmSettings(models_dir=str(models), subject=subject))
    motion = HumanMotion.load(tmp_path / "m.npz")
    assert len(motion.time_s) == FRAMES_N
    assert motion.rate_hz == pytest.approx(RATE_HZ, rel=0.01)
    thigh = np.linalg.norm(motion.point("left_hip") - motion.point("left_knee"), axis=-1)
    assert 0.33 < np.median(thigh) < 0.5
    assert np.ptp(thigh) < 0.03
    assert np.nanmedian(motion.point("head")[:, 2]) > 0.9  # he leans far, above a floor at 0
    assert np.nanmin(motion.point("left_toe")[:, 2]) > -0.05
    assert (motion.subject.pseudonym, motion.provenance.licence, motion.provenance.consent) == ("p1", "BSD-3-Clause", "form 7")
    assert [parent.name for parent in motion.provenance.parents] == [*(film.name for film in films), "Calib.qca.txt"]
    assert outcome.words is not None
    assert "triangulated from 3 views" in outcome.words["points"]
    assert load_quality(tmp_path / "m.film.json").verdict in ("pass", "review")


def test_one_film_is_no_take(take: Path, models: Path, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="two cameras or more"):
        convert_views([take / "cam01.mp4"], take / "Calib.qca.txt", tmp_path / "m.npz", FilmSettings(models_dir=str(models)))


def test_films_of_other_length_or_name_are_no_take(take: Path, films: Path, models: Path, tmp_path: Path) -> None:
    settings = FilmSettings(models_dir=str(models))
    longer = film_of(tmp_path / "cam02.mp4", pictures_of(films / "pose2sim_single" / "cam02.mp4", FRAMES_N, 1280, step=4), 5.0)
    with pytest.raises(FileFormatError, match="start and end together"):
        convert_views([take / "cam01.mp4", longer], take / "Calib.qca.txt", tmp_path / "m.npz", settings)
    stranger = shutil.copy(take / "cam02.mp4", tmp_path / "kitchen.mp4")
    with pytest.raises(FileFormatError, match="kitchen"):
        convert_views([take / "cam01.mp4", Path(stranger)], take / "Calib.qca.txt", tmp_path / "m.npz", settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cam02.mp4", "kitchen.mp4"]
