"""Targets of trunk, arms, legs and head: hips and feet on the person's scaled path, arms bone by bone."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from motion.landmarks import SIDES
from motion.transform import Array, normalized
from retarget.fit import Fit, rest_middle, standing_height_m
from retarget.partial_targets import standing_feet_rows
from retarget.person import GUESSED
from retarget.rows import Rows
from retarget.sticks import Stance, stick_sole
from robots.robot import FramePoint

_ARM = ("shoulder", "elbow", "wrist")
_FROM_A_GUESS = 0.5
"""Trust in a wrist whose arm begins at a guessed shoulder."""
_YIELDING = 0.7
"""Share of their weight that the bones of an arm give up while its hand holds something."""


def on_the_floor(fit: Fit) -> Fit:
    """The fit with the person's floor at the robot's; where no foot is seen, with the standing person's hips at the robot's."""
    if fit.body.sole_m and fit.person.has_feet:
        return replace(fit, rise_m=-fit.scale * fit.person.floor_m)
    level = fit.body.robot.base_height_m + rest_middle(fit.body, "hip")[2]
    return replace(fit, rise_m=level - fit.scale * standing_height_m(fit.person.middle("hip")[:, 2]))


def body_rows(rows: Rows, fit: Fit) -> None:
    """Rows of the whole body."""
    body, person, weights = fit.body, fit.person, fit.weights
    middle = _hip_rows(rows, fit)
    up = fit.trunk_scale * (person.middle("shoulder") - person.middle("hip"))
    trunk = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    trust, guess = person.trust(*trunk), person.guessed(*trunk)
    for side, sign in zip(SIDES, (1, -1), strict=True):
        wanted = up + fit.across("shoulder", sign) - fit.across("hip", sign)
        rows.direct(f"{side}_hip", f"{side}_shoulder_on_trunk", wanted, trust * weights.trunk, guess)
    line = person.point("left_shoulder") - person.point("right_shoulder")
    rows.direct("right_shoulder_on_trunk", "left_shoulder_on_trunk", line, trust * weights.shoulders, guess)
    for side, sign in zip(SIDES, (1, -1), strict=True):
        _arm_rows(rows, fit, side, middle + up + fit.across("shoulder", sign))
        if body.has(f"{side}_ankle"):
            _leg_rows(rows, fit, side)
    standing_feet_rows(rows, fit, middle)
    rotation, conditioning = person.orientation("pelvis")
    if "pelvis" in body.link:
        hips = "left_hip", "right_hip"
        rows.orient("pelvis", rotation, person.trust(*hips) * conditioning * weights.pelvis, person.guessed(*hips))
    _head_row(rows, fit)


def _hip_rows(rows: Rows, fit: Fit) -> Array:
    """Both hips, on the person's scaled path; returns the middle (T, 3)."""
    body, person = fit.body, fit.person
    middle = fit.world(person.middle("hip"))
    if body.sole_m and person.has_feet:
        side = next(iter(body.sole_m))
        middle[:, 2] -= float(body.sole_m[side][:, 2].min()) + fit.scale * person.ankle_flat_m
    trust, guess = person.trust("left_hip", "right_hip"), person.guessed("left_hip", "right_hip")
    for side, sign in zip(SIDES, (1, -1), strict=True):
        rows.vector(f"{side}_hip", middle + fit.across("hip", sign), trust * fit.weights.hip, guessed=guess)
    return middle


def _arm_rows(rows: Rows, fit: Fit, side: str, shoulder: Array) -> None:
    """Bone by bone from the robot's own shoulder (T, 3); where the elbow is out of view the wrist alone, scaled as the arm."""
    body, person, weights = fit.body, fit.person, fit.weights
    a, b, c = (f"{side}_{name}" for name in _ARM)
    if not (body.has(a, b) and person.seen(a)):
        return
    free = 1 - fit.held.get(side, np.zeros(len(shoulder)))
    limb = weights.limb * (1 - _YIELDING * (1 - free))
    anchor = np.where(person.guessed(a), person.trust(a) * _FROM_A_GUESS / GUESSED, person.trust(a))
    place = shoulder
    if person.seen(b):
        bone = person.point(b) - person.point(a)
        place = shoulder + body.length_m(a, b) * normalized(bone)
        rows.direct(a, b, bone, person.trust(a, b) * limb, person.guessed(a))
        rows.vector(b, place, np.minimum(anchor, person.trust(b)) * weights.elbow * free, guessed=person.guessed(a))
    if not (body.has(c) and person.seen(c)):
        return
    if person.seen(b):
        bone = person.point(c) - person.point(b)
        place = place + body.length_m(b, c) * normalized(bone)
        rows.direct(b, c, bone, person.trust(b, c) * limb)
    wanted, trust = _wrist(fit, side, shoulder, place)
    rows.vector(c, wanted, np.minimum(anchor, trust) * weights.wrist * free)
    _hand_row(rows, fit, side, 1 - free)


def _wrist(fit: Fit, side: str, shoulder: Array, along_bones: Array) -> tuple[Array, Array]:
    """Where the wrist (T, 3) goes, along the bones or straight from the shoulder as far as the elbow is out of view; trust (T,)."""
    person = fit.person
    a, b, c = (f"{side}_{name}" for name in _ARM)
    shown = person.presence(b)
    if (shown == 1).all():
        return along_bones, person.trust(b, c)
    straight = shoulder + fit.arm_scale(side) * (person.point(c) - person.point(a))
    share = shown[:, None]
    wanted = np.where(share > 0, share * along_bones + (1 - share) * straight, straight)
    # The elbow's own confidence counts where its bones do, and its fading has been paid for by `shown`.
    return wanted, np.where(shown > 0, shown * np.minimum(person.confidence(b), person.trust(c)), 0.0) + (1 - shown) * person.trust(c)


def _hand_row(rows: Rows, fit: Fit, side: str, held: Array) -> None:
    segment, weights = f"{side}_hand", fit.weights
    rotation, conditioning = fit.person.orientation(segment)
    if segment in fit.body.link and np.isfinite(rotation).any():
        weight = weights.hand_orientation + held * (weights.held_orientation - weights.hand_orientation)
        rows.orient(segment, rotation, fit.person.trust(f"{side}_wrist") * conditioning * weight)


def _head_row(rows: Rows, fit: Fit) -> None:
    """The head, of a robot that can turn it."""
    if "head" not in fit.body.link:
        return
    person = fit.person
    rotation, conditioning = person.orientation("head")
    if np.isfinite(rotation).any():
        trust = person.trust("head") if person.seen("head") else np.ones(len(conditioning))
        rows.used |= {"head", "head_top"}
        rows.orient("head", rotation, trust * conditioning * fit.weights.head)


def _leg_rows(rows: Rows, fit: Fit, side: str) -> None:
    body, person, weights = fit.body, fit.person, fit.weights
    names = [f"{side}_{name}" for name in ("hip", "knee", "ankle")]
    if not person.seen(*names):
        return
    for a, b in itertools.pairwise(names):
        rows.direct(a, b, person.point(b) - person.point(a), person.trust(a, b) * weights.limb, person.guessed(a))
    segment = f"{side}_foot"
    rotation, conditioning = person.orientation(segment)
    trust = person.trust(f"{side}_ankle")
    ankle = fit.world(person.point(f"{side}_ankle"))
    level = ankle[:, 2] - body.sole_m[side][:, 2].min() - fit.scale * person.ankle_flat_m
    ankle[:, :2] += _stance_offset(fit, side, rotation)
    if segment in body.link and np.isfinite(rotation).any():
        rows.used |= {f"{side}_toe", f"{side}_heel"}
        foot_trust = person.trust(f"{side}_toe", f"{side}_ankle") * conditioning
        rows.orient(segment, rotation, foot_trust * weights.foot_orientation)
        tilted = _ankle_height(fit, side, rotation @ body.link_R_segment[segment].T)
        level = np.where(np.isfinite(tilted), tilted, level)  # where the foot's tilt is unknown it is taken to be flat
    ankle[:, 2] = level
    rows.vector(f"{side}_ankle", ankle, trust * weights.foot)
    if segment in body.link and side in body.sole_m:
        turned = rotation @ body.link_R_segment[segment].T
        _stick_rows(rows, fit, side, ankle[:, None] + body.sole_m[side] @ turned.transpose(0, 2, 1))


def _stick_rows(rows: Rows, fit: Fit, side: str, path: Array) -> None:
    """The corners of the sole where heel or toe stands."""
    contacts = fit.person.stance
    if not any(name.startswith(side) for name in contacts.standing):
        return
    frames = len(path)
    nothing = np.zeros(frames, bool), np.zeros(frames), np.zeros(frames)
    heel, toe = (
        Stance(contacts.standing[name], contacts.strength[name], fit.scale * contacts.level_m[name])
        if (name := f"{side}_{part}") in contacts.standing
        else Stance(*nothing)
        for part in ("heel", "toe")
    )
    sticks = stick_sole(path, heel, toe)
    sole = fit.body.robot.soles[side]
    for corner, (x, y, z) in enumerate(sole.corners_m):
        point = FramePoint(sole.frame, (float(x), float(y), float(z)))
        rows.sticks.append((point, sticks.place_m[:, corner], sticks.strength[:, corner]))


def _stance_offset(fit: Fit, side: str, rotation: Array) -> Array:
    """(T, 2) by how much a robot with wider hips, or soles, sets its foot further out, so that its legs do not close in.

    It goes along the foot's own left, not the pelvis's: while a foot stands it does not turn, so nothing slides.
    """
    line = fit.person.point("left_hip") - fit.person.point("right_hip")
    left = normalized(rotation[:, :2, 1])
    return (1 if side == "left" else -1) * fit.wider_m * np.where(np.isfinite(left), left, normalized(line[:, :2]))


def _ankle_height(fit: Fit, side: str, link_rotation: Array) -> Array:
    """(T,) height of the robot's ankle that puts the lowest point of its sole where the person's lowest point is.

    A robot's foot is longer than the person's scaled one: following the ankle alone would push a tilted sole into
    the floor.
    """
    person = fit.person
    low = np.fmin(person.point(f"{side}_toe")[:, 2], person.point(f"{side}_heel")[:, 2]) - person.floor_m
    sole = np.einsum("tij,pj->tpi", link_rotation, fit.body.sole_m[side])[..., 2]
    return fit.scale * np.maximum(low, 0.0) - sole.min(1)
