"""Points over a clip by least squares: where they are seen, how bones lie and how long they are, and how bodies move.

All frames of a window are solved at once: Gauss-Newton steps whose matrix has blocks of one frame, joined by smoothness only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solveh_banded

from motion.transform import Array, normalized

_HUBER = 1.5
"""Residuals beyond so many standard deviations count as far off, not as wrong by squares."""
_NEAREST_M = 0.05
_SETTLED, _HOPELESS = 1e-5, 1e6
"""Share of the cost by which a last step gains less than that; damping at which no step helps."""


@dataclass(frozen=True)
class ClipTerms:
    """What is known of N points over T frames in a camera's frame, or in the world where no rays are used.

    Attributes:
        time_s: (T,) rising.
        flat: (T, N, 2) where the rays to the points meet the plane one metre ahead; NaN where unseen.
        flat_sigma: (T, N) standard deviation of `flat`.
        a, b: (B,) the bones' ends.
        way_m: (T, B, 3) from a to b, as a detector believes; NaN where unknown.
        way_information: (T, B, 3, 3) inverse covariance of `way_m`.
        length_m, slack_m: (B,) length of each bone, and by how much it changes from frame to frame, a standard deviation.
        still: (T - 1, N) how surely a point does not move to the next frame, 0..1.
        still_mps: standard deviation of the speed of what does not move.
        acceleration_mps2: (N,) standard deviation of accelerations.
        place_m: (T, N, 3) where several cameras see the points, NaN where they do not; None where there is one camera.
        place_sigma_m: (T, N) standard deviation of `place_m`.
    """

    time_s: Array
    flat: Array
    flat_sigma: Array
    a: np.ndarray
    b: np.ndarray
    way_m: Array
    way_information: Array
    length_m: Array
    slack_m: Array
    still: Array
    still_mps: float
    acceleration_mps2: Array
    place_m: Array | None = None
    place_sigma_m: Array | None = None

    def window(self, frames: slice) -> ClipTerms:
        """The same over some frames."""
        names = ("time_s", "flat", "flat_sigma", "way_m", "way_information", "place_m", "place_sigma_m")
        per_frame = {name: array[frames] for name in names if (array := getattr(self, name)) is not None}
        return replace(self, **per_frame, still=self.still[frames.start : frames.stop - 1])


def fit_clip(terms: ClipTerms, start_m: Array, rounds: int = 20, window_n: int = 600, overlap_n: int = 60) -> Array:
    """Positions (T, N, 3) that agree best with all terms.

    Args:
        terms: what is known.
        start_m: (T, N, 3) to begin from; no NaN, ahead of the camera.
        rounds: of Gauss-Newton, at most.
        window_n: frames solved at once; memory grows with it.
        overlap_n: frames by which windows overlap, blended from one to the next.
    """
    frames = len(terms.time_s)
    out, position = np.zeros_like(start_m), 0
    while True:
        stop = min(position + window_n, frames)
        piece = slice(position, stop)
        solved = _solved(terms.window(piece), start_m[piece], rounds)
        shared = min(overlap_n, len(solved)) if position else 0
        fade = ((np.arange(shared) + 1) / (shared + 1))[:, None, None]
        out[position : position + shared] = (1 - fade) * out[position : position + shared] + fade * solved[:shared]
        out[position + shared : stop] = solved[shared:]
        if stop == frames:
            return out
        position = stop - overlap_n


def _solved(terms: ClipTerms, start_m: Array, rounds: int) -> Array:
    """Levenberg-Marquardt. Source: Madsen, Nielsen and Tingleff, Methods for Non-Linear Least Squares Problems, 2004, 3.2."""
    position, damping = start_m, 1e-3
    cost, matrix, gradient = _system(terms, position)
    for _ in range(rounds):
        damped = matrix.copy()
        damped[0] *= 1 + damping
        step = solveh_banded(damped, -gradient.ravel(), lower=True, overwrite_ab=True, check_finite=False).reshape(position.shape)
        tried = position + step
        new = _system(terms, tried) if _ahead(terms, tried) else None
        if new is None or new[0] > cost:
            damping *= 10
            if damping > _HOPELESS:
                break
            continue
        settled = cost - new[0] < _SETTLED * cost
        position, (cost, matrix, gradient), damping = tried, new, damping / 5
        if settled:
            break
    return position


def _known(array: Array) -> np.ndarray:
    """(...) which vectors of an array (..., k) are not NaN."""
    return np.asarray(np.isfinite(array).all(-1))


def _ahead(terms: ClipTerms, position: Array) -> bool:
    """Whether every point that is seen along a ray is before the camera."""
    return bool((position[..., 2] > _NEAREST_M)[_known(terms.flat)].all())


def _system(terms: ClipTerms, position: Array) -> tuple[float, Array, Array]:
    """Cost, matrix (2 D + 1, T D) in lower banded storage and gradient (T, N, 3) of the least squares problem about some positions."""
    frames, points = position.shape[:2]
    blocks, gradient = np.zeros((frames, points, 3, points, 3)), np.zeros_like(position)
    cost = _add_rays(terms, position, blocks, gradient) + _add_bones(terms, position, blocks, gradient)
    cost += _add_places(terms, position, blocks, gradient)
    matrix = _banded(blocks.reshape(frames, 3 * points, 3 * points))
    return cost + _add_movement(terms, position, matrix, gradient), matrix, gradient


def _huber(square: Array) -> tuple[Array, Array]:
    """Cost and weight of residuals by their squares in standard deviations. Source: Huber 1964."""
    size = np.sqrt(square)
    inside = size <= _HUBER
    cost = np.where(inside, square, 2 * _HUBER * size - _HUBER**2)
    return cost, np.where(inside, 1.0, _HUBER / np.maximum(size, _HUBER))


def _add_rays(terms: ClipTerms, position: Array, blocks: Array, gradient: Array) -> float:
    seen = _known(terms.flat)
    x, y, z = np.moveaxis(np.where(seen[..., None], position, 1.0), -1, 0)
    off = np.where(seen[..., None], np.stack([x / z, y / z], -1) - terms.flat, 0.0) / terms.flat_sigma[..., None]
    cost, weight = _huber((off**2).sum(-1))
    zero = np.zeros_like(z)
    slope = (
        np.stack([np.stack([1 / z, zero, -x / z**2], -1), np.stack([zero, 1 / z, -y / z**2], -1)], -2) / terms.flat_sigma[..., None, None]
    )
    slope *= seen[..., None, None]
    each = np.arange(position.shape[1])
    blocks[:, each, :, each, :] += np.einsum("tn,tnki,tnkj->ntij", weight, slope, slope)
    gradient += np.einsum("tn,tnki,tnk->tni", weight, slope, off)
    return float(cost[seen].sum())


def _add_places(terms: ClipTerms, position: Array, blocks: Array, gradient: Array) -> float:
    """Where points are seen in space, robustly."""
    if terms.place_m is None or terms.place_sigma_m is None:
        return 0.0
    seen = _known(terms.place_m)
    off = np.where(seen[..., None], position - terms.place_m, 0.0) / terms.place_sigma_m[..., None]
    cost, weight = _huber((off**2).sum(-1))
    each, stiff = np.arange(position.shape[1]), weight * seen / terms.place_sigma_m**2
    blocks[:, each, :, each, :] += np.moveaxis(stiff, 0, 1)[..., None, None] * np.eye(3)
    gradient += (weight / terms.place_sigma_m)[..., None] * off
    return float(cost[seen].sum())


def _add_bones(terms: ClipTerms, position: Array, blocks: Array, gradient: Array) -> float:
    """How bones lie, robustly, and how long they are."""
    vector = position[:, terms.b] - position[:, terms.a]
    known = _known(terms.way_m)
    off = np.where(known[..., None], vector - terms.way_m, 0.0)
    pull = np.einsum("tbij,tbj->tbi", terms.way_information, off)
    cost, weight = _huber((off * pull).sum(-1))
    weight = weight * known
    along = normalized(vector)
    stretch = (np.linalg.norm(vector, axis=-1) - terms.length_m) / terms.slack_m
    information = weight[..., None, None] * terms.way_information
    information = information + np.einsum("tbi,tbj,b->tbij", along, along, 1 / terms.slack_m**2)
    force = weight[..., None] * pull + (stretch / terms.slack_m)[..., None] * along
    for bone, (a, b) in enumerate(zip(terms.a, terms.b, strict=True)):
        blocks[:, a, :, a] += information[:, bone]
        blocks[:, b, :, b] += information[:, bone]
        blocks[:, a, :, b] -= information[:, bone]
        blocks[:, b, :, a] -= information[:, bone]
        gradient[:, a] -= force[:, bone]
        gradient[:, b] += force[:, bone]
    return float(cost[known].sum() + (stretch**2).sum())


def _banded(blocks: Array) -> Array:
    """(2 D + 1, T D) lower banded storage of blocks (T, D, D) on the diagonal, with room for two frames ahead."""
    frames, size = blocks.shape[:2]
    out = np.zeros((2 * size + 1, frames, size))
    for below in range(size):
        out[below, :, : size - below] = np.diagonal(blocks, -below, axis1=1, axis2=2)
    return out.reshape(2 * size + 1, frames * size)


def _add_movement(terms: ClipTerms, position: Array, matrix: Array, gradient: Array) -> float:
    """Points that stand still, and accelerations that bodies do not have; both are linear in the positions."""
    frames, points = position.shape[:2]
    if frames < 2:
        return 0.0
    size = 3 * points
    bands = matrix.reshape(2 * size + 1, frames, size)
    step_s = np.diff(terms.time_s)[:, None]
    speed = np.stack([-1 / step_s, 1 / step_s]) * np.sqrt(terms.still) / terms.still_mps
    cost = _add_differences(speed, position, bands, gradient)
    if frames > 2:
        before, after = step_s[:-1], step_s[1:]
        bend = np.stack([2 / (before * (before + after)), -2 / (before * after), 2 / (after * (before + after))])
        cost += _add_differences(bend / terms.acceleration_mps2, position, bands, gradient)
    return cost


def _add_differences(factor: Array, position: Array, bands: Array, gradient: Array) -> float:
    """Rows sum_k factor[k] * position[t + k], factor (K, T - K + 1, N) already over its standard deviation."""
    count, rows = factor.shape[:2]
    size = bands.shape[2]
    residual = sum(factor[k][..., None] * position[k : k + rows] for k in range(count))
    for k in range(count):
        gradient[k : k + rows] += factor[k][..., None] * residual
        for later in range(k, count):
            bands[(later - k) * size, k : k + rows] += np.repeat(factor[k] * factor[later], 3, axis=-1)
    return float((np.asarray(residual) ** 2).sum())
