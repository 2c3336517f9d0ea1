"""When frames were taken: time stamps in any unit, dropped and doubled frames, or a rate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array

_UNITS_S = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_LONGEST_STEP = 1.0
"""No recording has a usual step of a second or more: stamps with such steps count something finer than seconds."""
_TIME_NAME = re.compile(
    r"(tracking|capture|device|frame|elapsed)?_?(time|timestamp|timestamps|time_stamp|t)(_in)?((_?\(|_)(?P<unit>s|sec|seconds|ms|us|ns)\)?)?"
)


@dataclass(frozen=True)
class Clock:
    """Times of the frames that are kept.

    Attributes:
        time_s: (T,) rising, from 0.
        keep: (N,) which of the file's frames these are.
        words: what was understood.
    """

    time_s: Array
    keep: np.ndarray
    words: Mapping[str, str] = field(default_factory=dict)


def is_time(name: str) -> bool:
    """Whether a column or an array of this name holds times: time_s, timestamps, tracking_timestamp_us, time (ms)."""
    return _matched(name) is not None


def clock_of(
    where: str, frames_n: int, stamps: Array | None, stamps_name: str = "", rate_hz: float | None = None, stated_hz: float | None = None
) -> Clock:
    """Times of a file's frames: the user's rate counts before time stamps, and those before the file's own rate.

    Args:
        where: file, for messages.
        frames_n: N.
        stamps: (N,) as in the file.
        stamps_name: of the column or array, which may end in its unit.
        rate_hz: as in the file.
        stated_hz: by the user.

    Raises:
        FileFormatError: neither stamps nor a rate, or stamps that do not rise.
    """
    if stated_hz is not None:
        return _even(frames_n, stated_hz, "stated")
    if stamps is not None and frames_n > 1:
        require(
            len(stamps) == frames_n,
            FileFormatError,
            f"{where}: has {len(stamps)} time stamps {stamps_name!r} for {frames_n} frames; state source.rate_hz= instead.",
        )
        return _stamped(where, np.asarray(stamps, float), stamps_name)
    if rate_hz is not None:
        usable = bool(np.isfinite(rate_hz)) and rate_hz > 0
        require(usable, FileFormatError, f"{where}: gives {rate_hz:g} as its rate; state source.rate_hz=.")
        return _even(frames_n, rate_hz, "in the file")
    require(stamps is not None, FileFormatError, f"{where}: the file carries no frame rate; state it with source.rate_hz=.")
    return Clock(np.zeros(frames_n), np.ones(frames_n, bool), {"rate": "one frame"})


def _even(frames_n: int, rate_hz: float, how: str) -> Clock:
    return Clock(np.arange(frames_n) / rate_hz, np.ones(frames_n, bool), {"rate": f"{rate_hz:g} Hz ({how})"})


def _stamped(where: str, stamps: Array, name: str) -> Clock:
    known = np.isfinite(stamps)
    require(bool(known.any()), FileFormatError, f"{where}: the time stamps {name!r} are no numbers; state source.rate_hz= instead.")
    stamps = np.where(known, stamps, np.nan)
    highest = np.maximum.accumulate(np.where(known, stamps, -np.inf))
    keep = known & np.r_[True, highest[1:] > highest[:-1]]
    require(
        keep.sum() > max(1, len(stamps) // 2),
        FileFormatError,
        f"{where}: the time stamps {name!r} rise in {keep.sum()} of {len(stamps)} frames only; state source.rate_hz= instead.",
    )
    steps = np.diff(stamps[keep])
    unit, unit_s = _unit(name, float(np.median(steps)))
    step = float(np.median(steps)) * unit_s
    require(
        1e-4 < step < _LONGEST_STEP * 10,
        FileFormatError,
        f"{where}: the time stamps {name!r} are {step:.3g} s apart as {unit}; state source.rate_hz= instead.",
    )
    words = {"rate": f"time stamps {name!r} in {unit}, usually {1 / step:.4g} Hz"}
    if not keep.all():
        words["frames left out"] = f"{int((~keep).sum())} whose time did not rise"
    gaps = steps * unit_s > 1.5 * step
    if gaps.any():
        words["frames missing"] = f"{int(gaps.sum())} gaps, the longest {steps.max() * unit_s:.3g} s"
    return Clock((stamps[keep] - stamps[keep][0]) * unit_s, keep, words)


def _matched(name: str) -> re.Match[str] | None:
    return _TIME_NAME.fullmatch(name.strip().lower().replace(" ", "_"))


def _unit(name: str, step: float) -> tuple[str, float]:
    """The unit that a name ends in, else the largest that makes frames come more than once a second."""
    found = _matched(name)
    if found is not None and found["unit"]:
        return found["unit"], _UNITS_S[found["unit"]]
    return next((unit, _UNITS_S[unit]) for unit in ("s", "ms", "us", "ns") if step * _UNITS_S[unit] < _LONGEST_STEP)
