"""What `python -m retarget.video film.mp4 output=motion.npz` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from tqdm import tqdm

from motion.errors import FileFormatError, UnderstudyError, require
from motion.human import HumanMotion
from retarget.batch import refuse_overwriting
from retarget.pipeline import output_names
from retarget.show_card import say
from retarget.video.convert import FILM_SUFFIXES, OVERLAY, FilmOutcome, convert, convert_many, convert_views
from retarget.video.hands.steady import SteadySettings
from retarget.video.privacy.delete_film import delete_film
from retarget.video.quality.profile import QualityProfile
from retarget.video.quality.table import film_table
from retarget.video.settings import FilmOptions, FilmSettings, SubjectSettings
from retarget.video.show_film import film_rows, show_film, table_rows
from understudy import build, door, files_of, needed, output_of, path_of, plain

console = Console()
_TAKE_A_WORD = ("--cfg", "-c", "--info", "-i", "--package", "-p", "--config-dir", "-cd", "--config-name", "-cn")
"""Options of Hydra's that are followed by a word of their own."""
_FLAGS = {"--delete-film-after": "delete_film_after=true", "--confirm-delete": "confirm_delete=true"}


def settings_from(config: dict[str, Any]) -> FilmSettings:
    """FilmSettings from the door's plain values."""
    paths = {key: plain(config, key, str | None) for key in ("camera", "poses", "models_dir")}
    return FilmSettings(
        view=plain(config, "view", str),
        overlay=plain(config, "overlay", bool),
        subject=build(SubjectSettings, config["subject"], "subject"),
        film=build(FilmOptions, config["film"], "film"),
        steady=build(SteadySettings, config["steady"], "steady"),
        profile=build(QualityProfile, config["film_quality"], "film_quality"),
        **paths,
    )


def main(config: dict[str, Any]) -> int:
    """Turn a film, or all films of a folder or glob, into HumanMotion files."""
    paths = _films(needed(config, "input", "film.mp4"))
    settings = settings_from(config)
    delete, confirmed = (plain(config, key, bool) for key in ("delete_film_after", "confirm_delete"))
    if delete and not confirmed:
        raise UnderstudyError("delete_film_after=true deletes the film for good once its motion is written: say confirm_delete=true, too.")
    jobs = plain(config, "jobs", int | None, least=1) or os.cpu_count() or 1
    output = path_of(needed(config, "output", "motion.npz"))
    calibration = plain(config, "calibration", str | None)
    if calibration is not None:
        if delete:
            raise UnderstudyError("delete_film_after=true goes with single films only: leave it out where calibration= is given.")
        return _views(paths, path_of(calibration), output, settings)
    outputs, single = _outputs(output, paths)
    outcomes = [_one(paths[0], outputs[0], settings)] if single else _many(paths, outputs, output, settings, min(jobs, len(paths)))
    kept = [outcome for outcome in outcomes if not _deleted(outcome)] if delete else []
    return 1 if kept or any(outcome.verdict in ("failed", "exclude") for outcome in outcomes) else 0


def _films(pattern: Any) -> list[Path]:
    """Films meant by a path, a folder (all films in it and below) or a glob, sorted."""
    path = path_of(pattern)
    if not path.is_dir():
        one = path.suffix and not set("*?[") & set(str(path))
        require(not one or path.exists(), FileFormatError, f"{pattern}: no such file.")
        return files_of(pattern, ".mp4")
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in FILM_SUFFIXES and not _is_ours_or_hidden(file))
    if not found:
        raise FileFormatError(f"{pattern}: no film there. Films end in {', '.join(sorted(FILM_SUFFIXES))}; name others one by one.")
    return found


def _is_ours_or_hidden(file: Path) -> bool:
    return file.name.startswith(".") or file.name.endswith(OVERLAY)


def _outputs(output: Path, paths: list[Path]) -> tuple[list[Path], bool]:
    single = output.suffix == ".npz"
    if single and len(paths) > 1:
        raise UnderstudyError(f"output={output}: {len(paths)} films need a folder, not one file.")
    if output.suffix and not single and not output.is_dir() and (len(paths) == 1 or output.suffix.lower() in FILM_SUFFIXES):
        raise UnderstudyError(f"output={output}: a motion is written as .npz; give it that ending, or name a folder that is there.")
    output_of({"output": str(output)}, "motion.npz", is_file=single)
    outputs = [output] if single else output_names(paths, output)
    refuse_overwriting(paths, outputs)
    return outputs, single or len(paths) == 1


def _one(path: Path, output: Path, settings: FilmSettings) -> FilmOutcome:
    with _bar(path.name) as on_start:
        outcome = convert(path, output, settings, on_start)
    show_film(console, outcome)
    return outcome


def _views(paths: list[Path], calibration: Path, output: Path, settings: FilmSettings) -> int:
    """One motion from all films: they are views of one take."""
    output_of({"output": str(output)}, "motion.npz", is_file=True)
    refuse_overwriting(paths, [output])
    with _bar(f"{len(paths)} views") as on_start:
        outcome = convert_views(paths, calibration, output, settings, on_start)
    show_film(console, outcome)
    return 1 if outcome.verdict == "exclude" else 0


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int | None], Callable[[int], object]]]:
    """A progress bar that begins when the number of pictures is known."""
    bars: list[tqdm] = []

    def on_start(pictures: int | None) -> Callable[[int], object]:
        bars.append(tqdm(total=pictures, unit="picture", desc=name, leave=False))
        return lambda _: bars[0].update()

    try:
        yield on_start
    finally:
        for bar in bars:
            bar.close()


def _many(paths: list[Path], outputs: list[Path], folder: Path, settings: FilmSettings, jobs: int) -> list[FilmOutcome]:
    outcomes: list[FilmOutcome] = []
    with tqdm(total=len(paths), unit="film") as bar, closing(convert_many(paths, outputs, settings, jobs)) as done:
        for outcome in done:
            outcomes.append(outcome)
            bar.update()
    outcomes.sort(key=lambda outcome: outcome.path)
    console.print(film_rows(outcomes))
    page = folder / "films.html"
    film_table(page, f"films in {folder.resolve().name}", table_rows(outcomes))
    say(console, f"all films side by side: {page}")
    for outcome in outcomes:
        if outcome.error:
            say(console, f"- {outcome.error}")
    return outcomes


def _deleted(outcome: FilmOutcome) -> bool:
    """Delete a film of which every clip became a motion that can be read back; say so, or why not."""
    motions = [clip.motion for clip in outcome.clips if clip.motion is not None]
    if outcome.error or not motions or len(motions) < len(outcome.clips):
        say(console, f"{outcome.path}: kept, for not all of it became a motion.")
        return False
    try:
        for motion in motions[1:]:
            HumanMotion.load(motion)
        say(console, delete_film(outcome.path, motions[0], confirmed=True))
    except UnderstudyError as error:  # a link among the films, say: the others go all the same
        say(console, str(error))
        return False
    return True


def _as_keys(words: list[str]) -> list[str]:
    """A film that is named without a key is the input; flags are the settings that they stand for."""
    after = {word for before, word in pairwise(words) if before in _TAKE_A_WORD}
    films = [word for word in words if not word.startswith("-") and word not in after and ("=" not in word or path_of(word).exists())]
    if len(films) > 1:
        raise UnderstudyError(f"{len(films)} films are named ({films[0]}, {films[1]} ...): name their folder, or put a glob in quotes.")
    return [_FLAGS.get(word, f"input={word}" if word in films else word) for word in words]


def command() -> None:
    """The command line."""
    try:
        sys.argv[1:] = _as_keys(sys.argv[1:])
    except UnderstudyError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    door(
        "film",
        {"subject": SubjectSettings, "film": FilmOptions, "steady": SteadySettings, "film_quality": QualityProfile},
    )(main)()
