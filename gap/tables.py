"""Tables of printed numbers, the same for the terminal and the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gap.catalogue import Metric, metric
from gap.episode import EpisodeResult
from gap.scorecard import Cell, Difference, Scorecard
from gap.statistics import Interval

DASH = "-"
TRACKING = ("progress", "joint_rmse_rad", "lag_corrected_rmse_rad", "mpjpe_global_mm", "mpjpe_root_mm", "lag_s")
EFFORT = ("energy_j", "saturation_share", "sparc", "ldlj", "gantry_mean_n", "gantry_peak_n")
SHORT = ("joint_rmse_rad", "mpjpe_root_mm", "lag_s", "energy_j", "saturation_share")
"""What the terminal shows."""
GAP_TRACKING = TRACKING[1:]
COMPARED = ("joint_rmse_rad", "mpjpe_global_mm", "mpjpe_root_mm", "lag_s", "energy_j")
_ENOUGH = 10
"""Draws over fewer units than this make intervals that are known to be too narrow."""
_POINTS = Metric("", "1", "", digits=0, shown_scale=100)
STAR_NOTE = "A star marks an interval that does not reach zero."


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; every row is as long as the header."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold nothing but numbers and dashes, and so are set flush right."""
        return tuple(all(_is_number(row[i]) for row in self.rows) for i in range(len(self.header)))

    @property
    def grouped(self) -> bool:
        """Whether neighbouring rows share their first cell."""
        return any(one[0] == other[0] for one, other in zip(self.rows, self.rows[1:], strict=False))

    def text(self) -> str:
        """As aligned plain text."""
        widths = [max(len(row[i]) for row in (self.header, *self.rows)) for i in range(len(self.header))]
        right = self.numeric

        def line(row: Sequence[str]) -> str:
            cells = (cell.rjust(w) if flush else cell.ljust(w) for cell, w, flush in zip(row, widths, right, strict=True))
            return "  ".join(cells).rstrip()

        rule = "  ".join("-" * width for width in widths)
        lines = [self.title, line(self.header), rule, *(line(row) for row in self.rows), self.note]
        return "\n".join(entry for entry in lines if entry)


def scorecard_tables(scorecard: Scorecard) -> tuple[Table, ...]:
    """Every table of a scorecard, the one that matters most first; without those that would be empty."""
    tables = (
        success_table(scorecard),
        difference_table(scorecard.comparisons, "Against the baselines", COMPARED, _COMPARISON_NOTE),
        difference_table(scorecard.gaps, "Gap in success and tracking", GAP_TRACKING, _GAP_NOTE.format(nominal=scorecard.nominal)),
        difference_table(
            scorecard.gaps, "Gap in effort and smoothness", EFFORT, _GAP_NOTE.format(nominal=scorecard.nominal), success=False
        ),
        metric_table(scorecard, "Tracking", TRACKING),
        metric_table(scorecard, "Effort and smoothness", EFFORT),
        safety_table(scorecard),
        failure_table(scorecard),
    )
    return tuple(table for table in tables if table.rows)


def scorecard_text(scorecard: Scorecard) -> str:
    """The card for a terminal: the claim, and the tables that decide; the report has them all."""
    size = f"{scorecard.episodes} episodes, {len(scorecard.recordings)} recordings"
    head = f"{scorecard.claim.capitalize()}: {scorecard.robot}, {scorecard.chore}; {size}."
    tables = (
        success_table(scorecard),
        metric_table(scorecard, "Means", SHORT),
        difference_table(scorecard.gaps, "Gap", SHORT[:4], _GAP_NOTE.format(nominal=scorecard.nominal)),
        difference_table(scorecard.comparisons, "Against the baselines", SHORT[:3], _COMPARISON_NOTE),
        failure_table(scorecard),
    )
    return "\n\n".join([head, *(table.text() for table in tables if table.rows)])


_GAP_NOTE = (
    "Gap: {nominal} minus plant, on the same recordings and seeds: a negative gap in an error or an effort means that the plant is worse. "
    + STAR_NOTE
)
_COMPARISON_NOTE = (
    "Difference: actor minus baseline in the same plant, on the same recordings and seeds: "
    "a negative difference in an error means that the actor is better. "
    "p: exact McNemar test of success, Holm-corrected over this table. " + STAR_NOTE
)


def success_table(scorecard: Scorecard) -> Table:
    """Success by actor (rows) and plant (columns), as k/n with the Wilson interval in per cent."""
    cells = {(cell.actor, cell.plant): cell for cell in scorecard.cells}
    rows = tuple(
        (actor, *(_success(cells[actor, plant]) if (actor, plant) in cells else DASH for plant in scorecard.plants))
        for actor in scorecard.actors
    )
    note = "Episodes that succeeded, of all that ran; in brackets the Wilson 95 % interval of the rate in per cent."
    return Table("Success", ("Actor", *scorecard.plants), rows, note)


def metric_table(scorecard: Scorecard, title: str, names: Sequence[str]) -> Table:
    """Means over episodes with bootstrap intervals: one row per plant and actor, one column per metric."""
    shown = [name for name in names if any(cell.metrics[name].n for cell in scorecard.cells)]
    rows = []
    for plant in scorecard.plants:
        for cell in (cell for cell in scorecard.cells if cell.plant == plant):
            rows.append((plant, cell.actor, *(_estimate(cell.metrics[name], metric(name), cell.stable_episodes) for name in shown)))
    drawn = f"Mean over episodes, 95 % bootstrap interval over {_units(scorecard)}."
    note = f"{drawn} (n) where fewer than the stable episodes could be measured."
    return Table(title, ("Plant", "Actor", *(metric(name).heading for name in shown)), tuple(rows if shown else ()), note)


def _units(scorecard: Scorecard) -> str:
    """What the bootstrap drew, and a warning where that is too little for it."""
    counts = [cell.recordings if scorecard.drawn == "recording" else cell.episodes for cell in scorecard.cells]
    warning = f", too narrow with fewer than {_ENOUGH}" if min(counts) < _ENOUGH else ""
    number_drawn = str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return f"{number_drawn} {scorecard.drawn}s{warning}"


def safety_table(scorecard: Scorecard) -> Table:
    """Unstable episodes with an exact upper bound, then mean and worst of what the chore calls safety."""
    names = sorted({name for cell in scorecard.cells for name in cell.worst})
    rows = tuple(
        (
            cell.plant,
            cell.actor,
            f"{cell.unstable}/{cell.episodes}",
            f"{100 * cell.unstable_bound.high:.1f}",
            *(_worst(cell, name) for name in names),
        )
        for plant in scorecard.plants
        for cell in scorecard.cells
        if cell.plant == plant
    )
    header = ("Plant", "Actor", "Unstable", "Proved below (%)", *(metric(name).heading for name in names))
    note = "Unstable: numbers left the finite range; counted as failed. Proved below: one-sided 95 % Clopper-Pearson bound of that rate."
    if names:
        note += " The chore's own safety numbers: mean, and the highest of any episode after the slash."
    return Table("Safety", header, rows, note)


def difference_table(differences: Sequence[Difference], title: str, names: Sequence[str], note: str, success: bool = True) -> Table:
    """Paired differences: one row each, with the difference in success unless told not to."""
    gaps = all(d.actor == d.against_actor for d in differences)
    shown = [name for name in names if any(d.metrics[name].n for d in differences)]
    rows = []
    for d in differences:
        who = (d.actor, d.against_plant) if gaps else (d.plant, f"{d.actor} vs {d.against_actor}")
        won = (_difference(d.success, _POINTS), *(() if gaps else (f"{d.p_holm:.2g}",))) if success else ()
        rows.append((*who, str(d.pairs), *won, *(_difference(d.metrics[name], metric(name)) for name in shown)))
    first = ("Actor", "Plant") if gaps else ("Plant", "Actors")
    won_header = ("Success (points)", *(() if gaps else ("p",))) if success else ()
    return Table(title, (*first, "Pairs", *won_header, *(metric(name).heading for name in shown)), tuple(rows), note)


def failure_table(scorecard: Scorecard) -> Table:
    """Episodes that became unstable, and episodes without a partner to be compared with."""
    rows = [(name, "became unstable; counted as a failure, without metrics") for name in scorecard.unstable]
    rows += [(name, f"no partner in {scorecard.nominal}; not in the gaps") for name in scorecard.unpaired]
    return Table("Episodes to know of", ("Episode", "What happened"), tuple(rows))


def recordings_table(results: Sequence[EpisodeResult], actors: Sequence[str]) -> Table:
    """The recordings that were followed: length, and successes of every actor over all plants and seeds."""
    rows = []
    for variant in sorted({row.variant for row in results}):
        mine = [row for row in results if row.variant == variant]
        counts = [[row.success for row in mine if row.actor == actor] for actor in actors]
        rows.append((variant, f"{mine[0].duration_s:.1f}", *(f"{sum(won)}/{len(won)}" if won else DASH for won in counts)))
    return Table("By recording", ("Recording", "Length (s)", *actors), tuple(rows), "Successes over all plants and seeds.")


def number(value: float, shown: Metric) -> str:
    """One number as printed; a dash for NaN."""
    if math.isnan(value):
        return DASH
    text = f"{value * shown.shown_scale:.{shown.digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _interval(interval: Interval, shown: Metric) -> str:
    bounds = "" if not interval.has_ends else f" [{number(interval.low, shown)}, {number(interval.high, shown)}]"
    return number(interval.value, shown) + bounds


def _estimate(interval: Interval, shown: Metric, episodes: int) -> str:
    if not interval.n:
        return DASH
    return _interval(interval, shown) + (f" ({interval.n})" if interval.n < episodes else "")


def _difference(interval: Interval, shown: Metric) -> str:
    if not interval.n:
        return DASH
    low, high = (float(number(end, shown)) if interval.has_ends else 0.0 for end in (interval.low, interval.high))
    return _interval(interval, shown) + ("*" if low > 0 or high < 0 else "")


def _success(cell: Cell) -> str:
    return f"{cell.successes}/{cell.episodes} [{number(cell.success.low, _POINTS)}, {number(cell.success.high, _POINTS)}]"


def _worst(cell: Cell, name: str) -> str:
    shown = metric(name)
    return f"{number(cell.metrics[name].value, shown)} / {number(cell.worst[name], shown)}" if name in cell.worst else DASH


def _is_number(text: str) -> bool:
    return text == DASH or text.lstrip("-")[:1].isdigit()
