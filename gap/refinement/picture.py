"""Success by round, as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gap.plots import axes_alone, png
from gap.refinement.records import Round
from gap.statistics import wilson

_VALIDATION, _ATTEMPTS = "#0072B2", "#D55E00"


def rounds_plot(rounds: Sequence[Round]) -> bytes:
    """PNG: success of each round in validation with its Wilson interval, and of the attempts that the next round was made from."""
    figure, axes = axes_alone(len(rounds))
    found = [wilson(own.successes, own.episodes) for own in rounds]
    x = np.array([own.number for own in rounds])
    y, low, high = (100 * np.array([getattr(interval, name) for interval in found]) for name in ("value", "low", "high"))
    axes.errorbar(x, y, yerr=[y - low, high - y], fmt="o-", color=_VALIDATION, capsize=3, linewidth=1.4, label="validation, 95 % interval")
    tried = [own for own in rounds if own.attempts]
    if tried:
        shares = [100 * own.attempts_succeeded / own.attempts for own in tried]
        axes.plot([own.number - 1 for own in tried], shares, "s--", color=_ATTEMPTS, linewidth=1.2, label="attempts of the next round")
    axes.set_ylim(-4, 104)
    axes.set_xticks(x)
    axes.set_xlabel("round")
    axes.set_ylabel("success (%)")
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return png(figure)
