"""An attempt beside the ideal, as a picture: which moment belongs to which, and how far apart the two are."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from envs.reference import PERIOD_S
from gap.alignment.compare import Comparison
from gap.plots import looks, plain, png

_SHADES = ("#F2F2F2", "#FFFFFF")
_SHORTEST_NAMED = 0.05
"""Phases that take less of the attempt than this are not named: there is no room."""


def alignment_plot(comparison: Comparison, period_s: float = PERIOD_S) -> bytes:
    """PNG of two panels over the attempt's time: the ideal's time that belongs to it, and distances of hands and things.

    Shades part the ideal's phases. Along the dashed line the attempt is as fast as the ideal.
    """
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    time = np.arange(len(comparison.at)) * period_s
    for axes in (above, below):
        plain(axes)
        _shade(axes, comparison.phases, period_s)
    above.plot(time, time, linestyle="--", color="#999999", linewidth=1.0)
    above.plot(time, comparison.at * period_s, color="#000000", linewidth=1.4)
    above.set_ylabel("time in the ideal (s)")
    above.set_ylim(0, max(float(time[-1]), float(comparison.at.max()) * period_s, period_s))
    _name(above, comparison.phases, period_s)
    tracks = {f"{side} hand": values for side, values in comparison.hand_m.items()} | dict(comparison.thing_m)
    for name, (colour, _) in looks(tuple(tracks)).items():
        below.plot(time, 100 * tracks[name], color=colour, linewidth=1.4, label=name)
    below.set_ylim(bottom=0)
    below.set_ylabel("distance (cm)")
    below.set_xlabel("time in the attempt (s)")
    if tracks:
        below.legend(loc="upper left", frameon=False, fontsize=8)
    return png(figure)


def _spans(phases: tuple[str, ...]) -> list[tuple[str, int, int]]:
    """Phases one after the other: name, first moment, and the one after the last."""
    spans, begin = [], 0
    for name, group in groupby(phases):
        end = begin + len(list(group))
        spans.append((name, begin, end))
        begin = end
    return spans


def _shade(axes: Axes, phases: tuple[str, ...], period_s: float) -> None:
    for number, (_, begin, end) in enumerate(_spans(phases)):
        axes.axvspan(begin * period_s, end * period_s, color=_SHADES[number % 2], linewidth=0, zorder=0)


def _name(axes: Axes, phases: tuple[str, ...], period_s: float) -> None:
    for name, begin, end in _spans(phases):
        if end - begin >= _SHORTEST_NAMED * len(phases):
            middle = (begin + end) / 2 * period_s
            axes.annotate(name.replace(" ", "\n"), (middle, 1.02), xycoords=("data", "axes fraction"), ha="center", fontsize=7)
