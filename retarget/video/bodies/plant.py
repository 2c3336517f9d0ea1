"""Feet that stand are put down once per stance: the body follows them, knees bend so that legs keep their length."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
_FIRM = 0.99
"""A stance is firmer than this."""
_BENDS_M = 0.03
"""So far the knee of a straight leg is taken to be on the side of the toes: a straight leg does not say which way it bends."""
_NOWHERE = np.full((1, 3), np.nan)
_LEG = ("hip", "knee", "ankle")


@dataclass(frozen=True)
class _Pull:
    """Where something of a foot should move to, over T frames: `off_m` (T, 3), and how firmly, `strength` (T,) in 0..1."""

    off_m: Array
    strength: Array


def planted(body: BodyPath, contacts: Contacts) -> tuple[BodyPath, dict[str, str]]:
    """The body with its standing feet at rest, and what that took, in words.

    The whole body goes along with the feet, smoothly; what is left is made up by hips and knees. No foot is below the floor.

    Args:
        body: in a world with z up and the floor at z = 0.
        contacts: what stands when.
    """
    places = {name: body.position_m[:, column].copy() for column, name in enumerate(body.landmarks)}
    pulls = {name: _pull(body.time_s, places[name], contacts, name) for name in contacts.standing if contacts.standing[name].any()}
    whole = [side for side in SIDES if all(np.isfinite(places.get(f"{side}_{name}", _NOWHERE)).any() for name in _LEG)]
    feet = {side: _foot(pulls, side) for side in whole if any(name.startswith(side) for name in pulls)}
    if not feet:
        return body, {}
    shift = _shift(body.time_s, _together(list(feet.values())))
    for _ in range(_ROUNDS):
        ankles = {side: _wanted_ankle(places, feet.get(side), side, shift) for side in whole}
        lacks = np.sum([_lacks(places, ankle, side, shift) for side, ankle in ankles.items()], axis=0)
        shift = shift + gaussian_filter1d(lacks, _CALM_S * _rate_hz(body.time_s), axis=0, mode="nearest")
    moved = _moved(places, pulls, ankles, shift)
    position = np.stack([moved[name] for name in body.landmarks], axis=1)
    return replace(body, position_m=position), {"feet": _words(contacts, shift, feet)}


def _pull(time_s: Array, track: Array, contacts: Contacts, name: str) -> _Pull:
    """What moves a heel or toe (T, 3) to where it stands.

    Soles are flat: heel and toe stand at one height. A detector's feet are pitched by 20 degrees and more where depth misleads it.
    """
    standing = contacts.standing[name]
    off = np.full(track.shape, np.nan)
    for stance in runs(standing):
        place = np.nanmedian(track[stance], axis=0)
        place[2] = float(np.median(contacts.level_m[name][stance]))
        off[stance] = place - track[stance]
    return _Pull(bridged(time_s, off), faded(time_s, standing & np.isfinite(off).all(-1), _BLEND_S))


def _together(pulls: list[_Pull], weights: list[float] | None = None) -> _Pull:
    """The mean of some pulls, each as firm as it is, and as firm as the firmest."""
    weight = np.ones(len(pulls)) if weights is None else np.array(weights)
    strength = np.stack([pull.strength for pull in pulls])
    share = strength * weight[:, None]
    off = sum(one[:, None] * pull.off_m for one, pull in zip(share, pulls, strict=True)) / np.maximum(share.sum(0), 1e-9)[:, None]
    return _Pull(np.asarray(off), strength.max(0))


def _foot(pulls: dict[str, _Pull], side: str) -> _Pull:
    """What moves a foot's ankle: what moves its heel and toe."""
    own = {name: pull for name, pull in pulls.items() if name.startswith(side)}
    return _together(list(own.values()), [_NEAR_ANKLE[name.partition("_")[2]] for name in own])


def _rate_hz(time_s: Array) -> float:
    return float(1 / np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0


def _shift(time_s: Array, pull: _Pull) -> Array:
    """(T, 3) what the whole body moves by: as its standing feet do, smoothly from stance to stance."""
    off = bridged(time_s, np.where((pull.strength > _FIRM)[:, None], pull.off_m, np.nan))
    return np.asarray(gaussian_filter1d(off, _CALM_S * _rate_hz(time_s), axis=0, mode="nearest"))


def _wanted_ankle(places: dict[str, Array], foot: _Pull | None, side: str, shift: Array) -> Array:
    """(T, 3) where the ankle goes with its foot: to its stances, and over the floor between them."""
    strength = np.zeros(len(shift)) if foot is None else foot.strength
    along = np.zeros(shift.shape) if foot is None else strength[:, None] * (foot.off_m - shift)
    ankle = places[f"{side}_ankle"] + shift + along
    points = [places[name] for name in (f"{side}_heel", f"{side}_toe") if name in places]
    lowest = np.min([point[:, 2] for point in points], axis=0) + (shift + along)[:, 2] if points else np.zeros(len(ankle))
    ankle[:, 2] += (1 - strength) * np.maximum(0.0, -np.nan_to_num(lowest))
    return np.asarray(ankle)


def _lengths(places: dict[str, Array], side: str) -> tuple[Array, Array]:
    hip, knee, ankle = (places[f"{side}_{name}"] for name in _LEG)
    return np.linalg.norm(knee - hip, axis=-1), np.linalg.norm(ankle - knee, axis=-1)


def _lacks(places: dict[str, Array], ankle: Array, side: str, shift: Array) -> Array:
    """(T, 3) by which the hips have to come nearer for the leg to reach the ankle."""
    way = ankle - places[f"{side}_hip"] - shift
    lack = np.linalg.norm(way, axis=-1) - _STRAIGHT * sum(_lengths(places, side))
    return np.nan_to_num(normalized(way) * np.maximum(lack, 0.0)[:, None])


def _moved(places: dict[str, Array], pulls: dict[str, _Pull], ankles: dict[str, Array], shift: Array) -> dict[str, Array]:
    moved = {name: track + shift for name, track in places.items()}
    for side, ankle in ankles.items():
        names = [name for name in (f"{side}_heel", f"{side}_toe") if name in places]
        toes = places[names[-1]] - places[f"{side}_ankle"] if names else np.zeros(shift.shape)
        knee = moved[f"{side}_knee"] + _BENDS_M * np.nan_to_num(normalized(toes))
        knee, reached = bent_leg(moved[f"{side}_hip"], knee, ankle, *_lengths(places, side))
        by = reached - places[f"{side}_ankle"]
        moved[f"{side}_knee"], moved[f"{side}_ankle"] = knee, reached
        for name in names:
            moved[name] = places[name] + by
            if name in pulls:
                moved[name] = moved[name] + pulls[name].strength[:, None] * (pulls[name].off_m - by)
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


def _words(contacts: Contacts, shift: Array, feet: dict[str, _Pull]) -> str:
    count = sum(len(runs(mask)) for mask in contacts.standing.values())
    moved = 1e3 * float(np.sqrt(np.mean((shift**2).sum(-1))))
    left = [(pull.off_m - shift)[pull.strength > _FIRM] for pull in feet.values()]
    own = 1e3 * float(np.sqrt(np.mean((np.concatenate(left) ** 2).sum(-1))))
    return f"{count} stances of heels and toes put down once each: the body moved by {moved:.0f} mm (RMS), feet by {own:.0f} mm more"
