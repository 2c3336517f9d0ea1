"""Feet that stand are put down once per stance: the body follows them, knees bend so that legs keep their length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.contacts import Contacts
from retarget.spans import bridged, faded, runs
from retarget.video.paths import BodyPath

_BLEND_S = 0.2
"""How long a foot takes from its own path to where it stands."""
_CALM_S = 0.1
"""Width of the smoothing of what the whole body is moved by."""
_STRAIGHT = 0.999
"""A leg is no straighter than this part of its length."""
_ROUNDS = 3
_NEAR_ANKLE = {"heel": 0.75, "toe": 0.25}
"""How much of what moves a heel or a toe moves the ankle: it lies at a quarter of the sole."""
_LEG = ("hip", "knee", "ankle")


def planted(body: BodyPath, contacts: Contacts) -> tuple[BodyPath, dict[str, str]]:
    """The body with its standing feet at rest, and what that took, in words.

    The whole body goes along with the feet, smoothly; what is left is made up by hips and knees. No foot is below the floor.

    Args:
        body: in a world with z up and the floor at z = 0.
        contacts: what stands when.
    """
    places = {name: body.position_m[:, column].copy() for column, name in enumerate(body.landmarks)}
    offs = _offs(places, contacts)
    feet = {side: off for side in SIDES if np.isfinite(off := _foot(offs, side)).any()}
    whole = all(f"{side}_{name}" in places for side in feet for name in _LEG)
    if not feet or not whole:
        return body, {}
    shift = _shift(body.time_s, _mean(list(feet.values())))
    for _ in range(_ROUNDS):
        ankles = {side: _wanted_ankle(body.time_s, places, offs, side, shift) for side in SIDES if f"{side}_ankle" in places}
        lacks = _mean([_lacks(places, ankle, side, shift) for side, ankle in ankles.items()])
        shift = shift + gaussian_filter1d(np.nan_to_num(lacks), _CALM_S * _rate_hz(body.time_s), axis=0, mode="nearest")
    moved = _moved(body.time_s, places, offs, ankles, shift)
    position = np.stack([moved[name] for name in body.landmarks], axis=1)
    return replace(body, position_m=position), {"feet": _words(contacts, shift, feet)}


def _mean(tracks: list[Array], weights: list[float] | None = None) -> Array:
    """Frame by frame the mean of what is there of tracks (T, 3); NaN where nothing is."""
    stacked = np.stack(tracks) if tracks else np.full((1, 1, 3), np.nan)
    weight = np.ones(len(stacked)) if weights is None else np.array(weights)
    share = np.isfinite(stacked).all(-1) * weight[:, None]
    total = (np.nan_to_num(stacked) * share[..., None]).sum(0)
    return np.where(share.any(0)[:, None], total / np.maximum(share.sum(0), 1e-9)[:, None], np.nan)


def _foot(offs: dict[str, Array], side: str) -> Array:
    """(T, 3) how a foot's ankle moves with those of its heel and toe that stand."""
    own = {name: off for name, off in offs.items() if name.startswith(side)}
    return _mean(list(own.values()), [_NEAR_ANKLE[name.partition("_")[2]] for name in own])


def _offs(places: dict[str, Array], contacts: Contacts) -> dict[str, Array]:
    """Point of a foot -> (T, 3) from where it is to where it stands; NaN while it does not.

    Soles are flat: heel and toe stand at one height. A detector's feet are pitched by 20 degrees and more where depth misleads it.
    """
    offs = {}
    for name, mask in contacts.standing.items():
        track = places[name]
        off = np.full(track.shape, np.nan)
        for stance in runs(mask):
            place = np.nanmedian(track[stance], axis=0)
            place[2] = float(np.median(contacts.level_m[name][stance]))
            off[stance] = place - track[stance]
        offs[name] = off
    return offs


def _rate_hz(time_s: Array) -> float:
    return float(1 / np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0


def _shift(time_s: Array, off: Array) -> Array:
    """(T, 3) what the whole body moves by: as its standing feet do, smoothly from stance to stance."""
    return np.asarray(gaussian_filter1d(bridged(time_s, off), _CALM_S * _rate_hz(time_s), axis=0, mode="nearest"))


def _own(time_s: Array, off: Array) -> Array:
    """(T, 3) an off that is there in stances only, led in and out of them."""
    standing = np.isfinite(off).all(-1)
    if not standing.any():
        return np.zeros(off.shape)
    return np.asarray(bridged(time_s, off) * faded(time_s, standing, _BLEND_S)[:, None])


def _wanted_ankle(time_s: Array, places: dict[str, Array], offs: dict[str, Array], side: str, shift: Array) -> Array:
    """(T, 3) where the ankle goes with its foot: to its stances, and over the floor between them."""
    foot = _foot(offs, side)
    along = _own(time_s, foot - shift)
    ankle = places[f"{side}_ankle"] + shift + along
    points = [places[name] for name in (f"{side}_heel", f"{side}_toe") if name in places]
    lowest = np.min([point[:, 2] for point in points], axis=0) + (shift + along)[:, 2] if points else np.zeros(len(ankle))
    swings = np.isnan(foot).any(-1)
    ankle[:, 2] += np.where(swings, np.maximum(0.0, -np.nan_to_num(lowest)), 0.0)
    return np.asarray(ankle)


def _lengths(places: dict[str, Array], side: str) -> tuple[Array, Array]:
    hip, knee, ankle = (places[f"{side}_{name}"] for name in _LEG)
    return np.linalg.norm(knee - hip, axis=-1), np.linalg.norm(ankle - knee, axis=-1)


def _lacks(places: dict[str, Array], ankle: Array, side: str, shift: Array) -> Array:
    """(T, 3) by which the hips have to come nearer for the leg to reach the ankle; NaN where it does."""
    way = ankle - places[f"{side}_hip"] - shift
    distance = np.linalg.norm(way, axis=-1)
    lack = distance - _STRAIGHT * sum(_lengths(places, side))
    with np.errstate(invalid="ignore"):
        return np.where((lack > 0)[:, None], normalized(way) * lack[:, None], np.nan)


def _moved(time_s: Array, places: dict[str, Array], offs: dict[str, Array], ankles: dict[str, Array], shift: Array) -> dict[str, Array]:
    moved = {name: track + shift for name, track in places.items()}
    for side, ankle in ankles.items():
        hip = moved[f"{side}_hip"]
        knee, reached = bent_leg(hip, moved[f"{side}_knee"], ankle, *_lengths(places, side))
        by = reached - places[f"{side}_ankle"]
        moved[f"{side}_knee"], moved[f"{side}_ankle"] = knee, reached
        for name in (f"{side}_heel", f"{side}_toe"):
            if name in places:
                own = _own(time_s, offs[name] - by) if name in offs else 0.0
                moved[name] = places[name] + by + own
    return moved


def bent_leg(hip: Array, knee: Array, ankle: Array, thigh_m: Array, shank_m: Array) -> tuple[Array, Array]:
    """Knee and ankle (T, 3) of legs of given lengths (T,) from the hip to the ankle, the knee on the side where it was.

    An ankle out of reach comes as near as the leg allows.
    """
    way = ankle - hip
    most, least = thigh_m + shank_m, np.abs(thigh_m - shank_m)
    distance = np.clip(np.linalg.norm(way, axis=-1), least + 1e-6, _STRAIGHT * most)
    along = normalized(way)
    ahead = (knee - hip) - ((knee - hip) * along).sum(-1, keepdims=True) * along
    along_m = (distance**2 + thigh_m**2 - shank_m**2) / (2 * distance)
    aside_m = np.sqrt(np.maximum(thigh_m**2 - along_m**2, 0.0))
    bent = hip + along_m[:, None] * along + aside_m[:, None] * np.nan_to_num(normalized(ahead))
    return bent, hip + distance[:, None] * along


def _words(contacts: Contacts, shift: Array, feet: dict[str, Array]) -> str:
    count = sum(len(runs(mask)) for mask in contacts.standing.values())
    moved = 1e3 * float(np.sqrt(np.mean((shift**2).sum(-1))))
    left = [off[np.isfinite(off).all(-1)] - shift[np.isfinite(off).all(-1)] for off in feet.values()]
    own = 1e3 * float(np.sqrt(np.mean((np.concatenate(left) ** 2).sum(-1))))
    return f"{count} stances of heels and toes put down once each: the body moved by {moved:.0f} mm (RMS), feet by {own:.0f} mm more"
