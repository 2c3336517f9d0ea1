"""One robot beside one person: by how much the person's paths and limbs are scaled, worked out once per recording."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.body_map import BodyMap
from retarget.person import Person
from retarget.rows import TargetWeights

STATURE = {"leg": 0.491, "trunk": 0.288, "arm": 0.332, "hand": 0.108, "head": 0.92}
"""Lengths over stature: hip to ankle, hips to shoulders, shoulder to wrist, wrist to middle fingertip; height of the head's
joint over the floor. Source: Drillis and Contini 1966, in Winter, Biomechanics and Motor Control, fig. 4.1."""
_LIKELY_HEAD_M = (1.1, 2.1)
_BETWEEN_SOLES_M = 0.02
_STAYS_SHARE, _STAYS_M = 0.2, 0.05


@dataclass(frozen=True)
class Fit:
    """A robot, a person, and what maps one to the other.

    Attributes:
        body, person, weights: the robot, the person (with guesses where landmarks were out of view), weights of rows.
        stature_m: of the person, measured or estimated.
        scale: of the person's path through the world: the robot's leg over the person's, or trunk where no leg is seen.
        trunk_scale: the robot's trunk over the person's.
        rise_m: what is added to a scaled height.
        wider_m: by how much each foot is set further out than the person's scaled one.
        held: side -> (T,) 0..1, how firmly the hand holds an object.
    """

    body: BodyMap
    person: Person
    weights: TargetWeights
    stature_m: float
    scale: float
    trunk_scale: float
    rise_m: float
    wider_m: float
    held: dict[str, Array] = field(default_factory=dict)

    def world(self, place_m: Array) -> Array:
        """Where something (..., 3) of the person's world stands in the robot's."""
        return self.scale * place_m + [0.0, 0.0, self.rise_m]

    def across(self, name: str, sign: int) -> Array:
        """(T, 3) half the robot's own width at the hips or shoulders, along the person's line from right to left."""
        half = self.body.length_m(f"left_{name}", f"right_{name}") / 2
        return sign * half * normalized(self.person.point(f"left_{name}") - self.person.point(f"right_{name}"))

    def arm_scale(self, side: str) -> float:
        """The robot's arm over the person's; over what their stature says where it was not seen whole."""
        arm = [f"{side}_{name}" for name in ("shoulder", "elbow", "wrist")]
        return self.body.length_m(*arm) / first_finite(self.person.length_m(*arm), STATURE["arm"] * self.stature_m)


def fit(body: BodyMap, person: Person, weights: TargetWeights) -> Fit:
    """Measure a person, as they were seen, against a robot that has hips and shoulders."""
    trunk_m = float(np.linalg.norm(rest_middle(body, "shoulder") - rest_middle(body, "hip")))
    stature = first_finite(_stature_m(person), trunk_m / STATURE["trunk"])
    trunk_scale = trunk_m / first_finite(_trunk_m(person), STATURE["trunk"] * stature)
    scale = first_finite(_leg_scale(body, person), trunk_m / _trunk_m(person), _leg_m(body) / (STATURE["leg"] * stature), trunk_scale)
    return Fit(body, person, weights, stature, scale, trunk_scale, 0.0, _wider_m(body, person, scale))


def _wider_m(body: BodyMap, person: Person, scale: float) -> float:
    """Wider hips set feet further apart; so do soles that would overlap where the person's feet stand side by side."""
    hips = body.length_m("left_hip", "right_hip") / 2 - scale * person.length_m("left_hip", "right_hip") / 2
    wider = float(np.nan_to_num(hips))
    if "left" not in body.sole_m:
        return wider
    sole = body.sole_m["left"]
    width, length = (float(np.linalg.norm(sole[0] - sole[corner])) for corner in (1, 2))
    across = normalized((person.point("left_hip") - person.point("right_hip"))[:, :2])
    apart = scale * (person.point("left_ankle") - person.point("right_ankle"))[:, :2]
    aside = (apart * across).sum(1)
    beside = np.linalg.norm(apart - aside[:, None] * across, axis=1) < length
    stand = [person.stance.feet.get(side, np.zeros(len(aside), bool)) for side in SIDES]
    gaps = aside[beside & stand[0] & stand[1] & np.isfinite(aside)]
    gap = float(np.percentile(gaps, 5)) + 2 * wider if len(gaps) else np.inf
    return wider + max(0.0, width + _BETWEEN_SOLES_M - gap) / 2


def standing_height_m(height: Array) -> float:
    """Height (T,) of something when the person stands upright: the highest at which it stays for a good part of the time."""
    rising = np.sort(height[np.isfinite(height)])
    count = int(_STAYS_SHARE * len(rising))
    stays = np.flatnonzero(rising[count:] - rising[: len(rising) - count] <= _STAYS_M)
    return float(rising[stays[-1] + count // 2] if len(stays) else np.median(rising))


def first_finite(*values: float) -> float:
    """The first value that is a number; NaN if none is."""
    return next((float(value) for value in values if np.isfinite(value)), float("nan"))


def rest_middle(body: BodyMap, name: str) -> Array:
    """(3,) halfway between the robot's left and right landmark, at rest."""
    return (body.rest_m[f"left_{name}"] + body.rest_m[f"right_{name}"]) / 2


def _leg(side: str) -> tuple[str, str, str]:
    return f"{side}_hip", f"{side}_knee", f"{side}_ankle"


def _leg_m(body: BodyMap) -> float:
    return float(np.mean([body.length_m(*_leg(side)) for side in SIDES]))


def _leg_scale(body: BodyMap, person: Person) -> float:
    ratios = [body.length_m(*_leg(side)) / person.length_m(*_leg(side)) for side in SIDES]
    known = [ratio for ratio in ratios if np.isfinite(ratio)]
    return float(np.mean(known)) if known else float("nan")


def _trunk_m(person: Person) -> float:
    length = np.linalg.norm(person.middle("shoulder") - person.middle("hip"), axis=-1)
    return float(np.nanmedian(length)) if np.isfinite(length).any() else float("nan")


def _stature_m(person: Person) -> float:
    """As stated; else from the largest part of the body that was seen whole; else from the head's height. NaN if nothing tells."""
    arms = [person.length_m(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") / STATURE["arm"] for side in SIDES]
    hands = [_hand_m(person, side) / STATURE["hand"] for side in SIDES]
    head = person.point("head")[:, 2] - person.floor_m
    height = standing_height_m(head) if np.isfinite(head).any() else float("nan")
    low, high = _LIKELY_HEAD_M
    stated = person.motion.subject.height_m
    return first_finite(
        float("nan") if stated is None else stated,
        _trunk_m(person) / STATURE["trunk"],
        *arms,
        *hands,
        height / STATURE["head"] if low < height < high else float("nan"),
    )


def _hand_m(person: Person, side: str) -> float:
    return person.length_m(f"{side}_wrist", *(f"{side}_middle_{point}" for point in ("mcp", "pip", "dip", "tip")))
