"""Films on disk to files on disk: motion, quality and overlay, each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from motion.cores import over_cores
from motion.errors import FileFormatError, UnderstudyError, require
from motion.landmarks import SIDES
from retarget.batch import killed
from retarget.video.detectors.mediapipe_people import BUNDLE as PEOPLE
from retarget.video.detectors.mediapipe_people import open_people
from retarget.video.detectors.models import bundle
from retarget.video.film import Clip, clips_of
from retarget.video.paths import HandPath, joined
from retarget.video.privacy.overlay import Drawn, write_overlay
from retarget.video.quality.judge import FilmQuality, save_quality, worst
from retarget.video.quality.show import write_timeline
from retarget.video.settings import FilmSettings
from retarget.video.several_views import clip_of_views
from retarget.video.understand import before_camera

FILM_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".ts", ".mpg", ".mpeg", ".3gp"})
"""Files that are taken for films where a folder is named; a film that is named itself may have any ending."""
QUALITY, TIMELINE, OVERLAY = ".film.json", ".film.png", ".overlay.mp4"


@dataclass(frozen=True)
class ClipOutcome:
    """What became of one clip of a film.

    Attributes:
        span_s: of the film's time.
        frames_n: its pictures.
        quality: what was found about it.
        hands_seen: side -> share of pictures in which the hand was seen.
        report: the file with the quality.
        motion: the file with the motion; None where the clip was excluded.
        written: all files written.
    """

    span_s: tuple[float, float]
    frames_n: int
    quality: FilmQuality
    hands_seen: Mapping[str, float]
    report: Path
    motion: Path | None
    written: tuple[Path, ...]


@dataclass(frozen=True)
class FilmOutcome:
    """What became of one film: its clips, or the error that stopped it."""

    path: Path
    clips: tuple[ClipOutcome, ...] = ()
    words: Mapping[str, str] | None = None
    also_written: tuple[Path, ...] = ()
    error: str = ""

    @property
    def verdict(self) -> str:
        """The worst of its clips', or "failed"."""
        return "failed" if self.error else worst(clip.quality.verdict for clip in self.clips)


def convert(
    path: Path, output: Path, settings: FilmSettings, on_start: Callable[[int | None], Callable[[int], object]] | None = None
) -> FilmOutcome:
    """Write a film's motion to `output` (.npz), and what was found about it beside it (.film.json).

    Of a film longer than `film.clip_s` there is one file per clip, with its number before the ending. A clip that the quality
    control excludes gets no motion, and the report says why.

    Args:
        path: the film.
        output: the file.
        settings: what is known of the film.
        on_start: as in `clips_of`.

    Raises:
        FileFormatError, MotionError: what is wrong with the film; nothing is written then.
    """
    require(output.suffix == ".npz", FileFormatError, f"{output}: a motion is written as .npz; give the output that ending.")
    done: list[ClipOutcome] = []
    drawn: list[Clip] = []
    words: dict[str, str] = {}
    for clip in clips_of(path, settings, on_start):
        done.append(_written(clip, output, path.name))
        words = dict(clip.words)
        drawn += [clip] if settings.overlay else []
    extra = [_overlay(path, drawn, output.with_suffix(OVERLAY), settings)] if settings.overlay else []
    return FilmOutcome(path, tuple(done), words, tuple(extra))


def convert_views(
    paths: Sequence[Path],
    calibration: Path,
    output: Path,
    settings: FilmSettings,
    on_start: Callable[[int | None], Callable[[int], object]] | None = None,
) -> FilmOutcome:
    """Write one motion from the films of several calibrated cameras, as `convert` does from one.

    Raises:
        FileFormatError: what is wrong with the films or the calibration; nothing is written then.
    """
    require(output.suffix == ".npz", FileFormatError, f"{output}: a motion is written as .npz; give the output that ending.")
    clip = clip_of_views(paths, calibration, settings, on_start)
    return FilmOutcome(paths[0], (_written(clip, output, f"{len(paths)} films"),), clip.words)


def _written(clip: Clip, output: Path, name: str) -> ClipOutcome:
    file = output if clip.clips_n == 1 else output.with_name(f"{output.stem}_{clip.index:03d}{output.suffix}")
    report, timeline = file.with_suffix(QUALITY), file.with_suffix(TIMELINE)
    found = clip.understood
    save_quality(report, clip.quality)
    write_timeline(timeline, name, clip.quality, clip.pictures, found.tracks, found.worker.hands)
    if clip.motion is not None:
        clip.motion.save(file)
    else:
        file.unlink(missing_ok=True)  # of an earlier, laxer run: an excluded clip leaves no motion
    seen = {side: float(track.seen.mean()) for side, track in found.tracks.items()}
    motion = None if clip.motion is None else file
    written = tuple(path for path in (motion, report, timeline) if path is not None)
    return ClipOutcome(clip.span_s, len(found.worker.time_s), clip.quality, seen, report, motion, written)


def _overlay(path: Path, clips: Sequence[Clip], output: Path, settings: FilmSettings) -> Path:
    """The film of what was found; its background is blank where no detector of people is at hand."""
    parts = [before_camera(clip.understood) for clip in clips]
    frames = [len(clip.understood.worker.time_s) for clip in clips]
    hands = {side: _one_path([part for part, _ in parts], frames, side) for side in SIDES if any(side in part for part, _ in parts)}
    bodies = [body for _, body in parts if body is not None]
    body = joined(bodies, frames) if len(bodies) == len(parts) else None
    findings = tuple(found for clip in clips for found in clip.quality.findings)
    drawn = Drawn(hands, clips[0].camera, body, replace(clips[0].quality, findings=findings))
    with ExitStack() as stack:
        find_people = stack.enter_context(open_people(file)) if (file := _people_bundle(settings)) else None
        return write_overlay(path, drawn, output, find_people, None, settings.film.rotation_deg, settings.film.mirrored)


def _one_path(parts: Sequence[Mapping[str, HandPath]], frames: Sequence[int], side: str) -> HandPath:
    """One hand over all clips, leaving out those in which it was not seen."""
    seen = [(part[side], count) for part, count in zip(parts, frames, strict=True) if side in part]
    return joined([path for path, _ in seen], [count for _, count in seen])


def _people_bundle(settings: FilmSettings) -> Path | None:
    folder = None if settings.models_dir is None else Path(settings.models_dir).expanduser()
    try:
        return bundle(PEOPLE, folder)
    except UnderstudyError:
        return None


def convert_many(inputs: Sequence[Path], outputs: Sequence[Path], settings: FilmSettings, jobs: int) -> Generator[FilmOutcome, None, None]:
    """Convert films over `jobs` processes; outcomes come as they are ready, and a bad film stops nobody."""
    tasks = [(path, output, settings) for path, output in zip(inputs, outputs, strict=True)]
    with closing(over_cores(_one, tasks, jobs)) as done:
        for index, outcome in done:
            yield outcome or FilmOutcome(inputs[index], error=killed(inputs[index]))


def _one(path: Path, output: Path, settings: FilmSettings) -> FilmOutcome:
    try:
        return convert(path, output, settings)
    except UnderstudyError as error:
        return FilmOutcome(path, error=str(error))
    except Exception as error:  # a film that breaks a library must not take the other films with it
        return FilmOutcome(path, error=f"{path}: {type(error).__name__}: {error}")
