"""When an attempt is taken over."""

from __future__ import annotations

import numpy as np

from envs.reference import PERIOD_S
from gap.alignment.compare import Comparison
from motion.handling import Handling

_BEFORE_S, _STUCK_S = 0.5, 1.0
_AT_ONCE_S = 0.1
_LEAST_N = 5


def moments(comparison: Comparison, success: bool, count: int, strayed: float) -> list[int]:
    """Steps of an attempt at which it is to be taken over, rising; none for a success that never strayed.

    A failed attempt is taken over at its beginning, where more than one takeover is wanted, and else evenly from half a second before
    it first strayed to a second after it got stuck, which is when it came to the last moment of the ideal that it ever came to. So it
    is learnt what is right in this layout, not to get into trouble, and how to get out of it. A success is taken over once, half a
    second before it first strayed.

    Args:
        comparison: of the attempt with the ideal.
        success: of the attempt.
        count: see above.
        strayed: from how large a difference on an attempt counts as strayed.
    """
    last = len(comparison.at) - _LEAST_N
    if last <= _LEAST_N:
        return []
    far = np.flatnonzero(comparison.strayed > strayed)
    stuck = int(np.argmax(comparison.at >= comparison.at[-1] - round(_AT_ONCE_S / PERIOD_S)))
    if success and not len(far):
        return []
    first = (int(far[0]) if len(far) else stuck) - round(_BEFORE_S / PERIOD_S)
    if success:
        return [int(np.clip(first, _LEAST_N, last))]
    begin, end = sorted((first, stuck + round(_STUCK_S / PERIOD_S)))
    wanted = np.linspace(begin, end, max(1, count - 1))
    at_once = [_LEAST_N] if count > 1 else []
    return sorted({*at_once, *(int(step) for step in np.clip(np.round(wanted), _LEAST_N, last))})


def goes_on_at(comparison: Comparison, step: int, handling: Handling, felt_n: np.ndarray, sides: tuple[str, ...], touch_n: float) -> int:
    """The moment of the ideal from which an attempt that is taken over at a step goes on.

    It is the one that belongs to the step; but where the ideal holds something by then that the attempt's hand does not feel, the
    moment just before the ideal's fingers begin to close.

    Args:
        comparison: of the attempt with the ideal.
        step: of the attempt.
        handling: of the ideal.
        felt_n: (S,) what each hand feels at the step.
        sides: S names of these hands.
        touch_n: less than this is no touch.
    """
    at = int(comparison.at[step])
    now_s = handling.time_s[at]
    for hold in handling.holds:
        if hold.start_s < now_s <= hold.end_s and felt_n[sides.index(hold.side)] < touch_n:
            at = min(at, max(0, int(np.searchsorted(handling.time_s, hold.start_s)) - 1))
    return at
