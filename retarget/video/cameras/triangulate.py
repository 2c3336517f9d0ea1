"""Points seen by several calibrated cameras at the same moments, in metres.

A weighted linear solution first, on rays that the lenses no longer bend; then Gauss-Newton on the distance in pixels.
Source: Hartley and Zisserman, Multiple View Geometry, 12.2 (linear) and 12.5 (reprojection).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from motion.errors import ShapeError, require
from motion.transform import Array, Transform
from retarget.video.cameras.camera import Camera

View = tuple[Camera, Transform]
"""A camera, and where it stands: T_world_camera."""

_ROUNDS = 6
"""Gauss-Newton rounds; the linear solution is within a pixel or two, three are enough."""
_WRONG_PX = 15.0
"""A view is doubted where the point reprojects farther than this from where it was seen."""
_BETTER = 0.5
"""It is left out where the others then agree at least this much better."""
_LEAST_SINE2 = 1e-4
"""Squared sine between rays (0.6 degrees) below which depth is a guess: such points are NaN."""


class Triangulated(NamedTuple):
    """What V views say of L points in T frames.

    Attributes:
        position_m: (T, L, 3) in the world; NaN where fewer than two views see the point.
        reprojection_px: (V, T, L) from where a view saw the point to where it should have, used or not; NaN where unseen.
        used: (V, T, L) whether the view counted.
    """

    position_m: Array
    reprojection_px: Array
    used: np.ndarray


def triangulate(views: Sequence[View], image_px: Array, weight: Array, robust: bool = True) -> Triangulated:
    """Points from what several cameras saw of them, robust to one wrong view where three or more see the point.

    Args:
        views: V cameras and where they stand.
        image_px: (V, T, L, 2); NaN where unseen.
        weight: (V, T, L) how much to believe, 0 and more; NaN counts as 0.
        robust: leave out a view that the others contradict.

    Raises:
        ShapeError: the arrays do not fit the views.
    """
    expected = (len(views), *np.shape(image_px)[1:3])
    require(
        len(views) >= 2 and np.shape(weight) == expected and np.shape(image_px) == (*expected, 2),
        ShapeError,
        f"triangulate wants image_px (V, T, L, 2) and weight (V, T, L) of V = {len(views)} views, at least 2; "
        f"got {np.shape(image_px)} and {np.shape(weight)}.",
    )
    flat = np.stack([camera.flat(px) for (camera, _), px in zip(views, image_px, strict=True)])
    trust = np.where(np.isfinite(flat).all(-1), np.nan_to_num(weight), 0.0).clip(0)
    position = _solved(views, image_px, flat, trust)
    error = reprojection(views, image_px, position)
    if robust and len(views) > 2:
        position, error, trust = _without_the_wrong(views, image_px, flat, trust, position, error)
    used = (trust > 0) & np.isfinite(position).all(-1)
    return Triangulated(position, error, used)


def reprojection(views: Sequence[View], image_px: Array, position_m: Array) -> Array:
    """Pixels (V, T, L) between where points (T, L, 3) were seen, (V, T, L, 2), and where they should have been."""
    there = np.stack([camera.project(T_world_camera.inverse().apply(position_m)) for camera, T_world_camera in views])
    return np.asarray(np.linalg.norm(there - image_px, axis=-1))


def unswapped(views: Sequence[View], image_px: Array, weight: Array, mirror: Sequence[int] | np.ndarray) -> tuple[Array, Array, np.ndarray]:
    """Undo what detectors do to people who turn or bend: left taken for right, in one view for a few frames.

    In each frame the views are swapped, or not, as they agree best; of the two answers that are each other's mirror image
    the one that swaps fewer views, and in doubt none, is taken.

    Args:
        views: V cameras and where they stand.
        image_px: (V, T, L, 2).
        weight: (V, T, L).
        mirror: (L,) for each point the index of its counterpart on the other side; its own on the midline.

    Returns:
        image_px and weight, put right, and (V, T) which views were swapped.
    """
    mirrored_px, mirrored_weight = image_px[:, :, mirror], weight[:, :, mirror]
    ways = sorted(itertools.product((False, True), repeat=len(views)), key=sum)
    ways = [way for way in ways if sum(way) <= len(views) / 2]
    cost = np.stack([_disagreement(views, *_chosen(way, image_px, mirrored_px, weight, mirrored_weight)) for way in ways])
    best = np.where(cost.min(0) < _BETTER * cost[0], cost.argmin(0), 0)
    swapped = np.array(ways)[best].T
    return (
        np.where(swapped[:, :, None, None], mirrored_px, image_px),
        np.where(swapped[:, :, None], mirrored_weight, weight),
        swapped,
    )


def _chosen(way: Sequence[bool], px: Array, mirrored_px: Array, weight: Array, mirrored_weight: Array) -> tuple[Array, Array]:
    swap = np.array(way)
    return np.where(swap[:, None, None, None], mirrored_px, px), np.where(swap[:, None, None], mirrored_weight, weight)


def _disagreement(views: Sequence[View], image_px: Array, weight: Array) -> Array:
    """How far apart the views are, (T,) px: the mean distance over the points, weighted; infinite where nothing is seen."""
    flat = np.stack([camera.flat(px) for (camera, _), px in zip(views, image_px, strict=True)])
    trust = np.where(np.isfinite(flat).all(-1), np.nan_to_num(weight), 0.0).clip(0)
    error = reprojection(views, image_px, nearest_to_rays(views, flat, trust))
    trust = np.where(np.isfinite(error), trust, 0.0)
    total = trust.sum((0, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (trust * np.nan_to_num(error)).sum((0, 2)) / total, np.inf)


def _without_the_wrong(
    views: Sequence[View], image_px: Array, flat: Array, trust: Array, position: Array, error: Array
) -> tuple[Array, Array, Array]:
    """Position, error and trust, where leaving out the one view that the others contradict most makes these agree far better."""
    worst = np.where(trust > 0, error, 0).max(0)
    doubted = ((trust > 0).sum(0) > 2) & (worst > _WRONG_PX)
    if not doubted.any():
        return position, error, trust
    px, rays, sure = (values[:, doubted][:, None] for values in (image_px, flat, trust))
    moved, apart, rest = zip(*(_left_out(view, views, px, rays, sure) for view in range(len(views))), strict=True)
    best = np.argmin(rest, axis=0)
    points = np.arange(len(best))
    better = (np.min(rest, axis=0) < _BETTER * worst[doubted]) & (np.stack(apart)[best, best, points] > _WRONG_PX)
    taken = np.zeros(doubted.shape, bool)
    taken[doubted] = better
    position, error, trust = position.copy(), error.copy(), trust.copy()
    position[taken] = np.stack(moved)[best, points][better]
    error[:, taken] = np.stack(apart)[best, :, points].T[:, better]
    trust[best[better], *np.nonzero(taken)] = 0
    return position, error, trust


def _left_out(view: int, views: Sequence[View], image_px: Array, flat: Array, trust: Array) -> tuple[Array, Array, Array]:
    """Points (N, 3) without a view, how far each view is from them (V, N), and the worst of the others (N,); infinite where it saw none."""
    less = trust.copy()
    less[view] = 0
    position = _solved(views, image_px, flat, less)
    error = reprojection(views, image_px, position)[:, 0]
    worst = np.where(less[:, 0] > 0, error, 0).max(0)
    return position[0], error, np.where((trust[view, 0] > 0) & np.isfinite(worst), worst, np.inf)


def _solved(views: Sequence[View], image_px: Array, flat: Array, trust: Array) -> Array:
    """(T, L, 3) the linear solution, then Gauss-Newton on pixels."""
    position = nearest_to_rays(views, flat, trust)
    for _ in range(_ROUNDS):
        position = _refined(views, image_px, trust, position)
    return position


def nearest_to_rays(views: Sequence[View], flat: Array, trust: Array) -> Array:
    """Points (T, L, 3) nearest to all rays; NaN with fewer than two views, or rays that hardly cross.

    Args:
        views: V cameras and where they stand.
        flat: (V, T, L, 2) rays in each camera's frame, as `Camera.flat` gives them.
        trust: (V, T, L) weights, 0 where `flat` is NaN.
    """
    normal, moment = np.zeros((*flat.shape[1:3], 3, 3)), np.zeros((*flat.shape[1:3], 3))
    total = trust.sum(0)
    for (_, T_world_camera), seen, sure in zip(views, flat, trust, strict=True):
        ray = np.concatenate([seen, np.ones_like(seen[..., :1])], axis=-1) @ T_world_camera.rotation().T
        ray = np.nan_to_num(ray / np.linalg.norm(ray, axis=-1, keepdims=True))
        across = sure[..., None, None] * (np.eye(3) - ray[..., :, None] * ray[..., None, :])
        normal += across
        moment += across @ T_world_camera.position_m
    with np.errstate(invalid="ignore", divide="ignore"):
        normal, moment = normal / total[..., None, None], moment / total[..., None]
    crossing = ((trust > 0).sum(0) >= 2) & np.isfinite(normal).all((-1, -2))
    crossing[crossing] = np.linalg.eigvalsh(normal[crossing])[:, 0] > _LEAST_SINE2
    position = np.full(moment.shape, np.nan)
    position[crossing] = np.linalg.solve(normal[crossing], moment[crossing][..., None])[..., 0]
    return position


def _refined(views: Sequence[View], image_px: Array, trust: Array, position: Array) -> Array:
    """One Gauss-Newton step on the pixels of all views."""
    normal, moment = np.zeros((*position.shape, 3)), np.zeros(position.shape)
    for (camera, T_world_camera), seen, sure in zip(views, image_px, trust, strict=True):
        local = T_world_camera.inverse().apply(position)
        missing = seen - camera.project(local)
        slope = _slope(camera, local) @ T_world_camera.rotation().T
        counts = (sure > 0) & np.isfinite(missing).all(-1) & np.isfinite(slope).all((-1, -2))
        scaled = np.where(counts, sure, 0.0)[..., None, None] * np.where(counts[..., None, None], slope, 0.0)
        normal += np.swapaxes(scaled, -1, -2) @ np.where(counts[..., None, None], slope, 0.0)
        moment += (np.swapaxes(scaled, -1, -2) @ np.where(counts[..., None], missing, 0.0)[..., None])[..., 0]
    known = np.isfinite(position).all(-1) & (np.linalg.cond(normal) < 1e12)
    step = np.zeros(position.shape)
    step[known] = np.linalg.solve(normal[known], moment[known][..., None])[..., 0]
    return position + step


def _slope(camera: Camera, local: Array, step_m: float = 1e-5) -> Array:
    """(..., 2, 3) how pixels move with points in the camera frame, by central differences."""
    axes = step_m * np.eye(3)
    ahead, behind = camera.project(local[..., None, :] + axes), camera.project(local[..., None, :] - axes)
    return np.swapaxes(ahead - behind, -1, -2) / (2 * step_m)
