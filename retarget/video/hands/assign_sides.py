"""Left hand, right hand or nobody: one side for every piece of track, best over the whole clip.

Dynamic programming over the pieces in the order of their beginnings. The state is the last piece of the left hand and the
last of the right one. A piece earns what it is worth, and pays for evidence against its side and for what it does not continue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from motion.transform import Array

NOBODY, LEFT, RIGHT = -1, 0, 1
_START_COST = 1.0
"""What a hand pays that appears from nowhere; a piece's `gain` is counted in this."""
_EVIDENCE_SHARE = 0.6
"""What a nat of evidence against the side costs beside `_START_COST`. Evidence for it earns nothing: a label makes no hand."""
_MOST_EVIDENCE = 60.0
"""A piece's evidence in nats counts up to here, so that one long mistake does not outweigh all else."""
_AT_ONCE_PERIODS, _SAME_PLACE = 2.5, 0.25
"""A piece that begins within so many frames, and so many hand lengths, of another's end goes on with it."""
_HANDS_PER_S = 6.0
"""How far a hand that is out of sight moves on, in hand lengths per second."""
_STATES_N = 200
"""States kept after every piece. A few suffice where hands are rarely lost; where they flicker, each piece may be skipped or not."""


@dataclass(frozen=True)
class Candidate:
    """A piece of a track.

    Attributes:
        start_s, end_s: of its first and last frame.
        period_s: between two frames of the film.
        first_px, last_px: (21, 2) its points at the beginning and at the end.
        size_px: length of the hand in the picture.
        right: evidence for a right hand in nats, below 0 for a left one.
        gain: what it earns by being a hand at all; -inf where it cannot be.
    """

    start_s: float
    end_s: float
    period_s: float
    first_px: Array
    last_px: Array
    size_px: float
    right: float
    gain: float


@dataclass(frozen=True)
class _State:
    value: float
    last: tuple[int, int]
    before: _State | None
    side: int


def best_sides(candidates: list[Candidate], remembered_s: float, switch_nats: float, allowed: np.ndarray) -> list[int]:
    """`LEFT`, `RIGHT` or `NOBODY` for every candidate.

    Args:
        candidates: in the order of their beginnings.
        remembered_s: after so long, a hand may come back anywhere.
        switch_nats: what it costs to go on, without a gap, as the other hand.
        allowed: (2,) whether there may be a left hand, and a right one.
    """
    states = [_State(0.0, (-1, -1), None, NOBODY)]
    for index, candidate in enumerate(candidates):
        grown: dict[tuple[int, int], _State] = {}
        for state in states:
            for side in (NOBODY, LEFT, RIGHT):
                after = _after(state, side, index, candidates, remembered_s, switch_nats, allowed)
                if after is not None and (after.last not in grown or after.value > grown[after.last].value):
                    grown[after.last] = after
        kept = _forgotten(grown.values(), candidates, candidate.start_s - remembered_s)
        states = sorted(kept, key=lambda state: -state.value)[:_STATES_N]
    return _sides_of(states[0])


def _after(
    state: _State, side: int, index: int, candidates: list[Candidate], remembered_s: float, switch_nats: float, allowed: np.ndarray
) -> _State | None:
    """The state when candidate `index` is of that side, or None where it cannot be."""
    candidate = candidates[index]
    if side == NOBODY:
        return _State(state.value, state.last, state, NOBODY)
    last = candidates[state.last[side]] if state.last[side] >= 0 else None
    if not allowed[side] or not np.isfinite(candidate.gain) or (last is not None and last.end_s >= candidate.start_s):
        return None
    against = min(max(0.0, -candidate.right if side == RIGHT else candidate.right), _MOST_EVIDENCE)
    value = state.value + candidate.gain - _EVIDENCE_SHARE * against - _START_COST * _newness(last, candidate, remembered_s)
    other = candidates[state.last[1 - side]] if state.last[1 - side] >= 0 else None
    if other is not None and other.end_s < candidate.start_s:
        value -= _EVIDENCE_SHARE * switch_nats * _goes_on(other, candidate)
    places = (index, state.last[1]) if side == LEFT else (state.last[0], index)
    return _State(value, places, state, side)


def _goes_on(last: Candidate, candidate: Candidate) -> float:
    """1 where a candidate follows the last piece at once and in its very place, 0 where it does not."""
    if candidate.start_s - last.end_s > _AT_ONCE_PERIODS * candidate.period_s:
        return 0.0
    return float(np.exp(-0.5 * (_apart(last, candidate) / _SAME_PLACE) ** 2))


def _apart(last: Candidate, candidate: Candidate) -> float:
    """How far a candidate begins from where the last piece ended, in hand lengths."""
    return float(np.linalg.norm(candidate.first_px - last.last_px, axis=-1).mean()) / max(candidate.size_px, last.size_px)


def _newness(last: Candidate | None, candidate: Candidate, remembered_s: float) -> float:
    """From 0, where a candidate goes on where the last piece ended, to 1, where it appears from nowhere."""
    if last is None:
        return 1.0
    gap_s = candidate.start_s - last.end_s
    reach = 0.5 + _HANDS_PER_S * max(gap_s - candidate.period_s, 0.0)
    away = max(gap_s - candidate.period_s, 0.0) / remembered_s
    return float(1 - np.exp(-0.5 * (_apart(last, candidate) / reach) ** 2) * max(0.0, 1 - away**2))


def _forgotten(states: Iterable[_State], candidates: list[Candidate], before_s: float) -> list[_State]:
    """States whose last pieces are too long ago to matter, counted as one: the best of them."""
    best: dict[tuple[int, int], _State] = {}
    for state in states:
        first, second = (place if place >= 0 and candidates[place].end_s >= before_s else -1 for place in state.last)
        known = best.get((first, second))
        if known is None or state.value > known.value:
            best[first, second] = _State(state.value, (first, second), state.before, state.side)
    return list(best.values())


def _sides_of(state: _State) -> list[int]:
    sides, here = [], state
    while here.before is not None:
        sides.append(here.side)
        here = here.before
    return sides[::-1]
