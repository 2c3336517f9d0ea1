"""What stands in for the parts of a body that were not seen: hips and shoulders guessed from the rest, feet on the floor.

Guesses weigh little, and joints that only they move count as inferred. What decides: the line across is that of shoulders
or hips, else of the head's heading and of where the hands are; the trunk hangs below the shoulders, neck or head; where that
top sinks, the trunk leans as far as it came forward, and hips sink by the rest. A robot whose person's legs are unseen
keeps its feet on the floor, below its hips.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.fit import STATURE, Fit, first_finite, rest_middle, standing_height_m
from retarget.person import Person
from retarget.rows import Rows
from retarget.spans import bridged, dragged

_TRUNK = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
_ABOVE_SHOULDERS = {"neck": 0.035, "head": 0.10, "head_top": 0.18}
"""Height over the shoulders' middle, over stature."""
_HALF_WIDTH = {"hip": 0.05, "shoulder": 0.105}
"""Half the distance between the joints, over stature."""
_UPRIGHT_DROP = 0.05
"""Who sinks by no more than this share of the height over the hips is upright: walking makes as much."""
_HEADING_S = 0.4
_REACH, _HANDS_BELOW, _ARMS_LENGTH = 0.20, 0.15, 0.15
"""Of hands before the shoulders, and of how far they move before somebody steps: over stature."""
_OVER_THE_FLOOR_M = 1e-3
"""Guessed soles stay where the floor does not push them up yet: two pulls that quarrel take long to settle."""
_STEP_M, _TURN_RAD = 0.10, 0.35
"""Guessed feet stay until the hips are further away, or are turned further, than this."""


def shows_a_body(person: Person) -> bool:
    """Whether there is enough to follow: the hips, the shoulders, or a wrist."""
    pairs = (person.seen(f"left_{name}", f"right_{name}") for name in ("hip", "shoulder"))
    return any(pairs) or any(person.seen(f"{side}_wrist") for side in SIDES)


def completed(fit: Fit) -> Fit:
    """The fit with hips and shoulders guessed wherever they are out of view."""
    person = fit.person
    if all(person.seen(name) and (person.presence(name) > 0).all() for name in _TRUNK):
        return fit
    left = _left(fit)
    hips, shoulders = _middles(fit, left)
    guesses = {}
    for side, sign in zip(SIDES, (1, -1), strict=True):
        for name, middle in (("hip", hips), ("shoulder", shoulders)):
            guesses[f"{side}_{name}"] = middle + sign * _half_width_m(fit, name) * left
    return replace(fit, person=person.with_guesses(guesses))


def rests_on() -> tuple[str, ...]:
    """Landmarks that guesses of the trunk rest on."""
    return (*_TRUNK, "pelvis", *_ABOVE_SHOULDERS)


def _half_width_m(fit: Fit, name: str) -> float:
    return first_finite(fit.person.length_m(f"left_{name}", f"right_{name}") / 2, _HALF_WIDTH[name] * fit.stature_m)


def _left(fit: Fit) -> Array:
    """(T, 3) level unit vectors to the person's left, in every frame."""
    person, time_s = fit.person, fit.person.motion.time_s
    left = np.full((len(time_s), 3), np.nan)
    for candidate in (_line(person, "shoulder"), _line(person, "hip"), _across(_forward(person))):
        missing = np.isnan(left).any(-1)
        left[missing] = candidate[missing]
    if np.isnan(left).all():
        left = _across(_along_the_fingers(person))
    steady = gaussian_filter1d(bridged(time_s, left), _HEADING_S * person.motion.rate_hz, axis=0, mode="nearest")
    steady = normalized(steady)
    return np.where(np.isfinite(steady), steady, [0.0, 1.0, 0.0])


def _line(person: Person, name: str) -> Array:
    return normalized((person.point(f"left_{name}") - person.point(f"right_{name}")) * [1.0, 1.0, 0.0])


def _across(forward: Array) -> Array:
    """(T, 3) level vectors to the left of others, as long as these are level, so that sure ones count for more."""
    return np.stack([-forward[:, 1], forward[:, 0], np.zeros(len(forward))], axis=-1)


def _forward(person: Person) -> Array:
    """(T, 3) where the head looks, and what is ahead by the hands, as a level vector; NaN where neither is known."""
    missing = np.full((len(person.motion.time_s), 3), np.nan)
    looks = person.orientation("head")[0][:, :, 0] if "head" in person.motion.segments else missing
    across = person.point("left_wrist") - person.point("right_wrist")
    hands = np.stack([across[:, 1], -across[:, 0], np.zeros(len(across))], axis=-1)
    hands = _or_else(hands, _hands_middle(person) - person.point("head"))  # of one hand: away from the head
    known = np.isfinite(looks).all(-1) | np.isfinite(hands).all(-1)
    forward = np.nan_to_num(normalized(looks * [1.0, 1.0, 0.0])) + np.nan_to_num(hands * [1.0, 1.0, 0.0])
    return np.where(known[:, None], forward, np.nan)


def _along_the_fingers(person: Person) -> Array:
    """(T, 3) where the fingers of the only hand that is seen point on the whole; the same in all frames."""
    side = next(side for side in SIDES if person.seen(f"{side}_wrist"))
    fingers = person.point(f"{side}_middle_mcp") - person.point(f"{side}_wrist")
    forward = np.nanmean(fingers, axis=0) if np.isfinite(fingers).any() else np.array([1.0, 0.0, 0.0])
    return np.tile(forward, (len(fingers), 1))


def _hands_middle(person: Person) -> Array:
    """(T, 3) between the wrists, or the one that is seen."""
    left, right = (person.point(f"{side}_wrist") for side in SIDES)
    middle = (left + right) / 2
    for wrist in (left, right):
        middle = np.where(np.isfinite(middle), middle, wrist)
    return middle


def _middles(fit: Fit, left: Array) -> tuple[Array, Array]:
    """Middles of the hips and of the shoulders (T, 3), in every frame."""
    person, time_s = fit.person, fit.person.motion.time_s
    trunk_m = first_finite(_trunk_m(fit), STATURE["trunk"] * fit.stature_m)
    hips, shoulders = _pair_middle(fit, "hip", left), _pair_middle(fit, "shoulder", left)
    hips = _or_else(hips, person.point("pelvis"))
    forward = np.stack([left[:, 1], -left[:, 0], np.zeros(len(left))], axis=-1)
    tops = {"shoulder": (shoulders, 0.0)} | {name: (person.point(name), over * fit.stature_m) for name, over in _ABOVE_SHOULDERS.items()}
    for top, over_m in tops.values():
        if np.isfinite(top).any():
            down = trunk_down(time_s, top, trunk_m + over_m, forward)
            shoulders = _or_else(shoulders, top + over_m * down)
            hips = _or_else(hips, top + (trunk_m + over_m) * down)
    shoulders = _or_else(shoulders, hips + [0.0, 0.0, trunk_m])
    if np.isnan(shoulders).all():
        shoulders = _before_the_hands(fit, forward)
        hips = shoulders - [0.0, 0.0, trunk_m]
    return bridged(time_s, hips), bridged(time_s, shoulders)


def _trunk_m(fit: Fit) -> float:
    """Length of the person's trunk as the fit has it."""
    robot = np.linalg.norm(rest_middle(fit.body, "shoulder") - rest_middle(fit.body, "hip"))
    return float(robot / fit.trunk_scale)


def _or_else(track: Array, other: Array) -> Array:
    seen = np.asarray(np.isfinite(track).all(axis=-1))
    return np.where(seen[:, None], track, other)


def _pair_middle(fit: Fit, name: str, left: Array) -> Array:
    """(T, 3) between both, or beside the one that is seen."""
    half = _half_width_m(fit, name)
    middle = fit.person.middle(name)
    for side, sign in zip(SIDES, (1, -1), strict=True):
        middle = _or_else(middle, fit.person.point(f"{side}_{name}") - sign * half * left)
    return middle


def trunk_down(time_s: Array, top: Array, height_m: float, forward: Array) -> Array:
    """(T, 3) unit vectors from the top of a person down to their hips.

    Who bends moves the top down and ahead, who squats only down: the trunk leans as far as the top is ahead of where it was
    when last upright (or will next be), but no further than it sank.
    """
    drop = np.maximum(0.0, standing_height_m(top[:, 2]) - top[:, 2])
    upright = drop < _UPRIGHT_DROP * height_m
    place = bridged(time_s, np.where(upright[:, None], top, np.nan))
    ahead = ((top - place) * forward).sum(-1) if upright.any() else np.full(len(top), np.inf)
    bent = np.arcsin(np.clip(ahead / height_m, 0.0, 1.0))
    sunk = np.arccos(np.clip(1 - np.maximum(0.0, drop / height_m - _UPRIGHT_DROP), 0.0, 1.0))
    lean = np.minimum(bent, sunk)[:, None]
    return -np.sin(lean) * forward - np.cos(lean) * [0.0, 0.0, 1.0]


def _before_the_hands(fit: Fit, forward: Array) -> Array:
    """(T, 3) shoulders of somebody who stands upright behind their hands, and goes along when these go far."""
    hands = bridged(fit.person.motion.time_s, _hands_middle(fit.person))
    level = dragged(hands[:, :2], _ARMS_LENGTH * fit.stature_m)
    height = np.full(len(hands), np.median(hands[:, 2]) + _HANDS_BELOW * fit.stature_m)
    return np.c_[level, height] - _REACH * fit.stature_m * forward


def standing_feet_rows(rows: Rows, fit: Fit, hips: Array) -> None:
    """Feet that were not seen stand flat on the floor, below the hips (T, 3) of the robot, and follow them when they leave.

    These rows are guesses: they move the legs, and the legs count as inferred.
    """
    sides = [side for side in SIDES if f"{side}_foot" in fit.body.link and side in fit.body.sole_m]
    absent = {side: fit.person.absence(f"{side}_ankle") for side in sides}
    if not any((weight > 0).any() for weight in absent.values()):
        return
    place, heading = _stand(fit, hips)
    turned = np.zeros((len(hips), 3, 3))
    turned[:, 0, 0] = turned[:, 1, 1] = np.cos(heading)
    turned[:, 1, 0], turned[:, 0, 1], turned[:, 2, 2] = np.sin(heading), -np.sin(heading), 1.0
    guess = np.ones(len(hips), bool)
    for side, weight in absent.items():
        own = fit.body.rest_m[f"{side}_ankle"] - rest_middle(fit.body, "hip")
        ankle = place + turned @ (own * [1.0, 1.0, 0.0])
        ankle[:, 2] = _OVER_THE_FLOOR_M - fit.body.sole_m[side][:, 2].min()
        rows.vector(f"{side}_ankle", ankle, weight * fit.weights.foot, name=f"{side}_ankle_guessed", guessed=guess)
        rows.orient(f"{side}_foot", turned, weight * fit.weights.foot_orientation, guessed=guess)


def _stand(fit: Fit, hips: Array) -> tuple[Array, Array]:
    """Where the guessed feet's middle stands (T, 3), at height 0, and their heading (T,) rad."""
    person, time_s = fit.person, fit.person.motion.time_s
    left = bridged(time_s, person.point("left_hip") - person.point("right_hip"))
    heading = np.unwrap(np.arctan2(-left[:, 0], left[:, 1]))
    place = dragged(bridged(time_s, hips)[:, :2], _STEP_M)
    return np.c_[place, np.zeros(len(place))], dragged(heading[:, None], _TURN_RAD)[:, 0]
