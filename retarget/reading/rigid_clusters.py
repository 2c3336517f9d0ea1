"""Rigid groups of markers: their poses over time, markers that are hidden for a while, and things beside the person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from motion.errors import FileFormatError, require
from motion.transform import Array, Transform, wxyz_from_matrix

_LEAST_MARKERS_N = 3
_RIGID_SHARE = 0.04
"""Markers of one thing may change their distances by this share of its size."""
_NO_THING = re.compile(
    r"back|hand|head|neck|chest|spine|trunk|torso|pelvis|waist|hip|thigh|shank|shin|calf|knee|leg|foot|toe|heel|ankle|arm|biceps?|elbow"
    r"|wrist|finger|thumb|index|middle|ring|little|pinky|shoulder|asis|psis|unlabel|unnamed|unknown|unidentified|ghost|^[lr][a-z]{0,3}$|^[a-z]?$"
)
"""Names of groups of markers that sit on the body, such as a thigh's RTH1 RTH2 RTH3, or that nobody named."""


def cluster_poses(points: Array, shape: Array | None = None) -> Transform:
    """Poses (T,) of a rigid group of markers.

    The group's own axes are the file's at the frame whose shape is nearest to the median one. A frame in which fewer
    than three markers are seen has no pose.

    Args:
        points: (T, M, 3), NaN where unseen, in the file's axes and unit.
        shape: (M, 3) of the group about its middle; None takes it from the points.
    """
    shape = _shape(points) if shape is None else shape
    seen = np.asarray(np.isfinite(points).all(-1))
    weight = seen / np.maximum(seen.sum(1, keepdims=True), 1)
    here = np.where(seen[..., None], points, 0.0)
    middle, middle_of_shape = np.einsum("tm,tmi->ti", weight, here), weight @ shape
    spread = np.einsum("tm,tmi,tmj->tij", weight, here - middle[:, None], shape[None] - middle_of_shape[:, None])
    u, _, vt = np.linalg.svd(spread)
    sign = np.ones((len(points), 3))
    sign[:, 2] = np.linalg.det(u @ vt)
    rotation = np.einsum("tij,tj,tjk->tik", u, sign, vt)
    position = middle - np.einsum("tij,tj->ti", rotation, middle_of_shape)
    enough = seen.sum(1) >= _LEAST_MARKERS_N
    wxyz = np.where(enough[:, None], wxyz_from_matrix(rotation), np.nan)
    return Transform(np.where(enough[:, None], position, np.nan), wxyz)


def with_hidden(points: Array) -> Array:
    """The same (T, M, 3), a hidden marker put where the others say, in frames where three or more are seen."""
    whole = np.asarray(np.isfinite(points).all((1, 2)))
    if whole.all() or not whole.any():
        return points
    shape, filled = _shape(points), points.copy()
    poses = cluster_poses(points[~whole], shape)
    rigid = poses.position_m[:, None] + np.einsum("tij,mj->tmi", poses.rotation(), shape)
    filled[~whole] = np.where(np.isfinite(points[~whole]), points[~whole], rigid)
    return filled


def _shape(points: Array) -> Array:
    """(M, 3) the markers about their middle in the complete frame whose distances are nearest to their medians."""
    a, b = np.triu_indices(points.shape[1], 1)
    length = np.linalg.norm(points[:, a] - points[:, b], axis=-1)
    off = np.abs(length - np.nanmedian(length, axis=0)).max(1)
    typical = points[int(np.nanargmin(off))]
    return typical - typical.mean(0)


def objects_among(names: Sequence[str], tracks: Mapping[str, Array], stated: str | None, where: str) -> dict[str, Transform]:
    """Name -> poses (T,) of things: rigid groups of three or more markers that are named alike (`pillow_top`, `Box1`).

    Args:
        names: markers that the body does not use.
        tracks: marker -> (T, 3).
        stated: names of groups, joined by commas, that are taken as they are; None takes those that are rigid.
        where: file, for messages.

    Raises:
        FileFormatError: a stated group has fewer than three markers, or is never seen whole.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_group_of(name), []).append(name)
    wanted = None if stated is None else [word.strip().lower() for word in stated.split(",")]
    found = {}
    for group in wanted if wanted is not None else groups:
        markers = groups.get(group, [])
        points = np.stack([tracks[name] for name in markers], axis=1) if markers else np.zeros((0, 0, 3))
        whole = len(markers) >= _LEAST_MARKERS_N and bool(np.isfinite(points).all((1, 2)).any())
        if wanted is not None:
            require(
                whole,
                FileFormatError,
                f"{where}: source.objects={stated}: {group!r} needs {_LEAST_MARKERS_N} markers that begin so and are seen together; "
                f"free markers: {', '.join(names) or 'none'}.",
            )
        if whole and (wanted is not None or (not _NO_THING.search(group) and _is_rigid(points))):
            found[group] = cluster_poses(points)
    return found


def _group_of(name: str) -> str:
    """The part of a marker's name that markers of one thing share: without its last word, or its number."""
    bare = name.rpartition(":")[2]
    thing, sign, _ = re.sub(r"\d+$", "", bare).rstrip("_-. ").rpartition("_")
    return (thing if sign and bare == re.sub(r"\d+$", "", bare) else re.sub(r"[_\-. ]*\d+$", "", bare)).lower()


def _is_rigid(points: Array) -> bool:
    a, b = np.triu_indices(points.shape[1], 1)
    length = np.linalg.norm(points[:, a] - points[:, b], axis=-1)
    change = np.nanpercentile(length, 99, axis=0) - np.nanpercentile(length, 1, axis=0)
    return bool((change < _RIGID_SHARE * np.nanmax(np.nanmedian(length, axis=0))).all())
