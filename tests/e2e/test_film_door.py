"""`python -m retarget.video`, as a user runs it: one film, a folder with bad ones among the good, deleting, and on to a robot."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from motion.human import HumanMotion
from motion.robot_motion import RobotMotion
from retarget.door import command as retarget
from retarget.video.quality.judge import load_quality
from tests.e2e.test_doors import Run, run
from tests.retarget.video.short_films import BOTH_HANDS, ONE_HAND, film_of, pictures_of

SMALL_PX = 480


@dataclass(frozen=True)
class Take:
    """A folder of films, and what the command said of them."""

    folder: Path
    done: Run


@pytest.fixture(scope="module")
def take(films: Path, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Take:
    """Two good films, one of them in a folder below, a text and a film that was cut off, all turned into motions at once."""
    folder = tmp_path_factory.mktemp("a take, no = 1")
    place = folder / "films"
    (place / "day #2").mkdir(parents=True)
    film_of(place / "head.mp4", pictures_of(films / BOTH_HANDS))
    film_of(place / "day #2" / "hand 2, right.MOV", pictures_of(films / ONE_HAND, longest_px=SMALL_PX))
    (place / "x.mp4").write_text("no film")
    whole = film_of(place / "cut.mp4", pictures_of(films / ONE_HAND, longest_px=SMALL_PX)).read_bytes()
    (place / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for name in ("notes.txt", "._head.mp4", "head.overlay.mp4"):
        (place / name).write_text("nothing to look at")
    return Take(folder, run(folder, "-m", "retarget.video", "films", "output=motions", f"models_dir={models}", "jobs=2"))


def test_one_film(films: Path, models: Path, tmp_path: Path) -> None:
    """The command of the README, in a folder of its own; nothing but what it says it wrote is there afterwards."""
    film_of(tmp_path / "film.mp4", pictures_of(films / ONE_HAND))
    words = ("-m", "retarget.video", "film.mp4", "output=motion.npz", f"models_dir={models}", "subject.hand_length_m=0.185", "overlay=true")
    done = run(tmp_path, *words)
    assert done.status == 0, done.err
    assert "Traceback" not in done.err
    assert "hand length: 185 mm, stated" in done.out
    assert "right hand seen in 100%" in done.out
    written = {"motion.npz", "motion.film.json", "motion.film.png", "motion.overlay.mp4"}
    assert all(f"wrote {name}" in done.out for name in written)
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4", *written}
    assert HumanMotion.load(tmp_path / "motion.npz").provenance.config["settings"]["subject"]["hand_length_m"] == 0.185


def test_a_folder_survives_its_bad_films(take: Take) -> None:
    assert take.done.status == 1
    assert "Traceback" not in take.done.err
    for name, verdict in (("head.mp4", "review"), ("hand 2, right.MOV", "review"), ("x.mp4", "failed"), ("cut.mp4", "failed")):
        assert any(name in line and verdict in line for line in take.done.out.splitlines()), (name, take.done.out)
    assert "films/cut.mp4: not a film that can be read (its index is missing" in take.done.out.replace("\n", " ")
    endings = ("film.json", "film.png", "npz")
    wanted = {"films.html", *(f"{stem}.{ending}" for stem in ("head", "hand 2, right") for ending in endings)}
    assert {path.name for path in (take.folder / "motions").iterdir()} == wanted
    page = (take.folder / "motions" / "films.html").read_text()
    assert all(name in page for name in ("head.mp4", "hand 2, right.MOV", "x.mp4", "cut.mp4"))
    assert "overlay" not in take.done.out
    assert load_quality(take.folder / "motions" / "head.film.json").verdict == "review"


def test_then_onto_a_robot(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    motion = take.folder / "motions" / "hand 2, right.npz"
    output = take.folder / "robot.npz"
    monkeypatch.setattr(sys, "argv", ["retarget", f"input={motion}", "robot=allegro_right", f"output={output}"])
    with pytest.raises(SystemExit) as ended:
        retarget()
    assert ended.value.code == 0
    moved = RobotMotion.load(output)
    assert len(moved.time_s) == len(HumanMotion.load(motion).time_s)
    assert np.isfinite(moved.joint_position_rad).all()
    assert [parent.name for parent in moved.provenance.parents] == [motion.name]


def test_films_are_deleted_only_when_confirmed_and_only_what_became_a_motion(films: Path, models: Path, tmp_path: Path) -> None:
    place = tmp_path / "films"
    place.mkdir()
    good = pictures_of(films / ONE_HAND, longest_px=SMALL_PX)
    film_of(place / "good.mp4", good)
    film_of(place / "frozen.mp4", [good[0]] * len(good))
    (place / "x.mp4").write_text("no film")
    (place / "a link.mp4").symlink_to(film_of(tmp_path / "elsewhere.mp4", good))
    words = ("-m", "retarget.video", "films", "output=motions", f"models_dir={models}", "view=hands", "jobs=1", "--delete-film-after")
    refused = run(tmp_path, *words)
    assert refused.status == 2
    assert "say confirm_delete=true, too" in refused.err
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "a link.mp4",
        "elsewhere.mp4",
        "frozen.mp4",
        "good.mp4",
        "x.mp4",
    ]
    done = run(tmp_path, *words, "--confirm-delete")
    assert done.status == 1
    assert {path.name for path in place.iterdir()} == {"a link.mp4", "frozen.mp4", "x.mp4"}
    assert (tmp_path / "elsewhere.mp4").is_file()
    assert HumanMotion.load(tmp_path / "motions" / "good.npz").provenance.parents[0].name == "good.mp4"
    said = " ".join(done.out.split())
    assert "deleted films/good.mp4" in said
    assert "films/a link.mp4: is a link" in said
    assert "films/frozen.mp4: kept" in said
    assert "films/x.mp4: kept" in said
