"""From pixels to metres: hands of constant bones, placed before the camera so that they look as they were seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion.transform import Array, rotate, so3_exp
from retarget.video.cameras.camera import Camera
from retarget.video.hands.confidence import hand_confidence
from retarget.video.hands.fit_hand import FitSettings, Posture, Seen, fit, pose_costs, posture_points
from retarget.video.hands.hand_size import FINGER_POINTS, PALM_POINTS, HandShape
from retarget.video.hands.tracks import HandTrack
from retarget.video.paths import HandPath

_TURN_RAD = 0.35
"""How far a hand may well turn within a thirtieth of a second."""
_AMBIGUOUS_RAD = 0.35
"""Two readings of a hand that differ by less are the same."""
_CHUNK = 2000
"""Frames taken at once, so that memory does not grow with the clip."""


@dataclass(frozen=True)
class LiftSettings:
    """How hands are placed before the camera.

    Attributes:
        fit: what is weighed against what.
        rounds_n: Gauss-Newton rounds of the whole hand.
        pose_rounds_n: of the palm alone, which come first.
    """

    fit: FitSettings = FitSettings()
    rounds_n: int = 8
    pose_rounds_n: int = 8


def lift_hands(
    tracks: Mapping[str, HandTrack], camera: Camera, shape: HandShape, settings: LiftSettings | None = None
) -> dict[str, HandPath]:
    """Hands in metres in the camera's frame, at the frames where they were seen; nothing is filled or smoothed.

    Args:
        tracks: side -> what the detector saw.
        camera: of the pictures that the tracks belong to.
        shape: size and proportions of the worker's hand, for the whole film.
    """
    settings = settings or LiftSettings()
    return {side: _lift(track, camera, shape, settings) for side, track in tracks.items()}


def _lift(track: HandTrack, camera: Camera, shape: HandShape, settings: LiftSettings) -> HandPath:
    frames = np.flatnonzero(track.seen)
    position = np.full((len(track.time_s), 21, 3), np.nan)
    off_px, margin = np.full((len(track.time_s), 21), np.nan), np.full(len(track.time_s), np.inf)
    for part in np.array_split(frames, max(1, -(-len(frames) // _CHUNK))):
        if len(part):
            position[part], margin[part] = _lift_frames(track, part, camera, shape, settings)
            off_px[part] = np.linalg.norm(camera.project(position[part]) - track.image_px[part], axis=-1)
    confidence = hand_confidence(track.score, track.image_px, off_px, (camera.width_px, camera.height_px), margin)
    return HandPath(
        side=track.side,
        time_s=track.time_s,
        position_m=position,
        image_px=track.image_px,
        confidence=confidence,
        reprojection_px=np.sqrt((off_px**2).mean(1)),
        filled=np.zeros(len(track.time_s), bool),
        length_m=shape.length_m,
        length_is=shape.length_is,
    )


def _lift_frames(track: HandTrack, frames: np.ndarray, camera: Camera, shape: HandShape, settings: LiftSettings) -> tuple[Array, Array]:
    """Points (N, 21, 3) of some frames, and (N,) by how much the reading chosen is better than the other one, in nats."""
    palm = shape.palm_of(track.side)
    flat = camera.flat(track.image_px[frames])
    relative = as_seen(track.relative_m[frames], flat)
    seen = Seen(flat, _hand_in_picture(flat, track.relative_m[frames]), relative)
    told = _told_axes(seen.relative_m[:, PALM_POINTS], palm)
    readings = [_first_guess(seen, shape, palm, axes) for axes in (told, _flipped(told, flat))]
    readings = [fit(seen, reading, palm, shape.bones_m, settings.fit, settings.pose_rounds_n, palm_only=True) for reading in readings]
    costs = np.stack([pose_costs(seen, reading, palm, told, settings.fit) for reading in readings])
    chosen, margin = _steadiest(track.time_s[frames], np.stack([reading.axes for reading in readings]), costs)
    start = _mixed(readings, chosen)
    found = fit(seen, start, palm, shape.bones_m, settings.fit, settings.rounds_n, palm_only=False)
    return posture_points(found, palm, shape.bones_m), margin


def as_seen(relative_m: Array, flat: Array) -> Array:
    """The detector's shapes (N, 21, 3) in the camera's axes.

    A detector cuts the hand out and draws it as if it stood in the middle of the picture: its third axis is the line of sight.
    """
    return rotate(so3_exp(_towards(flat))[:, None], relative_m)


def as_drawn(points_m: Array, flat: Array) -> Array:
    """The inverse: how a detector would draw hands (N, 21, 3) that are given in the camera's axes."""
    return rotate(so3_exp(-_towards(flat))[:, None], points_m)


def _towards(flat: Array) -> Array:
    """Rotation vectors (N, 3) from straight ahead to the middle of the hands (N, 21, 2)."""
    sight = np.concatenate([flat.mean(1), np.ones((len(flat), 1))], axis=1)
    axis = np.cross([0.0, 0.0, 1.0], sight)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    return np.asarray(axis / np.maximum(sine, 1e-9) * np.arctan2(sine, sight[:, 2:]))


def _hand_in_picture(flat: Array, relative_m: Array) -> Array:
    """(N,) one metre of hand in the picture, in units of the plane one metre ahead: the inverse of its rough distance."""
    image, shape = flat - flat.mean(1, keepdims=True), (relative_m - relative_m.mean(1, keepdims=True))[..., :2]
    return np.asarray(np.maximum((image * shape).sum((1, 2)) / np.maximum((shape**2).sum((1, 2)), 1e-12), 0.05))


def _told_axes(relative_m: Array, palm_m: Array) -> Array:
    """(N, 3, 3) how the palm (6, 3) is turned in the detector's own shape (N, 6, 3). Source: Kabsch 1976."""
    cross = np.einsum("nki,kj->nij", relative_m - relative_m.mean(1, keepdims=True), palm_m - palm_m.mean(0))
    u, _, vt = np.linalg.svd(cross)
    u[..., 2] *= np.linalg.det(u @ vt)[:, None]
    return np.asarray(u @ vt)


def _flipped(axes: Array, flat: Array) -> Array:
    """The other way (N, 3, 3) in which a flat palm looks nearly the same: its depth turned about, and its sides with it."""
    sight = np.concatenate([flat[:, PALM_POINTS].mean(1), np.ones((len(flat), 1))], axis=1)
    sight /= np.linalg.norm(sight, axis=1, keepdims=True)
    mirror = np.eye(3) - 2 * sight[:, :, None] * sight[:, None]
    return np.asarray(mirror @ axes @ np.diag([1.0, -1.0, 1.0]))


def _first_guess(seen: Seen, shape: HandShape, palm_m: Array, axes: Array) -> Posture:
    """A posture with the palm turned that way, fingers as the detector drew them, placed by linear least squares."""
    turned = np.einsum("nij,kj->nki", axes, palm_m)
    flat = seen.flat[:, PALM_POINTS]
    ahead = np.zeros((len(flat), len(PALM_POINTS), 2, 3))
    ahead[..., 0, 0] = ahead[..., 1, 1] = 1.0
    ahead[..., 2] = -flat
    wanted = flat * turned[..., 2:] - turned[..., :2]
    normal = np.einsum("nkri,nkrj->nij", ahead, ahead)
    place = np.linalg.solve(normal, np.einsum("nkri,nkr->ni", ahead, wanted)[..., None])[..., 0]
    rough = np.concatenate([flat[:, 0], np.ones((len(flat), 1))], axis=1) / seen.scale[:, None]
    place = np.where((place[:, 2:] > shape.length_m / 2), place, rough)
    bones = np.stack([np.diff(seen.relative_m[:, chain], axis=1) for chain in FINGER_POINTS], axis=1)
    return Posture(axes, place, bones / np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9), axes)


def _steadiest(time_s: Array, axes: Array, costs: Array) -> tuple[np.ndarray, Array]:
    """(N,) which of two readings (2, N, 3, 3), costs (2, N) in nats, over time; and how much worse the other one is.

    Viterbi: a reading pays its own cost and for turning faster than hands do.
    """
    step = np.maximum(np.diff(time_s) * 30.0, 1.0)
    turn = np.stack([[_angle(axes[a, :-1], axes[b, 1:]) for b in (0, 1)] for a in (0, 1)])
    pay = 0.5 * np.minimum((turn / (_TURN_RAD * step)) ** 2, 20.0) / step
    total, back = costs.copy(), np.zeros(costs.shape, int)
    for n in range(1, costs.shape[1]):
        ways = total[:, n - 1, None] + pay[:, :, n - 1]
        back[:, n] = ways.argmin(0)
        total[:, n] = ways.min(0) + costs[:, n]
    chosen = np.zeros(costs.shape[1], int)
    chosen[-1] = total[:, -1].argmin()
    for n in range(costs.shape[1] - 1, 0, -1):
        chosen[n - 1] = back[chosen[n], n]
    here = np.arange(costs.shape[1])
    margin = costs[1 - chosen, here] - costs[chosen, here]
    return chosen, np.where(_angle(axes[0], axes[1]) < _AMBIGUOUS_RAD, np.inf, margin)


def _angle(a: Array, b: Array) -> Array:
    """(N,) angle between rotations (N, 3, 3)."""
    return np.asarray(np.arccos(np.clip((np.einsum("nij,nij->n", a, b) - 1) / 2, -1, 1)))


def _mixed(readings: list[Posture], chosen: np.ndarray) -> Posture:
    def pick(name: str) -> Array:
        both = np.stack([getattr(reading, name) for reading in readings])
        return np.asarray(both[chosen, np.arange(len(chosen))])

    return Posture(pick("axes"), pick("place_m"), pick("bones"), pick("told"))
