"""Plots of an evaluation, as PNG."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gap.plots import axes_alone, looks, plain, png
from gap.report import Picture
from gap.suites.card import Rate, SuiteCard
from gap.suites.conditions import ROBUSTNESS
from gap.suites.contest import ALL
from gap.suites.curves import Curve

_ACROSS = 3
_LABELS = {"seen": "seen", "heldout_objects": "new objects", "heldout_layouts": "new layouts"}


def success_pictures(card: SuiteCard) -> list[Picture]:
    """Success by chore under each condition that is not on a curve, a picture for each policy."""
    conditions = tuple(dict.fromkeys(rate.condition for rate in card.rates if rate.part not in ("", ROBUSTNESS)))
    look, found = looks(conditions), []
    for policy in card.policies:
        figure, axes = axes_alone(max(4, 2 * len(card.chores)))
        for k, condition in enumerate(conditions):
            rates = [rate for rate in card.rates if (rate.policy, rate.condition) == (policy, condition) and rate.chore != ALL]
            shift = (k - (len(conditions) - 1) / 2) * 0.7 / len(conditions)
            _dots(
                axes, [card.chores.index(rate.chore) + shift for rate in rates], rates, look[condition], _LABELS.get(condition, condition)
            )
        axes.set_xticks(range(len(card.chores)), [chore.replace("_", " ") for chore in card.chores], fontsize=8)
        axes.set_ylim(-4, 104)
        axes.set_ylabel("success (%)")
        figure.legend(loc="outside upper center", ncols=min(len(conditions), 4), frameon=False, fontsize=8, handletextpad=0.4)
        found.append(Picture(png(figure), f"{policy}: success by chore. Whiskers: 95 % intervals."))
    return found


def _dots(axes: Axes, x: list[float], rates: list[Rate], look: tuple[str, str], label: str) -> None:
    y = 100 * np.array([rate.success.value for rate in rates])
    ends = 100 * np.array([(rate.success.value - rate.success.low, rate.success.high - rate.success.value) for rate in rates]).T
    axes.errorbar(x, y, yerr=np.maximum(ends, 0), fmt=look[1], color=look[0], markersize=5, capsize=2.5, linewidth=1.2, label=label)


def curve_pictures(card: SuiteCard) -> list[Picture]:
    """Robustness curves, a figure for each kind of axis ("body", "dynamics") and chore, a line for each policy."""
    found = []
    kinds = tuple(dict.fromkeys(one.name.partition("/")[0] for one in card.curves))
    for chore in card.chores:
        for kind in kinds:
            own = [one for one in card.curves if one.chore == chore and one.name.startswith(f"{kind}/")]
            if own:
                caption = (
                    f"{chore}: success as {kind} changes. Whiskers: Wilson 95 %; the dotted line: half of the neutral success is left."
                )
                found.append(Picture(_curves(own, list(card.policies)), caption))
    return found


def _curves(curves: list[Curve], policies: list[str]) -> bytes:
    names = list(dict.fromkeys(one.name for one in curves))
    down = math.ceil(len(names) / _ACROSS)
    figure = Figure(figsize=(3.3 * _ACROSS, 2.5 * down + 0.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(down, _ACROSS, sharey=True)).ravel()
    look = looks(policies)
    for axes, name in zip(panels, names, strict=False):
        own = [one for one in curves if one.name == name]
        plain(axes)
        for one in own:
            colour, mark = look[one.policy]
            y = 100 * np.array([rate.value for rate in one.success])
            ends = 100 * np.array([(rate.value - rate.low, rate.high - rate.value) for rate in one.success]).T
            axes.errorbar(one.levels, y, yerr=np.maximum(ends, 0), fmt=f"-{mark}", color=colour, markersize=4, capsize=2, linewidth=1.2)
            if math.isfinite(one.s50.value):
                axes.axvline(one.s50.value, color=colour, linestyle=":", linewidth=1)
        axes.set_title(name.partition("/")[2].replace("_", " "), fontsize=9)
        axes.set_xlabel(own[0].unit, fontsize=8)
        axes.set_ylim(-4, 104)
        if own[0].levels[-1] < own[0].levels[0]:
            axes.invert_xaxis()  # worse to the right
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    figure.supylabel("success (%)", fontsize=9)
    handles = [panels[0].plot([], [], f"-{look[name][1]}", color=look[name][0], label=name)[0] for name in policies]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(policies), 5), frameon=False, fontsize=9)
    return png(figure)
