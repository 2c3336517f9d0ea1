"""The ground under a person, from the points of the feet that keep still: its height, and its tilt where that is clear."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from motion.transform import Array

LEVEL_M = 0.06
"""Points this far apart in height may stand on one level: landmarks are no better than that, film above all."""
_SUPPORT = 0.05
_DECILES = 2.56
"""From the first to the last decile of a normal distribution, in standard deviations."""
_INLIER_M = 0.025
_LEAST_TILT_RAD, _MOST_TILT_RAD = np.deg2rad(1.0), np.deg2rad(10.0)
_LEAST_STANCES, _LEAST_SHARE = 6, 0.75
_CHANCE = 1e-4
"""How rarely flat ground may look tilted. Few stances say little about their own scatter: Student's t, not a normal one."""
_DRAWS = 200


def lowest_level(height_m: Array) -> tuple[float, float]:
    """Height of the lowest level among heights (N,), and how much they scatter about it (a standard deviation).

    The level is the middle of what lies within `LEVEL_M` of its lower end, and holds at least 5 % of the heights: what
    lies below it for a moment is a glitch, not the ground.
    """
    ordered = np.sort(height_m)
    held = np.searchsorted(ordered, ordered + LEVEL_M, side="right") - np.arange(len(ordered))
    first = int(np.argmax(held >= _SUPPORT * len(ordered)))
    members = ordered[first : first + held[first]]
    middle = float(np.median(members))
    low, high = np.percentile(members, [10, 90])
    return middle, float(high - low) / _DECILES


def ground_up(place_m: Array) -> Array:
    """Unit normal (3,) of the ground on which stances (S, 3) stand; straight up unless a tilt is clear.

    Clear means: at least six stances, three quarters of them on one plane, and that plane steeper than 1 degree, than flat
    ground would look once in 10,000 times, and less steep than 10 degrees, where stairs begin.

    Source: Fischler and Bolles, Random Sample Consensus, 1981; then least squares over the inliers.
    """
    straight = np.array([0.0, 0.0, 1.0])
    if len(place_m) < _LEAST_STANCES:
        return straight
    inliers = _largest_plane(place_m)
    if inliers.sum() < max(_LEAST_STANCES, _LEAST_SHARE * len(place_m)):
        return straight
    slope, sigma = _plane(place_m[inliers])
    steep = float(np.linalg.norm(slope))
    sigmas = float(stdtrit(inliers.sum() - 3, 1 - _CHANCE))
    if not max(_LEAST_TILT_RAD, sigmas * sigma) < steep < _MOST_TILT_RAD:
        return straight
    normal = np.array([-slope[0], -slope[1], 1.0])
    return np.asarray(normal / np.linalg.norm(normal))


def _largest_plane(place: Array) -> np.ndarray:
    """(S,) the stances on the plane, through three of them, that most others lie on."""
    rng = np.random.default_rng(0)
    a, b, c = place[rng.integers(len(place), size=(3, _DRAWS))]
    normal = np.cross(b - a, c - a)
    flat = normal[:, 2] ** 2 > (np.cos(_MOST_TILT_RAD) * np.linalg.norm(normal, axis=-1)) ** 2
    a, normal = a[flat], normal[flat]
    near = np.abs((place @ normal.T - (a * normal).sum(-1)) / normal[:, 2]) < _INLIER_M
    return near[:, near.sum(0).argmax()] if len(a) else np.zeros(len(place), bool)


def _plane(place: Array) -> tuple[Array, float]:
    """Slope (2,) of z = a x + b y + c through places (S, 3) by least squares, and the standard error of its steepness."""
    middle = place - place.mean(0)
    flat, height = middle[:, :2], middle[:, 2]
    covariance = np.linalg.pinv(flat.T @ flat)
    slope = covariance @ flat.T @ height
    variance = float(((height - flat @ slope) ** 2).sum() / (len(place) - 3))
    # A slope across a walk in a straight line rests on nothing: it counts with the uncertainty it has.
    steepest = slope / max(float(np.linalg.norm(slope)), 1e-12)
    return slope, float(np.sqrt(variance * max(float(steepest @ covariance @ steepest), 0.0)))
