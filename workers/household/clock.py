"""A handling on a longer clock: the hands come up from where they hang before it, and go back after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.handling import Handling, HandTrack
from motion.resample import interpolate, interpolate_transform
from motion.transform import Array


def led_in(handling: Handling, lead_s: float, tail_s: float, rate_hz: float) -> Handling:
    """The handling from `lead_s` on, evenly sampled, on a clock from 0 to `tail_s` after its end.

    Before and after it things stand where they are at its ends, and no hand is wanted anywhere.
    """
    count = int(np.ceil((lead_s + handling.duration_s + tail_s) * rate_hz)) + 1
    time_s = np.arange(count) / rate_hz
    shift = lead_s - float(handling.time_s[0])
    at = np.clip(time_s - shift, handling.time_s[0], handling.time_s[-1])
    within = (time_s - shift >= handling.time_s[0] - 1e-9) & (time_s - shift <= handling.time_s[-1] + 1e-9)
    labels = tuple(replace(label, start_s=label.start_s + shift, end_s=label.end_s + shift) for label in handling.labels)
    return replace(
        handling,
        time_s=time_s,
        hands={side: _hand(handling.time_s, hand, at, within) for side, hand in handling.hands.items()},
        things={name: interpolate_transform(handling.time_s, track, at) for name, track in handling.things.items()},
        holds=tuple(replace(hold, start_s=hold.start_s + shift, end_s=hold.end_s + shift) for hold in handling.holds),
        labels=labels,
        stand=None if handling.stand is None else interpolate_transform(handling.time_s, handling.stand, at),
    )


def _hand(time_s: Array, hand: HandTrack, at: Array, within: np.ndarray) -> HandTrack:
    return HandTrack(
        interpolate_transform(time_s, hand.T_counter_tool, at),
        interpolate(time_s, np.asarray(hand.opening, float), at),
        interpolate(time_s, np.asarray(hand.wanted, float), at) * within,
    )
