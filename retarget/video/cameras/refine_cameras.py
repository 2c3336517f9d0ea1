"""Cameras that were bumped after they were calibrated, put back by what they saw of the person.

A joint seen by several cameras is one point. Where all views miss it by the same few pixels all along the film, the cameras do
not stand where the file says. They are moved and turned as little as makes the views agree; size and place of the world stay
those of the file, because every camera is held back towards where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from motion.transform import Array, Transform, so3_exp
from retarget.video.cameras.triangulate import View, nearest_to_rays, reprojection, triangulate

_POINTS_N = 300
"""Points, evenly from the film, that the cameras are put back by; more change nothing."""
_FIT_ROUNDS = 30


@dataclass(frozen=True)
class RefineSettings:
    """How far cameras may have been bumped.

    Attributes:
        moved_m, turned_rad: a usual bump. Little turning: it trades against moving in one person's volume, and spoils the rest of the room.
        joint_px: how well detectors see a joint, one standard deviation.
        independent_n: joints count as so many that err independently: detectors err alike from frame to frame.
        worth_px: cameras stay as they are unless the median reprojection falls by this much.
        believed: least weight of a point that cameras are put back by.
    """

    moved_m: float = 0.05
    turned_rad: float = 0.006
    joint_px: float = 4.0
    independent_n: int = 20
    worth_px: float = 2.0
    believed: float = 0.5


@dataclass(frozen=True)
class Refined:
    """Cameras as they stood when they filmed.

    Attributes:
        views: V cameras and T_world_camera.
        before_px, after_px: median reprojection with the calibration as it was, and now.
        moved_m, turned_rad: (V,) by how much.
        words: for the reader.
    """

    views: list[View]
    before_px: float
    after_px: float
    moved_m: Array
    turned_rad: Array
    words: str


def refine_cameras(views: Sequence[View], image_px: Array, weight: Array, settings: RefineSettings | None = None) -> Refined:
    """Cameras moved and turned so that what they saw agrees.

    Args:
        views: V cameras and where the calibration puts them.
        image_px: (V, T, L, 2) what they saw, left and right already sorted out; NaN where unseen.
        weight: (V, T, L) how much to believe, 0..1.
        settings: defaults where None.
    """
    how = settings or RefineSettings()
    before = _median_px(views, image_px, weight)
    px, sure = _sample(image_px, np.where(weight >= how.believed, weight, 0.0))
    still = Refined(
        list(views), before, before, np.zeros(len(views)), np.zeros(len(views)), f"as calibrated; joints reproject {before:.1f} px"
    )
    if px.shape[2] < 10 * len(views):
        return still
    units = np.tile(np.r_[np.full(3, how.moved_m), np.full(3, how.turned_rad)], len(views))

    flat = np.stack([camera.flat(seen) for (camera, _), seen in zip(views, px, strict=True)])
    scale = np.sqrt(sure * how.independent_n / px.shape[2]) / how.joint_px

    def misses(change: Array) -> Array:
        moved = _moved(views, (change * units).reshape(-1, 6))
        error = reprojection(moved, px, nearest_to_rays(moved, flat, sure))
        return np.r_[(scale * _softened(np.nan_to_num(error) / how.joint_px) * how.joint_px).ravel(), change]

    found = least_squares(misses, np.zeros(6 * len(views)), diff_step=1e-3, max_nfev=_FIT_ROUNDS)
    change = (found.x * units).reshape(-1, 6)
    moved = _moved(views, change)
    after = _median_px(moved, image_px, weight)
    if before - after < how.worth_px:
        return still
    moved_m, turned_rad = np.linalg.norm(change[:, :3], axis=-1), np.linalg.norm(change[:, 3:], axis=-1)
    words = (
        f"cameras moved by up to {100 * moved_m.max():.1f} cm and turned by up to {np.degrees(turned_rad.max()):.1f} degrees "
        f"to agree on the person: joints reproject {after:.1f} px, {before:.1f} px as calibrated"
    )
    return Refined(moved, before, after, moved_m, turned_rad, words)


def _sample(image_px: Array, weight: Array) -> tuple[Array, Array]:
    """(V, 1, N, 2) and (V, 1, N): points that at least two views believe in, evenly over the film."""
    seen = np.argwhere(((weight > 0) & np.isfinite(image_px).all(-1)).sum(0) >= 2)
    picked = seen[np.linspace(0, len(seen) - 1, min(len(seen), _POINTS_N)).astype(int)]
    frames, points = picked[:, 0], picked[:, 1]
    return image_px[:, frames, points][:, None], weight[:, frames, points][:, None]


def _softened(error: Array) -> Array:
    """Errors whose squares grow only linearly beyond a few standard deviations: swapped or hidden joints count little."""
    return error / np.sqrt(np.sqrt(1 + (error / 2) ** 2))


def _moved(views: Sequence[View], change: Array) -> list[View]:
    """Cameras shifted in the world and turned about themselves."""
    return [
        (camera, Transform(T.position_m + step[:3], (T @ Transform(np.zeros(3), so3_exp(step[3:]))).wxyz))
        for (camera, T), step in zip(views, change, strict=True)
    ]


def _median_px(views: Sequence[View], image_px: Array, weight: Array) -> float:
    """Median distance over what is believed, no view left out."""
    error = triangulate(views, image_px, weight, robust=False).reprojection_px[weight > 0.5]
    return float(np.nanmedian(error)) if np.isfinite(error).any() else float("nan")
