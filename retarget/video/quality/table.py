"""One page about many films: who needs a look comes first, with the reasons and how to film better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template

from motion.store import write_text
from retarget.corpus_report import short
from retarget.video.quality.judge import VERDICTS, FilmQuality, when
from retarget.video.quality.numbers import NUMBERS

FAILED = "failed"
_ORDER = (FAILED, *reversed(VERDICTS))
_COLUMNS = ("seconds", "rate_hz", "any_seen_pct", "both_seen_pct", "person_pct", "dark_pct", "blurred_pct", "frozen_s", "swapped_pct")
_OF_HANDS = ("seen_pct", "missed_s", "jitter_pct", "jitter_mm", "outlier_pct", "reprojection_pct")
_SIDES = ("left", "right")


@dataclass(frozen=True)
class FilmRow:
    """One film, or one clip of a long one, in the table.

    Attributes:
        name: of the film.
        quality: None where it could not be read.
        error: why not.
    """

    name: str
    quality: FilmQuality | None = None
    error: str = ""

    @property
    def verdict(self) -> str:
        """The quality's verdict, or "failed"."""
        return self.quality.verdict if self.quality else FAILED

    def number(self, key: str) -> float:
        """A number by its key; NaN where it was not measured."""
        return self.quality.numbers.get(key, math.nan) if self.quality else math.nan

    def verdict_of(self, key: str) -> str:
        """The verdict on one number alone; empty where nothing was found."""
        findings = self.quality.findings if self.quality else ()
        return next((found.verdict for found in findings if found.what == key), "")


@dataclass(frozen=True)
class Column:
    """One column: heading, unit, meaning, and the keys of the numbers in it (one per hand, or one)."""

    label: str
    unit: str
    meaning: str
    keys: tuple[str, ...]


def film_table(path: Path, title: str, rows: Sequence[FilmRow]) -> None:
    """Write the page (.html), whole or not at all; it asks nothing of any network and holds no picture of anybody.

    Args:
        path: the file.
        title: a heading.
        rows: in any order; the page sorts them by need of a look.
    """
    ordered = sorted(rows, key=_need)
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in _ORDER}
    profiles = sorted({row.quality.profile.name for row in rows if row.quality})
    page = _template().render(title=title, rows=ordered, counts=counts, profiles=profiles, columns=_columns(rows), order=_ORDER)
    write_text(path, page)


def _need(row: FilmRow) -> tuple[int, int, str]:
    findings = row.quality.findings if row.quality else ()
    return _ORDER.index(row.verdict), -len(findings), row.name


def _columns(rows: Sequence[FilmRow]) -> list[Column]:
    """Columns that hold anything."""
    both = ", left and right"
    columns = [Column(NUMBERS[name].label, NUMBERS[name].unit, NUMBERS[name].meaning, (name,)) for name in _COLUMNS]
    for name in _OF_HANDS:
        keys = tuple(f"{side}_hand_{name}" for side in _SIDES)
        columns.append(Column(NUMBERS[name].label, NUMBERS[name].unit, NUMBERS[name].meaning + both, keys))
    return [column for column in columns if any(math.isfinite(row.number(key)) for row in rows for key in column.keys)]


@cache
def _template() -> Template:
    folder = Path(__file__).resolve().parent.parent.parent / "templates"
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"short": short, "when": when}
    return environment.get_template("films.html.j2")
