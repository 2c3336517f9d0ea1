"""Which way is up before a camera that nobody measured: who stands keeps their weight over their feet."""

from __future__ import annotations

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.video.paths import BodyPath

_STILL_MPS = 0.3
"""A foot that moves less than this may carry."""
_LEVEL_M = 0.12
"""And so it must be this near, along the vertical, to the lower one."""
_ROUNDS = 8
_BLOCK_S = 1.0
"""Leans last about so long: one second says as much of the vertical as any other instant in it."""
_MODEL_RAD = np.deg2rad(3.0)
"""How far off the vertical a long clip's mean may still be: a detector's bodies lean a little in depth."""
_TRUNK_RAD, _HEAD_RAD, _SHELF_RAD = np.deg2rad([12.0, 20.0, 15.0])
"""How far trunks lean, heads are held forward, and phones are tilted, as a standard deviation: rough."""
_MASSES: dict[tuple[str, ...], float] = {
    ("left_hip", "right_hip", "left_shoulder", "right_shoulder"): 0.497,
    ("head",): 0.081,
    **{(f"{side}_shoulder", f"{side}_elbow"): 0.028 for side in SIDES},
    **{(f"{side}_elbow", f"{side}_wrist"): 0.022 for side in SIDES},
    **{(f"{side}_hip", f"{side}_knee"): 0.100 for side in SIDES},
    **{(f"{side}_knee", f"{side}_ankle"): 0.061 for side in SIDES},
}
"""Points whose mean carries a share of the body's mass. Source: Dempster 1955, in Winter, Biomechanics, table 4.1; hands counted
with forearms, feet with shanks."""


def balanced_up(body: BodyPath) -> tuple[Array, float] | None:
    """Unit vector up (3,) in the body's own frame and its uncertainty (rad): from the standing feet to the centre of mass.

    Over time the weight of a person is above what they stand on, however they lean. Which foot carries is told by speed, and
    by height along the vertical found so far. None where no foot is seen.
    """
    centre = _centre_of_mass(body)
    feet = {side: _mean([_point(body, f"{side}_{part}") for part in ("heel", "toe")]) for side in SIDES}
    still = np.stack([_slow(body.time_s, feet[side]) for side in SIDES])
    places = np.stack([feet[side] for side in SIDES])
    if not (still & np.isfinite(centre).all(-1)).any():
        return None
    up = normalized(_mean(centre - _mean(places)))
    for _ in range(_ROUNDS):
        height = places @ up
        carries = still & (height - np.nanmin(np.where(np.isfinite(height), height, np.inf), axis=0) < _LEVEL_M)
        carries = np.where(carries.any(0), carries, still)
        share = carries / np.maximum(carries.sum(0), 1)
        over = centre - (np.nan_to_num(places) * share[..., None]).sum(0)
        over = np.where((carries.any(0) & np.isfinite(over).all(-1))[:, None], over, np.nan)
        up = normalized(_mean(over))
    return up, _uncertainty(body.time_s, over, up)


def trunk_up(body: BodyPath) -> tuple[Array, float] | None:
    """Unit vector up (3,) and its uncertainty (rad): along the trunk, or from shoulders to head. None where neither is seen."""
    top = (_point(body, "left_shoulder") + _point(body, "right_shoulder")) / 2
    hips = (_point(body, "left_hip") + _point(body, "right_hip")) / 2
    for low, high, leans in ((hips, top, _TRUNK_RAD), (top, _point(body, "head"), _HEAD_RAD)):
        along = normalized(high - low)
        if np.isfinite(along).any():
            up = normalized(np.nanmedian(along, axis=0))
            return up, float(np.hypot(_uncertainty(body.time_s, along, up), leans))
    return None


def picture_up() -> tuple[Array, float]:
    """Unit vector up (3,) in the camera's frame, and its uncertainty (rad), of a phone that somebody stood on a shelf."""
    return np.array([0.0, -1.0, 0.0]), _SHELF_RAD


def together(first: tuple[Array, float], second: tuple[Array, float]) -> tuple[Array, float]:
    """Two estimates of the vertical as one, each by how sure it is."""
    (a, sigma_a), (b, sigma_b) = first, second
    return normalized(a / sigma_a**2 + b / sigma_b**2), float((sigma_a**-2 + sigma_b**-2) ** -0.5)


def _point(body: BodyPath, name: str) -> Array:
    if name not in body.landmarks:
        return np.full((len(body.time_s), 3), np.nan)
    return np.asarray(body.position_m[:, body.landmarks.index(name)])


def _mean(points: Array | list[Array]) -> Array:
    """The mean (..., 3) over the first axis of what is there of points (N, ..., 3); NaN where nothing is."""
    stacked = np.asarray(points)
    seen = np.isfinite(stacked).all(-1).sum(0)[..., None]
    return np.asarray(np.where(seen > 0, np.nan_to_num(stacked).sum(0) / np.maximum(seen, 1), np.nan))


def _slow(time_s: Array, place: Array) -> np.ndarray:
    if len(time_s) < 2:
        return np.asarray(np.isfinite(place).all(-1))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.linalg.norm(np.gradient(place, time_s, axis=0), axis=-1) < _STILL_MPS)


def _centre_of_mass(body: BodyPath) -> Array:
    parts = np.stack([np.mean([_point(body, name) for name in names], axis=0) for names in _MASSES])
    mass = np.array(list(_MASSES.values()))[:, None, None] * np.isfinite(parts)
    trunk = np.isfinite(parts[0]).all(-1)
    centre = (np.nan_to_num(parts) * mass).sum(0) / np.maximum(mass.sum(0), 1e-9)
    return np.where(trunk[:, None], centre, np.nan)


def _uncertainty(time_s: Array, along: Array, up: Array) -> float:
    """Standard error (rad) of the mean of directions (T, 3), those of one second counting once."""
    direction = normalized(along)
    off = direction - (direction @ up)[:, None] * up
    spread = float(np.sqrt(np.nanmean((off**2).sum(-1))))
    lasts = float(np.isfinite(off).all(-1).mean() * (time_s[-1] - time_s[0]))
    return float(np.hypot(spread / np.sqrt(max(lasts / _BLOCK_S, 1.0)), _MODEL_RAD))
