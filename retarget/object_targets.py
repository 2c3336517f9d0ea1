"""Hands on objects: while a hand holds something, its wrist keeps its pose relative to it.

An object stands at its scaled place in the robot's world, turned as it was, and as large as it was. Away from objects arms
are followed at the robot's scale; on an object that would put the hand beside it or into it. So where a hand holds an
object the wrist is wanted where the person's was relative to it, unscaled, and the arm's own rows give way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.landmarks import FINGERS
from motion.transform import Array, Transform, rotate, so3_log
from retarget.fit import Fit
from retarget.rows import Rows
from retarget.spans import bridged, faded, runs

Points = Callable[[str], Array]
"""Name of a landmark -> positions (T, 3), NaN where unseen."""


@dataclass(frozen=True)
class GripSettings:
    """When a hand holds an object. A grip begins below `enter_mps` and lasts until `leave_mps` is passed.

    Attributes:
        near_m: from the object's origin to the nearest of wrist, knuckles and fingertips; further away nothing is held.
        touch_m: a hand that comes nearer than this and keeps still there is on the object, even if nothing moves.
        enter_mps, leave_mps: speed of the wrist as seen from the object.
        moved_m, moved_rad: what is not touched so closely has to be moved by the hand as much as this to be held.
        least_s: no grip is shorter.
        blend_s: how long the wrist takes to be drawn to the object before, and to be let go after.
    """

    near_m: float = 0.35
    touch_m: float = 0.12
    enter_mps: float = 0.06
    leave_mps: float = 0.15
    moved_m: float = 0.03
    moved_rad: float = 0.2
    least_s: float = 0.2
    blend_s: float = 0.3


_SMOOTH_S = 0.03
_LATE = 3
"""Power of the blend: the object must not win as soon as it weighs anything."""


def held(time_s: Array, points: Points, side: str, track: Transform, settings: GripSettings | None = None) -> np.ndarray:
    """(T,) whether a hand holds an object, from the person's motion and the object's alone.

    Args:
        time_s: (T,).
        points: of the person.
        side: of the hand.
        track: `T_world_object`, batch (T,).
        settings: when it does.
    """
    settings = settings or GripSettings()
    wrist = points(f"{side}_wrist")
    seen = np.isfinite(wrist).all(-1) & np.isfinite(track.position_m).all(-1) & np.isfinite(track.wxyz).all(-1)
    holds = np.zeros(len(time_s), bool)
    if seen.sum() < 2:
        return holds
    away = np.min([_distance(points(name), track.position_m) for name in _places(side)], axis=0)
    speed = _speed(time_s, bridged(time_s, track.inverse().apply(wrist)))
    may = seen & (away < settings.near_m) & (speed < settings.leave_mps)
    for span in runs(may):
        begins = speed[span].min() < settings.enter_mps
        lasts = time_s[span.stop - 1] - time_s[span.start] >= settings.least_s
        touches = away[span].min() < settings.touch_m
        holds[span] = lasts and begins and (touches or _moved(track[span], settings))
    return holds


def _places(side: str) -> list[str]:
    tips = [f"{side}_{finger}_tip" for finger in FINGERS]
    return [f"{side}_wrist", *(f"{side}_{finger}_mcp" for finger in FINGERS), *tips]


def _distance(point: Array, origin: Array) -> Array:
    return np.nan_to_num(np.linalg.norm(point - origin, axis=-1), nan=np.inf)


def _speed(time_s: Array, place: Array) -> Array:
    rate = (len(time_s) - 1) / (time_s[-1] - time_s[0])
    calm = gaussian_filter1d(place, _SMOOTH_S * rate, axis=0, mode="nearest")
    return np.asarray(np.linalg.norm(np.gradient(calm, time_s, axis=0), axis=-1))


def _moved(track: Transform, settings: GripSettings) -> bool:
    way = np.linalg.norm(track.position_m - track.position_m[0], axis=-1).max()
    turn = np.linalg.norm(so3_log((track[:1].inverse() @ track).wxyz), axis=-1).max()
    return bool(way > settings.moved_m or turn > settings.moved_rad)


def objects_of(fit: Fit) -> dict[str, Transform]:
    """The person's objects in the robot's world: scaled places, orientations as they were."""
    return {name: Transform(fit.world(track.position_m), track.wxyz) for name, track in fit.person.motion.objects.items()}


def grips(fit: Fit, settings: GripSettings | None = None) -> dict[str, dict[str, Array]]:
    """Side -> object -> (T,) 0..1 how firmly it is held, blended in before and out after; over all objects at most 1."""
    settings, person, out = settings or GripSettings(), fit.person, {}
    time_s = person.motion.time_s
    for side in ("left", "right"):
        if not (fit.body.has(f"{side}_wrist") and person.seen(f"{side}_wrist")):
            continue
        masks = {name: held(time_s, person.point, side, track, settings) for name, track in person.motion.objects.items()}
        strength = {name: faded(time_s, mask, settings.blend_s) for name, mask in masks.items() if mask.any()}
        total = np.maximum(1.0, np.sum([np.zeros(len(time_s)), *strength.values()], axis=0))
        out[side] = {name: track / total for name, track in strength.items()}
    return out


def object_rows(rows: Rows, fit: Fit, gripped: Mapping[str, Mapping[str, Array]]) -> None:
    """A row per hand and object: the wrist, as fixed in the palm, keeps its unscaled place relative to the object."""
    for side, strengths in gripped.items():
        wrist = f"{side}_wrist"
        palm = f"{wrist}_on_palm" if f"{wrist}_on_palm" in fit.body.points else wrist
        for name, strength in strengths.items():
            track = fit.person.motion.objects[name]
            place = fit.world(track.position_m) + (fit.person.point(wrist) - track.position_m)
            weight = fit.weights.held * strength**_LATE
            rows.vector(palm, place, fit.person.trust(wrist) * weight, name=f"{wrist}_holds_{name}")


def place_in(track: Transform, point: Array) -> Array:
    """(T, 3) points as seen from an object."""
    return rotate(track.wxyz * [1.0, -1, -1, -1], point - track.position_m)
