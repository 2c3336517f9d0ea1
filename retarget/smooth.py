"""Film is noisy: zero-lag smoothing of landmarks and filling of short gaps, both said in the report, neither by default."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion.errors import MotionError, require
from motion.human import HumanMotion
from motion.resample import interpolate, resample_human
from motion.transform import Array
from retarget.inspect import Inspection, inspect

_ORDER = 2
_SAME_S = 1e-6


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


def smooth(motion: HumanMotion, settings: SmoothSettings) -> tuple[HumanMotion, Inspection, dict[str, str]]:
    """The recording on an even clock, short gaps filled, low-passed; what is broken in it; and what was changed, in words.

    The recording is inspected before it is touched. What is broken is blanked, neither filled nor filtered, and stays
    broken on the new clock. A run of seen frames is filtered by itself: nothing is smeared over a gap.

    Raises:
        MotionError: the cut-off is not below half the rate, or a rate or filling is asked for without a cut-off.
    """
    inspection = inspect(motion)
    if settings.cutoff_hz is None:
        alone = settings != SmoothSettings()
        require(not alone, MotionError, "smooth.rate_hz and smooth.fill_s want smooth.cutoff_hz; nothing is smoothed without it.")
        return motion, inspection, {}
    from scipy.signal import butter  # only here: it takes half a second to import

    filled, gaps = _filled(_blanked(motion, inspection), inspection, settings.fill_s)
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
    smoothed = replace(even, position_m=position)
    found = inspect(smoothed)
    return smoothed, replace(found, broken=found.broken | _on_clock(motion.time_s, inspection.broken, even.time_s)), words


def _blanked(motion: HumanMotion, inspection: Inspection) -> HumanMotion:
    position = np.where(inspection.broken[..., None], np.nan, motion.position_m)
    return replace(motion, position_m=position, confidence=np.where(inspection.broken, 0.0, motion.confidence))


def _on_clock(time_s: Array, broken: np.ndarray, times: Array) -> np.ndarray:
    """(S, L) times whose value rests on a broken frame: the frame itself, or either neighbour of a time in between."""
    after = np.clip(np.searchsorted(time_s, times - _SAME_S), 0, len(time_s) - 1)
    before = np.clip(np.searchsorted(time_s, times + _SAME_S, side="right") - 1, 0, len(time_s) - 1)
    return np.asarray(broken[before] | broken[after])


def _filter_runs(track: Array, sos: Array) -> None:
    """Filter every run of seen frames of one landmark (T, 3) in place; runs too short to filter stay as they are."""
    from scipy.signal import sosfiltfilt

    seen = np.isfinite(track).all(-1)
    edges = np.flatnonzero(np.diff(np.r_[0, seen.astype(int), 0])).reshape(-1, 2)
    for start, end in edges:
        if end - start > 3 * (2 * len(sos) + 1):
            track[start:end] = sosfiltfilt(sos, track[start:end], axis=0)


def _filled(motion: HumanMotion, inspection: Inspection, longest_s: float) -> tuple[HumanMotion, int]:
    position, confidence, count = motion.position_m.copy(), motion.confidence.copy(), 0
    for column in range(position.shape[1]):
        seen = np.asarray(np.isfinite(position[:, column]).all(axis=-1))
        edges = np.flatnonzero(np.diff(np.r_[1, seen.astype(int), 1])).reshape(-1, 2)
        for start, end in edges:
            inside = start > 0 and end < len(seen) and not inspection.broken[start:end, column].any()
            if not inside or motion.time_s[end] - motion.time_s[start - 1] > longest_s:
                continue
            ends = [start - 1, end]
            position[start:end, column] = interpolate(motion.time_s[ends], position[ends, column], motion.time_s[start:end])
            confidence[start:end, column] = 0.5 * confidence[ends, column].min()
            count += 1
    return replace(motion, position_m=position, confidence=confidence), count
