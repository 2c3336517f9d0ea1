"""Bad input to `python -m retarget.video`: one clear error and nothing written, or a motion and words about it.

`KINDS` and `run_kind` are used by benchmarks/film.py, too.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import av
import numpy as np
import pytest

from retarget.video.cameras.camera_files import camera_of
from retarget.video.convert import convert
from retarget.video.door import command
from retarget.video.privacy.overlay import Drawn, write_overlay
from retarget.video.quality.judge import load_quality
from retarget.video.settings import FilmSettings
from tests.retarget.video.filming import film, sound
from tests.retarget.video.short_films import BOTH_HANDS, ONE_HAND, PERSON, film_of, pictures_of
from understudy import status_of

Words = list[str]
_BAR = re.compile(r"\[\d\d:\d\d")
"""The clock of a progress bar."""
_NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Kind:
    """One kind of bad input.

    Attributes:
        make: (empty folder, folder of real films) -> words of the command; `output=` and `models_dir=` are added where missing.
        error: what the one line of the error says; "" where the film can be read.
        report: what a finding in the report says, where it can.
        motion: whether there is a motion all the same.
        run: does the work instead of the command: (folder, models); what it raises is told as the command tells it.
        environment: set while it runs.
    """

    make: Callable[[Path, Path], Words]
    error: str = ""
    report: str = ""
    motion: bool = False
    run: Callable[[Path, Path], int] | None = None
    environment: Callable[[Path], dict[str, str]] = lambda _: {}


def run_kind(name: str, folder: Path, data: Path, models: Path) -> list[str]:
    """What is wrong with the answer to one kind of bad input, in words; nothing where it is as it should be."""
    kind = KINDS[name]
    line, files = answer_of(name, folder, data, models)
    if kind.error:
        said = [] if "\n" not in line and line.startswith("error: ") and kind.error in line else [f"{line!r} instead of {kind.error!r}"]
        return said + ([f"left behind: {', '.join(files)}"] if files else [])
    wanted = sorted(["out/m.film.json", "out/m.film.png", *(["out/m.npz"] if kind.motion else [])])
    if line or files != wanted:
        return [f"{line!r} and files {', '.join(files)} instead of {', '.join(wanted)}"]
    sentences = [found.sentence for found in load_quality(folder / "out" / "m.film.json").findings]
    return [] if any(kind.report in sentence for sentence in sentences) else [f"the report says {sentences}"]


def answer_of(name: str, folder: Path, data: Path, models: Path) -> tuple[str, list[str]]:
    """What the command says on the error stream about one kind of bad input, and the files that it wrote, changed or deleted."""
    kind = KINDS[name]
    words = kind.make(folder, data / "video")
    given = {word.partition("=")[0] for word in words}
    words += [] if "output" in given else [f"output={folder}/out/m.npz"]
    words += [] if "models_dir" in given or kind.environment(folder) else [f"models_dir={models}"]
    run = kind.run
    before = _contents(folder)
    with tempfile.TemporaryDirectory() as scratch, patch.dict(os.environ, kind.environment(Path(scratch))), _temporary_in(folder / "tmp"):
        said = _said(words) if run is None else _said_by(lambda: status_of(lambda: run(folder, models)))
    after = _contents(folder)
    gone = [] if run else [path for path in before if path not in after]
    changed = sorted(gone + [path for path in after if before.get(path) != after[path]])
    return "\n".join(line for line in re.split(r"[\r\n]+", said) if line.strip() and not _BAR.search(line)), changed


def _said(words: Words) -> str:
    def run() -> None:
        with patch.object(sys, "argv", ["retarget.video", *words]):
            command()

    return _said_by(run)


def _said_by(run: Callable[[], object]) -> str:
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said), suppress(SystemExit):  # how every door ends
        run()
    return said.getvalue()


def _contents(folder: Path) -> dict[str, int]:
    """Every file below, also hidden ones, with a digest of it."""
    return {str(path.relative_to(folder)): hash(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@contextmanager
def _temporary_in(folder: Path) -> Iterator[None]:
    """Let temporary files lie where we look for what was left behind."""
    folder.mkdir()
    with patch.object(tempfile, "tempdir", str(folder)):
        yield


def _any_film(place: Path) -> str:
    """A film that nobody gets round to looking at."""
    return str(film(place / "film.mp4", frames_n=25))


def _of_bytes(name: str, content: bytes) -> Callable[[Path, Path], Words]:
    def make(place: Path, films: Path) -> Words:
        (place / name).write_bytes(content)
        return [str(place / name)]

    return make


def _said_of_any(*words: str) -> Callable[[Path, Path], Words]:
    """Words that are wrong whatever the film; {place} stands for the folder."""
    return lambda place, films: [_any_film(place), *(word.replace("{place}", str(place)) for word in words)]


def _beside_a_film(name: str, text: str, *words: str) -> Callable[[Path, Path], Words]:
    """Any film of 25 pictures, 1 s, 160 x 128 px, and a file beside it."""

    def make(place: Path, films: Path) -> Words:
        (place / name).write_text(text)
        return _said_of_any(*words)(place, films)

    return make


def _real(which: str, *words: str, rate_hz: float = 30, **how: object) -> Callable[[Path, Path], Words]:
    """The start of a real film, small."""
    return lambda place, films: [str(film_of(place / "film.mp4", pictures_of(films / which), rate_hz, **how)), *words]


def _redrawn(which: str, redraw: Callable[[tuple[np.ndarray, ...]], list[np.ndarray]], *words: str) -> Callable[[Path, Path], Words]:
    return lambda place, films: [str(film_of(place / "film.mp4", redraw(pictures_of(films / which)))), *words]


def _noise(size_px: tuple[int, int], *words: str) -> Callable[[Path, Path], Words]:
    def make(place: Path, films: Path) -> Words:
        rng = np.random.default_rng(0)
        pictures = [rng.integers(0, 255, (size_px[1], size_px[0], 3)).astype(np.uint8) for _ in range(12)]
        return [str(film_of(place / "film.mp4", pictures)), *words]

    return make


def _spoiled(change: Callable[[bytes], bytes]) -> Callable[[Path, Path], Words]:
    """A real film whose index comes first, and whose bytes are changed."""

    def make(place: Path, films: Path) -> Words:
        path = film_of(place / "film.mp4", pictures_of(films / ONE_HAND), container={"movflags": "faststart"})
        path.write_bytes(change(path.read_bytes()))
        return [str(path), "view=hands"]

    return make


def _without(content: bytes, start: float, stop: float) -> bytes:
    """Zeros from one share of a file to another."""
    first, last = int(start * len(content)), int(stop * len(content))
    return content[:first] + bytes(last - first) + content[last:]


def _index_cut(place: Path, films: Path) -> Words:
    path = Path(_any_film(place))
    path.write_bytes(path.read_bytes()[: int(0.7 * path.stat().st_size)])
    return [str(path)]


def _nothing_decodable(place: Path, films: Path) -> Words:
    path = film(place / "film.mp4", 8, codec="mjpeg", pixel_format="yuvj420p", container={"movflags": "faststart"})
    content = path.read_bytes()
    path.write_bytes(_without(content, (content.index(b"mdat") + 4) / len(content), 1.0))
    return [str(path)]


def _no_pictures(place: Path, films: Path) -> Words:
    with av.open(str(place / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    return [str(place / "film.mp4")]


def _clock_started_again(place: Path, films: Path) -> Words:
    path = film_of(place / "film.ts", pictures_of(films / ONE_HAND))
    path.write_bytes(2 * path.read_bytes())
    return [str(path), "view=hands"]


def _folder(name: str) -> Callable[[Path, Path], Words]:
    def make(place: Path, films: Path) -> Words:
        (place / name).mkdir()
        (place / name / "notes.txt").write_text("no film")
        return [str(place / name)]

    return make


def _two_films(*words: str) -> Callable[[Path, Path], Words]:
    def make(place: Path, films: Path) -> Words:
        (place / "films").mkdir()
        paths = [str(film(place / "films" / f"{name}.mp4", 2)) for name in "ab"]
        return [word for said in words for word in (paths if said == "both" else [said.replace("{place}", str(place))])]

    return make


def _film_as_output(place: Path, films: Path) -> Words:
    path = Path(_any_film(place)).rename(place / "m.npz")
    return [str(path), f"output={path}"]


def _folder_as_output(place: Path, films: Path) -> Words:
    (place / "m.npz").mkdir()
    return [_any_film(place), f"output={place}/m.npz"]


def _table(header: str, rows: np.ndarray) -> str:
    return header + "\n" + "\n".join(",".join(f"{value:.6f}" for value in row) for row in rows) + "\n"


def _poses(time_s: np.ndarray, wxyz: tuple[float, ...] = (1, 0, 0, 0)) -> Callable[[Path, Path], Words]:
    """Poses of a head in our own table; the film lasts 1 s."""
    rows = np.column_stack([time_s, np.tile([0, 0, 1.6, *wxyz], (len(time_s), 1))])
    return _beside_a_film("poses.csv", _table("time_s,x_m,y_m,z_m,qw,qx,qy,qz", rows), "view=head", "poses={place}/poses.csv")


def _film_vanishes(folder: Path, models: Path) -> int:
    """Deleted while its pictures are looked at: it can be read to its end, but nobody knows any more what the motion was made of."""
    path = folder / "film.mp4"
    settings = FilmSettings(view="hands", models_dir=str(models))
    convert(path, folder / "out" / "m.npz", settings, lambda _: lambda index: path.unlink() if index == 5 else None)
    return 0


def _overlay_of_what_is_gone(folder: Path, models: Path) -> int:
    (folder / "film.mp4").unlink()
    drawn = Drawn({}, camera_of(None, 160, 128, "hands"))
    write_overlay(folder / "film.mp4", drawn, folder / "out" / "m.overlay.mp4", None)
    return 0


def _offline(scratch: Path) -> dict[str, str]:
    return {"UNDERSTUDY_CACHE": str(scratch), "https_proxy": _NOWHERE, "HTTPS_PROXY": _NOWHERE, "no_proxy": "", "NO_PROXY": ""}


_CAMERA = {"width_px": 1080, "height_px": 1080, "focal_px": [800, 800]}
_SECOND = np.linspace(0, 1, 25)

KINDS: dict[str, Kind] = {
    # the file
    "not a film": Kind(_of_bytes("film.mp4", b"once upon a time " * 100), "not a film that can be read"),
    "text named .mp4": Kind(_of_bytes("film.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n"), "not a film that can be read"),
    "empty file": Kind(_of_bytes("film.mp4", b""), "the file is empty"),
    "no such film": Kind(lambda place, films: [str(place / "film.mp4")], "no such file"),
    "folder without films": Kind(_folder("films"), "no film there. Films end in"),
    "folder named like a film": Kind(_folder("film.mp4"), "no film there"),
    "no pictures": Kind(_no_pictures, "it holds no pictures"),
    "sound only": Kind(lambda place, films: [str(sound(place / "film.mp4"))], "it holds sound only"),
    "no index": Kind(_index_cut, "its index is missing"),
    "nothing decodable": Kind(_nothing_decodable, "none of its pictures can be decoded"),
    "cut tail": Kind(_spoiled(lambda content: content[: int(0.9 * len(content))]), report="Ends at", motion=True),
    "hardly anything left": Kind(_spoiled(lambda content: content[: int(0.65 * len(content))]), report="of the file cannot be read"),
    "hole in the middle": Kind(_spoiled(lambda content: _without(content, 0.4, 0.5)), report="cannot be decoded whole", motion=True),
    "clock that starts again": Kind(_clock_started_again, report="time stamps cannot be right"),
    "film that vanishes": Kind(_real(ONE_HAND), "film.mp4: No such file", run=_film_vanishes),
    "overlay of a film that is gone": Kind(_said_of_any(), "film.mp4: no such file", run=_overlay_of_what_is_gone),
    # what it shows
    "no hands": Kind(_noise((160, 128), "view=head"), "no hands are seen in any of its 12 pictures"),
    "nobody": Kind(_noise((160, 128), "view=third_person"), "no person is seen in any of its 12 pictures"),
    "neither hands nor a person": Kind(_noise((160, 128)), "neither hands nor a person were seen"),
    "hands instead of a person": Kind(_real(ONE_HAND, "view=third_person"), "what may be taken for one is a hand"),
    "the other hand alone": Kind(_real(ONE_HAND, "view=hands", "film.hands=left"), report="hand is seen in 0 %"),
    "black": Kind(_redrawn(ONE_HAND, lambda drawn: [0 * one for one in drawn], "view=hands"), "no hands are seen"),
    "frozen": Kind(_redrawn(ONE_HAND, lambda drawn: [drawn[0]] * 20, "view=hands"), report="repeat the one before"),
    "16 x 16 pixels": Kind(_redrawn(ONE_HAND, lambda drawn: [one[:16, :16] for one in drawn]), "neither hands nor a person were seen"),
    "one picture": Kind(_redrawn(ONE_HAND, lambda drawn: [drawn[0]]), report="0.00 s long", motion=True),
    "5 pictures a second": Kind(_real(ONE_HAND, "view=hands", rate_hz=5), report="5 pictures per second", motion=True),
    "turned, from the head": Kind(_real(BOTH_HANDS, "view=head", "film.rotation_deg=90"), report="Hands come from the left", motion=True),
    "turned, of a person": Kind(_real(PERSON, "view=third_person", "film.rotation_deg=270"), report="The person lies", motion=True),
    # what is said of it
    "rotation by 45 degrees": Kind(_said_of_any("film.rotation_deg=45"), "wants 0, 90, 180 or 270"),
    "camera of other pictures": Kind(
        _beside_a_film("camera.json", json.dumps(_CAMERA), "view=head", "camera={place}/camera.json"), "wrong intrinsics size"
    ),
    "broken camera": Kind(
        _beside_a_film("camera.json", json.dumps(_CAMERA)[:30], "view=head", "camera={place}/camera.json"), "neither JSON nor YAML"
    ),
    "unknown camera": Kind(_said_of_any("view=head", "camera=iphone_wid"), "Did you mean 'iphone_wide'?"),
    "no such camera file": Kind(_said_of_any("view=head", "camera={place}/camera.json"), "no such file, and no lens of that name"),
    "poses of another film": Kind(_poses(20 * _SECOND), "They seem to be of another film"),
    "poses of no known format": Kind(
        _beside_a_film("poses.csv", "a,b\n1,2\n", "view=head", "poses={place}/poses.csv"), "no poses of a camera that are known"
    ),
    "no such poses": Kind(_said_of_any("view=head", "poses={place}/poses.csv"), "no such file"),
    "poses that are no rotations": Kind(_poses(_SECOND, (1, 1, 0, 0)), "these are no rotations"),
    "poses that are all lost": Kind(_poses(_SECOND, (0, 0, 0, 0)), "the tracker was lost in all"),
    "time stamps all equal": Kind(_poses(0 * _SECOND + 0.5), "24 of its 25 time stamps do not rise"),
    "time stamps backwards": Kind(_poses(_SECOND[::-1]), "24 of its 25 time stamps do not rise"),
    "hand of 1.8 m": Kind(_said_of_any("subject.hand_length_m=1.8"), "no person's; it wants metres"),
    "stature in centimetres": Kind(_said_of_any("subject.height_m=172"), "no person's; it wants metres"),
    "stature in words": Kind(_said_of_any("subject.height_m=tall"), "a number or null is wanted"),
    "unknown view": Kind(_said_of_any("view=hed"), "Did you mean 'head'?"),
    "unknown setting": Kind(_said_of_any("film.mirored=true"), "Did you mean 'mirrored'?"),
    "unknown hand": Kind(_said_of_any("film.hands=rigth"), "Did you mean 'right'?"),
    "clips of a second": Kind(_said_of_any("film.clip_s=1"), "at least 10 seconds"),
    "cut-off below zero": Kind(_said_of_any("steady.wrist_hz=-1"), "has to be a number above 0"),
    "deleting unconfirmed": Kind(_said_of_any("--delete-film-after"), "say confirm_delete=true, too"),
    "calibration that is none": Kind(_two_films("input={place}/films", "calibration={place}/films/a.mp4"), "a.mp4"),
    # weights
    "models_dir without bundles": Kind(_said_of_any("view=head", "models_dir={place}"), "hand_landmarker.task: no such file. It holds:"),
    "bundle that is none": Kind(
        _beside_a_film("hand_landmarker.task", "PK", "view=head", "models_dir={place}"), "not the weights of MediaPipe's HandLandmarker"
    ),
    "offline": Kind(_said_of_any("view=head"), "into a folder of your own with models_dir=", environment=_offline),
    # output
    "no output": Kind(_said_of_any("output="), "output= is missing"),
    "output that is not .npz": Kind(_said_of_any("output={place}/m.json"), "a motion is written as .npz"),
    "output below a file": Kind(_said_of_any("output={place}/film.mp4/m.npz"), "is a file; a folder is needed"),
    "output that is a folder": Kind(_folder_as_output, "that is a folder"),
    "output that is the film": Kind(_film_as_output, "it would be overwritten"),
    "output nowhere": Kind(_real(ONE_HAND, "view=hands", "output=/proc/none/m.npz"), "/proc/none"),
    "one file for two films": Kind(_two_films("input={place}/films", "output={place}/m.npz"), "2 films need a folder"),
    "two films named": Kind(_two_films("both", "output={place}/out"), "2 films are named"),
}


@pytest.mark.parametrize("name", KINDS)
def test_bad_input_gets_one_clear_answer(name: str, data: Path, models: Path, tmp_path: Path) -> None:
    assert run_kind(name, tmp_path, data, models) == []
