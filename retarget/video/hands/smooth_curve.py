"""Zero-lag smoothing of curves over uneven times, where some directions are known better than others.

The curve x that minimises  sum over frames of h (x - z)' W (x - z)  +  (2 pi cutoff)^-4  integral of |x''|^2  is found in
one banded solution. For W = 1 its gain is 1 / (1 + (f / cutoff)^4): a half at the cut-off, no lag. Where W is smaller the
cut-off is lower by its fourth root. Source: Reinsch 1967, Smoothing by Spline Functions.
"""

from __future__ import annotations

import numpy as np

from motion.transform import Array


def smooth_curve(time_s: Array, values: Array, weight: Array, cutoff_hz: float) -> Array:
    """Values (T, D) smoothed.

    Args:
        time_s: (T,) rising.
        values: (T, D), all finite.
        weight: (T,) or, where directions differ, (T, D, D) symmetric; 1 gives the cut-off, 0 a frame that says nothing.
        cutoff_hz: where the gain is a half.
    """
    count, dims = values.shape
    if count < 3:
        return values
    from scipy.linalg import solveh_banded  # only here: it takes a third of a second to import

    span_s = _spans(time_s)
    bend = _bending(time_s) / (2 * np.pi * cutoff_hz) ** 4
    if weight.ndim == 1:
        bend[0] += weight * span_s
        return np.asarray(solveh_banded(bend, values * (weight * span_s)[:, None], lower=True))
    band = np.zeros((2 * dims + 1, count * dims))
    for offset in range(3):
        band[offset * dims] = np.repeat(bend[offset], dims)
    pull = weight * span_s[:, None, None]
    for offset in range(dims):
        for column in range(dims - offset):
            band[offset, column::dims] += pull[:, column + offset, column]
    wanted = np.einsum("tij,tj->ti", pull, values).reshape(-1)
    return np.asarray(solveh_banded(band, wanted, lower=True)).reshape(count, dims)


def _spans(time_s: Array) -> Array:
    """(T,) the time that each frame stands for: half of what lies on either side."""
    step = np.diff(time_s)
    return np.asarray((np.r_[step[:1], step] + np.r_[step, step[-1:]]) / 2)


def _bending(time_s: Array) -> Array:
    """(3, T) lower diagonals of the matrix whose square form is the integral of the squared second derivative."""
    before, after = np.diff(time_s)[:-1], np.diff(time_s)[1:]
    middle = (before + after) / 2
    row = np.stack([1 / before, -1 / before - 1 / after, 1 / after]) / middle * np.sqrt(middle)
    band = np.zeros((3, len(time_s)))
    for first in range(3):
        for second in range(first, 3):
            band[second - first, first : len(time_s) - 2 + first] += row[first] * row[second]
    return band
