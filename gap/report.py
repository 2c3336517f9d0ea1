"""The report: one HTML page that holds everything it shows and asks nothing of the network."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gap import plots
from gap.catalogue import METRICS
from gap.episode import EpisodeResult
from gap.errors import ScoreError
from gap.scorecard import Scorecard
from gap.tables import Table, recordings_table, scorecard_tables
from motion.demonstration import Demonstration
from motion.errors import require
from motion.provenance import Provenance
from motion.store import write_atomically, write_text

INLINE_VIDEO_BYTES = 4_000_000
"""Films up to this size, together, go into the page; the others are written beside it."""
_PNG = b"\x89PNG\r\n\x1a\n"
_TEMPLATES = Path(__file__).resolve().parent / "templates"
_PARENTS_SHOWN = 60


@dataclass(frozen=True)
class Picture:
    """A PNG with its caption."""

    png: bytes
    caption: str

    def __post_init__(self) -> None:
        require(self.png.startswith(_PNG), ScoreError, f"the picture {self.caption!r} is not a PNG.")


@dataclass(frozen=True)
class Video:
    """An MP4 (H.264, as browsers play it) with its caption, and the name of the file where it lies beside the page."""

    mp4: bytes
    caption: str
    file_name: str = "video.mp4"

    def __post_init__(self) -> None:
        require(self.mp4[4:8] == b"ftyp", ScoreError, f"the film {self.caption!r} is not an MP4.")
        plain = Path(self.file_name).name == self.file_name and self.file_name not in ("", ".", "..")
        require(plain, ScoreError, f"{self.file_name!r} is no plain file name.")


def write_report(
    path: Path,
    scorecard: Scorecard,
    episodes: Sequence[EpisodeResult],
    demonstrations: Sequence[Demonstration] = (),
    pictures: Sequence[Picture] = (),
    videos: Sequence[Video] = (),
    title: str = "Understudy report",
    notes: Sequence[str] = (),
    tables: Sequence[Table] = (),
    held_out: Sequence[str] = (),
) -> Path:
    """Write the page, and beside it the films that are too large for it.

    Args:
        path: of the HTML file.
        scorecard: what is reported.
        episodes: its rows.
        demonstrations: some or all of the episodes in full, for the plot of error over time.
        pictures: e.g. human and robot side by side.
        videos: films.
        title: of the page.
        notes: paragraphs for the top of the page.
        tables: further tables, e.g. the quality of the retargeting.
        held_out: recordings of which no policy saw anything in training; named as such.

    Returns:
        `path`.
    """
    path = Path(path)
    first, *others = scorecard_tables(scorecard)
    template = environment().get_template("report.html.j2")
    page = template.render(
        title=title,
        notes=tuple(notes),
        scorecard=scorecard,
        facts=_facts(scorecard, episodes),
        first_table=first,
        tables=others,
        plots=_plots(scorecard, demonstrations),
        pictures=[{"source": data_uri(picture.png, "image/png"), "caption": picture.caption} for picture in pictures],
        videos=_place_videos(path, videos),
        recordings=recordings_table(episodes, scorecard.actors),
        held_out=tuple(held_out),
        more_tables=tuple(tables),
        metrics=[entry for name, entry in METRICS.items() if any(cell.metrics[name].n for cell in scorecard.cells)],
        provenance=provenance_facts(scorecard.provenance),
        parents=scorecard.provenance.parents[:_PARENTS_SHOWN],
        parents_left_out=max(0, len(scorecard.provenance.parents) - _PARENTS_SHOWN),
    )
    write_text(path, page)
    return path


def split_cell(text: str) -> tuple[str, str]:
    """A printed number and what stands after it in brackets, which the page sets smaller."""
    cut = text.find(" [")
    return (text, "") if cut < 0 else (text[:cut], text[cut + 1 :])


def environment() -> Environment:
    """Where pages' templates are found."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["split_cell"] = split_cell
    return made


def data_uri(content: bytes, kind: str) -> str:
    """A picture or film as part of the page."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _facts(scorecard: Scorecard, episodes: Sequence[EpisodeResult]) -> list[tuple[str, str]]:
    """What was run, in a few pairs of name and value."""
    rates = sorted({f"{1 / row.period_s:.0f}" for row in episodes})
    seeds = sorted({row.seed for row in episodes})
    minutes = sum(row.duration_s for row in episodes) / 60
    facts = [
        ("Robot", scorecard.robot),
        ("Chore", scorecard.chore),
        ("Actors", ", ".join(scorecard.actors)),
        ("Plants", ", ".join(scorecard.plants)),
        ("Recordings", str(len(scorecard.recordings))),
        ("Seeds", ", ".join(map(str, seeds)) if len(seeds) <= 6 else f"{len(seeds)}, {seeds[0]} to {seeds[-1]}"),
        ("Episodes", f"{scorecard.episodes}, {minutes:.1f} min in all"),
        ("Control rate", f"{', '.join(rates)} Hz"),
    ]
    return facts


def _plots(scorecard: Scorecard, demonstrations: Sequence[Demonstration]) -> list[dict[str, Any]]:
    found: list[tuple[bytes | None, str, bool]] = [
        (plots.success_plot(scorecard), "Success by plant and actor. Whiskers: Wilson 95 % interval.", False),
        (plots.metric_plot(scorecard, "mpjpe_root_mm"), "Landmark error seen from the base. Whiskers: 95 % bootstrap interval.", False),
        (plots.metric_plot(scorecard, "mpjpe_global_mm"), "Landmark error in the world. Whiskers: 95 % bootstrap interval.", False),
        (plots.metric_plot(scorecard, "lag_s"), "Lag behind the reference. No dot: the actor does not follow it.", False),
    ]
    over_time = plots.error_over_time_plot(demonstrations, scorecard)
    if over_time:
        found.append((*over_time, True))
    return [{"source": data_uri(png, "image/png"), "caption": caption, "wide": wide} for png, caption, wide in found if png]


def _place_videos(path: Path, videos: Sequence[Video]) -> list[dict[str, Any]]:
    """Sources of the films: in the page as long as there is room, beside it after that."""
    names = Counter(video.file_name for video in videos)
    room, placed = INLINE_VIDEO_BYTES, []
    for video in videos:
        if len(video.mp4) <= room:
            room -= len(video.mp4)
            source = data_uri(video.mp4, "video/mp4")
        else:
            require(names[video.file_name] == 1, ScoreError, f"two films are called {video.file_name!r}.")
            _write_bytes(path.parent / video.file_name, video.mp4)
            source = video.file_name
        placed.append({"source": source, "caption": video.caption})
    return placed


def _write_bytes(path: Path, content: bytes) -> None:
    write_atomically(path, lambda stream: stream.write(content))


def provenance_facts(provenance: Provenance) -> list[tuple[str, str]]:
    """What made a result, under which licence and consent."""
    versions = ", ".join(f"{name} {number}" for name, number in provenance.versions.items())
    facts = [
        ("Made by", provenance.tool),
        ("Commit", provenance.git_commit),
        ("Versions", versions),
        ("Licence", provenance.licence),
        ("Consent", provenance.consent),
    ]
    return [(name, value or "unstated") for name, value in facts]
