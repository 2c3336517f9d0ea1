"""Things in hands: what the hand says of a thing that it holds, where the thing is unseen and where its track is noisy."""

from __future__ import annotations

import numpy as np

from motion.transform import Array, Transform, quaternion_product, so3_exp, so3_log
from retarget.handling.recorded_holds import Hand, Span, grip_of
from retarget.handling.recorded_settings import RecordedSettings
from retarget.handling.recorded_tracks import mean_pose
from retarget.spans import faded

_GUESSED_S = 0.15
"""A thing unseen for longer than this in a hand is where the hand says."""

_FIRM_S = 0.3
"""A grip keeps its place from so long after it began until so long before it ends."""


def carried(
    thing: Transform, guessed_s: Array, doubt: tuple[float, float], hand: Hand, span: Span, times: Array, settings: RecordedSettings
) -> Transform:
    """A thing's track, batch (S,), corrected where a hand holds it: a thing that keeps its place in a hand goes where that goes.

    Where it is unseen for long, the hand alone tells. Elsewhere hand and tracker are believed by how noisy each is, unless
    the hand slides: a tracker that jitters drifts as well, and the hand has other errors.

    Args:
        thing: `T_counter_thing`, batch (S,), smooth.
        guessed_s: (S,) time to the nearest frame in which it was seen.
        doubt: white noise of its raw track while it is held, m and rad.
        hand: that holds it.
        span: when.
        times: (S,).
        settings: how far a grip gives way.
    """
    inside = (times >= span.start_s) & (times <= span.end_s)
    seen, lost = inside & (guessed_s < _GUESSED_S), inside & (guessed_s >= _GUESSED_S)
    if seen.sum() <= 2:
        return thing
    local = thing[seen].inverse() @ hand.tool[seen]
    _, slides = grip_of(hand.tool[seen], thing[seen], settings)
    firm = (times >= span.start_s + _FIRM_S) & (times <= span.end_s - _FIRM_S)
    grip = mean_pose(local)
    trust = 0.0 if slides else _trust(doubt[0], hand.doubt, float(np.linalg.norm(grip.position_m)), settings)
    share = np.maximum(faded(times, lost, _GUESSED_S), trust * faded(times, firm, _FIRM_S)) * inside
    return _mixed(thing, hand.tool @ _repeated(grip, len(times)).inverse(), share)


def _trust(thing_m: float, hand: tuple[float, float], arm_m: float, settings: RecordedSettings) -> float:
    """How much of a held thing's pose the hand decides: by the inverse of the variances, those of the thing's place."""
    carried_m2 = hand[0] ** 2 + (hand[1] * arm_m) ** 2 + settings.give_m**2
    return thing_m**2 / (thing_m**2 + carried_m2)


def _mixed(a: Transform, b: Transform, share: Array) -> Transform:
    """Poses (S,) that are `a` where share is 0 and `b` where it is 1."""
    turn = so3_log((a.inverse() @ b).wxyz)
    position = a.position_m + share[:, None] * (b.position_m - a.position_m)
    return Transform(position, quaternion_product(a.wxyz, so3_exp(share[:, None] * turn)))


def _repeated(pose: Transform, count: int) -> Transform:
    return Transform(np.tile(pose.position_m, (count, 1)), np.tile(pose.wxyz, (count, 1)))
