"""A film is deleted only when told so, by its own name, and after its motion was read back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from motion.errors import FileFormatError, MotionError
from motion.human import HumanMotion, Subject
from motion.provenance import parent_of, record
from retarget.video.privacy.delete_film import delete_film
from retarget.video.privacy.guard import PERSONAL_DATA


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"a film")
    return path


def made_of(film: Path, output: Path, seen: float = 1.0) -> Path:
    provenance = record("film", "video", [parent_of(film)], {"privacy": PERSONAL_DATA})
    position = np.full((2, 1, 3), seen)
    confidence = np.isfinite(position[..., 0]).astype(float)
    HumanMotion(
        time_s=np.array([0.0, 0.1]),
        landmarks=("left_wrist",),
        position_m=position,
        confidence=confidence,
        subject=Subject(),
        provenance=provenance,
    ).save(output)
    return output


def test_it_goes_when_confirmed_and_made(film: Path, tmp_path: Path) -> None:
    said = delete_film(film, made_of(film, tmp_path / "m.npz"), confirmed=True)
    assert not film.exists()
    assert "deleted" in said
    assert "film.mp4" in said
    assert HumanMotion.load(tmp_path / "m.npz").provenance.config["privacy"] == PERSONAL_DATA


def test_it_stays_without_confirmation_or_a_sound_output(film: Path, tmp_path: Path) -> None:
    output = made_of(film, tmp_path / "m.npz")
    with pytest.raises(MotionError, match="without confirmation"):
        delete_film(film, output, confirmed=False)
    with pytest.raises(FileFormatError, match="The film is kept"):
        delete_film(film, tmp_path / "nowhere.npz", confirmed=True)
    output.write_bytes(output.read_bytes()[:200])
    with pytest.raises(FileFormatError, match="The film is kept"):
        delete_film(film, output, confirmed=True)
    other = tmp_path / "other.mp4"
    other.write_bytes(b"another film")
    with pytest.raises(MotionError, match="was not made of"):
        delete_film(film, made_of(other, tmp_path / "o.npz"), confirmed=True)
    assert film.read_bytes() == b"a film"


def test_links_folders_and_nothing_are_refused(film: Path, tmp_path: Path) -> None:
    output = made_of(film, tmp_path / "m.npz")
    link = tmp_path / "link.mp4"
    link.symlink_to(film)
    for path, words in ((link, "is a link"), (tmp_path, "is no file"), (tmp_path / "gone.mp4", "cannot be looked at")):
        with pytest.raises(MotionError, match=words):
            delete_film(path, output, confirmed=True)
    assert link.is_symlink()
    assert film.exists()


def test_other_names_of_the_same_file_are_told(film: Path, tmp_path: Path) -> None:
    os.link(film, tmp_path / "second.mp4")
    assert "1 other name" in delete_film(film, made_of(film, tmp_path / "m.npz"), confirmed=True)
    assert (tmp_path / "second.mp4").exists()
