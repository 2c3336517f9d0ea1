"""Statistics of series with gaps, and where in time a series is worst."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from motion.transform import Array


def _finite(series: tuple[Array, ...]) -> Array:
    values = np.concatenate([np.ravel(one) for one in series]) if series else np.zeros(0)
    return values[np.isfinite(values)]


def mean(*series: Array) -> float:
    """Mean over all values that are there; NaN if none is."""
    values = _finite(series)
    return float(values.mean()) if values.size else float("nan")


def percentile(share: float, *series: Array) -> float:
    """Percentile over all values that are there; NaN if none is."""
    values = _finite(series)
    return float(np.percentile(values, share)) if values.size else float("nan")


def highest(*series: Array) -> float:
    """Highest of all values that are there; NaN if none is."""
    values = _finite(series)
    return float(values.max()) if values.size else float("nan")


def worst_at(time_s: Array, tracks: Mapping[str, Array], form: str) -> str:
    """Words for where the highest value of named tracks (T,) lies: its name, size and time; empty if there is none.

    Args:
        time_s: (T,).
        tracks: name -> (T,), NaN where there is nothing.
        form: how the value is written, "{:.0f} mm".
    """
    peaks = {name: float(np.nanmax(track)) for name, track in tracks.items() if np.isfinite(track).any()}
    if not peaks or max(peaks.values()) <= 0:
        return ""
    name = max(peaks, key=lambda key: peaks[key])
    at = time_s[int(np.nanargmax(tracks[name]))]
    return f"worst {name.replace('_', ' ')}, {form.format(peaks[name])} at {at:.2f} s"


def evenly(frames: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of some frame numbers, evenly spread, first and last among them."""
    if len(frames) <= most:
        return frames
    return frames[np.round(np.linspace(0, len(frames) - 1, most)).astype(int)]
