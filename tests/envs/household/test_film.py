"""Films of demonstrations: the right scene, all cameras, and words that say what happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from envs.household.film import (
    FilmSettings,
    caption,
    demonstration_pictures,
    film_steps,
    hand_forces_n,
    reached_words,
    render_demonstration,
    scene_of,
    words_at,
)
from envs.household.render_command import main
from motion.arguments import CommandError
from motion.demonstration import Demonstration
from motion.errors import FileFormatError, ShapeError, UnknownNameError
from tests.envs.household.small_chore import SmallChore

SMALL = FilmSettings(cameras=("close", "head"), size=(96, 72), fps=10.0)


def test_a_film_shows_every_camera_and_a_caption(shown: Demonstration, small: SmallChore, tmp_path: Path) -> None:
    told: list[int] = []
    path = render_demonstration(shown, tmp_path / "film.mp4", SMALL, small, lambda: told.append(1))
    with av.open(str(path)) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(film.streams.video[0])]
    assert len(pictures) == len(told) == len(film_steps(shown, SMALL))
    height, width, _ = pictures[0].shape
    assert width == 2 * 96
    assert height > 72 + 20
    assert pictures[-1][72:].mean() > 180 > pictures[-1][72:].min(), "the caption is no dark writing on light paper"


def test_pictures_are_of_the_demonstrations_scene_and_moments(shown: Demonstration, small: SmallChore) -> None:
    first, *_, last = demonstration_pictures(shown, replace(SMALL, cameras=("close",)), small)
    other = next(demonstration_pictures(replace(shown, seed=shown.seed + 3), replace(SMALL, cameras=("close",)), small))
    assert (np.abs(first[:72].astype(int) - last[:72]).max(-1) > 25).mean() > 0.01, "nothing moves"
    assert (np.abs(first[:72].astype(int) - other[:72]).max(-1) > 25).mean() > 0.002, "another seed looks the same"


def test_pictures_come_at_the_films_rate() -> None:
    assert film_steps_of(steps=11, fps=25.0, speed=1.0) == [0, 2, 4, 6, 8, 10]
    assert film_steps_of(steps=5, fps=50.0, speed=0.5) == [0, 0, 1, 2, 2, 2, 3, 4, 4]
    assert film_steps_of(steps=1, fps=25.0, speed=1.0) == [0]


def film_steps_of(steps: int, fps: float, speed: float) -> list[int]:
    made = Demonstration("r", "c", "v", "p", "a", 0, 0.02, ("j",), {}, np.zeros((steps, 1)), {}, True, 1.0)
    return list(film_steps(made, FilmSettings(fps=fps, speed=speed)))


def test_words_say_stage_force_and_ending(shown: Demonstration, small: SmallChore) -> None:
    assert "none yet" in reached_words(small, shown, 0)
    signals = dict(shown.signals)
    signals["stage_reached"] = np.zeros_like(signals["stage_reached"])
    signals["stage_reached"][3:] = 1.0
    signals["hand_force_n"] = np.zeros_like(signals["hand_force_n"])
    signals["hand_force_n"][:, 1, :2] = 2.0
    done = replace(shown, signals=signals, success=True)
    assert reached_words(small, done, 5) == "stages 1 of 1: lifted"
    assert hand_forces_n(done)[0] == pytest.approx([0.0, 4.0])
    title, below = words_at(small, done, len(done.actions) - 1)
    assert title.endswith("  success")
    assert below.endswith("force left 0.0 N, right 4.0 N")
    assert "success" not in words_at(small, done, 2)[0]


def test_a_caption_fits_below_its_picture() -> None:
    strip = caption(200, 120, ("one", "two"))
    assert strip.shape[1] == 200
    assert strip.shape[0] % 2 == 0
    assert strip.min() < 120


def test_the_scene_of_a_plant_is_drawn_as_it_was(shown: Demonstration, small: SmallChore) -> None:
    plain, tilted = scene_of(small, shown), scene_of(small, replace(shown, plant="uneven_counter"))
    assert not np.allclose(plain.body("counter").quat, tilted.body("counter").quat)
    unknown = scene_of(small, replace(shown, plant="somebody's own"))
    assert unknown.body("counter").quat == pytest.approx(plain.body("counter").quat)


def test_what_cannot_be_shown_is_said(shown: Demonstration, small: SmallChore) -> None:
    with pytest.raises(ShapeError, match="cannot be shown as"):
        scene_of(small, replace(shown, chore="pour_cup"))
    with pytest.raises(ShapeError, match="joints are not those"):
        scene_of(small, replace(shown, joint_names=tuple(f"other_{name}" for name in shown.joint_names)))
    with pytest.raises(UnknownNameError, match="camera"):
        next(demonstration_pictures(shown, FilmSettings(cameras=("roof",)), small))
    signals = {name: track for name, track in shown.signals.items() if name != "hand_force_n"}
    with pytest.raises(ShapeError, match="hand_force_n"):
        hand_forces_n(replace(shown, signals=signals))


def test_the_command_refuses_wrong_words(tmp_path: Path, shown: Demonstration) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'camera'"):
        main(["a.npz", "camra=head"])
    with pytest.raises(CommandError, match="output= is missing"):
        main(["a.npz"])
    with pytest.raises(CommandError, match="0 files"):
        main(["output=film.mp4"])
    with pytest.raises(FileFormatError, match="no such file"):
        main([str(tmp_path / "none.npz"), f"output={tmp_path / 'film.mp4'}"])
    with pytest.raises(CommandError, match="fine=maybe"):
        main(["a.npz", "output=film.mp4", "fine=maybe"])


def test_the_command_writes_a_film(tmp_path: Path, tidied: Path, followed: Demonstration, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a chore with things, by its names alone, and of one without."""
    followed.save(tmp_path / "alone.npz")
    for path in (tidied, tmp_path / "alone.npz"):
        film = tmp_path / f"{path.stem}.mp4"
        assert main([str(path), f"output={film}", "size=96x72", "camera=shelf", "fps=10"]) == 0
        assert film.stat().st_size > 500
    assert "wrote" in capsys.readouterr().out
