"""Film is noisy: zero-lag smoothing of landmarks and filling of short gaps, both said in the report, neither by default."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import butter, sosfiltfilt

from motion.errors import MotionError, require
from motion.human import HumanMotion
from motion.resample import interpolate, resample_human
from motion.transform import Array

_ORDER = 2


@dataclass(frozen=True)
class SmoothSettings:
    """What to do to a noisy recording before it is followed.

    Attributes:
        cutoff_hz: low-pass cut-off, -3 dB after filtering forwards and backwards; None leaves the recording as it is.
        fill_s: landmarks unseen for at most this long are filled along a straight line, with half the confidence.
        rate_hz: constant rate that an unevenly sampled recording is brought to; None takes its median rate.
    """

    cutoff_hz: float | None = None
    fill_s: float = 0.2
    rate_hz: float | None = None


def smooth(motion: HumanMotion, settings: SmoothSettings) -> tuple[HumanMotion, dict[str, str]]:
    """The recording on an even clock, short gaps filled, low-passed; and what that changed, in words.

    A run of seen frames is filtered by itself: nothing is smeared over a gap.

    Raises:
        MotionError: the cut-off is not below half the rate.
    """
    if settings.cutoff_hz is None:
        return motion, {}
    filled, gaps = _filled(motion, settings.fill_s)
    even = resample_human(filled, settings.rate_hz or round(filled.rate_hz, 3))
    require(
        0 < settings.cutoff_hz < even.rate_hz / 2,
        MotionError,
        f"{motion.provenance.source}: a cut-off of {settings.cutoff_hz:g} Hz is not below half the rate ({even.rate_hz / 2:g} Hz).",
    )
    position = even.position_m.copy()
    # Twice through a filter of this order: its cut-off is raised so that the pair is 3 dB down where asked for.
    corner = settings.cutoff_hz / (np.sqrt(2) - 1) ** (1 / (2 * _ORDER))
    sos = butter(_ORDER, min(corner, 0.49 * even.rate_hz), fs=even.rate_hz, output="sos")
    for column in range(position.shape[1]):
        _filter_runs(position[:, column], sos)
    removed = np.linalg.norm(position - even.position_m, axis=-1)
    words = {
        "smoothing": f"low-pass {settings.cutoff_hz:g} Hz took {1e3 * np.sqrt(np.nanmean(removed**2)):.1f} mm RMS; {gaps} short gaps filled"
    }
    return replace(even, position_m=position), words


def _filter_runs(track: Array, sos: Array) -> None:
    """Filter every run of seen frames of one landmark (T, 3) in place; runs too short to filter stay as they are."""
    seen = np.isfinite(track).all(-1)
    edges = np.flatnonzero(np.diff(np.r_[0, seen.astype(int), 0])).reshape(-1, 2)
    for start, end in edges:
        if end - start > 3 * (2 * len(sos) + 1):
            track[start:end] = sosfiltfilt(sos, track[start:end], axis=0)


def _filled(motion: HumanMotion, longest_s: float) -> tuple[HumanMotion, int]:
    position, confidence, count = motion.position_m.copy(), motion.confidence.copy(), 0
    for column in range(position.shape[1]):
        seen = np.asarray(np.isfinite(position[:, column]).all(axis=-1))
        edges = np.flatnonzero(np.diff(np.r_[1, seen.astype(int), 1])).reshape(-1, 2)
        for start, end in edges:
            if start == 0 or end == len(seen) or motion.time_s[end] - motion.time_s[start - 1] > longest_s:
                continue
            ends = [start - 1, end]
            position[start:end, column] = interpolate(motion.time_s[ends], position[ends, column], motion.time_s[start:end])
            confidence[start:end, column] = 0.5 * confidence[ends, column].min()
            count += 1
    return replace(motion, position_m=position, confidence=confidence), count
