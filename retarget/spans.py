"""Spans of frames: runs of a mask, and strengths that rise and fall smoothly beside them."""

from __future__ import annotations

import math

import numpy as np

from motion.transform import Array


def runs(mask: np.ndarray) -> list[slice]:
    """Runs of true frames of a mask (T,), in order."""
    edges = np.flatnonzero(np.diff(np.r_[0, np.asarray(mask, int), 0]))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def faded(time_s: Array, mask: np.ndarray, blend_s: float) -> Array:
    """(T,) 1 where the mask (T,) is true, falling smoothly to 0 over `blend_s` before and after."""
    if not mask.any():
        return np.zeros(len(time_s))
    near = 1 - np.clip(_away_s(time_s, time_s[mask]) / max(blend_s, 1e-9), 0, 1)
    return np.asarray(near**2 * (3 - 2 * near))


def _away_s(time_s: Array, marks_s: Array) -> Array:
    """(T,) time to the nearest of some rising times."""
    after = np.searchsorted(marks_s, time_s).clip(0, len(marks_s) - 1)
    before = (after - 1).clip(0)
    return np.asarray(np.minimum(np.abs(time_s - marks_s[before]), np.abs(marks_s[after] - time_s)))


def bridged(time_s: Array, track: Array) -> Array:
    """A track (T, k) with its unseen frames (NaN) filled in: linearly between seen ones, held at the ends. Unseen all over stays so."""
    seen = np.isfinite(track).all(-1)
    if seen.all() or not seen.any():
        return track
    return np.stack([np.interp(time_s, time_s[seen], column[seen]) for column in track.T], axis=-1)


def dragged(track: Array, slack: float) -> Array:
    """(T, k) what lies still until the track (T, k) is further than `slack` away, and is then dragged along at that distance."""
    place, out = track[0].tolist(), []
    for towards in track.tolist():  # plain floats: per frame they are far quicker than little arrays
        distance = math.dist(towards, place)
        if distance > slack:
            share = 1 - slack / distance
            place = [here + share * (there - here) for here, there in zip(place, towards, strict=True)]
        out.append(place)
    return np.array(out)
