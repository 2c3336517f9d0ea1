"""Films of motions, beside the person."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from motion.arguments import CommandError
from motion.errors import UnderstudyError, UnknownNameError
from retarget.render import main

SMALL = ("size=200x160", "fps=4")


def pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def orange(film: np.ndarray) -> np.ndarray:
    """Share of each picture in the person's colour."""
    red, green, blue = np.moveaxis(film.astype(int), 3, 0)
    return ((red > 150) & (red - blue > 80) & (red - green > 30)).mean((1, 2))


def test_a_film_shows_robot_and_person(studio: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(studio / "motions" / "clip.npz"), f"output={tmp_path}/clip.mp4", *SMALL]) == 0
    film = pictures(tmp_path / "clip.mp4")
    assert film.shape == (6, 160, 200, 3), "1.5 s at 4 pictures per second, first and last included"
    assert (orange(film) > 0.002).all()
    assert "wrote" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_two_motions_stand_side_by_side_and_speed_slows_them(studio: Path, tmp_path: Path) -> None:
    motion = str(studio / "motions" / "clip.npz")
    assert main([motion, motion, f"output={tmp_path}/both.mp4", "speed=0.5", *SMALL]) == 0
    film = pictures(tmp_path / "both.mp4")
    assert film.shape == (12, 160, 400, 3)
    left, right = film[:, :, :200].astype(int), film[:, :, 200:].astype(int)
    assert np.abs(left - right).mean() < 3


def test_without_a_person_the_robot_is_filmed_alone(studio: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(studio / "motions" / "clip.npz", tmp_path / "alone.npz")
    assert main([str(tmp_path / "alone.npz"), f"output={tmp_path}/alone.mp4", "speed=4", *SMALL]) == 0
    film = pictures(tmp_path / "alone.mp4")
    assert film.std() > 5
    assert (orange(film) < 0.001).all()
    assert "was not found" in capsys.readouterr().out


def test_wrong_words_are_one_clear_error_and_leave_no_file(studio: Path, tmp_path: Path) -> None:
    motion = str(studio / "motions" / "clip.npz")
    for words, says in (
        (["size=big"], "WIDTHxHEIGHT"),
        (["fps=0"], "fps=0"),
        (["output=clip.avi"], r"\.mp4"),
        (["human=nobody.bvh"], r"nobody\.bvh: no such file"),
    ):
        with pytest.raises(UnderstudyError, match=says):
            main([motion, f"output={tmp_path}/clip.mp4", *words])
    with pytest.raises(CommandError, match="output= is missing"):
        main([motion])
    with pytest.raises(UnknownNameError, match="Did you mean 'fps'"):
        main([motion, f"output={tmp_path}/clip.mp4", "fbs=3"])
    assert list(tmp_path.iterdir()) == []
