"""Plots of a scorecard, as PNG. No window, no global state of matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gap.catalogue import metric
from gap.metrics import joint_error_over_time_rad
from gap.scorecard import Cell, Scorecard
from gap.statistics import Interval
from motion.demonstration import Demonstration

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")
_MARKS = "osD^vPX*"
_INK, _GRID = "#333333", "#E3E3E3"
_DPI = 160
Look = Mapping[str, tuple[str, str]]


def looks(actors: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Actor -> colour (Okabe and Ito's, told apart by colour-blind readers) and marker, the same in every plot."""
    return {actor: (_COLOURS[i % len(_COLOURS)], _MARKS[i % len(_MARKS)]) for i, actor in enumerate(actors)}


def success_plot(scorecard: Scorecard) -> bytes:
    """Success rate by plant and actor with Wilson whiskers."""
    figure, axes = axes_alone(len(scorecard.plants))
    _whiskers(axes, scorecard, lambda cell: cell.success, 100)
    axes.set_ylim(-4, 104)
    axes.set_ylabel("success (%)")
    return png(figure)


def metric_plot(scorecard: Scorecard, name: str) -> bytes | None:
    """Mean of one metric by plant and actor with bootstrap whiskers; None where nobody has it."""
    if not any(cell.metrics[name].n for cell in scorecard.cells):
        return None
    figure, axes = axes_alone(len(scorecard.plants))
    _whiskers(axes, scorecard, lambda cell: cell.metrics[name], metric(name).shown_scale)
    values = [cell.metrics[name].value for cell in scorecard.cells if cell.metrics[name].n]
    if min(values) >= 0:
        axes.set_ylim(bottom=0)
    axes.set_ylabel(metric(name).heading)
    return png(figure)


def error_over_time_plot(demonstrations: Sequence[Demonstration], scorecard: Scorecard) -> tuple[bytes, str] | None:
    """Joint error over time of one recording, a panel per plant and a line per actor, and a caption.

    The recording and seed are those which most actors and plants share. None where no demonstration has a reference.
    """
    cells = {(cell.actor, cell.plant) for cell in scorecard.cells}
    usable = [d for d in demonstrations if "reference_position_rad" in d.signals and (d.actor, d.plant) in cells]
    if not usable:
        return None
    keys = [(d.variant, d.seed) for d in usable]
    variant, seed = max(dict.fromkeys(keys), key=keys.count)
    shown = {(d.actor, d.plant): d for d in usable if (d.variant, d.seed) == (variant, seed)}
    plants = [plant for plant in scorecard.plants if any(where[1] == plant for where in shown)]
    figure = Figure(figsize=(max(6.4, 3.1 * len(plants)), 3.0), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(plants), sharey=True, sharex=True))
    for axes, plant in zip(panels, plants, strict=True):
        _error_lines(axes, {actor: d for (actor, where), d in shown.items() if where == plant}, looks(scorecard.actors))
        axes.set_title(plant, fontsize=10, color=_INK)
    panels[0].set_ylabel("joint error (deg)")
    _legend(figure, [actor for actor in scorecard.actors if any(where[0] == actor for where in shown)], looks(scorecard.actors), lines=True)
    return png(figure), f"RMS joint error at every step of {variant}, seed {seed}."


def _error_lines(axes: Axes, runs: Mapping[str, Demonstration], look: Look) -> None:
    plain(axes)
    for actor, d in runs.items():
        error = joint_error_over_time_rad(d.signals["joint_position_rad"], d.signals["reference_position_rad"])
        time = np.arange(1, len(error) + 1) * d.period_s
        axes.plot(time, np.degrees(np.where(np.isfinite(error), error, np.nan)), color=look[actor][0], linewidth=1.4)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time (s)")


def _whiskers(axes: Axes, scorecard: Scorecard, pick: Callable[[Cell], Interval], scale: float) -> None:
    """A dot with whiskers per actor and plant, the actors side by side."""
    look = looks(scorecard.actors)
    cells = {(cell.actor, cell.plant): cell for cell in scorecard.cells}
    step = 0.7 / len(scorecard.actors)
    for i, actor in enumerate(scorecard.actors):
        there = [(j, pick(cells[actor, plant])) for j, plant in enumerate(scorecard.plants) if (actor, plant) in cells]
        x = [j + (i - (len(scorecard.actors) - 1) / 2) * step for j, _ in there]
        y = np.array([interval.value for _, interval in there]) * scale
        ends = np.array([_ends(interval) for _, interval in there]).T * scale
        colour, mark = look[actor]
        axes.errorbar(x, y, yerr=np.maximum(ends, 0), fmt=mark, color=colour, markersize=5.5, capsize=2.5, linewidth=1.3)
    axes.set_xticks(range(len(scorecard.plants)), [plant.replace("_", " ") for plant in scorecard.plants])
    axes.set_xlim(-0.5, len(scorecard.plants) - 0.5)
    for edge in range(1, len(scorecard.plants)):
        axes.axvline(edge - 0.5, color=_GRID, linewidth=0.8)
    assert isinstance(axes.figure, Figure)
    _legend(axes.figure, scorecard.actors, look)


def _ends(interval: Interval) -> tuple[float, float]:
    return (interval.value - interval.low, interval.high - interval.value) if interval.has_ends else (0.0, 0.0)


def axes_alone(groups: int) -> tuple[Figure, Axes]:
    """A figure with one plain panel, wide enough for so many groups."""
    figure = Figure(figsize=(min(max(4.8, 1.5 * groups), 9), 3.2), layout="constrained")
    axes = figure.subplots()
    plain(axes)
    return figure, axes


def plain(axes: Axes) -> None:
    """Only what is needed to read the panel: two spines, faint lines behind."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(colors=_INK, labelsize=9, length=3)
    axes.yaxis.grid(True, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _legend(figure: Figure, actors: Sequence[str], look: Look, lines: bool = False) -> None:
    axes = figure.axes[0]
    style = "-" if lines else "none"
    handles = [axes.plot([], [], marker="" if lines else look[a][1], color=look[a][0], label=a, linestyle=style)[0] for a in actors]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(actors), 6), frameon=False, fontsize=9, handletextpad=0.5)


def png(figure: Figure) -> bytes:
    """A figure as a PNG that is the same for the same figure."""
    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return stream.getvalue()
