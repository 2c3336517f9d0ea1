"""One attempt against the person, as a picture: where a thing went, how the hand moved, and what its corrections added."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from envs.household.chore import Household
from envs.household.takeover import Ideal
from gap.alignment import tracks_of_attempt, tracks_of_score
from gap.errors import ScoreError
from gap.human.chain import ATTEMPT, PERSON, REFERENCE, Chain, chains
from gap.human.compare import aligned_by_trend
from gap.human.corrections import added
from gap.human.recording import Recording
from gap.plots import looks, plain, png
from motion.demonstration import Demonstration
from motion.errors import UnknownNameError, require
from motion.transform import Array

_SHOWN = (PERSON, REFERENCE, ATTEMPT)
_WORDS = {PERSON: "person", REFERENCE: "retargeted", ATTEMPT: "robot"}
_SHADE, _HELD = "#F6E3D4", "#F4F4F4"


def human_plot(
    chore: Household, ideal: Ideal, attempt: Demonstration, recording: Recording | None = None, thing: str = "", side: str = ""
) -> bytes:
    """PNG of three panels: the thing's way seen from above; the hand's speed; what corrections add to its velocity along its main
    direction. Times are the ideal's; dark shades are corrections of the person's, light ones holds.

    Args:
        chore, ideal, attempt, recording: as of `compare_with_person`.
        thing: one that the person moves; by default the first that they hold.
        side: of the hand; by default that which holds it first.

    Raises:
        ScoreError: nothing is held.
        UnknownNameError: a thing or hand that is not held.
    """
    handling, reference, tracks = ideal.score.handling, tracks_of_score(chore, ideal.score), tracks_of_attempt(chore, attempt)
    require(bool(handling.holds), ScoreError, f"nothing is held in {ideal.recording}: there is nothing to show.")
    thing = thing or handling.holds[0].thing
    side = side or next((hold.side for hold in handling.holds if hold.thing == thing), "")
    hands = chains(handling, reference, tracks, aligned_by_trend(tracks, reference, handling).warp, recording)
    if side not in hands or thing not in reference.things:
        raise UnknownNameError("thing or hand", thing or side, {hold.thing for hold in handling.holds}, ideal.recording)
    figure = Figure(figsize=(9.6, 5.2), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.7))
    left, above = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1])
    below = figure.add_subplot(grid[1, 1], sharex=above)
    _from_above(left, {PERSON: reference.things[thing].position_m, ATTEMPT: tracks.things[thing].position_m}, thing)
    time = np.arange(len(reference)) * reference.period_s
    first = float(handling.time_s[0])
    for axes in (above, below):
        plain(axes)
        for hold in (hold for hold in handling.holds if hold.side == side):
            axes.axvspan(hold.start_s - first, hold.end_s - first, color=_HELD, linewidth=0, zorder=0)
        for one in hands[side].corrections:
            axes.axvspan(time[one.begin], time[one.end], color=_SHADE, linewidth=0, zorder=1)
    _speeds(above, hands[side], time, side)
    _added(below, hands[side], time)
    return png(figure)


def _from_above(axes: Axes, paths: dict[str, Array], thing: str) -> None:
    plain(axes)
    for name, (colour, _) in looks(_SHOWN).items():
        if name in paths:
            x, y = 100 * paths[name][:, 0], 100 * paths[name][:, 1]
            axes.plot(-y, x, color=colour, linewidth=1.5, label=_WORDS[name])
            axes.plot(-y[-1], x[-1], "o", color=colour, markersize=4)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("to the right (cm)")
    axes.set_ylabel("away from the robot (cm)")
    axes.set_title(f"{thing}, from above", fontsize=9)
    axes.legend(frameon=False, fontsize=8)


def _speeds(axes: Axes, chain: Chain, time: Array, side: str) -> None:
    for name, (colour, _) in looks(_SHOWN).items():
        axes.plot(time, 100 * np.linalg.norm(chain.velocity[name][:, :3], axis=1), color=colour, linewidth=1.1, label=_WORDS[name])
    axes.set_ylabel("speed (cm/s)")
    axes.set_title(f"{side} hand, below 5 Hz", fontsize=9)
    axes.legend(frameon=False, fontsize=8, loc="upper right")


def _added(axes: Axes, chain: Chain, time: Array) -> None:
    """What each of them adds in the person's corrections, along the direction in which these are largest; 0 between them."""
    parts = {name: np.zeros((len(time), 3)) for name in _SHOWN}
    for name in _SHOWN:
        for one in chain.corrections:
            parts[name][one.frames] = added(chain.velocity[name][one.frames])[:, :3]
    main = np.linalg.svd(parts[PERSON], full_matrices=False)[2][0]
    for name, (colour, _) in looks(_SHOWN).items():
        axes.plot(time, 100 * parts[name] @ main, color=colour, linewidth=1.1)
    axes.set_ylabel("added by corrections (cm/s)")
    axes.set_xlabel("time in the ideal (s)")
