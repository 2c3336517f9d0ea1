"""Films on disk to files on disk: motion, quality and overlay, each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from motion.errors import FileFormatError, UnderstudyError, require
from retarget.batch import killed
from retarget.cores import over_cores
from retarget.video.film import Clip, clips_of
from retarget.video.quality import FilmQuality, save_quality, worst
from retarget.video.settings import FilmSettings

FILM_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".ts", ".mpg", ".mpeg", ".3gp"})
"""Files that are taken for films where a folder is named; a film that is named itself may have any ending."""
QUALITY = ".film.json"


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
    done, words = [], {}
    for clip in clips_of(path, settings, on_start):
        done.append(_written(clip, output))
        words = dict(clip.words)
    return FilmOutcome(path, tuple(done), words)


def _written(clip: Clip, output: Path) -> ClipOutcome:
    file = output if clip.clips_n == 1 else output.with_name(f"{output.stem}_{clip.index:03d}{output.suffix}")
    report = file.with_suffix(QUALITY)
    save_quality(report, clip.quality)
    if clip.motion is not None:
        clip.motion.save(file)
    else:
        file.unlink(missing_ok=True)  # of an earlier, laxer run: an excluded clip leaves no motion
    seen = {side: float(track.seen.mean()) for side, track in clip.understood.tracks.items()}
    frames_n = len(clip.understood.worker.time_s)
    motion = None if clip.motion is None else file
    written = tuple(path for path in (motion, report) if path is not None)
    return ClipOutcome(clip.span_s, frames_n, clip.quality, seen, report, motion, written)


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
