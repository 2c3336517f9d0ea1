"""What the command says of films on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retarget.show_card import coloured, say
from retarget.video.convert import ClipOutcome, FilmOutcome
from retarget.video.quality.show import quality_summary
from retarget.video.quality.table import FilmRow


def show_film(console: Console, outcome: FilmOutcome) -> None:
    """Print what was understood of a film, and of each clip its verdict, findings and files."""
    for key, value in (outcome.words or {}).items():
        say(console, f"{key}: {value}")
    for clip in outcome.clips:
        _show_clip(console, outcome.path.name, clip, several=len(outcome.clips) > 1)
    for file in outcome.also_written:
        say(console, f"wrote {file}")


def _show_clip(console: Console, name: str, clip: ClipOutcome, several: bool) -> None:
    span = f" from {clip.span_s[0]:.1f} to {clip.span_s[1]:.1f} s" if several else ""
    console.print(quality_summary(clip.quality, name + span))
    seen = ", ".join(f"{side} hand seen in {share:.0%}" for side, share in clip.hands_seen.items()) or "no hand seen"
    say(console, f"{clip.frames_n} pictures, {seen}")
    for file in clip.written:
        say(console, f"wrote {file}")


def film_rows(outcomes: Sequence[FilmOutcome]) -> Table:
    """One row per film of a folder."""
    table = Table("film", "pictures", "verdict", "hands seen %", "why")
    for outcome in outcomes:
        reasons = [found.reason for clip in outcome.clips for found in clip.quality.findings]
        shares = [share for clip in outcome.clips for share in clip.hands_seen.values()]
        table.add_row(
            escape(_name(outcome, outcomes)),
            str(sum(clip.frames_n for clip in outcome.clips) or ""),
            coloured("failed" if outcome.error else outcome.verdict),
            f"{100 * max(shares):.0f}" if shares else "",
            escape(outcome.error or next(iter(reasons), "")),
        )
    return table


def table_rows(outcomes: Sequence[FilmOutcome]) -> list[FilmRow]:
    """One row per clip for the page about all films."""
    rows = []
    for outcome in outcomes:
        name = _name(outcome, outcomes)
        rows += [FilmRow(name, error=outcome.error)] if outcome.error else []
        for clip in outcome.clips:
            part = f" from {clip.span_s[0]:.0f} s" if len(outcome.clips) > 1 else ""
            rows.append(FilmRow(name + part, clip.quality))
    return rows


def _name(outcome: FilmOutcome, among: Sequence[FilmOutcome]) -> str:
    """The file's name; its path where another film has the same."""
    alike = sum(other.path.name == outcome.path.name for other in among)
    return outcome.path.name if alike == 1 else str(outcome.path)
