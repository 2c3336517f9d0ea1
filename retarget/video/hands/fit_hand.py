"""Postures of hands by least squares: where their points appear, what the detector thinks of their depth, what joints can do.

All frames at once, each by itself. A posture is the pose of the rigid palm and the directions of fifteen bones. Fingers
know only the palm and themselves, so the normal equations are an arrow: five blocks of a finger, and a 6 x 6 rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.transform import Array, matrix_from_wxyz, skew, so3_exp
from retarget.video.hands.hand_size import FINGER_POINTS, PALM_POINTS

_BONE_POINTS = [chain[1:] for chain in FINGER_POINTS]
_STIFFEST = 1e-3
"""Damping of a Gauss-Newton step, as a part of the diagonal."""
_LEAST_DEPTH_M = 0.03
_MOST_TOLD_NATS = 6.0
"""A detector that takes a palm for its back does so for a frame or two: against its neighbours it is overruled."""


@dataclass(frozen=True)
class FitSettings:
    """What is weighed against what; standard deviations unless said otherwise.

    Attributes:
        image_share: of a point in the picture, as a part of the hand's length there.
        wrist_times: how many times more the wrist and the thumb's base stray: they have no edge to be seen by.
        finger_times: the same of points of fingers. They are no worse, but a finger bends to look shorter and cannot stretch to
            look longer, so that errors that spread its points would pull the whole hand nearer.
        robust: deviations from which on a point counts less. Source: Huber 1964.
        told_rad: of the palm's orientation in the detector's shape.
        bone_across, bone_along: of the directions of finger bones there, across the line of sight and along it.
        backward_rad: how far a finger joint bends backward before it is held back.
        joint_rad: how far it gives beyond.
    """

    image_share: float = 0.018
    wrist_times: float = 1.8
    finger_times: float = 1.6
    robust: float = 2.0
    told_rad: float = 0.16
    bone_across: float = 0.2
    bone_along: float = 0.25
    backward_rad: float = 0.15
    joint_rad: float = 0.15


@dataclass(frozen=True)
class Seen:
    """What is known of N frames of one hand.

    Attributes:
        flat: (N, 21, 2) its points on the plane one metre ahead.
        scale: (N,) one metre of hand on that plane.
        relative_m: (N, 21, 3) the detector's shape.
    """

    flat: Array
    scale: Array
    relative_m: Array


@dataclass(frozen=True)
class Posture:
    """N postures of one hand before the camera.

    Attributes:
        axes: (N, 3, 3) the palm's axes.
        place_m: (N, 3) the wrist.
        bones: (N, 5, 3, 3) unit directions of the finger bones, finger by finger from the palm outward.
        told: (N, 3, 3) the palm's axes as the detector tells them.
    """

    axes: Array
    place_m: Array
    bones: Array
    told: Array


def posture_points(posture: Posture, palm_m: Array, bones_m: Array) -> Array:
    """(N, 21, 3) the points of postures."""
    out = np.empty((len(posture.axes), 21, 3))
    out[:, PALM_POINTS] = posture.place_m[:, None] + np.einsum("nij,kj->nki", posture.axes, palm_m)
    reach = np.cumsum(posture.bones * bones_m[..., None], axis=2)
    for finger, chain in enumerate(FINGER_POINTS):
        out[:, chain[1:]] = out[:, chain[:1]] + reach[:, finger]
    return out


def fit(seen: Seen, start: Posture, palm_m: Array, bones_m: Array, settings: FitSettings, rounds_n: int, palm_only: bool) -> Posture:
    """Postures after some Gauss-Newton rounds; of the palm alone, fingers left as they are, or of the whole hand."""
    posture = start
    told_bones = _told_bones(seen)
    for _ in range(rounds_n):
        points = posture_points(posture, palm_m, bones_m)
        look = _looks(seen, points, palm_m, settings)
        base, base_step, arms = _palm_equations(look, posture, palm_m, settings, palm_only)
        if palm_only:
            posture = _stepped(posture, _solved(base, base_step), None)
            continue
        own, own_step, tangent = _finger_equations(look, posture, palm_m, bones_m, told_bones, settings)
        cross = _coupling(look, arms, tangent, bones_m)
        posture = _stepped(posture, *_arrow(base, base_step, own, own_step, cross), tangent)
    return posture


def pose_costs(seen: Seen, posture: Posture, palm_m: Array, told: Array, settings: FitSettings) -> Array:
    """(N,) what the palm's poses cost, in nats: how they look, and how far they turn from what the detector tells."""
    points = posture.place_m[:, None] + np.einsum("nij,kj->nki", posture.axes, palm_m)
    flat = points[..., :2] / np.maximum(points[..., 2:], _LEAST_DEPTH_M)
    off = np.linalg.norm(flat - seen.flat[:, PALM_POINTS], axis=-1) / _deviation(seen, palm_m, settings)[:, PALM_POINTS]
    huber = np.where(off < settings.robust, off**2, settings.robust * (2 * off - settings.robust))
    turned = ((posture.axes - told) ** 2).sum((1, 2)) / (2 * settings.told_rad**2)
    return np.asarray(0.5 * huber.sum(1) + np.minimum(0.5 * turned, _MOST_TOLD_NATS))


@dataclass(frozen=True)
class _Looks:
    """How the points look: residuals (N, 21, 2), and derivatives (N, 21, 2, 3) by the points, both over deviations."""

    off: Array
    slope: Array


def _deviation(seen: Seen, palm_m: Array, settings: FitSettings) -> Array:
    """(N, 21) deviations of the points on the plane one metre ahead."""
    length_m = np.linalg.norm(palm_m[3]) * 2
    points = np.full(21, settings.finger_times)
    points[list(PALM_POINTS)] = 1.0
    points[[0, 1]] = settings.wrist_times
    return np.asarray(settings.image_share * length_m * seen.scale[:, None] * points)


def _looks(seen: Seen, points_m: Array, palm_m: Array, settings: FitSettings) -> _Looks:
    depth = np.maximum(points_m[..., 2:], _LEAST_DEPTH_M)
    flat = points_m[..., :2] / depth
    deviation = _deviation(seen, palm_m, settings)
    off = (flat - seen.flat) / deviation[..., None]
    size = np.linalg.norm(off, axis=-1)
    weight = np.sqrt(np.minimum(1.0, settings.robust / np.maximum(size, 1e-9)))[..., None]
    slope = np.zeros((*points_m.shape[:2], 2, 3))
    slope[..., 0, 0] = slope[..., 1, 1] = 1.0
    slope[..., 2] = -flat
    return _Looks(off * weight, slope * (weight / (depth * deviation[..., None]))[..., None])


def _told_bones(seen: Seen) -> Array:
    bones = np.stack([np.diff(seen.relative_m[:, chain], axis=1) for chain in FINGER_POINTS], axis=1)
    return np.asarray(bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9))


def _palm_equations(look: _Looks, posture: Posture, palm_m: Array, settings: FitSettings, palm_only: bool) -> tuple[Array, Array, Array]:
    """Normal matrix (N, 6, 6) and slope (N, 6) of turn and shift of the palm, and how points (N, 21, 3, 3) move as it turns.

    A turn is a rotation vector in the camera's axes, about the wrist; fingers are carried along without turning.
    """
    carrier = np.empty((21, 3))
    carrier[list(PALM_POINTS)] = palm_m
    for finger, chain in enumerate(FINGER_POINTS):
        carrier[list(chain)] = palm_m[1 + finger]
    arms = -skew(np.einsum("nij,kj->nki", posture.axes, carrier))
    rows = np.concatenate([look.slope @ arms, look.slope], axis=-1)
    points = list(PALM_POINTS) if palm_only else list(range(21))
    rows, off = rows[:, points].reshape(len(rows), -1, 6), look.off[:, points].reshape(len(rows), -1)
    told = -skew(np.swapaxes(posture.axes, 1, 2)).reshape(len(rows), 9, 3) / (np.sqrt(2) * settings.told_rad)
    away = np.swapaxes(posture.axes - posture.told, 1, 2).reshape(len(rows), 9) / (np.sqrt(2) * settings.told_rad)
    normal, slope = np.swapaxes(rows, 1, 2) @ rows, np.einsum("nri,nr->ni", rows, off)
    normal[:, :3, :3] += np.swapaxes(told, 1, 2) @ told
    slope[:, :3] += np.einsum("nri,nr->ni", told, away)
    return normal, slope, arms


def _finger_equations(
    look: _Looks, posture: Posture, palm_m: Array, bones_m: Array, told: Array, settings: FitSettings
) -> tuple[Array, Array, Array]:
    """Normal matrices (N, 5, 6, 6) and slopes (N, 5, 6) of the bones' directions, two angles each, and their tangents (N, 5, 3, 3, 2)."""
    tangent = _tangents(posture.bones)
    count = len(posture.axes)
    rows = _finger_rows(look, tangent, bones_m).reshape(count, 5, 6, 6)
    off = look.off[:, _BONE_POINTS].reshape(count, 5, 6)
    normal, slope = np.swapaxes(rows, -1, -2) @ rows, np.einsum("nfri,nfr->nfi", rows, off)
    stiff = 1 / np.array([settings.bone_across, settings.bone_across, settings.bone_along])
    pull = tangent * stiff[:, None]
    away = (posture.bones - told) * stiff
    for bone in range(3):
        at = slice(2 * bone, 2 * bone + 2)
        normal[:, :, at, at] += np.swapaxes(pull[:, :, bone], -1, -2) @ pull[:, :, bone]
        slope[:, :, at] += np.einsum("nfxi,nfx->nfi", pull[:, :, bone], away[:, :, bone])
    _hold_back(normal, slope, posture, palm_m, tangent, settings)
    return normal, slope, tangent


def _finger_rows(look: _Looks, tangent: Array, bones_m: Array) -> Array:
    """(N, 5, 3, 2, 3, 2): how the three points of a finger look, by the two angles of each of its three bones."""
    slope = look.slope[:, _BONE_POINTS]
    rows = np.zeros((len(slope), 5, 3, 2, 3, 2))
    for point in range(3):
        for bone in range(point + 1):
            rows[:, :, point, :, bone] = slope[:, :, point] @ tangent[:, :, bone] * bones_m[:, bone, None, None]
    return rows


def _hold_back(normal: Array, slope: Array, posture: Posture, palm_m: Array, tangent: Array, settings: FitSettings) -> None:
    """Add, in place, what keeps the joints of the four fingers from bending backward.

    A right hand's fingers bend about its x (`motion.segments`), a left one's about -x.
    """
    hinge = posture.axes[:, None, :, 0] * (1.0 if palm_m[1, 1] >= 0 else -1.0)
    for joint in (1, 2):
        before, bone = posture.bones[:, 1:, joint - 1], posture.bones[:, 1:, joint]
        bend = (np.cross(before, bone) * hinge).sum(-1)
        over = np.minimum(bend + np.sin(settings.backward_rad), 0.0) / settings.joint_rad
        active = (over < 0)[..., None] / settings.joint_rad
        by_bone = np.cross(hinge, before) * active
        by_before = np.cross(bone, hinge) * active
        row = np.zeros((*over.shape, 6))
        row[..., 2 * joint : 2 * joint + 2] = np.einsum("nfx,nfxi->nfi", by_bone, tangent[:, 1:, joint])
        row[..., 2 * joint - 2 : 2 * joint] = np.einsum("nfx,nfxi->nfi", by_before, tangent[:, 1:, joint - 1])
        normal[:, 1:] += row[..., :, None] * row[..., None, :]
        slope[:, 1:] += row * over[..., None]


def _coupling(look: _Looks, arms: Array, tangent: Array, bones_m: Array) -> Array:
    """(N, 5, 6, 6) products of the palm's columns and each finger's."""
    count = len(arms)
    points = _BONE_POINTS
    palm = np.concatenate([look.slope[:, points] @ arms[:, points], look.slope[:, points]], axis=-1).reshape(count, 5, 6, 6)
    return np.asarray(np.swapaxes(palm, -1, -2) @ _finger_rows(look, tangent, bones_m).reshape(count, 5, 6, 6))


def _arrow(base: Array, base_step: Array, own: Array, own_step: Array, cross: Array) -> tuple[Array, Array]:
    """Steps (N, 6) of the palm and (N, 5, 6) of the fingers: fingers are eliminated first."""
    own = _damped(own)
    both = np.linalg.solve(own, np.concatenate([np.swapaxes(cross, -1, -2), own_step[..., None]], axis=-1))
    by_palm, alone = both[..., :6], both[..., 6]
    rest = base - np.einsum("nfij,nfjk->nik", cross, by_palm)
    palm = _solved(rest, base_step - np.einsum("nfij,nfj->ni", cross, alone))
    return palm, -alone - np.einsum("nfij,nj->nfi", by_palm, palm)


def _damped(normal: Array) -> Array:
    diagonal = np.einsum("...ii->...i", normal)
    return np.asarray(normal + _STIFFEST * np.eye(normal.shape[-1]) * (diagonal + 1e-9)[..., None])


def _solved(normal: Array, slope: Array) -> Array:
    return np.asarray(-np.linalg.solve(_damped(normal), slope[..., None])[..., 0])


def _tangents(bones: Array) -> Array:
    """(..., 3, 2) two unit vectors across each direction (..., 3)."""
    least = np.eye(3)[np.abs(bones).argmin(-1)]
    first = np.cross(bones, least)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    return np.stack([first, np.cross(bones, first)], axis=-1)


def _stepped(posture: Posture, palm: Array, fingers: Array | None, tangent: Array | None = None) -> Posture:
    """Postures a step further; a step never turns the palm by more than half a radian, nor halves its distance."""
    turn, shift = palm[:, :3], palm[:, 3:]
    turn = turn * np.minimum(1.0, 0.5 / np.maximum(np.linalg.norm(turn, axis=1, keepdims=True), 1e-9))
    farthest = 0.5 * posture.place_m[:, 2:]
    shift = shift * np.minimum(1.0, farthest / np.maximum(np.linalg.norm(shift, axis=1, keepdims=True), 1e-9))
    axes = matrix_from_wxyz(so3_exp(turn)) @ posture.axes
    bones = posture.bones
    if fingers is not None and tangent is not None:
        step = np.clip(fingers.reshape(*bones.shape[:3], 2), -0.5, 0.5)
        bones = bones + np.einsum("nfbxi,nfbi->nfbx", tangent, step)
        bones = bones / np.linalg.norm(bones, axis=-1, keepdims=True)
    return Posture(axes, posture.place_m + shift, bones, posture.told)
