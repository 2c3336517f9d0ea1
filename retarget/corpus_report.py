"""One page about many clips: a table that sorts, a strip of dots per number with its gates, and the reasons."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, Template

from motion.store import write_text
from retarget.measure import NUMBERS, Gate, QualityCard

VERDICTS = ("pass", "review", "reject", "failed")
_WIDTH, _HEIGHT, _MARGIN = 400, 72, 14


@dataclass(frozen=True)
class Clip:
    """One recording and what was measured of its motion; without a card, the error that stopped it."""

    name: str
    card: QualityCard | None
    frames_n: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def verdict(self) -> str:
        """The card's verdict, or "failed"."""
        return self.card.verdict if self.card else "failed"


def write_corpus(folder: Path, title: str, clips: Sequence[Clip]) -> tuple[Path, Path]:
    """Write `corpus.json` and `corpus.html` into a folder; returns both."""
    data, page = folder / "corpus.json", folder / "corpus.html"
    write_text(data, json.dumps(corpus_json(title, clips), indent=1, allow_nan=False))
    write_page(page, title, clips)
    return data, page


def corpus_json(title: str, clips: Sequence[Clip]) -> dict[str, Any]:
    """All clips with their cards, the share of each verdict, and each number's spread, as plain JSON values."""
    return {
        "title": title,
        "clips": [
            {
                "name": clip.name,
                "frames": clip.frames_n,
                "seconds": round(clip.seconds, 3),
                "error": clip.error,
                **(clip.card.to_json() if clip.card else {"verdict": "failed"}),
            }
            for clip in clips
        ],
        "verdicts": _shares(clips),
        "numbers": {
            name: {"meaning": number.meaning, "unit": number.unit, **_spread(values)}
            for name, number in NUMBERS.items()
            if len(values := _values(clips, name))
        },
    }


def write_page(path: Path, title: str, clips: Sequence[Clip]) -> None:
    """Write the page: one file, which asks nothing of any network."""
    gates = next((clip.card.gates for clip in clips if clip.card), {})
    columns = [name for name in gates if len(_values(clips, name))]
    same = [name for name in columns if len(clips) > 1 and np.ptp(_values(clips, name)) == 0]
    page = _template().render(
        title=title,
        clips=clips,
        seconds=sum(clip.seconds for clip in clips),
        frames_n=sum(clip.frames_n for clip in clips),
        shares=_shares(clips),
        numbers=NUMBERS,
        columns=columns,
        others=[name for name in NUMBERS if name not in gates and len(_values(clips, name))],
        spread={name: _spread(_values(clips, name)) for name in NUMBERS if len(_values(clips, name))},
        gates=gates,
        same=same,
        strips={name: strip(name, clips, gates[name]) for name in columns if name not in same},
    )
    write_text(path, page)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = short
    return environment.get_template("corpus.html.j2")


def short(value: float | None) -> str:
    """A number for reading: three digits that matter, no exponent; a dash for nothing."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}".replace(",", "\u202f")


def _values(clips: Sequence[Clip], name: str) -> np.ndarray:
    values = np.array([clip.card.numbers.get(name, math.nan) for clip in clips if clip.card], float)
    return values[np.isfinite(values)]


def _spread(values: np.ndarray) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "least": float(values.min()),
        "most": float(values.max()),
        "clips": len(values),
    }


def _shares(clips: Sequence[Clip]) -> dict[str, dict[str, float]]:
    """Verdict -> number of clips and percentage; "failed" only where there are such."""
    counts = {verdict: sum(clip.verdict == verdict for clip in clips) for verdict in VERDICTS}
    return {
        verdict: {"clips": count, "pct": round(100 * count / max(1, len(clips)), 1)}
        for verdict, count in counts.items()
        if count or verdict != "failed"
    }


@dataclass(frozen=True)
class Dot:
    """One clip in a strip: place in pixels, verdict on this number, and words."""

    x: float
    y: float
    verdict: str
    words: str


@dataclass(frozen=True)
class Strip:
    """Dots over an axis of one number, with the zones that its gate makes (from x, width, verdict) and marks (x, words)."""

    width: int
    height: int
    dots: tuple[Dot, ...]
    zones: tuple[tuple[float, float, str], ...]
    marks: tuple[tuple[float, str], ...]


def strip(name: str, clips: Sequence[Clip], gate: Gate) -> Strip:
    """The strip of one number: the axis reaches over all clips and the review bound, and the reject bound where that is near."""
    values = _values(clips, name)
    ends = [*values, gate.review, 0.0]
    low, high = min(ends), max(ends)
    if gate.is_floor or gate.reject <= high + 0.6 * (high - low):
        low, high = min(low, gate.reject), max(high, gate.reject)
    high = high if high > low else low + 1.0

    def x_of(value: float) -> float:
        return round(_MARGIN + (_WIDTH - 2 * _MARGIN) * (min(max(value, low), high) - low) / (high - low), 2)

    bounds = sorted({x_of(low), x_of(gate.review), x_of(gate.reject), x_of(high)})
    zones = []
    for start, end in pairwise(bounds):
        middle = low + ((start + end) / 2 - _MARGIN) / (_WIDTH - 2 * _MARGIN) * (high - low)
        zones.append((start, end - start, gate.verdict(middle)))
    return Strip(_WIDTH, _HEIGHT, tuple(_dots(name, clips, gate, x_of)), tuple(zones), tuple(_marks(gate, low, high, x_of)))


def _dots(name: str, clips: Sequence[Clip], gate: Gate, x_of: Callable[[float], float]) -> Iterator[Dot]:
    """Dots one above the other where they would lie on one another, closer together the more there are."""
    known = [(clip, clip.card.numbers[name]) for clip in clips if clip.card and math.isfinite(clip.card.numbers.get(name, math.nan))]
    piles: dict[int, list[tuple[Clip, float]]] = {}
    for clip, value in known:
        piles.setdefault(round(x_of(value) / 7), []).append((clip, value))
    step = min(8.0, (_HEIGHT - 34) / max(1, *(len(pile) - 1 for pile in piles.values())))
    for pile in piles.values():
        for level, (clip, value) in enumerate(pile):
            words = f"{clip.name}: {short(value)} {NUMBERS[name].unit}".strip()
            yield Dot(x_of(value), round(_HEIGHT - 24 - step * level, 2), gate.verdict(value), words)


def _marks(gate: Gate, low: float, high: float, x_of: Callable[[float], float]) -> Iterator[tuple[float, str]]:
    placed: list[float] = []
    words: Mapping[float, str] = {0.0: "0", gate.review: short(gate.review), gate.reject: short(gate.reject), high: short(high)}
    for value in (gate.review, gate.reject, 0.0, high):
        x = x_of(value)
        if low <= value <= high and all(abs(x - other) > 30 for other in placed):
            placed.append(x)
            yield x, words[value]
