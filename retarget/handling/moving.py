"""Handlings of somebody who walks about, for a robot whose base drives.

Its arms work in its own surroundings (`Handling.from_stand`), as at any counter; its base follows where the person stood, and
where that is faster than a base drives, all of the handling takes longer there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from motion.errors import MotionError, require
from motion.handling import Handling
from motion.transform import Array, Transform

_LEVEL = 1e-3
"""How far a stand may lean, rad."""
_EASE_S = 0.25
"""How long before and after a hurried moment the handling slows down and speeds up again."""
_SLOWEST = 12.0
"""A stand that goes this many times as fast as a base drives does not walk, it jumps: a track that was lost, or badly joined."""
_OVER_M = 0.055
"""How far the lowest place of a hand lies over what it works on: half a hand, and a finger's breadth of air."""
_WANTED = 0.5
_AHEAD_M, _MOST_BACK_M = 0.17, 0.12
"""How far ahead of the stand a robot takes things and puts them down: in the middle of where its hands work; and how far it is
moved back for that at most."""
_STAYS_S, _COMES_S = 2.5, 1.5
"""How long before and after that it stands so, and how long it takes to."""


def paced(handling: Handling, T_stand_base: Transform, fastest: tuple[float, float, float]) -> Handling:
    """The handling, slowed down where its stand takes the base along too fast. Its times are not even any more.

    Args:
        handling: with a stand.
        T_stand_base: from the stand to the robot's base, one pose.
        fastest: speeds ahead and to the left (m/s) and turning (rad/s).

    Raises:
        MotionError: the stand is unknown somewhere, leans, or jumps.
    """
    stand = handling.stand
    assert stand is not None
    _check(handling, stand)
    steps = np.diff(handling.time_s)
    share = np.max(np.abs(base_velocities(stand @ T_stand_base, steps)) / fastest, axis=1)
    worst = int(share.argmax())
    said = (
        f"{handling.provenance.source}: the stand goes {share[worst]:.0f} times as fast as a base drives at {handling.time_s[worst]:.2f} s"
    )
    require(float(share[worst]) < _SLOWEST, MotionError, f"{said}. Look for a jump in where the person stands.")
    if share[worst] <= 1.0:
        return handling
    return _at(handling, handling.time_s[0] + np.r_[0.0, np.cumsum(steps * _eased(np.maximum(share, 1.0), float(np.median(steps))))])


def standing_back(handling: Handling) -> Handling:
    """The handling of somebody who stands as far from what they take or put down as a robot works best, not nearer.

    Where people stand is often told by their head alone, which leans over what they reach for; and a robot's trunk is in its way
    where a person's bends. Who stands farther away stays there.
    """
    stand = handling.stand
    assert stand is not None
    back = np.zeros(len(handling.time_s))
    for hold in handling.holds:
        for moment_s in (hold.start_s, hold.end_s):
            frame = int(np.argmin(np.abs(handling.time_s - moment_s)))
            tool = stand[frame].inverse() @ handling.hands[hold.side].T_counter_tool[frame]
            near = max(0.0, _AHEAD_M - float(tool.position_m[0]))
            away_s = np.maximum(np.abs(handling.time_s - moment_s) - _STAYS_S, 0.0)
            share = np.clip(1 - away_s / _COMES_S, 0.0, 1.0)
            back = np.maximum(back, min(near, _MOST_BACK_M) * share * share * (3 - 2 * share))
    if not back.any():
        return handling
    return replace(handling, stand=Transform(stand.apply(np.outer(-back, [1.0, 0.0, 0.0])), stand.wxyz))


def base_velocities(T_world_base: Transform, steps_s: Array) -> Array:
    """(T - 1, 3) velocities ahead and to the left (m/s) and turning (rad/s), of level poses (T,) so far apart in time (T - 1,)."""
    step = T_world_base[:-1].inverse() @ T_world_base[1:]
    turn = 2 * np.arctan2(step.wxyz[:, 3], step.wxyz[:, 0])
    turn = (turn + np.pi) % (2 * np.pi) - np.pi
    return np.asarray(np.column_stack([step.position_m[:, :2], turn]) / steps_s[:, None])


def taken_along(near: Handling, stand: Transform, before: int) -> Handling:
    """What hands and things do around a stand, in the counter's frame again.

    Args:
        near: as `Handling.from_stand` gives it, maybe longer at both ends.
        stand: batch (T,), as it was before that.
        before: how many frames `near` begins earlier; the stand waits for them, and for what `near` goes on longer.
    """
    rows = np.clip(np.arange(len(near.time_s)) - before, 0, len(stand) - 1)
    longer = stand[rows]
    hands = {side: replace(hand, T_counter_tool=longer @ hand.T_counter_tool) for side, hand in near.hands.items()}
    return replace(near, hands=hands, things={name: longer @ track for name, track in near.things.items()}, stand=longer)


def edge_height_m(near: Handling) -> float:
    """How high over the counter's frame arms have to keep, ahead of their stand: 0, or lower for who takes things from lower."""
    low = [hand.T_counter_tool.position_m[np.asarray(hand.wanted) >= _WANTED, 2] for hand in near.hands.values()]
    return min(0.0, float(np.min(np.concatenate(low), initial=np.inf)) - _OVER_M)


def _check(handling: Handling, stand: Transform) -> None:
    known = np.isfinite(stand.position_m).all(-1) & np.isfinite(stand.wxyz).all(-1)
    what = f"{handling.provenance.source}: the stand is not known in {int((~known).sum())} frames"
    require(bool(known.all()), MotionError, f"{what}, the first at {handling.time_s[~known][:1]} s. Fill it before retargeting.")
    lean = 2 * np.hypot(stand.wxyz[:, 1], stand.wxyz[:, 2]).max()
    require(
        lean < _LEVEL, MotionError, f"{handling.provenance.source}: the stand leans by {np.degrees(lean):.1f} degrees; it has to be level."
    )


def _eased(stretch: Array, step_s: float) -> Array:
    """Nowhere less, and without sudden changes."""
    half = max(1, round(_EASE_S / step_s))
    widest = maximum_filter1d(stretch, 2 * half + 1, mode="nearest")
    return np.asarray(uniform_filter1d(widest, 2 * half + 1, mode="nearest"))


def _at(handling: Handling, time_s: Array) -> Handling:
    """The same frames at other times, holds and labels with them."""

    def then(moment_s: float) -> float:
        return float(np.interp(moment_s, handling.time_s, time_s))

    holds = tuple(replace(hold, start_s=then(hold.start_s), end_s=then(hold.end_s)) for hold in handling.holds)
    labels = tuple(replace(label, start_s=then(label.start_s), end_s=then(label.end_s)) for label in handling.labels)
    return replace(handling, time_s=time_s, holds=holds, labels=labels)
