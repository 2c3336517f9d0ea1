"""Many attempts against the person, as one table: a line for each measure, a column for each actor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from gap.errors import ScoreError
from gap.human.adjustments import LINKS, POLICY
from gap.human.chain import ASKED, ATTEMPT, REFERENCE
from gap.human.compare import HumanGap
from gap.statistics import Interval, bootstrap_mean
from gap.tables import DASH, Table
from motion.errors import require

_ENOUGH = 5
"""With fewer to draw from there is no interval: it would be far too narrow."""
_Measure = Callable[[HumanGap], float]
_WORDS = {ASKED: "asked of the robot", REFERENCE: "retargeted reference", ATTEMPT: "attempt", POLICY: "attempt, of the reference's"}


def measures() -> dict[str, tuple[_Measure, float, int]]:
    """Line of the table -> (number of one attempt, NaN where it was not measured; factor and digits that it is printed with)."""
    return {
        "Things: mean distance (cm)": (lambda gap: _mean(one.mean_m for one in gap.objects.values()), 100, 1),
        "Things: largest distance (cm)": (lambda gap: max((one.max_m for one in gap.objects.values()), default=math.nan), 100, 1),
        "Things: path, robot / person": (lambda gap: _mean(one.path_ratio for one in gap.objects.values()), 1, 2),
        "Things: off at the end (cm)": (lambda gap: _mean(one.end_m for one in gap.objects.values()), 100, 1),
        "Things: turned at the end (deg)": (lambda gap: _mean(one.end_rad for one in gap.objects.values()), 180 / math.pi, 1),
        "Holds: edits to the person's order": (lambda gap: float(gap.contacts.edits), 1, 2),
        "Holds: order, Kendall's tau": (lambda gap: gap.contacts.order, 1, 2),
        "Holds: missing": (lambda gap: float(len(gap.contacts.missing)), 1, 2),
        "Holds: additional": (lambda gap: float(len(gap.contacts.additional)), 1, 2),
        "Grip: correlation over time": (lambda gap: _mean(one.correlation for one in gap.forces.values()), 1, 2),
        "Grip: RMS difference (N)": (lambda gap: _mean(one.rms_n for one in gap.forces.values()), 1, 1),
        "Grip: peak, robot / person": (lambda gap: _mean(one.peak_ratio for one in gap.forces.values()), 1, 2),
        "Duration, robot / person": (lambda gap: gap.duration_ratio, 1, 2),
        "Person's small corrections": (lambda gap: float(sum(one.corrections for one in gap.adjustments.values())), 1, 1),
        **{f"Kept of them: {_WORDS[link]}": (_kept(link, "gain"), 1, 2) for link in LINKS},
        **{f"How alike: {_WORDS[link]}": (_kept(link, "coherence"), 1, 2) for link in LINKS},
    }


def human_table(gaps: Sequence[HumanGap], seed: int = 0) -> Table:
    """Means over attempts with bootstrap intervals, actor by actor.

    Recordings are drawn where there are several, else attempts: layouts that one recording was carried over to are not so many people.

    Args:
        gaps: of one actor or several.
        seed: of the bootstrap.

    Raises:
        ScoreError: no attempts.
    """
    require(bool(gaps), ScoreError, "there are no attempts to hold against people.")
    actors = list(dict.fromkeys(gap.actor for gap in gaps))
    rows = []
    for line, (number, scale, digits) in measures().items():
        cells = [_cell([gap for gap in gaps if gap.actor == actor], number, scale, digits, seed) for actor in actors]
        if any(cell != DASH for cell in cells):
            rows.append((line, *cells))
    counts = "; ".join(f"{actor}: {_counted([gap for gap in gaps if gap.actor == actor])}" for actor in actors)
    note = (
        f"{counts}. Means, 95 % bootstrap intervals over recordings, or over attempts where there is one recording, none "
        f"where there are fewer than {_ENOUGH}; (n) where fewer were measured. Kept: share of the person's small corrections found at the "
        "same moment, 1 all, 0 none; alike: squared correlation. Duration: of attempts that succeeded."
    )
    return Table("Against the person", ("Measure", *actors), tuple(rows), note)


def _counted(gaps: Sequence[HumanGap]) -> str:
    numbers = {"attempt": len(gaps), "recording": len({gap.recording for gap in gaps})}
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in numbers.items())


def _cell(gaps: Sequence[HumanGap], number: _Measure, scale: float, digits: int, seed: int) -> str:
    told = [(value, gap.recording) for gap in gaps if math.isfinite(value := number(gap))]
    if not told:
        return DASH
    names = [name for _, name in told]
    several = len(set(names)) > 1
    found = bootstrap_mean([value for value, _ in told], names if several else None, seed)
    drawn = len(set(names)) if several else len(names)
    return _interval(found, scale, digits, drawn >= _ENOUGH) + (f" ({found.n})" if found.n < len(gaps) else "")


def _interval(found: Interval, scale: float, digits: int, enough: bool) -> str:
    value, *ends = (f"{scale * end + 0.0:.{digits}f}" for end in (found.value, found.low, found.high))
    return f"{value} [{ends[0]}, {ends[1]}]" if enough and found.has_ends else value


def _kept(link: str, name: str) -> _Measure:
    return lambda gap: _mean(getattr(one.kept[link], name) for one in gap.adjustments.values() if link in one.kept)


def _mean(values: Iterable[float]) -> float:
    """Of those that were measured."""
    told = [value for value in values if math.isfinite(value)]
    return float(np.mean(told)) if told else math.nan
